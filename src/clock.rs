//! The one place that asks the system for the time. Everybody else is handed a [`Clock`], or a moment of it.
//!
//! `clippy.toml` keeps it so; only the simulator of X, which judges by its own code, has a clock of its own. How long something takes is measured by tokio's timers.

#![expect(clippy::disallowed_methods, reason = "this is the one clock")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;

/// The wall clock, or one that messages drive.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Wall,
    /// A clock that stands where the latest message left it, and knows how far it ever went: milliseconds since 1970.
    Driven(Arc<Hands>),
}

/// Where a driven clock stands.
#[derive(Debug, Default)]
pub struct Hands {
    now: AtomicI64,
    furthest: AtomicI64,
}

impl Clock {
    /// A clock that starts in 1970 and goes where messages take it.
    pub fn driven() -> Self {
        Self::Driven(Arc::default())
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::now(),
            Self::Driven(clock) => read(&clock.now),
        }
    }

    /// The latest time it ever was: what was due before that has come due.
    pub fn furthest(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::now(),
            Self::Driven(clock) => read(&clock.furthest),
        }
    }

    /// The machine's time, whatever drives the clock: processes are told apart by it.
    pub fn machine(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Takes a driven clock to a message's own time, be it back: what is decided then, is decided as of then. The
    /// wall clock does not care.
    pub fn reached(&self, at: Timestamp) {
        if let Self::Driven(clock) = self {
            clock.now.store(at.as_millisecond(), Ordering::Relaxed);
            clock.furthest.fetch_max(at.as_millisecond(), Ordering::Relaxed);
        }
    }
}

fn read(millis: &AtomicI64) -> Timestamp {
    Timestamp::from_millisecond(millis.load(Ordering::Relaxed)).unwrap_or(Timestamp::UNIX_EPOCH)
}
