//! The X accounts that a desk declares: their status, and connecting them by OAuth.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use super::gates::stopped;
use crate::{
    desk::{Account, AccountState, Accounts, ConnectedAccount, Declarations, Tokens, XId},
    settings::Settings,
    store::{Acknowledged, Gap, Hindrance, Key, Store, StoreError},
    x::{XError, client, oauth},
};

/// Status of a declared account.
#[derive(Debug, Serialize)]
pub struct AccountStatus {
    /// Its handle, as declared.
    pub handle: String,
    /// Its id at X, if it was ever connected.
    pub id: Option<XId>,
    /// Its state; `None` if it was never connected.
    #[serde(serialize_with = "state_word")]
    pub state: Option<AccountState>,
    /// When it was connected.
    pub connected: Option<Timestamp>,
    /// Its current problems, and the gaps that nobody has acknowledged.
    pub hindrances: Vec<Hindrance>,
    /// The acknowledged gaps.
    pub acknowledged: Vec<AcknowledgedGap>,
}

/// A gap in the messages of an account, and who acknowledged it.
#[derive(Debug, Clone, Serialize)]
pub struct AcknowledgedGap {
    /// The endpoint.
    pub what: String,
    /// The gap, in words.
    pub reason: String,
    /// When it was acknowledged, and by whom.
    #[serde(flatten)]
    pub acknowledged: Acknowledged,
}

/// Result of connecting an account.
#[derive(Debug)]
pub struct Connected {
    /// Its handle.
    pub handle: String,
    /// Whether it had been connected before.
    pub again: bool,
    /// What the account's declaration needs and its tokens do not grant, one sentence each.
    pub lacks: Vec<String>,
}

/// Why an account cannot be connected. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// `twite.toml` does not declare the account.
    #[error("`{handle}` is not an `[[account]]` in twite.toml; declared accounts: {declared}")]
    Undeclared {
        /// The requested handle.
        handle: String,
        /// The declared handles.
        declared: String,
    },
    /// Another account's tokens are encrypted with a different key, but a daemon uses one key for all.
    #[error(
        "the key in `{variable}` cannot decrypt the tokens of @{handle}: set the key they were encrypted with; if it is lost, \
         `--new-key` accepts this one, and the other accounts have to be connected again with it"
    )]
    OtherKey {
        /// The environment variable that holds the key.
        variable: String,
        /// The other account.
        handle: String,
    },
    /// X's response does not identify the owner of the tokens.
    #[error("X's answer does not say whose tokens these are")]
    Nobody,
    /// The tokens belong to a different account.
    #[error("the tokens belong to @{found}, not to @{declared}: sign out of X, and sign in as @{declared}")]
    SomebodyElse {
        /// Handle of the tokens' owner.
        found: String,
        /// Handle of the declared account.
        declared: String,
    },
    /// X cannot be reached or rejects the tokens.
    #[error(transparent)]
    X(#[from] XError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Status of the declared accounts. Without a store, none is connected.
pub async fn list(
    store: Option<&Store>,
    declared: &Accounts,
    now: Timestamp,
) -> Result<Vec<AccountStatus>, StoreError> {
    let (connected, mut hindrances, gaps, lease) = match store {
        Some(store) => (store.accounts().await?, store.hindrances().await?, store.gaps().await?, store.lease().await?),
        None => (vec![], vec![], vec![], None),
    };
    // Without a daemon, nothing is tried again, and what is being tried now has no next time yet.
    let is_running = lease.is_some_and(|lease| lease.is_held(now));
    for hindrance in &mut hindrances {
        hindrance.next = hindrance.next.filter(|next| is_running && *next > now);
    }
    let status = |declared: &Account| {
        let account = connected.iter().find(|account| account.handle.eq_ignore_ascii_case(&declared.handle));
        let is_its = |id: &XId| account.is_some_and(|account| account.id == *id);
        let acknowledged = gaps.iter().filter(|gap| is_its(&gap.account)).filter_map(|gap| {
            let acknowledged = gap.acknowledged.clone()?;
            Some(AcknowledgedGap { what: gap.endpoint.clone(), reason: gap.line(), acknowledged })
        });
        AccountStatus {
            handle: declared.handle.clone(),
            id: account.map(|account| account.id.clone()),
            state: account.map(|account| account.state),
            connected: account.map(|account| account.connected),
            hindrances: account.map_or(vec![], |account| hindrances_of(account, declared, &hindrances)),
            acknowledged: acknowledged.collect(),
        }
    };
    Ok(declared.iter().map(status).collect())
}

/// The problems of an account, with those that follow from the scopes of its tokens.
fn hindrances_of(account: &ConnectedAccount, declared: &Account, all: &[Hindrance]) -> Vec<Hindrance> {
    let mut found: Vec<_> = all.iter().filter(|hindrance| hindrance.account == account.id).cloned().collect();
    if account.state != AccountState::Connected {
        return found;
    }
    for missing in oauth::missing_scopes(declared, &account.scopes) {
        let what = stopped(&missing);
        found.retain(|hindrance| hindrance.what != what || hindrance.is_gap);
        found.push(Hindrance {
            account: account.id.clone(),
            what: what.to_owned(),
            reason: format!("{missing}; run `twite accounts connect {}`", declared.handle),
            since: None,
            next: None,
            throttled: false,
            is_gap: false,
        });
    }
    found
}

impl AccountStatus {
    /// Whether it is connected and works as it should.
    pub fn works(&self, now: Timestamp) -> bool {
        self.state == Some(AccountState::Connected) && !self.hindrances.iter().any(|hindrance| hindrance.is_fault(now))
    }
}

/// The account with this handle, with or without `@`.
///
/// # Errors
/// [`NotConnected::Undeclared`].
pub fn declared<'a>(accounts: &'a Accounts, handle: &str) -> Result<&'a Account, NotConnected> {
    accounts.get(handle.trim_start_matches('@')).ok_or_else(|| {
        let declared: Vec<_> = accounts.iter().map(|account| format!("`{}`", account.handle)).collect();
        let declared = if declared.is_empty() { "none".to_owned() } else { declared.join(", ") };
        NotConnected::Undeclared { handle: handle.to_owned(), declared }
    })
}

