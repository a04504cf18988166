//! Messages to connected accounts that made no ticket: why, and converting them to tickets by hand. Only admins see them.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{App, Intake};
use crate::{
    desk::{Account, AccountState, Accounts, ConnectedAccount, Switch, TicketId, Viewer, XId, normalize, text::fold},
    store::{Store, StoreError, Uncaptured, UncapturedFilter},
};

/// Messages read per statement.
const PAGE: u32 = 500;
/// The maximum number of messages forgotten per transaction.
const MAX_FORGOTTEN: u32 = 500;

/// Why messages are not listed or converted.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    /// The viewer is an agent who is no admin.
    #[error("only an admin sees posts that were not captured, and `{0}` is none")]
    NotAdmin(String),
    /// No such account was ever connected.
    #[error("no account `{0}` is connected; `twite accounts list` lists the accounts")]
    NoSuchAccount(String),
    /// Neither a message that made no ticket nor one on a ticket has this id.
    #[error("no post {0} that was not captured; `twite incoming list` lists them")]
    Unknown(XId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which messages are listed or converted.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// Those to the account with this handle.
    pub account: Option<&'a str>,
    /// Those whose text contains this, or whose author's handle is this, ignoring case.
    pub text: Option<&'a str>,
    /// Those written at this time or later.
    pub since: Option<Timestamp>,
    /// Those written before this time.
    pub until: Option<Timestamp>,
}

/// A message that made no ticket.
#[derive(Debug)]
pub struct NotCapturedPost {
    /// The handle of the account.
    pub account: String,
    /// The message, and why it made none.
    pub message: Uncaptured,
    /// Why it cannot be converted, if so.
    pub refused: Option<NotConverted>,
}

/// A list of messages that made no ticket.
#[derive(Debug)]
pub struct Listed {
    /// The last read first.
    pub posts: Vec<NotCapturedPost>,
    /// How many more there are.
    pub more: usize,
}

/// What became of a message that was to be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// It opened this ticket.
    Opened,
    /// It joined this ticket.
    Joined,
    /// It was on this ticket already.
    Already,
}

/// Why a message is not converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConverted {
    /// No message with this id is kept.
    #[error("no such post is kept")]
    Unknown,
    /// It was deleted at X.
    #[error("it was deleted at X")]
    Deleted,
    /// The account captures such messages by itself.
    #[error("@{handle} captures by itself; set `{switch} = false` first to convert what it left out")]
    Automatic {
        /// The account.
        handle: String,
        /// The switch that says so.
        switch: Switch,
    },
    /// The account is not in use.
    #[error("@{handle} is {}", state.as_str())]
    NotUsed {
        /// The account.
        handle: String,
        /// Its state.
        state: AccountState,
    },
    /// `twite.toml` does not declare the account, or the edition does not allow it.
    #[error("@{0} is not among the accounts of this desk")]
    NotDeclared(String),
    /// The person's ticket takes no further messages.
    #[error("the person's ticket takes no further messages")]
    Full,
}

/// A message that was to be converted, for one account.
#[derive(Debug)]
pub struct Converted {
    /// Its id.
    pub post: XId,
    /// The handle of the account; `None` if the message is unknown.
    pub account: Option<String>,
    /// The ticket, and how it has the message, or why it was not converted.
    pub outcome: Result<(TicketId, Conversion), NotConverted>,
}

/// Lists messages that made no ticket, at most `limit`.
pub async fn list(
    store: &Store,
    accounts: &Accounts,
    viewer: Viewer<'_>,
    asked: &Asked<'_>,
    limit: usize,
) -> Result<Listed, IncomingError> {
    let (mut posts, mut more) = (vec![], 0);
    let connected = store.accounts().await?;
    each(store, &connected, viewer, asked, |message| {
        if posts.len() < limit {
            posts.push(not_captured_post(&connected, accounts, message));
        } else {
            more += 1;
        }
    })
    .await?;
    Ok(Listed { posts, more })
}

/// A message that made no ticket, for each account that it was to.
///
/// # Errors
/// Also if there is none, it was deleted at X, or it is on a ticket of each of these accounts by now.
pub async fn show(
    store: &Store,
    accounts: &Accounts,
    viewer: Viewer<'_>,
    id: &XId,
) -> Result<Vec<NotCapturedPost>, IncomingError> {
    require_admin(viewer)?;
    let connected = store.accounts().await?;
    let mut snapshot = store.snapshot(viewer).await?;
    let mut found = snapshot.uncaptured_post(id).await?;
    let tickets = snapshot.tickets_with(id).await?;
    snapshot.close().await?;
    found.retain(|message| !message.post.deleted && !tickets.iter().any(|(account, _)| *account == message.account));
    if found.is_empty() {
        return Err(IncomingError::Unknown(id.clone()));
    }
    Ok(found.into_iter().map(|message| not_captured_post(&connected, accounts, message)).collect())
}

