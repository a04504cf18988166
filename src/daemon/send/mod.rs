//! Sends the outbox in lanes: one per destination, sequential, so that a destination that hangs delays only itself.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
    store::{Failing, StoreError},
};

/// Maximum number of concurrent lanes, and maximum number with which a webhook's lane may still start, so that hanging
/// webhooks leave room for X and mail.
const MAX_LANES: usize = 32;
const MAX_LANES_BESIDE_WEBHOOK: usize = 16;

/// State shared by all lanes.
pub(super) struct Sending {
    shared: Arc<Shared>,
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
        Self { shared: shared.clone() }
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
        let gates = self.gates().await?;
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
        let gates = self.gates().await?;
        let is_open = |destination: &Destination| self.open_from(&gates, destination).is_some_and(|at| at <= now);
        Ok(waiting.into_iter().map(|(destination, _)| destination).filter(is_open).collect())
    }

    /// When a destination can be sent to; `None` if a person has to act first.
    async fn opens_at(&self, destination: &Destination) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.open_from(&self.gates().await?, destination))
    }

    async fn gates(&self) -> Result<Gates, StoreError> {
        Gates::of(self.app().store(), self.app().clock().now()).await
    }

    fn open_from(&self, gates: &Gates, destination: &Destination) -> Option<Timestamp> {
        match gates.held(&self.app().settings().accounts, destination) {
            None => Some(Timestamp::MIN),
            Some(held) => held.until,
        }
    }

    /// A destination after a further failure. `wait` computes from the number of failures how long nothing is sent there.
    async fn failing_again(
        &self,
        destination: &Destination,
        why: &str,
        wait: impl FnOnce(i64) -> Duration,
    ) -> Result<Failing, StoreError> {
        let now = self.app().clock().now();
        let failing = self.app().store().failing().await?;
        let before = failing.iter().find(|failing| failing.destination == *destination);
        let (since, failures) = before.map_or((now, 0), |before| (before.since, before.failures));
        let failures = failures.saturating_add(1);
        let retry_at = now.checked_add(wait(failures)).unwrap_or(now);
        let (destination, reason) = (destination.clone(), why.to_owned());
        Ok(Failing { destination, reason, since, failures, retry_at })
    }

    /// Reports that a destination fails: as a warning at first, and as an error once it lasts.
    fn tell_failing(&self, Failing { destination, reason, failures, .. }: &Failing) {
        if *failures == 1 {
            let message = format!("sending to {destination}: {reason} (retrying)");
            self.app().notices().tell(Notice::Failing { message });
        } else if *failures == i64::from(LASTING_FAILURES) {
            let message = format!("sending to {destination}: {reason} (failed {LASTING_FAILURES} times, retrying)");
            self.app().notices().tell(Notice::Trouble { message });
        }
    }

    /// Reports that a destination works again, if it failed before.
    fn tell_mended(&self, destination: &Destination, failures: Option<i64>) {
        if let Some(failures) = failures {
            let message = format!("{destination} responds again after {}", counted(failures, "failure"));
            self.app().notices().tell(Notice::Mended { message });
        }
    }
}
