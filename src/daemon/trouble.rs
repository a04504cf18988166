//! Reports store failures: once, again at intervals while they last, and when the store has recovered, with their
//! number.

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

/// Wait before a retry after the store failed.
pub(super) const AFTER_TROUBLE: Duration = Duration::from_secs(2);
/// Interval at which the same ongoing failure is reported again.
const TOLD_EVERY: Duration = Duration::from_secs(600);
/// Time without failures after which the store counts as recovered; longer than the longest wait for a retry.
const CALM: Duration = Duration::from_secs(5);
/// Maximum number of distinct error messages tracked.
const MAX_KINDS: usize = 16;

/// Reports failures of the store.
pub(super) struct Trouble {
    notices: Notices,
    failing: Mutex<Option<Failing>>,
}

/// An ongoing failure of the store.
#[derive(Debug)]
struct Failing {
    since: Instant,
    latest: Instant,
    /// Number of failures so far.
    failures: u64,
    /// When each error message was last reported.
    told: BTreeMap<String, Instant>,
}

impl Trouble {
    pub(super) fn new(notices: Notices) -> Self {
        Self { notices, failing: Mutex::default() }
    }

    /// Reports that the store failed, and waits before the caller retries.
    pub(super) async fn tell_and_wait(&self, error: &StoreError) {
        self.tell(error);
        tokio::time::sleep(AFTER_TROUBLE).await;
    }

    /// Reports that the store failed, unless this error was reported recently: every loop hits the same error every few
    /// seconds.
    pub(super) fn tell(&self, error: &StoreError) {
        // The loop that renews the lease reports these, and the daemon ends.
        if matches!(error, StoreError::Superseded | StoreError::Replaced(_)) {
            return;
        }
        let (now, message) = (Instant::now(), error.to_string());
        let failures = {
            let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
            let failing =
                failing.get_or_insert_with(|| Failing { since: now, latest: now, failures: 0, told: BTreeMap::new() });
            failing.latest = now;
            failing.failures += 1;
            failing.told.retain(|_, told| now.saturating_duration_since(*told) < TOLD_EVERY);
            if failing.told.contains_key(&message) || failing.told.len() >= MAX_KINDS {
                return;
            }
            failing.told.insert(message.clone(), now);
            failing.failures
        };
        let so_far = if failures > 1 { format!(" ({failures} failures so far)") } else { String::new() };
        self.notices.tell(Notice::Trouble {
            message: format!("database error: {message}; retrying every {} seconds{so_far}", AFTER_TROUBLE.as_secs()),
        });
    }

    /// Called when the store works: reports its recovery if it had failed.
    pub(super) fn is_over(&self) {
        let ended = self
            .failing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_if(|failing| failing.latest.elapsed() > CALM);
        if let Some(failing) = ended {
            self.notices
                .tell(Notice::Recovered { seconds: failing.since.elapsed().as_secs(), failures: failing.failures });
        }
    }
}
