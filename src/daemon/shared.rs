//! State shared by the loops of the daemon.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{push::Push, trouble::Trouble};
use crate::{
    app::{App, Notice, StoredTokens},
    clock::Clock,
    desk::{AccountState, ConnectedAccount, IncomingKind, Transport, XId, declarations::Edition, text::counted},
    settings::XSettings,
    store::{Key, StoreError},
    web::Standing,
    x::{TokenError, Unreadable, XError, client::Client, transport::poll::Endpoint},
};

/// How long a request in progress may take after the daemon is told to stop.
pub(super) const MAX_LAST_REQUEST: Duration = Duration::from_secs(2);

/// Consecutive failures of a call after which it is reported as an error.
pub(super) const LASTING_FAILURES: u32 = 4;

/// How far the machine's clock may be from X's, whose answers may take a while.
const MAX_CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(60);

/// The application, the X clients of connected accounts, and state shared by the loops.
pub(super) struct Shared {
    pub(super) app: App,
    pub(super) key: Key,
    pub(super) http: reqwest::Client,
    /// Which accounts receive by a stream or webhook that works.
    pub(super) push: Push,
    /// What the daemon is doing, for its pages.
    pub(super) standing: watch::Sender<Standing>,
    /// Whether the daemon listens, so that X can call its webhook.
    pub(super) listening: watch::Sender<bool>,
    /// Reports failures of the store.
    pub(super) trouble: Trouble,
    /// Held while a pause of an account begins or ends.
    pub(super) pausing: tokio::sync::Mutex<()>,
    /// Clients by account, each with the settings it was created with.
    clients: Mutex<BTreeMap<XId, (XSettings, Arc<Client>)>>,
    /// Why the client of an account cannot be created, as last reported.
    unusable: Mutex<BTreeMap<XId, String>>,
    /// Whether the machine's clock is off, as last reported.
    clock_is_off: AtomicBool,
    /// Endpoints that have been polled at least once, successfully or not.
    polled: Mutex<BTreeSet<(XId, &'static str)>>,
}

impl Shared {
    pub(super) fn new(app: App, key: Key, http: reqwest::Client) -> Self {
        Self {
            push: Push::default(),
            listening: watch::Sender::new(false),
            standing: watch::Sender::new(Standing::Starting),
            trouble: Trouble::new(app.notices().clone()),
            app,
            key,
            http,
            pausing: tokio::sync::Mutex::default(),
            clients: Mutex::default(),
            unusable: Mutex::default(),
            clock_is_off: AtomicBool::default(),
            polled: Mutex::default(),
        }
    }

    /// The endpoints to poll for an account, according to its declaration.
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

    /// The X client of an account. Shared, so that tokens are refreshed by one task at a time.
    pub(super) fn client(&self, account: &ConnectedAccount) -> Option<Arc<Client>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = &self.app.settings().x;
        let reached_by = |x: &XSettings| (x.url.clone(), x.client_id.clone(), x.client_secret_env.clone());
        if let Some((known, client)) = clients.get(&account.id)
            && reached_by(known) == reached_by(settings)
        {
            return Some(client.clone());
        }
        let (store, key) = (self.app.store().clone(), self.key.clone());
        let tokens = Arc::new(StoredTokens { store, key, account: account.id.clone() });
        let client = Client::new(settings, account.id.clone(), tokens, self.http.clone(), self.app.clock().clone())
            .inspect_err(|error| self.tell_unusable(account, error))
            .ok()?;
        let client = Arc::new(client.counting(self.app.notices().counters(), &account.handle));
        self.unusable.lock().unwrap_or_else(PoisonError::into_inner).remove(&account.id);
        clients.insert(account.id.clone(), (settings.clone(), client.clone()));
        Some(client)
    }

    /// Reports that the client of an account cannot be created, unless the same was reported before: every poll asks for
    /// it.
    fn tell_unusable(&self, account: &ConnectedAccount, error: &XError) {
        let message = format!("@{}: {error}", account.handle);
        let before =
            self.unusable.lock().unwrap_or_else(PoisonError::into_inner).insert(account.id.clone(), message.clone());
        if before.as_ref() != Some(&message) {
            self.app.notices().tell(Notice::Trouble { message });
        }
    }

    /// The path of the webhook that X calls. Nobody can guess it without the key.
    pub(super) fn webhook_path(&self) -> String {
        format!("/x/webhook/{}", self.key.derive("webhook path"))
    }

    /// The tag of this desk's subscriptions at X.
    pub(super) fn subscription_tag(&self) -> String {
        format!("twite-{}", self.app.store().id())
    }

