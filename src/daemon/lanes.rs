//! Lanes of the outbox: each destination is sent to on its own, one thing after the other, so that one that hangs delays only
//! itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinSet};

use super::{Daemon, NOTHING_DUE};
use crate::{
    app::{Gates, Notice},
    desk::Destination,
    store::StoreError,
};

/// How many lanes run at once; and beside how many a webhook's may begin, so that those that hang leave room for X and mail.
const MAX_LANES: usize = 32;
const MAX_LANES_BESIDE_WEBHOOK: usize = 16;
/// How long the lanes have to finish what they are at when the daemon ends. What is not known by then counts as if it had been killed.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A destination that does not work rests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    /// How often it failed in a row.
    pub(super) failures: i64,
    /// Until when.
    pub(super) until: Timestamp,
}

impl Daemon {
    /// Sends what is due, in one lane for each destination.
    pub(super) async fn send(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut running = BTreeMap::new();
        let mut lanes = JoinSet::new();
        while !*stop.borrow() {
            let woken = self.mail.notified();
            match self.due().await {
                Ok(due) => {
                    for destination in due {
                        let most = match destination {
                            Destination::Webhook(_) => MAX_LANES_BESIDE_WEBHOOK,
                            _ => MAX_LANES,
                        };
                        if lanes.len() < most && !running.values().any(|running| *running == destination) {
                            let (daemon, stop) = (self.clone(), stop.clone());
                            let lane = destination.clone();
                            let task = lanes.spawn(async move { daemon.run_lane(&lane, &stop).await });
                            running.insert(task.id(), destination);
                        }
                    }
                }
                Err(error) => self.trouble(&error).await,
            }
            let tick = tokio::time::sleep(NOTHING_DUE);
            tokio::pin!(tick, woken);
            // A lane that had something may have more by now; one that had nothing waits for news, or for time to pass.
            loop {
                tokio::select! {
                    () = &mut woken => break,
                    () = &mut tick => break,
                    Some(ended) = lanes.join_next_with_id() => {
                        let (id, sent) = match ended {
                            Ok((id, sent)) => (id, sent),
                            Err(error) => {
                                let message = format!("a lane of the outbox ended and begins anew: {error}");
                                self.notices.tell(Notice::Trouble { message });
                                (error.id(), false)
                            }
                        };
                        running.remove(&id);
                        if sent {
                            break;
                        }
                    }
                }
            }
        }
        // Whoever is at sending something finishes it, unless the other side hangs.
        let finished = async { while lanes.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WAIT, finished).await.is_err() {
            tracing::warn!("something is still on its way; what became of it is found out at the next start");
        }
    }

    /// Sends to a destination until nothing is due there. Returns whether there was something.
    async fn run_lane(&self, destination: &Destination, stop: &watch::Receiver<bool>) -> bool {
        let mut sent = false;
        while !*stop.borrow() {
            let next = match self.opens_at(destination).await {
                Ok(Some(at)) if at <= self.clock.now() => self.send_to(destination, stop).await,
                Ok(_) => break,
                Err(error) => Err(error),
            };
            match next {
                Ok(true) => sent = true,
                Ok(false) => break,
                Err(error) => {
                    self.trouble(&error).await;
                    break;
                }
            }
        }
        sent
    }

    /// Sends the next thing that is due, wherever it goes. Returns whether there was one.
    ///
    /// # Errors
    /// When the store fails: what was on its way stays marked so.
    pub async fn send_next(&self) -> Result<bool, StoreError> {
        let (_keep, never) = watch::channel(false);
        for destination in self.due().await? {
            if self.send_to(&destination, &never).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When the next thing can be sent; `None` where nothing waits that time alone lets go.
    pub(super) async fn next_send_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let gates = Gates::of(&self.store).await?;
        let waiting = self.store.destinations().await?;
        Ok(waiting.iter().filter_map(|(destination, due)| Some(self.open_from(&gates, destination)?.max(*due))).min())
    }

    /// The destinations that something is due for, and that can be sent to now.
    async fn due(&self) -> Result<Vec<Destination>, StoreError> {
        let now = self.clock.now();
        let waiting: Vec<_> = self.store.destinations().await?.into_iter().filter(|(_, due)| *due <= now).collect();
        if waiting.is_empty() {
            return Ok(vec![]);
        }
        let gates = Gates::of(&self.store).await?;
        let is_open = |destination: &Destination| self.open_from(&gates, destination).is_some_and(|at| at <= now);
        Ok(waiting.into_iter().map(|(destination, _)| destination).filter(is_open).collect())
    }

    /// From when on a destination can be sent to; `None` where somebody has to see to it first.
    async fn opens_at(&self, destination: &Destination) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.open_from(&Gates::of(&self.store).await?, destination))
    }

    fn open_from(&self, gates: &Gates, destination: &Destination) -> Option<Timestamp> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = resting.get(destination).map_or(Timestamp::MIN, |rest| rest.until);
        match gates.held(&self.rules().desk, destination) {
            None => Some(rest),
            Some(held) => Some(held.until?.max(rest)),
        }
    }

    /// A destination does not work: it rests, at least for as long as it asks for.
    pub(super) fn rest(&self, destination: &Destination, wait: impl FnOnce(i64) -> Duration) -> Timestamp {
        let now = self.clock.now();
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = resting.entry(destination.clone()).or_insert(Rest { failures: 0, until: now });
        rest.failures = rest.failures.saturating_add(1);
        rest.until = now.checked_add(wait(rest.failures)).unwrap_or(now);
        rest.until
    }

    /// A destination works.
    pub(super) fn rested(&self, destination: &Destination) {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).remove(destination);
    }
}
