//! Connecting accounts by OAuth: whose tokens they are, and whether the desk may have the account.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    desk::{
        Account, AccountState, Accounts, Actor, ConnectedAccount, Declarations, Person, StoredAccounts, Tokens, XId,
        effective,
    },
    settings::XSettings,
    store::{Key, Store, StoreError, Tx},
    x::{XError, client, oauth},
};

/// Which account is to be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// One that is not connected: that with this handle, or whichever signs in.
    New(Option<&'a str>),
    /// One that is connected, with new tokens.
    Again(&'a ConnectedAccount),
}

/// What is known of a desk's accounts before one is connected.
#[derive(Debug, Clone, Copy)]
pub struct Connecting<'a> {
    /// The store.
    pub store: &'a Store,
    /// The key that encrypts tokens.
    pub key: &'a Key,
    /// The declarations.
    pub desk: &'a Declarations,
    /// The accounts that `twite.toml` declares.
    pub declared: &'a Accounts,
}

/// Result of connecting an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// The handle by which `twite.toml` and rules call it.
    pub handle: String,
    /// The handle at X, if it differs.
    pub handle_at_x: Option<String>,
    /// Whether it had been connected before.
    pub again: bool,
    /// Whether `twite.toml` declares it.
    pub is_declared: bool,
    /// Whether it is deactivated, and stays so.
    pub is_deactivated: bool,
    /// What the account's switches need and its tokens do not grant, one sentence each.
    pub lacks: Vec<String>,
}

