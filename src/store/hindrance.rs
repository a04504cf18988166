//! Problems of accounts: calls that X rejects, stalled endpoints, and messages that may have been missed.

use jiff::Timestamp;

use super::{GRANT, Polling, Store, StoreError};
use crate::desk::XId;

/// A current problem of an account, or a gap in the messages it received.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hindrance {
    /// The account.
    #[serde(skip)]
    pub account: XId,
    /// What is affected: `send`, `grant` (all calls), or the name of an endpoint.
    pub what: String,
    /// The reason, as given by X if it gave one.
    pub reason: String,
    /// When it began; `None` for a gap.
    pub since: Option<Timestamp>,
    /// The time of the next retry; `None` for a gap, or if the account must be connected again.
    pub next: Option<Timestamp>,
}

impl Hindrance {
    /// One line for users.
    pub fn line(&self) -> String {
        let Self { what, reason, .. } = self;
        match (self.since, self.next) {
            (Some(since), Some(next)) => format!("{what} stopped at {since:.0}, next try at {next:.0}: {reason}"),
            (Some(since), None) => format!("{what} stopped at {since:.0}: {reason}"),
            (None, _) => format!("{what}: {reason}"),
        }
    }
}

impl Store {
    /// The current problems and gaps of all accounts. An endpoint that is both paused and stalled is listed once.
    pub async fn hindrances(&self) -> Result<Vec<Hindrance>, StoreError> {
        let mut found: Vec<_> = self
            .pauses()
            .await?
            .into_iter()
            .map(|pause| Hindrance {
                account: pause.account,
                // An invalid grant is not retried: an admin must connect the account again.
                next: (pause.what != GRANT).then_some(pause.retry_at),
                what: pause.what,
                reason: pause.reason,
                since: Some(pause.since),
            })
            .collect();
        for polling in self.polling().await? {
            let told = found
                .iter()
                .any(|h: &Hindrance| h.account == polling.account && (h.what == polling.endpoint || h.what == GRANT));
            if let Some(reason) = polling.stalled
                && !told
            {
                let Polling { account, endpoint, since, next, .. } = polling;
                found.push(Hindrance { account, what: endpoint, reason, since, next });
            }
        }
        for gap in self.gaps().await? {
            let reason = gap.line();
            found.push(Hindrance { account: gap.account, what: gap.endpoint, reason, since: None, next: None });
        }
        Ok(found)
    }
}
