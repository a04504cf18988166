//! Blocked destinations: an account that is not connected, or whose sending is paused, and whatever failed a moment ago.

use jiff::Timestamp;

use crate::{
    desk::{Account, AccountState, Accounts, ConnectedAccount, Destination, XAction},
    store::{Failing, GRANT, Pause, SEND_ACTIONS, SEND_MESSAGES, SEND_POSTS, Store, StoreError, sending},
    x::{
        oauth::{MissingScope, missing_scopes},
        transport::poll::Endpoint,
    },
};

/// A destination that is blocked for now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Held {
    /// When sending resumes. `None` if a person has to act first.
    pub until: Option<Timestamp>,
    /// The reason, and the remedy.
    pub reason: String,
}

/// The accounts and their pauses, and the destinations that fail.
#[derive(Debug)]
pub struct Gates {
    accounts: Vec<ConnectedAccount>,
    pauses: Vec<Pause>,
    failing: Vec<Failing>,
}

impl Gates {
    /// Loads the current state.
    pub async fn of(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let mut failing = store.failing().await?;
        // What is to be tried again is open.
        failing.retain(|failing| failing.retry_at > now);
        Ok(Self { accounts: store.accounts().await?, pauses: store.pauses().await?, failing })
    }

    /// Why a destination is blocked; `None` if it is open.
    pub fn held(&self, accounts: &Accounts, destination: &Destination) -> Option<Held> {
        let failing = self.failing.iter().find(|failing| failing.destination == *destination).map(|failing| Held {
            until: Some(failing.retry_at),
            reason: format!("{destination} does not work since {:.0}: {}", failing.since, failing.reason),
        });
        // Until the later of both.
        let later = |held: &Held| held.until.unwrap_or(Timestamp::MAX);
        self.of_account(accounts, destination).into_iter().chain(failing).max_by_key(later)
    }

    /// Why the account of a destination blocks it.
    fn of_account(&self, accounts: &Accounts, destination: &Destination) -> Option<Held> {
        let may = |account: &&Account| match destination {
            Destination::Actions(_) => account.allow_actions,
            _ => account.allow_replies,
        };
        // If the account may not do it, the destination counts as open, so that its items are claimed and refused at once.
        let declared = accounts.get(destination.account()?).filter(may)?;
        let handle = &declared.handle;
        let Some(account) = self.accounts.iter().find(|account| account.handle.eq_ignore_ascii_case(handle)) else {
            let reason = format!("@{handle} is not connected; run `twite accounts add {handle}`");
            return Some(Held { until: None, reason });
        };
        let paused = |what| self.pauses.iter().find(|pause| pause.account == account.id && pause.what == what);
        match account.state {
            AccountState::Unauthorised => {
                let why = paused(GRANT).map(|pause| format!(" ({})", pause.reason)).unwrap_or_default();
                let reason =
                    format!("@{handle} is no longer authorized{why}; run `twite accounts reauthorise {handle}`");
                Some(Held { until: None, reason })
            }
            AccountState::Deactivated => {
                let reason = format!("@{handle} is deactivated; run `twite accounts activate {handle}`");
                Some(Held { until: None, reason })
            }
            // Open: waiting items are claimed and refused.
            AccountState::Unlinked => None,
            AccountState::Connected => {
                let what = sending(destination);
                let missing = missing_scopes(declared, &account.scopes);
                if let Some(missing) = missing.iter().find(|missing| stopped(missing) == what) {
                    let reason = format!("@{handle}: {missing}; run `twite accounts reauthorise {handle}`");
                    return Some(Held { until: None, reason });
                }
                paused(what).map(|pause| Held {
                    until: Some(pause.retry_at),
                    reason: format!("{what} is paused for @{handle}: {}", pause.reason),
                })
            }
        }
    }
}

/// What does not work without a scope, as [`Pause::what`].
pub(super) fn stopped(missing: &MissingScope) -> &'static str {
    match missing.scope {
        "tweet.write" => SEND_POSTS,
        "dm.write" => SEND_MESSAGES,
        "dm.read" => Endpoint::DirectMessages.name(),
        scope if XAction::ALL.iter().any(|what| what.scope() == scope) => SEND_ACTIONS,
        "like.read" => Endpoint::Likes.name(),
        _ => GRANT,
    }
}
