//! Receives by a webhook that X calls: its registration at X, the subscriptions of accounts, and storing what comes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    run::{Loop, Next},
    shared::Shared,
};
use crate::{
    desk::{ConnectedAccount, Receives, Transport, XId},
    store::StoreError,
    web::webhook::Delivery,
    x::{XError, subscriptions::Subject, transport::webhook::Secrets, webhooks::Webhooks},
};

/// Interval at which the list of accounts is read again.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(2);
/// Interval between two questions to X whether it still calls the webhook.
const CHECK_EVERY: Duration = Duration::from_secs(300);
/// Maximum time of that question, well below what X waits for the answer to a delivery.
const MAX_CHECK: Duration = Duration::from_secs(4);
/// Maximum time for the daemon to begin to listen.
const MAX_LISTEN: Duration = Duration::from_secs(10);
/// Wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// X delivers again what is at most this old.
const MAX_REPLAY: SignedDuration = SignedDuration::from_hours(24);
/// Under which name it is stored when the webhook last worked.
const SEEN: &str = "webhook";

/// The deliveries that the webhook received and that are not stored yet. They outlive the lease of the daemon.
pub(super) type Deliveries = Arc<Mutex<mpsc::Receiver<Delivery>>>;

/// Receives by the webhook.
pub(super) struct Hooking {
    shared: Arc<Shared>,
    stop: CancellationToken,
    deliveries: Deliveries,
    /// Number of consecutive failures.
    failures: u32,
    /// The accounts whose events are subscribed to, and what those are.
    subscribed: BTreeMap<XId, (i64, Vec<Subject>)>,
}

/// The webhook as registered at X.
struct Registered {
    id: String,
    checked: Instant,
}

impl Loop for Hooking {
    async fn step(&mut self) -> Result<Next, StoreError> {
        let accounts = self.accounts().await?;
        if accounts.is_empty() {
            return Ok(Next::After(ACCOUNTS_EVERY));
        }
        self.subscribed.clear();
        let ended = self.receive().await.inspect_err(|_| self.shared.push.forget())?;
        let Err(error) = ended else { return Ok(Next::Now) };
        self.failures = self.failures.saturating_add(1);
        for account in &accounts {
            let (why, failures) = (error.to_string(), self.failures);
            self.shared.push_fails(account, Transport::Webhook, &why, failures, AFTER_FAILURE).await?;
        }
        self.rest(AFTER_FAILURE.max(error.wait().unwrap_or_default())).await?;
        Ok(Next::Now)
    }
}

