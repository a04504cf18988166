//! Sends the outbox in lanes: one per destination, sequential, so that a destination that hangs delays only itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

mod action;
mod mail;
mod outcome;
mod webhook;
mod x;

pub(super) use self::outcome::doubled;
use super::{
    run::{Loop, Next},
    shared::{LASTING_FAILURES, Shared},
};
use crate::{
    app::{App, Gates, Notice},
    desk::{Destination, text::counted},
    store::StoreError,
};

/// Maximum number of concurrent lanes, and maximum number with which a webhook's lane may still start, so that hanging
/// webhooks leave room for X and mail.
const MAX_LANES: usize = 32;
const MAX_LANES_BESIDE_WEBHOOK: usize = 16;

/// Backoff of a failing destination.
#[derive(Debug, Clone, Copy)]
struct Rest {
    /// Number of consecutive failures.
    failures: i64,
    /// End of the backoff.
    until: Timestamp,
}

/// State shared by all lanes.
pub(super) struct Sending {
    shared: Arc<Shared>,
    /// Failing destinations, with their backoff.
    resting: Mutex<BTreeMap<Destination, Rest>>,
}

/// Sends due outbox items, in one lane per destination.
pub(super) struct Sender {
    sending: Arc<Sending>,
    stop: CancellationToken,
    running: BTreeMap<Id, Destination>,
    lanes: JoinSet<()>,
    /// What the settings lack, as already reported.
    lacking: Vec<String>,
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
        self.tell_lacking();
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

    /// Waits for deliveries in progress. Stopped lanes give up their requests, but finish their transactions.
    async fn finish(&mut self) {
        while self.lanes.join_next().await.is_some() {}
    }
}

impl Sender {
    pub(super) fn new(sending: &Arc<Sending>, stop: &CancellationToken) -> Self {
        Self {
            sending: sending.clone(),
            stop: stop.clone(),
            running: BTreeMap::new(),
            lanes: JoinSet::new(),
            lacking: vec![],
        }
    }
}

impl Sender {
    /// Reports what mails and webhooks lack in the settings, whenever it changes.
    fn tell_lacking(&mut self) {
        let settings = self.sending.app().settings();
        let mail = settings.mail.iter().filter_map(mail::unusable);
        let lacking: Vec<_> = mail.chain(settings.webhooks.iter().filter_map(webhook::unusable)).collect();
        for what in lacking.iter().filter(|what| !self.lacking.contains(what)) {
            let message = format!("{what}; until then, what is sent there waits");
            self.sending.app().notices().tell(Notice::Trouble { message });
        }
        self.lacking = lacking;
    }
}

impl Sending {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone(), resting: Mutex::default() }
    }

    fn app(&self) -> &App {
        &self.shared.app
    }

    /// Since when what rules sent counts for the limits of `twite.toml`.
    fn hour_ago(&self) -> Timestamp {
        self.app().clock().now().saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN)
    }

    /// Sends due items to a destination until none is left. Items that arrive later get a new lane.
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

    /// Sends the next due item to any destination. Returns whether there was one.
    ///
    /// # Errors
    /// When the store fails. An item that was being sent then stays `sending`.
    pub(super) async fn send_next(&self) -> Result<bool, StoreError> {
        let never = CancellationToken::new();
        for destination in self.due().await? {
            if self.send_to(&destination, &never).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When the next item can be sent; `None` if no item waits, or all need a person to act first.
    pub(super) async fn next_send_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let gates = Gates::of(self.app().store()).await?;
        let waiting = self.app().store().destinations().await?;
        Ok(waiting.iter().filter_map(|(destination, due)| Some(self.open_from(&gates, destination)?.max(*due))).min())
    }

    /// Destinations that have due items and are neither blocked nor in backoff.
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

    /// When a destination can be sent to; `None` if a person has to act first.
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

    /// Records a failure of a destination, reports it as a warning, and as an error once it lasts, and starts a backoff.
    /// `wait` computes its length from the number of failures. Returns the end of the backoff.
    fn rest(&self, destination: &Destination, why: &str, wait: impl FnOnce(i64) -> Duration) -> Timestamp {
        let now = self.app().clock().now();
        let rest = {
            let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
            let rest = resting.entry(destination.clone()).or_insert(Rest { failures: 0, until: now });
            rest.failures = rest.failures.saturating_add(1);
            rest.until = now.checked_add(wait(rest.failures)).unwrap_or(now);
            *rest
        };
        if rest.failures == 1 {
            let message = format!("sending to {destination}: {why} (retrying)");
            self.app().notices().tell(Notice::Failing { message });
        } else if rest.failures == i64::from(LASTING_FAILURES) {
            let message = format!("sending to {destination}: {why} (failed {LASTING_FAILURES} times, retrying)");
            self.app().notices().tell(Notice::Trouble { message });
        }
        rest.until
    }

    /// Ends the backoff of a destination.
    fn rested(&self, destination: &Destination) {
        let ended = self.resting.lock().unwrap_or_else(PoisonError::into_inner).remove(destination);
        if let Some(Rest { failures, .. }) = ended {
            let message = format!("{destination} responds again after {}", counted(failures, "failure"));
            self.app().notices().tell(Notice::Mended { message });
        }
    }
}
