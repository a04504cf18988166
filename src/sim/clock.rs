//! The simulator's clock: real time with an offset, or frozen at a set time.

#![expect(clippy::disallowed_methods, reason = "X has a clock of its own, and the simulator uses no other module")]

use jiff::Timestamp;

/// Epoch of the time encoded in ids, in milliseconds since 1970.
const ID_EPOCH: i64 = 1_288_834_974_657;

/// The current time of the simulated X.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// Real time plus `ahead` milliseconds.
    Running { ahead: i64 },
    /// Frozen at `at`, in milliseconds since 1970, until it is set or advanced.
    Standing { at: i64 },
}

impl Clock {
    /// The current time, in milliseconds since 1970.
    pub(super) fn now(self) -> i64 {
        match self {
            Clock::Running { ahead } => Timestamp::now().as_millisecond().saturating_add(ahead),
            Clock::Standing { at } => at,
        }
    }

    pub(super) fn advance(&mut self, by: i64) {
        match self {
            Clock::Running { ahead } => *ahead = ahead.saturating_add(by),
            Clock::Standing { at } => *at = at.saturating_add(by),
        }
    }

    /// Freezes the clock at `to`; a clock that is already frozen at a later time keeps it.
    pub(super) fn stand_at_least(&mut self, to: i64) {
        match self {
            Clock::Standing { at } => *at = (*at).max(to),
            Clock::Running { .. } => *self = Clock::Standing { at: to },
        }
    }
}

/// Formats a time as X does: `2026-11-16T07:01:00.000Z`.
pub(super) fn written(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => "1970-01-01T00:00:00.000Z".into(),
    }
}

/// Formats a time for the HTTP `date` header.
pub(super) fn http_date(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Parses an RFC 3339 time into milliseconds since 1970.
pub(super) fn read(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// The smallest id assigned at a time: the bits above the lower 22 hold the milliseconds since [`ID_EPOCH`].
pub(super) fn first_id(millis: i64) -> u64 {
    u64::try_from(millis - ID_EPOCH).unwrap_or(0) << 22
}

/// The time encoded in an id, in milliseconds since 1970; `None` for ids too small to encode one.
pub(super) fn of_id(id: u64) -> Option<i64> {
    let since = i64::try_from(id >> 22).ok()?;
    (since > 0).then_some(ID_EPOCH + since)
}
