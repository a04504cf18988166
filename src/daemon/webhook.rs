//! Keeps the webhook registered that X calls.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    push::Lost,
    run::{Loop, Next},
    shared::Shared,
};
use crate::{
    desk::Transport,
    store::StoreError,
    x::{Refusal, XError, transport::webhook::Secrets, webhooks::Webhooks},
};

/// Interval at which it is checked whether accounts use the webhook.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Interval between two questions to X whether it still calls the webhook.
const CHECK_EVERY: Duration = Duration::from_secs(300);
/// Maximum time for the daemon to begin to listen.
const MAX_LISTEN: Duration = Duration::from_secs(10);
/// Wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// X delivers again what is at most this old.
const MAX_REPLAY: SignedDuration = SignedDuration::from_hours(24);
/// Under which names it is stored up to when nothing is missing, and which webhook is registered.
const SEEN: &str = "webhook";
const REGISTERED: &str = "webhook id";

/// Keeps the webhook registered.
pub(super) struct Hooking {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Number of consecutive failures.
    failures: u32,
    /// Since when X may have failed to deliver what it was not asked to deliver again.
    missed_since: Option<Timestamp>,
    /// Whether a webhook that no account uses has been deleted.
    cleared: bool,
}

impl Loop for Hooking {
    async fn step(&mut self) -> Result<Next, StoreError> {
        if self.shared.using(Transport::Webhook).await?.is_empty() {
            return self.clear().await;
        }
        self.cleared = false;
        let ended = self.keep().await;
        let wait = |_, error: &XError| AFTER_FAILURE.max(error.wait().unwrap_or_default());
        self.shared.push_ended(Transport::Webhook, ended, &mut self.failures, wait).await
    }
}

impl Hooking {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self { shared: shared.clone(), stop: stop.clone(), failures: 0, missed_since: None, cleared: false }
    }

    /// Registers the webhook, and keeps it until stopped, until no account uses it any more or its URL changes, or until
    /// X does not call it.
    async fn keep(&mut self) -> Result<(), Lost> {
        let (url, settings) = (self.url()?, self.shared.app.settings());
        Secrets::new(&settings.x)?;
        let webhooks = Webhooks::new(&settings.x, self.shared.http.clone())?;
        let known = self.stored(REGISTERED).await?;
        // X calls it before it answers that it is registered.
        let mut listening = self.shared.listening.subscribe();
        let registered = async {
            let listens = timeout(MAX_LISTEN, listening.wait_for(|listening| *listening)).await;
            listens.map_err(|_| XError::unavailable("the daemon does not listen"))?.ok();
            register(&webhooks, &url, known.as_deref()).await
        };
        let Some(registered) = self.stop.run_until_cancelled(registered).await else { return Ok(()) };
        let (id, mut checked) = (registered?, Instant::now());
        self.store(REGISTERED, &id).await?;
        self.missed_since = self.seen().await?;
        self.shared.push.open(Transport::Webhook, Some(id.clone()));
        let begun = self.shared.app.clock().now();
        self.catch_up(&webhooks, &id).await?;
        // X counts in whole minutes, so the one that has begun is asked for at the next check.
        self.missed_since.get_or_insert(begun);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.stop.run_until_cancelled(look.tick()).await.is_some() {
            self.shared.push.check_doubt(Transport::Webhook)?;
            if self.shared.using(Transport::Webhook).await?.is_empty() || self.url()? != url {
                break;
            }
            if checked.elapsed() >= CHECK_EVERY {
                let Some(called) = self.stop.run_until_cancelled(still_called(&webhooks, &id)).await else { break };
                called?;
                checked = Instant::now();
                self.failures = 0;
                let (now, turned_away) = (self.shared.app.clock().now(), &self.shared.push.turned_away);
                let turned_away = turned_away.swap(false, Ordering::Relaxed);
                if turned_away && self.missed_since.is_none() {
                    self.missed_since = self.seen().await?;
                }
                self.catch_up(&webhooks, &id).await?;
                if turned_away {
                    self.missed_since.get_or_insert(now);
                }
            }
        }
        Ok(())
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

    /// Makes X deliver again what it could not deliver, and stores that nothing is missing up to now. The lists are polled
    /// as well; only what is deleted since is in no list. If X cannot be asked, it is asked at the next check; if it has no
    /// replay for this app, it has none then either.
    async fn catch_up(&mut self, webhooks: &Webhooks, id: &str) -> Result<(), StoreError> {
        let now = self.shared.app.clock().now();
        if let Some(since) = self.missed_since {
            let from = since.max(now.checked_sub(MAX_REPLAY).unwrap_or(since));
            let replayed = self.stop.run_until_cancelled(webhooks.replay(id, from, now)).await;
            if let Some(Err(error)) = &replayed {
                tracing::warn!("X does not deliver again what it could not deliver since {from:.0}: {error}");
            }
            match replayed {
                Some(
                    Ok(()) | Err(XError::Refused(Refusal::NotAllowed(_) | Refusal::Gone(_) | Refusal::Other { .. })),
                ) => {}
                _ => return Ok(()),
            }
            self.missed_since = None;
        }
        self.store(SEEN, &now.to_string()).await
    }

    /// Deletes the webhook of this desk that no account uses: X allows few.
    async fn clear(&mut self) -> Result<Next, StoreError> {
        let known = if self.cleared { None } else { self.stored(REGISTERED).await?.filter(|id| !id.is_empty()) };
        self.cleared = true;
        let webhooks = Webhooks::new(&self.shared.app.settings().x, self.shared.http.clone());
        let (Some(id), Ok(webhooks)) = (known, webhooks) else { return Ok(Next::After(LOOK_EVERY)) };
        match self.stop.run_until_cancelled(webhooks.delete(&id)).await {
            Some(Ok(()) | Err(XError::Refused(Refusal::Gone(_)))) => self.store(REGISTERED, "").await?,
            Some(Err(error)) => {
                self.cleared = false;
                tracing::warn!("the webhook, which no account uses, cannot be deleted at X: {error} (retrying)");
                return Ok(Next::After(AFTER_FAILURE.max(error.wait().unwrap_or_default())));
            }
            None => {}
        }
        Ok(Next::After(LOOK_EVERY))
    }

    /// Up to when nothing is missing; `None` if the webhook was never registered.
    async fn seen(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.stored(SEEN).await?.and_then(|seen| seen.parse().ok()))
    }

    async fn stored(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut tx = self.shared.app.store().begin().await?;
        let stored = tx.progress(name).await?;
        tx.commit().await?;
        Ok(stored)
    }

    async fn store(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut tx = self.shared.app.store().begin().await?;
        tx.set_progress(name, value).await?;
        tx.commit().await
    }
}

/// Registers the webhook at X, if it is not, and returns its id. Webhooks of others are left alone; an earlier one of
/// this desk, whose address differs because its URL or key was changed, is deleted.
async fn register(webhooks: &Webhooks, url: &str, known: Option<&str>) -> Result<String, XError> {
    let base = url.rsplit_once('/').map_or(url, |(base, _)| base);
    let mut found = None;
    for webhook in webhooks.list().await? {
        if webhook.url == url {
            found = Some(webhook);
        } else if known == Some(&webhook.id) || webhook.url.rsplit_once('/').is_some_and(|(other, _)| other == base) {
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
