//! What keeps accounts from working: calls that X refuses, endpoints that stand still, and messages it no longer shows.

use jiff::Timestamp;

use super::{GRANT, Polling, Store, StoreError};
use crate::desk::XId;

/// Something that keeps an account from working for the time being, or something that it may have missed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hindrance {
    /// The account.
    #[serde(skip)]
    pub account: XId,
    /// What it concerns: `send`, `grant` for anything at all, or the name of an endpoint.
    pub what: String,
    /// Why, in X's words where it said so.
    pub reason: String,
    /// Since when. `None` where something may have been missed.
    pub since: Option<Timestamp>,
    /// When X is asked next. `None` where something may have been missed, or where the account must be connected first.
    pub next: Option<Timestamp>,
}

impl Hindrance {
    /// In one line, for a person.
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
    /// What keeps accounts from working, and what they may have missed. What is both refused and stands still is told once.
    pub async fn hindrances(&self) -> Result<Vec<Hindrance>, StoreError> {
        let mut found: Vec<_> = self
            .pauses()
            .await?
            .into_iter()
            .map(|pause| Hindrance {
                account: pause.account,
                // A dead grant is not tried: somebody has to connect the account again.
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