impl Hooking {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken, deliveries: Deliveries) -> Self {
        Self { shared: shared.clone(), stop: stop.clone(), deliveries, failures: 0, subscribed: BTreeMap::new() }
    }

    async fn accounts(&self) -> Result<Vec<ConnectedAccount>, StoreError> {
        Ok(self.shared.receiving(Receives::Webhook).await?.into_iter().map(|(account, _)| account).collect())
    }

    /// Registers the webhook, and receives until stopped, until no account uses it any more, or until it fails.
    async fn receive(&mut self) -> Result<Result<(), XError>, StoreError> {
        let url = match self.url() {
            Ok(url) => url,
            Err(error) => return Ok(Err(error)),
        };
        // X calls it before it answers that it is registered.
        let mut listening = self.shared.listening.subscribe();
        if timeout(MAX_LISTEN, listening.wait_for(|listening| *listening)).await.is_err() {
            return Ok(Err(XError::unavailable("the daemon does not listen")));
        }
        if let Err(error) = Secrets::new(&self.shared.app.settings().x) {
            return Ok(Err(error));
        }
        let webhooks = match Webhooks::new(&self.shared.app.settings().x, self.shared.http.clone()) {
            Ok(webhooks) => webhooks,
            Err(error) => return Ok(Err(error)),
        };
        let mut registered = match register(&webhooks, &url).await {
            Ok(id) => Registered { id, checked: Instant::now() },
            Err(error) => return Ok(Err(error)),
        };
        self.replay(&webhooks, &registered.id).await?;
        let deliveries = self.deliveries.clone();
        let mut deliveries = deliveries.lock().await;
        let mut look = interval(ACCOUNTS_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut accounts = self.accounts().await?;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(Ok(())),
                _ = look.tick() => {
                    match self.subscribe(&registered.id).await? {
                        Ok(receiving) => accounts = receiving,
                        Err(error) => return Ok(Err(error)),
                    }
                    if accounts.is_empty() {
                        return Ok(Ok(()));
                    }
                    if accounts.iter().any(|account| self.shared.push.takes_doubt(&account.id)) {
                        return Ok(Err(XError::unavailable("X did not deliver messages that its lists have")));
                    }
                    if registered.checked.elapsed() >= CHECK_EVERY {
                        // Deliveries wait meanwhile. If X does not answer in time, it is asked again later.
                        if let Ok(Err(error)) = timeout(MAX_CHECK, still_called(&webhooks, &registered.id)).await {
                            return Ok(Err(error));
                        }
                        registered.checked = Instant::now();
                        self.note_seen().await?;
                    }
                }
                delivery = deliveries.recv() => {
                    let Some(Delivery { pushed, stored }) = delivery else { return Ok(Ok(())) };
                    self.shared.take_pushed(Transport::Webhook, &accounts, pushed).await?;
                    self.failures = 0;
                    // X may have given up waiting. It then delivers it again, and it is known.
                    let _ = stored.send(());
                }
            }
        }
    }

    /// Waits after a failure, and takes in what X delivers nevertheless.
    async fn rest(&mut self, wait: Duration) -> Result<(), StoreError> {
        let until = Instant::now() + wait;
        let deliveries = self.deliveries.clone();
        let mut deliveries = deliveries.lock().await;
        loop {
            let delivery = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(until) => return Ok(()),
                delivery = deliveries.recv() => delivery,
            };
            let Some(Delivery { pushed, stored }) = delivery else { return Ok(()) };
            let accounts = self.accounts().await?;
            self.shared.take_pushed(Transport::Webhook, &accounts, pushed).await?;
            let _ = stored.send(());
        }
    }

    /// The URL that X calls.
    fn url(&self) -> Result<String, XError> {
        let setup = |why: &str| Err(XError::Setup(why.to_owned()));
        if self.shared.app.settings().web.listen.is_none() {
            return setup("a webhook needs `listen` in `[web]` of twite.toml");
        }
        match &self.shared.app.rules().desk.url {
            Some(url) => Ok(format!("{}{}", url.trim_end_matches('/'), self.shared.webhook_path())),
            None => setup("a webhook needs `url` in twite.toml: the address at which X reaches this desk"),
        }
    }

    /// Subscribes to the events of the accounts, as far as that is not done. Returns the accounts.
    async fn subscribe(&mut self, webhook: &str) -> Result<Result<Vec<ConnectedAccount>, XError>, StoreError> {
        let mut accounts = vec![];
        for (account, subjects) in self.shared.receiving(Receives::Webhook).await? {
            accounts.push(account.clone());
            let wanted = (account.times_connected, subjects);
            if self.subscribed.get(&account.id) != Some(&wanted) {
                let Some(client) = self.shared.client(&account) else { continue };
                if let Err(error) = client.deliver(&wanted.1, Some(webhook), &self.shared.subscription_tag()).await {
                    return Ok(Err(error));
                }
                self.shared.push_works(&account, Transport::Webhook).await?;
                self.subscribed.insert(account.id, wanted);
            }
        }
        Ok(Ok(accounts))
    }

    /// Makes X deliver again what it could not deliver since the webhook last worked. The lists are polled as well; only
    /// what is deleted since is in no list.
    async fn replay(&self, webhooks: &Webhooks, id: &str) -> Result<(), StoreError> {
        let mut tx = self.shared.app.store().begin().await?;
        let seen = tx.progress(SEEN).await?.and_then(|seen| seen.parse::<Timestamp>().ok());
        tx.commit().await?;
        let now = self.shared.app.clock().now();
        if let Some(seen) = seen {
            let from = seen.max(now.checked_sub(MAX_REPLAY).unwrap_or(seen));
            if let Err(error) = webhooks.replay(id, from, now).await {
                tracing::warn!("X does not deliver again what it could not deliver since {from:.0}: {error}");
            }
        }
        self.note_seen().await
    }

    /// Stores that the webhook works now.
    async fn note_seen(&self) -> Result<(), StoreError> {
        let mut tx = self.shared.app.store().begin().await?;
        tx.set_progress(SEEN, &self.shared.app.clock().now().to_string()).await?;
        tx.commit().await
    }
}

/// Registers the webhook at X, if it is not, and returns its id. Webhooks of others are left alone; an earlier one of
/// this desk, whose path differs because the key was changed, is deleted.
async fn register(webhooks: &Webhooks, url: &str) -> Result<String, XError> {
    let base = url.rsplit_once('/').map_or(url, |(base, _)| base);
    let mut found = None;
    for webhook in webhooks.list().await? {
        if webhook.url == url {
            found = Some(webhook);
        } else if webhook.url.rsplit_once('/').is_some_and(|(other, _)| other == base) {
            webhooks.delete(&webhook.id).await?;
        }
    }
    match found {
        Some(webhook) if webhook.valid => Ok(webhook.id),
        Some(webhook) => {
            webhooks.check(&webhook.id).await?;
            Ok(webhook.id)
        }
        None => Ok(webhooks.create(url).await?.id),
    }
}

/// Checks that X calls the webhook, and makes X call it again if it stopped.
async fn still_called(webhooks: &Webhooks, id: &str) -> Result<(), XError> {
    match webhooks.list().await?.into_iter().find(|webhook| webhook.id == id) {
        Some(webhook) if webhook.valid => Ok(()),
        Some(_) => Err(XError::unavailable("X has stopped calling it")),
        None => Err(XError::unavailable("it is no longer registered at X")),
    }
}
