//! What keeps a destination from being sent to: an account that is not connected, or whose sending is paused.

use jiff::Timestamp;

use crate::{
    desk::{Accounts, Destination},
    store::{AccountState, ConnectedAccount, GRANT, Pause, SEND, Store, StoreError},
};

/// A destination that nothing is sent to for the time being.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Held {
    /// Until when. `None` where somebody has to see to it first.
    pub until: Option<Timestamp>,
    /// Why, and what to do.
    pub reason: String,
}

/// The accounts, and what they cannot do for the time being.
#[derive(Debug)]
pub struct Gates {
    accounts: Vec<ConnectedAccount>,
    pauses: Vec<Pause>,
}

impl Gates {
    /// As they are now.
    pub async fn of(store: &Store) -> Result<Self, StoreError> {
        Ok(Self { accounts: store.accounts().await?, pauses: store.pauses().await? })
    }

    /// What keeps a destination from being sent to.
    pub fn held(&self, accounts: &Accounts, destination: &Destination) -> Option<Held> {
        // Where no account may answer, what waits is refused, and that can be done at once.
        let declared = accounts.answering(destination.account()?)?;
        let handle = &declared.handle;
        let Some(account) = self.accounts.iter().find(|account| account.handle.eq_ignore_ascii_case(handle)) else {
            let reason = format!("@{handle} is not connected; run `twite accounts connect {handle}`");
            return Some(Held { until: None, reason });
        };
        let paused = |what| self.pauses.iter().find(|pause| pause.account == account.id && pause.what == what);
        match account.state {
            AccountState::Unauthorised => {
                let why = paused(GRANT).map(|pause| format!(" ({})", pause.reason)).unwrap_or_default();
                let reason = format!("@{handle} is no longer authorized{why}; run `twite accounts connect {handle}`");
                Some(Held { until: None, reason })
            }
            // What waits is refused.
            AccountState::Deactivated | AccountState::Unlinked => None,
            AccountState::Connected => paused(SEND).map(|pause| Held {
                until: Some(pause.retry_at),
                reason: format!("sending is paused for @{handle}: {}", pause.reason),
            }),
        }
    }
}
