//! What the loops of the daemon share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::trouble::Trouble;
use crate::{
    app::{App, Notice},
    desk::{XId, declarations::Edition},
    settings::XSettings,
    store::{AccountState, ConnectedAccount, IncomingKind, Key, StoreError},
    x::{Unreadable, XError, client::Client, poll::Endpoint},
};

/// How long a request may still take when the daemon is told to stop.
const MAX_LAST_REQUEST: Duration = Duration::from_secs(2);

/// The desk, the connected accounts' clients, and what one loop tells another.
pub(super) struct Shared {
    pub(super) app: App,
    pub(super) key: Key,
    pub(super) http: reqwest::Client,
    /// That the store fails.
    pub(super) trouble: Trouble,
    /// Held while a pause of an account begins or ends.
    pub(super) pausing: tokio::sync::Mutex<()>,
    /// With the settings that each was made by.
    clients: Mutex<BTreeMap<XId, (XSettings, Arc<Client>)>>,
    /// The endpoints that were polled at least once, or tried.
    polled: Mutex<BTreeSet<(XId, &'static str)>>,
}

impl Shared {
    pub(super) fn new(app: App, key: Key, http: reqwest::Client) -> Self {
        Self {
            trouble: Trouble::new(app.notices().clone()),
            app,
            key,
            http,
            pausing: tokio::sync::Mutex::default(),
            clients: Mutex::default(),
            polled: Mutex::default(),
        }
    }

    /// What is fetched for an account, by its settings.
    pub(super) fn endpoints(&self, account: &ConnectedAccount) -> Vec<Endpoint> {
        let rules = self.app.rules();
        let settings = self.app.settings();
        let Some(settings) = settings.accounts.get(&account.handle) else { return vec![] };
        if account.state != AccountState::Connected {
            return vec![];
        }
        let mut endpoints = vec![Endpoint::Mentions, Endpoint::OwnPosts];
        if settings.track_likes {
            endpoints.push(Endpoint::Likes);
        }
        if settings.capture_direct_messages && rules.desk.edition == Edition::Suite {
            endpoints.push(Endpoint::DirectMessages);
        }
        endpoints
    }

    /// The way to X for an account. Made once, so that its tokens are refreshed by one and its limits known to all.
    pub(super) fn client(&self, account: &ConnectedAccount) -> Option<Arc<Client>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = &self.app.settings().x;
        let reached_by = |x: &XSettings| (x.url.clone(), x.client_id.clone(), x.client_secret_env.clone());
        if let Some((known, client)) = clients.get(&account.id)
            && reached_by(known) == reached_by(settings)
        {
            return Some(client.clone());
        }
        let (store, key, clock) = (self.app.store().clone(), self.key.clone(), self.app.clock().clone());
        let client = Client::new(settings, account.id.clone(), store, key, self.http.clone(), clock)
            .inspect_err(|error| tracing::error!("{error}"))
            .ok()?;
        let client = Arc::new(client);
        clients.insert(account.id.clone(), (settings.clone(), client.clone()));
        Some(client)
    }

    /// Notes that an endpoint was polled.
    pub(super) fn polled(&self, account: &ConnectedAccount, endpoint: Endpoint) {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner).insert((account.id.clone(), endpoint.name()));
    }

    /// Whether every endpoint of these accounts was polled.
    pub(super) fn has_polled_all(&self, accounts: &[ConnectedAccount]) -> bool {
        let polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        let has_polled =
            |account: &ConnectedAccount, endpoint: &Endpoint| polled.contains(&(account.id.clone(), endpoint.name()));
        accounts.iter().all(|account| self.endpoints(account).iter().all(|endpoint| has_polled(account, endpoint)))
    }

    /// How long X may take to show a post where it is looked for.
    pub(super) fn visibility_delay(&self) -> SignedDuration {
        SignedDuration::try_from(Duration::from_millis(self.app.settings().x.settle_millis)).unwrap_or_default()
    }

    /// Tells that X did not do what was asked: the first time, and now and then while it goes on.
    pub(super) async fn tell_failure(&self, account: &ConnectedAccount, what: &str, failures: u32, error: &XError) {
        if let XError::Refused(refusal) = error
            && refusal.is_about_account()
        {
            if let Err(error) = self.pause(account, what, refusal).await {
                self.trouble.tell(&error);
            }
        } else if failures == 1 || failures.is_multiple_of(20) {
            self.app.notices().tell(Notice::Trouble {
                message: format!("@{} {what}: {error} (failed {failures} times, retrying)", account.handle),
            });
        }
    }

    pub(super) async fn set_aside_raw(
        &self,
        account: &XId,
        kind: IncomingKind,
        broken: &Unreadable,
    ) -> Result<(), StoreError> {
        let (id, now) = (broken.id.as_ref(), self.app.clock().now());
        if self.app.store().set_aside_raw(account, kind, id, &broken.raw, &broken.reason, now).await? {
            self.app.notices().tell(Notice::SetAside { reason: broken.reason.clone() });
        }
        Ok(())
    }

    /// Forgets what was true while nobody else worked on the database.
    pub(super) fn forget(&self) {
        self.app.forget();
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.polled.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What a request comes to; nothing where the daemon is told to stop and it takes long. New tokens that an answer brings are
/// stored in the time that is left.
pub(super) async fn unless_stopped<T>(stop: &CancellationToken, request: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = request => Some(done),
        () = async { stop.cancelled().await; tokio::time::sleep(MAX_LAST_REQUEST).await } => None,
    }
}
