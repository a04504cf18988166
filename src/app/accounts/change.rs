//! Changing connected accounts: their switches, and whether they are used.

use jiff::Timestamp;

use crate::{
    desk::{
        Account, AccountState, Accounts, Actor, ConnectedAccount, StoredAccounts, StoredSwitch, Switch, XId,
        declarations::Edition, effective, sum,
    },
    store::{GRANT, Key, Pause, Store, StoreError},
    x::oauth::App,
};

/// Why an account is not changed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// `twite.toml` owns the switch.
    #[error("`{switch}` of @{handle} is set in twite.toml:{line}; change it there")]
    Locked {
        /// The switch.
        switch: Switch,
        /// The account.
        handle: String,
        /// The line, from 1.
        line: usize,
    },
    /// The accounts would exceed a limit.
    #[error("not changed: {0}")]
    Limit(String),
    /// The account was never connected, or is unlinked.
    #[error("@{handle} is not connected; run `twite accounts add {handle}`")]
    NotConnected {
        /// The account.
        handle: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A switch that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The account.
    pub handle: String,
    /// The switch.
    pub switch: Switch,
    /// Whether it is on now.
    pub on: bool,
}

/// Sets switches of an account in the store. Making it the default account ends that of another, where the store owns
/// that. Returns what has changed, which may be nothing. A running daemon follows within seconds.
pub async fn set(
    store: &Store,
    (declared, edition): (&Accounts, Edition),
    handle: &str,
    switches: &[(Switch, bool)],
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Changed>, NotChanged> {
    let mut tx = store.begin().await?;
    let before = tx.stored_accounts().await?;
    let account = before.linked(handle).ok_or_else(|| NotChanged::NotConnected { handle: handle.to_owned() })?;
    let was = effective(declared, edition, &before);
    let mut sets = vec![];
    for (switch, on) in switches {
        if let Some(line) = declared.get(&account.handle).and_then(|declared| declared.line_of(*switch)) {
            return Err(NotChanged::Locked { switch: *switch, handle: account.handle.clone(), line });
        }
        let set =
            |account: &XId, on| StoredSwitch { account: account.clone(), switch: *switch, on, by: by.clone(), at: now };
        if (*switch, *on) == (Switch::Default, true) {
            let others = before.connected.iter().filter(|other| other.id != account.id);
            for other in others.filter(|other| before.stored(&other.id, *switch).is_some_and(|stored| stored.on)) {
                sets.push(set(&other.id, false));
            }
        }
        sets.push(set(&account.id, *on));
    }
    let with = |mut stored: StoredAccounts| {
        for set in &sets {
            stored.set(set.clone());
        }
        stored
    };
    let accounts = sum(declared, edition, &with(was.stored.clone()));
    if let Some(new) = was.new_breach(edition, &accounts) {
        return Err(NotChanged::Limit(new.describe(edition, &accounts)));
    }
    // What was without effect so far may have one now.
    let after = with(before.clone());
    for set in after.switches.iter().filter(|set| !before.switches.contains(set)) {
        tx.set_switch(set).await?;
    }
    tx.commit().await?;
    let accounts = effective(declared, edition, &after).accounts;
    let changed = |account: &Account| {
        let was = was.accounts.get(&account.handle)?;
        let changed = Switch::ALL.iter().filter(|switch| account.switch(**switch) != was.switch(**switch));
        Some(changed.map(|switch| (account.handle.clone(), *switch, account.switch(*switch))).collect::<Vec<_>>())
    };
    let changed = accounts.iter().filter_map(changed).flatten();
    Ok(changed.map(|(handle, switch, on)| Changed { handle, switch, on }).collect())
}

/// Switches an account off: it receives and sends nothing, and what it was to send waits. Returns whether it was on.
pub async fn deactivate(store: &Store, handle: &str, by: &Actor, now: Timestamp) -> Result<bool, NotChanged> {
    let mut tx = store.begin().await?;
    let account = linked(&tx.stored_accounts().await?, handle)?;
    let was_on = account.state != AccountState::Deactivated;
    if was_on {
        tx.set_account_state(&account.id, AccountState::Deactivated, by, now).await?;
        tx.commit().await?;
    }
    Ok(was_on)
}

/// Switches an account on again: it continues where it stopped. Returns its state now, and whether that has changed: an
/// account whose authorisation has ended is unauthorised.
pub async fn activate(
    store: &Store,
    handle: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<(AccountState, bool), NotChanged> {
    let mut tx = store.begin().await?;
    let account = linked(&tx.stored_accounts().await?, handle)?;
    if account.state != AccountState::Deactivated {
        return Ok((account.state, false));
    }
    // Signing in again makes its pauses due at once.
    let is_lasting = |pause: &Pause| pause.what == GRANT && pause.retry_at > pause.since;
    let has_ended = store.pauses().await?.iter().any(|pause| pause.account == account.id && is_lasting(pause));
    let state = if has_ended { AccountState::Unauthorised } else { AccountState::Connected };
    tx.set_account_state(&account.id, state, by, now).await?;
    tx.commit().await?;
    Ok((state, true))
}

/// What became of the tokens of an unlinked account at X.
#[derive(Debug)]
pub enum Revoked {
    /// There were none.
    None,
    /// X revoked them.
    Done,
    /// They may still be valid at X; here, they are deleted.
    Failed(String),
}

/// Unlinks an account: its tokens are revoked at X, and deleted with its switches. Its tickets stay. `None` if it was
/// unlinked already.
pub async fn unlink(
    store: &Store,
    (key, app): (Option<&Key>, Option<&App>),
    handle: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<Option<Revoked>, NotChanged> {
    let mut tx = store.begin().await?;
    let stored = tx.stored_accounts().await?;
    let account = stored.called(handle).ok_or_else(|| NotChanged::NotConnected { handle: handle.to_owned() })?;
    if account.state == AccountState::Unlinked {
        return Ok(None);
    }
    // Once they are deleted, nobody can revoke them.
    let tokens = match key {
        Some(key) => tx.tokens(key, &account.id).await,
        None => Err(StoreError::Key("the key that encrypts them is not set".to_owned())),
    };
    let tokens = match tokens {
        Err(StoreError::Key(why)) => Err(why),
        tokens => Ok(tokens?),
    };
    tx.unlink(&account.id, by, now).await?;
    tx.commit().await?;
    Ok(Some(match (tokens, app) {
        (Ok(None), _) => Revoked::None,
        (Ok(Some(tokens)), Some(app)) => match app.revoke(&tokens).await {
            Ok(()) => Revoked::Done,
            Err(error) => Revoked::Failed(error.to_string()),
        },
        (Ok(Some(_)), None) => Revoked::Failed("X cannot be asked".to_owned()),
        (Err(why), _) => Revoked::Failed(why),
    }))
}

fn linked(stored: &StoredAccounts, handle: &str) -> Result<ConnectedAccount, NotChanged> {
    stored.linked(handle).cloned().ok_or_else(|| NotChanged::NotConnected { handle: handle.to_owned() })
}
