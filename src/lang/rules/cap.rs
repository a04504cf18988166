//! Caps: how often a rule may fire.

use jiff::{SignedDuration, Timestamp};

use crate::desk::{FiredBefore, Per};

/// Maximum number of caps of a rule.
pub const MAX_CAPS: usize = 8;
/// Maximum number of times of a cap.
pub const MAX_TIMES: u32 = 1_000;

/// `at most 5 times per account per hour`: in no period of this length does the rule fire more often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The number of times.
    pub times: u32,
    /// Which firings it counts together.
    pub per: Per,
    /// The length of the period; `None` counts all firings.
    pub period: Option<SignedDuration>,
}

impl Cap {
    /// The firings that keep the rule with this title from firing now; `None` if it may fire.
    ///
    /// Firings after now count too: what is evaluated late, as of an earlier time, must not exceed the cap either.
    pub fn reached<'b>(&self, rule: &str, before: &'b [FiredBefore], now: Timestamp) -> Option<&'b FiredBefore> {
        before.iter().find(|before| {
            before.rule == rule
                && before.per == self.per
                && before.times >= self.times
                && self.again_at(before.since).is_none_or(|again| now < again)
        })
    }

    /// When the rule may fire again if it has fired the maximum number of times since a time; `None` is never.
    pub fn again_at(&self, since: Timestamp) -> Option<Timestamp> {
        self.period.and_then(|period| since.checked_add(period).ok())
    }
}