/// Acknowledges the gaps of an account, so that they are no longer listed as hindrances. Returns those that were not
/// acknowledged before, one sentence each.
///
/// # Errors
/// When the store fails; then nothing has changed.
pub async fn acknowledge(
    store: &Store,
    declared: &Account,
    by: &str,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let accounts = store.accounts().await?;
    let connected = accounts.iter().find(|account| account.handle.eq_ignore_ascii_case(&declared.handle));
    let Some(connected) = connected else { return Ok(vec![]) };
    let open = |gap: &Gap| gap.account == connected.id && gap.acknowledged.is_none();
    let gaps: Vec<_> = store.gaps().await?.into_iter().filter(open).collect();
    store.acknowledge_gaps(&connected.id, by, now).await?;
    Ok(gaps.iter().map(|gap| format!("{}: {}", gap.endpoint, gap.line())).collect())
}

/// Checks that the key decrypts the tokens of every other declared account.
///
/// # Errors
/// [`NotConnected::OtherKey`] if it does not; [`NotConnected::Store`].
pub async fn check_key(store: &Store, key: &Key, settings: &Settings, account: &Account) -> Result<(), NotConnected> {
    for other in store.accounts().await? {
        if other.handle.eq_ignore_ascii_case(&account.handle) || settings.accounts.get(&other.handle).is_none() {
            continue;
        }
        match store.tokens(key, &other.id).await {
            Err(StoreError::Key(_)) => {
                return Err(NotConnected::OtherKey { variable: settings.store.key_env.clone(), handle: other.handle });
            }
            tokens => drop(tokens?),
        }
    }
    Ok(())
}

/// Connects or reconnects an account: verifies at X who owns the tokens, and stores them encrypted. After a reconnect,
/// polling continues at the stored position.
pub async fn connect(
    store: &Store,
    key: &Key,
    desk: &Declarations,
    settings: &Settings,
    declared: &Account,
    tokens: &Tokens,
    now: Timestamp,
) -> Result<Connected, NotConnected> {
    let (me, now_at_x) = client::whose(&settings.x, &client::http()?, &tokens.access).await?;
    let (Some(id), Some(handle)) = (me.x_id().cloned(), me.handle) else { return Err(NotConnected::Nobody) };
    if !handle.eq_ignore_ascii_case(&declared.handle) {
        return Err(NotConnected::SomebodyElse { found: handle, declared: declared.handle.clone() });
    }
    let known = store.accounts().await?.into_iter().find(|account| account.id == id);
    let connected = known.as_ref().map_or(now, |known| known.connected);
    // Posts have timestamps by X's clock, which may differ from the local clock.
    let connected_at_x = if known.is_some() { None } else { now_at_x };
    let since = known.as_ref().and_then(|known| known.capture_from).or(connected_at_x).unwrap_or(connected);
    let midnight = |day: Date| day.to_zoned_datetime(desk.hours.zone.clone()).ok().map(|start| start.timestamp());
    let account = ConnectedAccount {
        capture_from: declared.capture_from.map_or(Some(since), midnight),
        scopes: tokens.scopes.clone(),
        ..ConnectedAccount::new(id.clone(), &handle, connected)
    };
    store.connect_with(&account, key, tokens).await?;
    Ok(Connected { handle, again: known.is_some(), lacks: oauth::lacks(declared, tokens) })
}

/// The state as a word; `not connected` for `None`.
pub(crate) fn word(state: Option<AccountState>) -> &'static str {
    state.map_or("not connected", AccountState::as_str)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn state_word<S: serde::Serializer>(state: &Option<AccountState>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*state))
}
