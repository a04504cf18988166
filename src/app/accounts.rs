//! The accounts of X that a desk declares: how they stand, and connecting them.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::{
    desk::{Account, Accounts, Declarations, Tokens, XId},
    settings::Settings,
    store::{AccountState, ConnectedAccount, Hindrance, Key, Store, StoreError},
    x::{XError, client, oauth},
};

/// A declared account, and how it stands.
#[derive(Debug, Serialize)]
pub struct AccountStatus {
    /// Its handle, as declared.
    pub handle: String,
    /// Its id, once it was connected.
    pub id: Option<XId>,
    /// Its state; nothing where it was never connected.
    #[serde(serialize_with = "state_word")]
    pub state: Option<AccountState>,
    /// Since when it is connected.
    pub connected: Option<Timestamp>,
    /// What of it does not work.
    pub hindrances: Vec<Hindrance>,
}

/// An account that was connected.
#[derive(Debug)]
pub struct Connected {
    /// Its handle.
    pub handle: String,
    /// Whether it had been before.
    pub again: bool,
    /// What its tokens cannot do of what is declared, a sentence each.
    pub lacks: Vec<String>,
}

/// Why an account cannot be connected. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// The desk does not declare it.
    #[error("`{handle}` is not an `[[account]]` in twite.toml; declared accounts: {declared}")]
    Undeclared {
        /// The handle that was given.
        handle: String,
        /// Those that are declared.
        declared: String,
    },
    /// Tokens of another account are sealed with another key, and a daemon has one key.
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
    /// X names nobody.
    #[error("X's answer does not say whose tokens these are")]
    Nobody,
    /// Somebody else is signed in at X.
    #[error("the tokens belong to @{found}, not to @{declared}: sign out of X, and sign in as @{declared}")]
    SomebodyElse {
        /// Whose tokens they are.
        found: String,
        /// Whose they must be.
        declared: String,
    },
    /// X cannot be asked, or refuses the tokens.
    #[error(transparent)]
    X(#[from] XError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The declared accounts and how they stand; without a store, none is connected.
pub async fn list(store: Option<&Store>, declared: &Accounts) -> Result<Vec<AccountStatus>, StoreError> {
    let (connected, hindrances) = match store {
        Some(store) => (store.accounts().await?, store.hindrances().await?),
        None => (vec![], vec![]),
    };
    let status = |declared: &Account| {
        let account = connected.iter().find(|account| account.handle.eq_ignore_ascii_case(&declared.handle));
        let hinders = |hindrance: &&Hindrance| account.is_some_and(|account| account.id == hindrance.account);
        AccountStatus {
            handle: declared.handle.clone(),
            id: account.map(|account| account.id.clone()),
            state: account.map(|account| account.state),
            connected: account.map(|account| account.connected),
            hindrances: hindrances.iter().filter(hinders).cloned().collect(),
        }
    };
    Ok(declared.iter().map(status).collect())
}

impl AccountStatus {
    /// Whether it is connected and nothing of it stands still. What may have been missed is over.
    pub fn works(&self) -> bool {
        self.state == Some(AccountState::Connected) && self.hindrances.iter().all(|hindrance| hindrance.since.is_none())
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

/// Refuses a key that does not open the tokens of every other declared account.
///
/// # Errors
/// [`NotConnected::OtherKey`], or that the store failed.
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

/// Connects an account, or connects it again: asks X whose the tokens are, and keeps them, sealed with the key. Reading goes
/// on where it stopped.
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
    let (Some(id), Some(handle)) = (me.id, me.handle) else { return Err(NotConnected::Nobody) };
    if !handle.eq_ignore_ascii_case(&declared.handle) {
        return Err(NotConnected::SomebodyElse { found: handle, declared: declared.handle.clone() });
    }
    let known = store.accounts().await?.into_iter().find(|account| account.id == id);
    let connected = known.as_ref().map_or(now, |known| known.connected);
    // Posts bear X's time, and our clock may be another.
    let connected_at_x = if known.is_some() { None } else { now_at_x };
    let since = known.as_ref().and_then(|known| known.capture_from).or(connected_at_x).unwrap_or(connected);
    let midnight = |day: Date| day.to_zoned_datetime(desk.hours.zone.clone()).ok().map(|start| start.timestamp());
    let account = ConnectedAccount {
        id: id.clone(),
        handle: handle.clone(),
        state: AccountState::Connected,
        connected,
        capture_from: declared.capture_from.map_or(Some(since), midnight),
    };
    store.connect(&account).await?;
    store.save_tokens(key, &id, tokens).await?;
    Ok(Connected { handle, again: known.is_some(), lacks: oauth::lacks(declared, tokens) })
}

/// `not connected`, or the word for the state.
pub(crate) fn word(state: Option<AccountState>) -> &'static str {
    state.map_or("not connected", AccountState::as_str)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn state_word<S: serde::Serializer>(state: &Option<AccountState>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*state))
}