/// Converts all messages that [`list`] finds, the oldest first, each in a transaction of its own.
///
/// # Errors
/// When the store fails: what was converted before stays so.
pub async fn convert_all(app: &App, viewer: Viewer<'_>, asked: &Asked<'_>) -> Result<Vec<Converted>, IncomingError> {
    let connected = app.store.accounts().await?;
    let mut found = vec![];
    each(&app.store, &connected, viewer, asked, |message| found.push((message.post.id, message.account))).await?;
    found.sort();
    let mut converted = vec![];
    for (post, account) in found {
        converted.push(convert_one(app, viewer, &connected, account, post).await?);
    }
    Ok(converted)
}

/// Converts messages to tickets, the oldest first, each in a transaction of its own: for every account that it was to, or only for
/// the one that is given. The triggers run as they would have when the message was read. What is on a ticket already stays there.
///
/// # Errors
/// When the store fails: what was converted before stays so.
pub async fn convert(
    app: &App,
    viewer: Viewer<'_>,
    ids: &[XId],
    account: Option<&str>,
) -> Result<Vec<Converted>, IncomingError> {
    require_admin(viewer)?;
    let connected = app.store.accounts().await?;
    let only = account.map(|handle| id_of(&connected, handle)).transpose()?;
    let mut ids = ids.to_vec();
    ids.sort();
    ids.dedup();
    let mut converted = vec![];
    for id in ids {
        let mut snapshot = app.store.snapshot(viewer).await?;
        let kept = snapshot.uncaptured_post(&id).await?;
        let mut tickets = snapshot.tickets_with(&id).await?;
        snapshot.close().await?;
        // What is kept no longer, or was captured, may be on a ticket.
        tickets.retain(|(account, _)| !kept.iter().any(|kept| kept.account == *account));
        let is_asked = |account: &XId| only.is_none_or(|only| only == account);
        let before = converted.len();
        for (account, ticket) in tickets.into_iter().filter(|(account, _)| is_asked(account)) {
            let account = handle_of(&connected, &account);
            converted.push(Converted { post: id.clone(), account, outcome: Ok((ticket, Conversion::Already)) });
        }
        for Uncaptured { account, post, .. } in kept.into_iter().filter(|kept| is_asked(&kept.account)) {
            converted.push(convert_one(app, viewer, &connected, account, post.id).await?);
        }
        if converted.len() == before {
            converted.push(Converted { post: id, account: None, outcome: Err(NotConverted::Unknown) });
        }
    }
    Ok(converted)
}

async fn convert_one(
    app: &App,
    viewer: Viewer<'_>,
    connected: &[ConnectedAccount],
    account: XId,
    post: XId,
) -> Result<Converted, StoreError> {
    let mut intake = Intake { unit: app.begin().await?, accounts: connected, by: viewer.actor() };
    let outcome = Box::pin(intake.convert_kept(&account, &post)).await?;
    match outcome {
        Ok((_, Conversion::Opened | Conversion::Joined)) => intake.unit.commit().await?,
        Ok((_, Conversion::Already)) | Err(_) => intake.unit.roll_back().await?,
    }
    Ok(Converted { post, account: handle_of(connected, &account), outcome })
}

impl Intake<'_> {
    async fn convert_kept(
        &mut self,
        id: &XId,
        post: &XId,
    ) -> Result<Result<(TicketId, Conversion), NotConverted>, StoreError> {
        if let Some(ticket) = self.unit.tx.ticket_with(id, post).await? {
            return Ok(Ok((ticket, Conversion::Already)));
        }
        let Some(kept) = self.unit.tx.uncaptured(id, post).await? else { return Ok(Err(NotConverted::Unknown)) };
        let settings = self.unit.settings.clone();
        let (account, settings) = match convertible(self.accounts, &settings.accounts, &kept) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        // As far as the daemon has come: it may be stopped, and messages of that time unread.
        let evaluated = self.unit.evaluated().await?;
        let now = self.unit.now();
        Box::pin(self.unit.end_volumes(evaluated.min(now))).await?;
        let before = self.unit.tx.tickets_of(&kept.post.conversation, &kept.post.author.clone().into()).await?;
        self.convert(account, settings, kept).await?;
        let Some(ticket) = self.unit.tx.ticket_with(id, post).await? else { return Ok(Err(NotConverted::Full)) };
        let was_there = before.iter().any(|(_, head)| head.id == ticket);
        Ok(Ok((ticket, if was_there { Conversion::Joined } else { Conversion::Opened })))
    }
}

