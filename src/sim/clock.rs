//! The simulator's own clock: it runs with the real one, or stands where it was put.

#![expect(clippy::disallowed_methods, reason = "X has a clock of its own, and the simulator uses no other module")]

use jiff::Timestamp;

/// When the time in ids begins, in milliseconds since 1970.
const ID_EPOCH: i64 = 1_288_834_974_657;

/// The time at the simulated X.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// Real time plus so many milliseconds.
    Running { ahead: i64 },
    /// Milliseconds since 1970; moves only when it is told to.
    Standing { at: i64 },
}

impl Clock {
    /// Milliseconds since 1970, by this clock.
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

    /// Stops the clock at `to`, unless it stands later already.
    pub(super) fn stand_at_least(&mut self, to: i64) {
        match self {
            Clock::Standing { at } => *at = (*at).max(to),
            Clock::Running { .. } => *self = Clock::Standing { at: to },
        }
    }
}

/// A time as X writes it: `2026-11-16T07:01:00.000Z`.
pub(super) fn written(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => "1970-01-01T00:00:00.000Z".into(),
    }
}

/// A time as HTTP writes it, for the `date` header.
pub(super) fn http_date(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Milliseconds since 1970 of an RFC 3339 time.
pub(super) fn read(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// The lowest id that can be given at a time: all bits but the lower 22 are its milliseconds.
pub(super) fn first_id(millis: i64) -> u64 {
    u64::try_from(millis - ID_EPOCH).unwrap_or(0) << 22
}

/// When an id was given. `None` for ids that are too small to carry a time.
pub(super) fn of_id(id: u64) -> Option<i64> {
    let since = i64::try_from(id >> 22).ok()?;
    (since > 0).then_some(ID_EPOCH + since)
}