/// Why an account cannot be connected. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// It is connected already.
    #[error("@{handle} is {state} already; `twite accounts reauthorise {handle}` signs in again")]
    Already {
        /// The handle.
        handle: String,
        /// Its state.
        state: AccountState,
    },
    /// The desk would exceed a limit.
    #[error("@{handle} cannot be added: {why}")]
    Limit {
        /// The handle.
        handle: String,
        /// The limit.
        why: String,
    },
    /// Another account's tokens are encrypted with a different key, but a daemon uses one key for all.
    #[error(
        "the key in `{variable}` cannot decrypt the tokens of @{handle}: set the key they were encrypted with; if it is lost, \
         `--new-key` accepts this one, and the other accounts have to be reauthorised with it"
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
    #[error("the tokens belong to @{found}, not to @{wanted}: sign out of X, and sign in as @{wanted}")]
    SomebodyElse {
        /// Handle of the tokens' owner.
        found: String,
        /// Handle of the wanted account.
        wanted: String,
    },
    /// Somebody unlinked it meanwhile.
    #[error("@{handle} was unlinked meanwhile; `twite accounts add {handle}` connects it")]
    Unlinked {
        /// The handle.
        handle: String,
    },
    /// Somebody else has the handle of a connected account now.
    #[error(
        "@{handle} belongs to another X user now ({found}) than the one that is connected as @{handle} ({known}), whose tickets \
         it does not get; if that account is gone, run `twite accounts unlink {handle}` and then `twite accounts add {handle}`"
    )]
    TakenOver {
        /// The handle.
        handle: String,
        /// The id of who has it now.
        found: XId,
        /// The id of the connected account.
        known: XId,
    },
    /// X cannot be reached or rejects the tokens.
    #[error(transparent)]
    X(#[from] XError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Connecting<'_> {
    /// Checks what can be known before somebody signs in: whether the account is connected already, whether the desk may have
    /// it, and, if `variable` names the environment variable of the key, that the key decrypts the tokens of every other
    /// account.
    pub async fn check(&self, wanted: Wanted<'_>, variable: Option<&str>) -> Result<(), NotConnected> {
        let stored = stored_accounts(self.store, self.declared).await?;
        let id = match wanted {
            Wanted::Again(account) => Some(&account.id),
            Wanted::New(None) => None,
            Wanted::New(Some(handle)) => {
                match stored.called(handle) {
                    Some(account) if account.state == AccountState::Unlinked => {}
                    Some(ConnectedAccount { handle, state, .. }) => {
                        return Err(NotConnected::Already { handle: handle.clone(), state: *state });
                    }
                    None => {}
                }
                self.check_limits(&stored, handle)?;
                stored.called(handle).map(|account| &account.id)
            }
        };
        let Some(variable) = variable else { return Ok(()) };
        for other in stored.connected.iter().filter(|other| Some(&other.id) != id) {
            if !other.added && self.declared.get(&other.handle).is_none() {
                continue;
            }
            match self.store.tokens(self.key, &other.id).await {
                Err(StoreError::Key(_)) => {
                    let (variable, handle) = (variable.to_owned(), other.handle.clone());
                    return Err(NotConnected::OtherKey { variable, handle });
                }
                tokens => drop(tokens?),
            }
        }
        Ok(())
    }

    /// Checks that the desk may have a new account with this handle, beside those it has.
    fn check_limits(&self, stored: &StoredAccounts, handle: &str) -> Result<(), NotConnected> {
        let edition = self.desk.edition;
        let before = effective(self.declared, edition, stored);
        let mut accounts = before.accounts.clone();
        if accounts.get(handle).is_none() {
            accounts.0.push(Account::undeclared(handle, edition));
        }
        before.new_breach(edition, &accounts).map_or(Ok(()), |new| {
            Err(NotConnected::Limit { handle: handle.to_owned(), why: new.describe(edition, &accounts) })
        })
    }

    /// Connects or reconnects an account: asks X who owns the tokens, and stores them encrypted. Polling then continues at
    /// the stored position.
    pub async fn connect(
        &self,
        x: &XSettings,
        wanted: Wanted<'_>,
        tokens: &Tokens,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Connected, NotConnected> {
        let (me, now_at_x) = client::whose(x, &client::http()?, &tokens.access).await?;
        let (Some(id), Some(at_x)) = (me.x_id().cloned(), me.handle.clone()) else { return Err(NotConnected::Nobody) };
        let mut tx = self.store.begin().await?;
        let stored = tx.stored_accounts().await?;
        let known = stored.connected.iter().find(|account| account.id == id);
        let linked = known.filter(|account| account.state != AccountState::Unlinked);
        // A linked account keeps what it is called, unless `twite.toml` has the handle that X shows, and no other linked
        // account does.
        let is_free = stored.linked(&at_x).is_none();
        let is_renamed = is_free && linked.is_some_and(|linked| adopts(self.declared, linked, &at_x));
        let handle = linked.filter(|_| !is_renamed).map_or_else(|| at_x.clone(), |linked| linked.handle.clone());
        check_owner(&stored, wanted, (&id, &at_x), linked.filter(|_| !is_renamed))?;
        let connected = known.map_or(now, |known| known.connected);
        // Posts have timestamps by X's clock, which may differ from the local clock.
        let connected_at_x = if linked.is_some() { None } else { Some(now_at_x.unwrap_or(now)) };
        let since = linked.and_then(|known| known.capture_from).or(connected_at_x).unwrap_or(connected);
        let midnight =
            |day: Date| day.to_zoned_datetime(self.desk.hours.zone.clone()).ok().map(|start| start.timestamp());
        let capture_from = self.declared.get(&handle).and_then(|declared| declared.capture_from);
        let is_deactivated = linked.is_some_and(|known| known.state == AccountState::Deactivated);
        let account = ConnectedAccount {
            capture_from: capture_from.map_or(Some(since), midnight),
            scopes: tokens.scopes.clone(),
            added: linked.is_some_and(|known| known.added) || self.declared.get(&handle).is_none(),
            state: if is_deactivated { AccountState::Deactivated } else { AccountState::Connected },
            state_set: linked
                .filter(|_| is_deactivated)
                .map_or(Some((by.clone(), now)), |known| known.state_set.clone()),
            ..ConnectedAccount::new(id.clone(), &handle, connected)
        };
        if linked.is_none() {
            self.check_limits(&stored, &handle)?;
        }
        match known {
            Some(known) => call(&mut tx, &stored, known, &handle).await?,
            None => make_way(&mut tx, &stored, &id, &handle).await?,
        }
        tx.see(&Person { id: me.id, handle: me.handle, ..Person::default() }, now).await?;
        tx.connect(&account).await?;
        tx.save_tokens(self.key, &id, tokens).await?;
        let stored = tx.stored_accounts().await?;
        tx.commit().await?;
        let settings = effective(self.declared, self.desk.edition, &stored).accounts;
        Ok(Connected {
            lacks: settings.get(&handle).map(|account| oauth::lacks(account, tokens)).unwrap_or_default(),
            handle_at_x: Some(at_x).filter(|at_x| !at_x.eq_ignore_ascii_case(&handle)),
            again: known.is_some(),
            is_declared: self.declared.get(&handle).is_some(),
            is_deactivated,
            handle,
        })
    }
}

/// Checks that the account that signed in is the one that was wanted.
fn check_owner(
    stored: &StoredAccounts,
    wanted: Wanted<'_>,
    (id, handle): (&XId, &String),
    linked: Option<&ConnectedAccount>,
) -> Result<(), NotConnected> {
    let somebody_else = |wanted: &str| NotConnected::SomebodyElse { found: handle.clone(), wanted: wanted.to_owned() };
    let taken_over = |known: &ConnectedAccount| NotConnected::TakenOver {
        handle: handle.clone(),
        found: id.clone(),
        known: known.id.clone(),
    };
    match (wanted, linked) {
        (Wanted::Again(account), _) if account.id == *id => {
            let is_linked = stored.connected.iter().any(|now| now.id == *id && now.state != AccountState::Unlinked);
            is_linked.then_some(()).ok_or_else(|| NotConnected::Unlinked { handle: account.handle.clone() })
        }
        (Wanted::Again(account), _) if account.handle.eq_ignore_ascii_case(handle) => Err(taken_over(account)),
        (Wanted::Again(account), _) => Err(somebody_else(&account.handle)),
        (Wanted::New(Some(wanted)), _) if !handle.eq_ignore_ascii_case(wanted.trim_start_matches('@')) => {
            Err(somebody_else(wanted))
        }
        (Wanted::New(_), Some(linked)) => {
            Err(NotConnected::Already { handle: linked.handle.clone(), state: linked.state })
        }
        (Wanted::New(_), None) => {
            let other = stored.linked(handle).filter(|other| other.id != *id);
            other.map_or(Ok(()), |other| Err(taken_over(other)))
        }
    }
}

/// What is stored of accounts. Those that were renamed at X are called by their new handles from now on, if `twite.toml`
/// declares these and no longer the old ones; so are they on their tickets.
pub(crate) async fn stored_accounts(store: &Store, declared: &Accounts) -> Result<StoredAccounts, StoreError> {
    let mut stored = store.stored_accounts().await?;
    for index in 0..stored.connected.len() {
        let Some(account) = stored.connected.get(index) else { break };
        let Some(at_x) = account.handle_at_x.as_deref().and_then(|at_x| declared.get(at_x)) else { continue };
        let is_free = stored.linked(&at_x.handle).is_none();
        if account.state != AccountState::Unlinked && is_free && adopts(declared, account, &at_x.handle) {
            let mut tx = store.begin().await?;
            call(&mut tx, &stored, account, &at_x.handle).await?;
            stored = tx.stored_accounts().await?;
            tx.commit().await?;
        }
    }
    Ok(stored)
}

/// Calls an account by another handle. An unlinked account that was called so gives way.
async fn call(
    tx: &mut Tx,
    stored: &StoredAccounts,
    account: &ConnectedAccount,
    handle: &str,
) -> Result<(), StoreError> {
    make_way(tx, stored, &account.id, handle).await?;
    if account.handle == handle { Ok(()) } else { tx.rename_account(account, handle).await }
}

/// Takes a handle from an unlinked account, for the account with this id.
async fn make_way(tx: &mut Tx, stored: &StoredAccounts, id: &XId, handle: &str) -> Result<(), StoreError> {
    let Some(other) = stored.called(handle).filter(|other| other.id != *id) else { return Ok(()) };
    let instead = other.handle_at_x.clone().unwrap_or_else(|| other.id.to_string());
    tx.rename_account(other, &instead).await
}

/// Whether `twite.toml` declares an account by the handle that X shows, and not by what it is called.
fn adopts(declared: &Accounts, account: &ConnectedAccount, at_x: &str) -> bool {
    declared.get(at_x).is_some() && declared.get(&account.handle).is_none()
}