/// The account for which a message can be converted, with its settings.
fn convertible<'a>(
    connected: &'a [ConnectedAccount],
    accounts: &'a Accounts,
    message: &Uncaptured,
) -> Result<(&'a ConnectedAccount, &'a Account), NotConverted> {
    let account = connected.iter().find(|account| account.id == message.account).ok_or(NotConverted::Unknown)?;
    let handle = || account.handle.clone();
    if matches!(account.state, AccountState::Deactivated | AccountState::Unlinked) {
        return Err(NotConverted::NotUsed { handle: handle(), state: account.state });
    }
    let settings = accounts.get(&account.handle).ok_or_else(|| NotConverted::NotDeclared(handle()))?;
    let switch =
        if message.post.direct_with.is_some() { Switch::CaptureDirectMessages } else { Switch::CaptureMentions };
    if settings.switch(switch) {
        return Err(NotConverted::Automatic { handle: handle(), switch });
    }
    if message.post.deleted {
        return Err(NotConverted::Deleted);
    }
    Ok((account, settings))
}

/// Passes each message that is asked for to a function, the last read first.
async fn each(
    store: &Store,
    connected: &[ConnectedAccount],
    viewer: Viewer<'_>,
    asked: &Asked<'_>,
    mut with: impl FnMut(Uncaptured),
) -> Result<(), IncomingError> {
    require_admin(viewer)?;
    let account = asked.account.map(|handle| id_of(connected, handle)).transpose()?.cloned();
    let filter = UncapturedFilter { account, since: asked.since, until: asked.until };
    let text = asked.text.map(fold);
    let matches = |message: &Uncaptured| match &text {
        None => true,
        Some(text) => {
            let author = message.author.as_deref().unwrap_or_default();
            fold(&message.post.text).contains(&**text) || fold(author) == text.trim_start_matches('@')
        }
    };
    let mut snapshot = store.snapshot(viewer).await?;
    let mut last = None;
    loop {
        let page = snapshot.uncaptured(&filter, last.as_ref(), PAGE).await?;
        last = page.last().cloned();
        let is_last = page.len() < PAGE as usize;
        page.into_iter().filter(matches).for_each(&mut with);
        if is_last {
            break;
        }
    }
    snapshot.close().await?;
    Ok(())
}

fn not_captured_post(connected: &[ConnectedAccount], accounts: &Accounts, message: Uncaptured) -> NotCapturedPost {
    NotCapturedPost {
        account: handle_of(connected, &message.account).unwrap_or_else(|| message.account.to_string()),
        refused: convertible(connected, accounts, &message).err(),
        message,
    }
}

fn require_admin(viewer: Viewer<'_>) -> Result<(), IncomingError> {
    match viewer.as_agent() {
        Some(agent) if !agent.admin => Err(IncomingError::NotAdmin(agent.name.clone())),
        _ => Ok(()),
    }
}

fn id_of<'c>(connected: &'c [ConnectedAccount], handle: &str) -> Result<&'c XId, IncomingError> {
    let bare = normalize::handle(handle);
    let found = connected.iter().find(|account| account.handle.eq_ignore_ascii_case(&bare));
    found.map(|account| &account.id).ok_or_else(|| IncomingError::NoSuchAccount(handle.to_owned()))
}

fn handle_of(connected: &[ConnectedAccount], id: &XId) -> Option<String> {
    connected.iter().find(|account| account.id == *id).map(|account| account.handle.clone())
}

impl App {
    /// Forgets messages that made no ticket and are older than `incoming_days`, with their posts where nothing else needs them:
    /// as many as one transaction takes.
    pub(crate) async fn forget_uncaptured(&self, now: Timestamp) -> Result<(), StoreError> {
        let kept = SignedDuration::from_hours(24 * i64::from(self.settings().store.incoming_days));
        let before = now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
        // Checked first without the write lock.
        if self.store.oldest_uncaptured().await?.is_some_and(|oldest| oldest < before) {
            let mut tx = self.store.begin().await?;
            tx.forget_uncaptured(before, MAX_FORGOTTEN).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
