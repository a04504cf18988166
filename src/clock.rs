//! The current time, in whole milliseconds, as the store keeps times. All other code receives a [`Clock`] or a timestamp read from one.
//!
//! `clippy.toml` forbids reading the system time elsewhere; only the X simulator has its own clock. Durations are
//! measured with tokio's timers.

#![expect(clippy::disallowed_methods, reason = "this is the one clock")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;

/// The system clock, or a virtual clock that is set to the time of each message.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system clock.
    #[default]
    Wall,
    /// A virtual clock, set to the time of the latest message.
    Driven(Arc<Hands>),
}

/// State of a virtual clock: its current time and the latest time it has reached, both in milliseconds since 1970.
#[derive(Debug, Default)]
pub struct Hands {
    now: AtomicI64,
    furthest: AtomicI64,
}

impl Clock {
    /// A virtual clock that starts at the Unix epoch.
    pub fn driven() -> Self {
        Self::Driven(Arc::default())
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => wall(),
            Self::Driven(clock) => read(&clock.now),
        }
    }

    /// The latest time this clock has reached. A virtual clock can be set back; whatever was due before this time stays
    /// due.
    pub fn furthest(&self) -> Timestamp {
        match self {
            Self::Wall => wall(),
            Self::Driven(clock) => read(&clock.furthest),
        }
    }

    /// The system time, also if the clock is virtual. Leases between processes use it.
    pub fn machine(&self) -> Timestamp {
        wall()
    }

    /// Sets a virtual clock to a message's time, even if that is earlier, so that decisions are made as of that time.
    /// Does nothing to the system clock.
    pub fn reached(&self, at: Timestamp) {
        if let Self::Driven(clock) = self {
            clock.now.store(at.as_millisecond(), Ordering::Relaxed);
            clock.furthest.fetch_max(at.as_millisecond(), Ordering::Relaxed);
        }
    }
}

/// The time of the system, without what the store does not keep: a decision that is made again has the times it had.
fn wall() -> Timestamp {
    whole(Timestamp::now().as_millisecond())
}

fn read(millis: &AtomicI64) -> Timestamp {
    whole(millis.load(Ordering::Relaxed))
}

fn whole(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_what_the_store_gives_back() {
        let now = Clock::Wall.now();
        assert_eq!(now, Timestamp::from_millisecond(now.as_millisecond()).unwrap());
    }
}
