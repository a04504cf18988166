//! Lanes of the outbox: each destination is sent to on its own, one thing after the other, so that one that hangs delays only
//! itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

mod mail;
mod outcome;
mod webhook;
mod x;

pub(super) use self::outcome::doubled;
use super::{
    run::{Loop, Next},
    shared::Shared,
};
use crate::{
    app::{App, Gates, Notice},
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
struct Rest {
    /// Failures in a row.
    failures: i64,
    /// Until when.
    until: Timestamp,
}

/// What all lanes of the outbox share.
pub(super) struct Sending {
    shared: Arc<Shared>,
    /// Destinations that do not work.
    resting: Mutex<BTreeMap<Destination, Rest>>,
}

/// Sends what is due, in one lane for each destination.
pub(super) struct Sender {
    sending: Arc<Sending>,
    stop: CancellationToken,
    running: BTreeMap<Id, Destination>,
    lanes: JoinSet<()>,
}

impl Loop for Sender {
    async fn step(&mut self) -> Result<Next, StoreError> {
        while let Some(ended) = self.lanes.try_join_next_with_id() {
            let id = match ended {
                Ok((id, ())) => id,
                Err(error) => {
                    let message = format!("a worker of the outbox failed and is restarted: {error}");
                    self.sending.app().notices().tell(Notice::Trouble { message });
                    error.id()
                }
            };
            self.running.remove(&id);
        }
        for destination in self.sending.due().await? {
            let most = match destination {
                Destination::Webhook(_) => MAX_LANES_BESIDE_WEBHOOK,
                _ => MAX_LANES,
            };
            if self.lanes.len() < most && !self.running.values().any(|running| *running == destination) {
                let (sending, stop, lane) = (self.sending.clone(), self.stop.clone(), destination.clone());
                let task = self.lanes.spawn(async move { sending.run_lane(&lane, &stop).await });
                self.running.insert(task.id(), destination);
            }
        }
        Ok(Next::Idle)
    }

    /// Whoever is at sending something finishes it, unless the other side hangs.
    async fn finish(&mut self) {
        let finished = async { while self.lanes.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WAIT, finished).await.is_err() {
            tracing::warn!("a delivery is still in progress; its outcome will be determined at the next start");
        }
    }
}

impl Sender {
    pub(super) fn new(sending: &Arc<Sending>, stop: &CancellationToken) -> Self {
        Self { sending: sending.clone(), stop: stop.clone(), running: BTreeMap::new(), lanes: JoinSet::new() }
    }
}

impl Sending {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone(), resting: Mutex::default() }
    }

    fn app(&self) -> &App {
        &self.shared.app
    }

    /// Sends to a destination until nothing is due there. What has come in meanwhile is for the next lane.
    async fn run_lane(&self, destination: &Destination, stop: &CancellationToken) {
        let mut sent = false;
        while !stop.is_cancelled() {
            let next = match self.opens_at(destination).await {
                Ok(Some(at)) if at <= self.app().clock().now() => self.send_to(destination, stop).await,
                Ok(_) => break,
                Err(error) => Err(error),
            };
            match next {
                Ok(true) => sent = true,
                Ok(false) => break,
                Err(error) => {
                    self.shared.trouble.tell_and_wait(&error).await;
                    break;
                }
            }
        }
        if sent {
            self.app().wake().outbox.notify_one();
        }
    }

    /// Sends the next thing that is due, wherever it goes. Returns whether there was one.
    ///
    /// # Errors
    /// When the store fails: what was on its way stays marked so.
    pub(super) async fn send_next(&self) -> Result<bool, StoreError> {
        let never = CancellationToken::new();
        for destination in self.due().await? {
            if self.send_to(&destination, &never).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When the next thing can be sent; `None` where nothing waits that time alone lets go.
    pub(super) async fn next_send_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let gates = Gates::of(self.app().store()).await?;
        let waiting = self.app().store().destinations().await?;
        Ok(waiting.iter().filter_map(|(destination, due)| Some(self.open_from(&gates, destination)?.max(*due))).min())
    }

    /// The destinations that something is due for, and that can be sent to now.
    async fn due(&self) -> Result<Vec<Destination>, StoreError> {
        let now = self.app().clock().now();
        let waiting: Vec<_> =
            self.app().store().destinations().await?.into_iter().filter(|(_, due)| *due <= now).collect();
        if waiting.is_empty() {
            return Ok(vec![]);
        }
        let gates = Gates::of(self.app().store()).await?;
        let is_open = |destination: &Destination| self.open_from(&gates, destination).is_some_and(|at| at <= now);
        Ok(waiting.into_iter().map(|(destination, _)| destination).filter(is_open).collect())
    }

    /// From when on a destination can be sent to; `None` where somebody has to see to it first.
    async fn opens_at(&self, destination: &Destination) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.open_from(&Gates::of(self.app().store()).await?, destination))
    }

    fn open_from(&self, gates: &Gates, destination: &Destination) -> Option<Timestamp> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = resting.get(destination).map_or(Timestamp::MIN, |rest| rest.until);
        match gates.held(&self.app().settings().accounts, destination) {
            None => Some(rest),
            Some(held) => Some(held.until?.max(rest)),
        }
    }

    /// A destination does not work: it rests, at least for as long as it asks for.
    fn rest(&self, destination: &Destination, wait: impl FnOnce(i64) -> Duration) -> Timestamp {
        let now = self.app().clock().now();
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = resting.entry(destination.clone()).or_insert(Rest { failures: 0, until: now });
        rest.failures = rest.failures.saturating_add(1);
        rest.until = now.checked_add(wait(rest.failures)).unwrap_or(now);
        rest.until
    }

    /// A destination works.
    fn rested(&self, destination: &Destination) {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).remove(destination);
    }
}
