//! Problems of accounts: calls that X rejects, stalled endpoints, and messages that may have been missed.

use jiff::{SignedDuration, Timestamp};

use super::{GRANT, Polling, Store, StoreError};
use crate::desk::XId;

/// How long X's rate limit may keep an endpoint waiting before that counts as a fault: two of X's windows.
const MAX_THROTTLED: SignedDuration = SignedDuration::from_mins(30);

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
    /// When it began; `None` for a gap, and for a scope that was never granted.
    pub since: Option<Timestamp>,
    /// The time of the next retry; `None` for a gap, or if the account must be connected again.
    pub next: Option<Timestamp>,
    /// Whether X's rate limit is the reason.
    pub throttled: bool,
    /// Whether it is a gap.
    #[serde(skip)]
    pub is_gap: bool,
}

impl Hindrance {
    /// Whether the account is faulty now. A gap is not a fault, and a rate limit only if the endpoint waits for it for
    /// more than `MAX_THROTTLED`.
    pub fn is_fault(&self, now: Timestamp) -> bool {
        let Some(since) = self.since else { return !self.is_gap };
        !self.throttled || self.next.map_or(now, |next| next.max(now)).duration_since(since) > MAX_THROTTLED
    }

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
    /// The current problems of all accounts, and the gaps that nobody has acknowledged. An endpoint that is both paused
    /// and stalled is listed once, and nothing else of an account whose grant is invalid.
    pub async fn hindrances(&self) -> Result<Vec<Hindrance>, StoreError> {
        let pauses = self.pauses().await?;
        let ended: Vec<_> = pauses.iter().filter(|pause| pause.what == GRANT).map(|p| p.account.clone()).collect();
        let mut found: Vec<_> = pauses
            .into_iter()
            .filter(|pause| pause.what == GRANT || !ended.contains(&pause.account))
            .map(|pause| Hindrance {
                account: pause.account,
                // An invalid grant is not retried: an admin must connect the account again.
                next: (pause.what != GRANT).then_some(pause.retry_at),
                what: pause.what,
                reason: pause.reason,
                since: Some(pause.since),
                throttled: false,
                is_gap: false,
            })
            .collect();
        for polling in self.polling().await? {
            let told = found
                .iter()
                .any(|h: &Hindrance| h.account == polling.account && (h.what == polling.endpoint || h.what == GRANT));
            if let Some(reason) = polling.stalled
                && !told
            {
                let Polling { account, endpoint, since, next, throttled, .. } = polling;
                found.push(Hindrance { account, what: endpoint, reason, since, next, throttled, is_gap: false });
            }
        }
        for gap in self.gaps().await?.into_iter().filter(|gap| gap.acknowledged.is_none()) {
            let reason = gap.line();
            let (account, what) = (gap.account, gap.endpoint);
            found.push(Hindrance { account, what, reason, since: None, next: None, throttled: false, is_gap: true });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_is_a_fault_only_where_it_lasts() {
        let at = |minutes: i64| Timestamp::from_second(60 * minutes).unwrap();
        let hindrance = |since: Option<i64>, next: Option<i64>, throttled| Hindrance {
            account: "1".parse().unwrap(),
            what: "mentions".to_owned(),
            reason: "rate limit reached".to_owned(),
            since: since.map(at),
            next: next.map(at),
            throttled,
            is_gap: since.is_none(),
        };
        for (since, next, throttled, now, fault) in [
            // A gap.
            (None, None, false, 100, false),
            (Some(100), Some(101), false, 100, true),
            (Some(100), None, false, 100, true),
            (Some(100), Some(115), true, 100, false),
            // The rate limit has lasted, or will last, for too long.
            (Some(100), Some(115), true, 131, true),
            (Some(100), Some(100 + 24 * 60), true, 100, true),
        ] {
            assert_eq!(hindrance(since, next, throttled).is_fault(at(now)), fault, "{since:?} {next:?} {now}");
        }
    }
}
