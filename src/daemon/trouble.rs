//! A store that fails: said once, again while it goes on failing, and when it works again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    app::{Notice, Notices},
    store::StoreError,
};

/// How long to wait after the store failed before trying again.
pub(super) const AFTER_TROUBLE: Duration = Duration::from_secs(2);
/// How often trouble that lasts is told again.
const TOLD_EVERY: Duration = Duration::from_secs(600);
/// How long nothing must have failed before trouble is over: longer than the longest wait for another try.
const CALM: Duration = Duration::from_secs(5);
/// The most kinds of trouble that are told apart.
const MAX_KINDS: usize = 16;

/// Tells of a store that fails.
pub(super) struct Trouble {
    notices: Notices,
    failing: Mutex<Option<Failing>>,
}

/// A store that fails.
#[derive(Debug)]
struct Failing {
    since: Instant,
    latest: Instant,
    /// When each message was told last.
    told: BTreeMap<String, Instant>,
}

impl Trouble {
    pub(super) fn new(notices: Notices) -> Self {
        Self { notices, failing: Mutex::default() }
    }

    /// Tells that the store failed, and waits a moment. Nothing is lost: what was not done is tried again.
    pub(super) async fn tell_and_wait(&self, error: &StoreError) {
        self.tell(error);
        tokio::time::sleep(AFTER_TROUBLE).await;
    }

    /// Tells that the store failed, unless it was told already: each worker meets the same trouble every few seconds.
    pub(super) fn tell(&self, error: &StoreError) {
        // Whoever keeps the lease says so.
        if matches!(error, StoreError::Superseded) {
            return;
        }
        let (now, message) = (Instant::now(), error.to_string());
        {
            let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
            let failing = failing.get_or_insert_with(|| Failing { since: now, latest: now, told: BTreeMap::new() });
            failing.latest = now;
            failing.told.retain(|_, told| now.saturating_duration_since(*told) < TOLD_EVERY);
            if failing.told.contains_key(&message) || failing.told.len() >= MAX_KINDS {
                return;
            }
            failing.told.insert(message.clone(), now);
        }
        self.notices.tell(Notice::Trouble {
            message: format!("database error: {message}; retrying every {} seconds", AFTER_TROUBLE.as_secs()),
        });
    }

    /// The store works: where it did not before, that is told.
    pub(super) fn is_over(&self) {
        let ended = self
            .failing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_if(|failing| failing.latest.elapsed() > CALM);
        if let Some(failing) = ended {
            self.notices.tell(Notice::Recovered { seconds: failing.since.elapsed().as_secs() });
        }
    }
}