    /// Marks an endpoint as polled.
    pub(super) fn polled(&self, account: &ConnectedAccount, endpoint: Endpoint) {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner).insert((account.id.clone(), endpoint.name()));
    }

    /// Whether every endpoint of these accounts has been polled.
    pub(super) fn has_polled_all(&self, accounts: &[ConnectedAccount]) -> bool {
        let polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        let has_polled =
            |account: &ConnectedAccount, endpoint: &Endpoint| polled.contains(&(account.id.clone(), endpoint.name()));
        accounts.iter().all(|account| self.endpoints(account).iter().all(|endpoint| has_polled(account, endpoint)))
    }

    /// Maximum time until a new post is visible in X's lists.
    pub(super) fn visibility_delay(&self) -> SignedDuration {
        SignedDuration::try_from(Duration::from_millis(self.app.settings().x.visibility_delay_millis))
            .unwrap_or_default()
    }

    /// Reports a failure of X: the first of a series as a warning; as an error once it lasts, and then every 20th. A
    /// refusal of the whole account pauses it instead.
    pub(super) async fn tell_failure(&self, account: &ConnectedAccount, what: &str, failures: u32, error: &XError) {
        // The loop that renews the lease reports this.
        if matches!(error, XError::Tokens(TokenError::Superseded)) {
            return;
        }
        if let XError::Refused(refusal) = error
            && refusal.is_about_account()
        {
            if let Err(error) = self.pause(account, what, refusal).await {
                self.trouble.tell(&error);
            }
        } else if failures == 1 {
            let message = format!("@{} {what}: {error} (retrying)", account.handle);
            self.app.notices().tell(Notice::Failing { message });
        } else if failures == LASTING_FAILURES || failures.is_multiple_of(20) {
            let message = format!("@{} {what}: {error} (failed {failures} times, retrying)", account.handle);
            self.app.notices().tell(Notice::Trouble { message });
        }
    }

    /// Compares the machine's clock with that of X, which has just answered, and reports when it is off, and when it is
    /// right again. A virtual clock follows the messages.
    pub(super) fn check_clock(&self, at_x: Timestamp) {
        if matches!(self.app.clock(), Clock::Driven(_)) {
            return;
        }
        let ahead = self.app.clock().machine().duration_since(at_x);
        self.app.notices().counters().clock_ahead(ahead.as_secs_f64());
        let is_off = ahead.abs() > MAX_CLOCK_ERROR;
        if self.clock_is_off.swap(is_off, Ordering::Relaxed) == is_off {
            return;
        }
        self.app.notices().tell(if is_off {
            let (seconds, how) = (ahead.abs().as_secs(), if ahead.is_positive() { "ahead of" } else { "behind" });
            let message = format!(
                "the clock of this machine is {seconds} s {how} X's: automations, business hours and the expiry of tokens go \
                 by it; set it, best by NTP"
            );
            Notice::Trouble { message }
        } else {
            Notice::Mended { message: "the clock of this machine agrees with X's again".to_owned() }
        });
    }

    /// Reports that calls work again after this number of failures, all reported by [`Self::tell_failure`].
    pub(super) fn tell_success(&self, account: &ConnectedAccount, what: &str, failures: u32) {
        if failures > 0 {
            let after = counted(failures, "failure");
            let message = format!("@{} {what}: works again after {after}", account.handle);
            self.app.notices().tell(Notice::Mended { message });
        }
    }

    pub(super) async fn set_aside_raw(
        &self,
        account: &ConnectedAccount,
        transport: Transport,
        kind: IncomingKind,
        broken: &Unreadable,
    ) -> Result<(), StoreError> {
        let (id, now) = (broken.id.as_ref(), self.app.clock().now());
        if self.app.store().set_aside_raw((&account.id, transport), kind, id, &broken.raw, &broken.reason, now).await? {
            let id = id.map(|id| format!(" {id}")).unwrap_or_default();
            self.app.notices().tell(Notice::SetAside {
                account: format!("@{}", account.handle),
                message: format!("{}{id}", kind.as_str()),
                reason: broken.reason.clone(),
            });
        }
        Ok(())
    }

    /// Drops cached state, which is valid only while no other daemon works on the database.
    pub(super) fn forget(&self) {
        self.app.forget();
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.polled.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.push.forget();
        self.app.notices().counters().forget_all_push();
    }

    /// Awaits a request. Returns `None` if the daemon is stopped and the request takes longer than `most` from then on.
    /// A refresh of tokens in progress is awaited nevertheless, as far as the client's timeout: X accepts the refresh token
    /// only once, so without the answer the account would have to be connected again.
    pub(super) async fn unless_stopped<T>(
        &self,
        stop: &CancellationToken,
        most: Duration,
        request: impl Future<Output = T>,
    ) -> Option<T> {
        let mut request = pin!(request);
        tokio::select! {
            done = &mut request => return Some(done),
            () = async { stop.cancelled().await; tokio::time::sleep(most).await } => {}
        }
        // The request goes on meanwhile, because it may be the one that refreshes.
        tokio::select! {
            done = &mut request => Some(done),
            _ = self.finish_refreshes() => None,
        }
    }

    /// Waits until no tokens are being refreshed, and stores those that could not be stored before. Returns the errors.
    pub(super) async fn finish_refreshes(&self) -> Vec<XError> {
        let clients: Vec<_> = {
            let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            clients.values().map(|(_, client)| client.clone()).collect()
        };
        let mut errors = vec![];
        for client in clients {
            errors.extend(client.finish_refresh().await.err());
        }
        errors
    }
}
