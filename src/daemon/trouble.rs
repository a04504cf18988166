//! A store that fails: said once, again while it goes on failing, and when it works again.

use std::{collections::BTreeMap, sync::PoisonError, time::Duration};

use tokio::time::Instant;

use super::Daemon;
use crate::{app::Notice, store::StoreError};

/// How long to wait after the store failed before trying again.
pub(super) const AFTER_TROUBLE: Duration = Duration::from_secs(2);
/// How often trouble that lasts is told again.
const TOLD_EVERY: Duration = Duration::from_secs(600);
/// How long nothing must have failed before trouble is over: longer than the longest wait for another try.
const CALM: Duration = Duration::from_secs(5);
/// The most kinds of trouble that are told apart.
const MAX_KINDS: usize = 16;

/// A store that fails.
#[derive(Debug)]
pub(super) struct Trouble {
    since: Instant,
    latest: Instant,
    /// When each message was told last.
    told: BTreeMap<String, Instant>,
}

impl Daemon {
    /// Tells that the store failed, and waits a moment. Nothing is lost: what was not done is tried again.
    pub(super) async fn trouble(&self, error: &StoreError) {
        self.tell_trouble(error);
        tokio::time::sleep(AFTER_TROUBLE).await;
    }

    /// Tells that the store failed, unless it was told already: each worker meets the same trouble every few seconds.
    pub(super) fn tell_trouble(&self, error: &StoreError) {
        // Whoever keeps the lease says so.
        if matches!(error, StoreError::Superseded) {
            return;
        }
        let (now, message) = (Instant::now(), error.to_string());
        {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            let trouble = trouble.get_or_insert_with(|| Trouble { since: now, latest: now, told: BTreeMap::new() });
            trouble.latest = now;
            trouble.told.retain(|_, told| now.saturating_duration_since(*told) < TOLD_EVERY);
            if trouble.told.contains_key(&message) || trouble.told.len() >= MAX_KINDS {
                return;
            }
            trouble.told.insert(message.clone(), now);
        }
        self.notices.tell(Notice::Trouble {
            message: format!("the store: {message}; trying again every {} seconds", AFTER_TROUBLE.as_secs()),
        });
    }

    /// The store works: where it did not before, that is told.
    pub(super) fn store_works(&self) {
        let ended = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_if(|trouble| trouble.latest.elapsed() > CALM);
        if let Some(trouble) = ended {
            self.notices.tell(Notice::Recovered { seconds: trouble.since.elapsed().as_secs() });
        }
    }
}
