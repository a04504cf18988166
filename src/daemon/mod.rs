//! The process: messages come in, rules decide, everything is committed, effects go out, and rules
//! follow their files. It has no rules of its own.
//!
//! What fails with [`StoreError`] changed nothing, unless its `# Errors` says more.

mod ingest;
mod lanes;
mod lease;
mod lookup;
mod mail;
mod outbox;
mod pause;
mod reload;
mod reply;
mod schedule;
mod standing;
mod trouble;
mod webhook;
mod worker;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use self::{
    ingest::Health,
    trouble::{AFTER_TROUBLE, Trouble},
};
pub use self::{
    lookup::LookupOutcome,
    reload::{Adapt, Broken, Live, Source, Standing},
};
use crate::{
    app::{Notice, Notices},
    clock::Clock,
    desk::{Destination, XId, config::XSettings},
    engine::{Decider, RuleSet, next_minute},
    store::{AccountState, ConnectedAccount, Ended, Key, Store, StoreError},
    x::{client::Client, poll::Endpoint},
};

/// The longest that a request of another daemon may still be under way.
const MAX_REQUEST_TIME: SignedDuration = SignedDuration::from_secs(30);
/// How often in a row a driven clock goes on to the next try where none brings anything.
const MAX_VAIN_TRIES: u32 = 400;
/// How many polls in a row may bring nothing new and yet have more to read: where X lists more than one poll reads of what is
/// known and read again, each of them has.
const MAX_VAIN_POLLS: u32 = 5;
/// How long the sender sleeps where nothing is due; new work wakes it sooner.
const NOTHING_DUE: Duration = Duration::from_millis(500);

/// How settling ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Nothing is left that time alone lets go.
    Idle,
    /// So many effects wait, and trying again and again brought nothing.
    Left(i64),
}

/// A daemon: a store, live rules, a clock, and the way to X.
pub struct Daemon {
    store: Store,
    key: Key,
    live: Live,
    decider: Decider,
    clock: Clock,
    notices: Notices,
    http: reqwest::Client,
    /// With the settings that each was made by.
    clients: Mutex<BTreeMap<XId, (XSettings, Arc<Client>)>>,
    /// The hash of the rules whose files are known to be in the store.
    remembered: Mutex<Option<String>>,
    /// The automations and hours that every ticket was looked at with.
    rechecked: Mutex<Option<String>>,
    /// The rules under which stopped loops were last looked over.
    resumed: Mutex<Option<String>>,
    /// How fast automations fire.
    rate_limit: Mutex<schedule::RateLimit>,
    /// The endpoints that were polled at least once, or tried.
    polled: Mutex<BTreeSet<(XId, &'static str)>>,
    /// When the log was reminded that rules are broken.
    reminded: Mutex<Option<Timestamp>>,
    /// That the store fails.
    trouble: Mutex<Option<Trouble>>,
    /// Destinations that do not work, and rest.
    resting: Mutex<BTreeMap<Destination, lanes::Rest>>,
    /// Held while a pause of an account begins or ends.
    pausing: tokio::sync::Mutex<()>,
    /// Something is in the inbox.
    work: Notify,
    /// Something is in the outbox.
    mail: Notify,
    /// Something is on a ticket whose surroundings may not be known.
    lookups: Notify,
}

impl Daemon {
    /// A daemon that does nothing yet.
    pub fn new(store: Store, key: Key, live: Live, clock: Clock, http: reqwest::Client) -> Self {
        Self {
            store,
            key,
            live,
            decider: Decider::default(),
            clock,
            notices: Notices::default(),
            http,
            clients: Mutex::default(),
            remembered: Mutex::default(),
            rechecked: Mutex::default(),
            resumed: Mutex::default(),
            rate_limit: Mutex::default(),
            polled: Mutex::default(),
            reminded: Mutex::default(),
            trouble: Mutex::default(),
            resting: Mutex::default(),
            pausing: tokio::sync::Mutex::default(),
            work: Notify::new(),
            mail: Notify::new(),
            lookups: Notify::new(),
        }
    }

    /// Decides otherwise than by the index alone.
    pub fn deciding(self, decider: Decider) -> Self {
        Self { decider, ..self }
    }

    /// The rules that are live now.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.live.rules()
    }

    /// Where everything is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What time it is here.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The key that seals tokens.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What there is to tell.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Runs until `stop` says so, then finishes what is under way. Works while no other daemon has the lease of its
    /// database, and waits for it where another has.
    ///
    /// # Errors
    /// [`StoreError::Replaced`]: there is nothing any more that could be worked on.
    pub async fn serve(self: Arc<Self>, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let follow = self.live.clone().follow(self.clock.clone(), self.notices.clone());
        let notices = self.notices.clone();
        let following = tokio::spawn(async move {
            if let Err(error) = follow.await {
                notices.tell(Notice::Trouble { message: format!("the rule files cannot be watched: {error}") });
            }
        });
        let served = async {
            while let Some(ended) = self.take_lease(&mut stop).await? {
                self.hold_lease(&mut stop, ended).await?;
            }
            Ok(())
        };
        let served = served.await;
        following.abort();
        self.store.close().await;
        served
    }

    /// Works until `stop` says so, or another daemon has taken the lease.
    async fn hold_lease(self: &Arc<Self>, stop: &mut watch::Receiver<bool>, ended: Ended) -> Result<(), StoreError> {
        let (end, ending) = watch::channel(false);
        // What may be dropped anywhere, and what finishes the transaction or the sending it is at.
        let (mut tasks, mut finishing) = (JoinSet::new(), JoinSet::new());
        let daemon = self.clone();
        while let Err(error) = self.recover(ended).await {
            if matches!(error, StoreError::Replaced(_)) {
                return Err(error);
            }
            self.trouble(&error).await;
            if *stop.borrow() {
                return Ok(());
            }
        }
        self.keep_running(&mut tasks, &ending, "polling", |daemon, _| daemon.poll_accounts());
        self.keep_running(&mut tasks, &ending, "lookups", |daemon, _| async move { daemon.run_lookups().await });
        self.keep_running(&mut finishing, &ending, "intake", |daemon, stop| async move { daemon.work(stop).await });
        self.keep_running(
            &mut finishing,
            &ending,
            "automations",
            |daemon, stop| async move { daemon.schedule(stop).await },
        );
        self.keep_running(&mut finishing, &ending, "sending", |daemon, stop| async move { daemon.send(stop).await });
        self.keep_running(&mut finishing, &ending, "the note of what is live", |daemon, stop| async move {
            daemon.note_rules(stop).await
        });
        let lost = tokio::select! {
            // An error means that whoever could say stop is gone, which says it too.
            _ = stop.wait_for(|stop| *stop) => None,
            lost = daemon.keep_lease() => Some(lost),
        };
        let _ = end.send(true);
        tasks.shutdown().await;
        self.work.notify_waiters();
        self.mail.notify_waiters();
        while finishing.join_next().await.is_some() {}
        match lost {
            Some(StoreError::Superseded) => {
                self.notices.tell(Notice::Superseded);
                self.forget();
            }
            Some(error) => return Err(error),
            None => {
                if let Err(error) = self.store.release_lease(self.clock.machine()).await {
                    tracing::warn!("the lease was not let go, so the next daemon waits until it ends: {error}");
                }
            }
        }
        Ok(())
    }

    /// Runs a worker until it is told to stop. One that ends before then, which only a mistake in Twite can make it do,
    /// begins anew.
    fn keep_running<F>(
        self: &Arc<Self>,
        tasks: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
        name: &'static str,
        work: impl Fn(Arc<Self>, watch::Receiver<bool>) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (daemon, stop) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            while !*stop.borrow() {
                // Dropped with this task, so that whoever ends one ends the other.
                let mut worker = JoinSet::new();
                worker.spawn(work(daemon.clone(), stop.clone()));
                let ended = worker.join_next().await;
                if !*stop.borrow() {
                    daemon
                        .notices
                        .tell(Notice::Trouble { message: format!("{name} ended ({ended:?}) and begins anew") });
                    tokio::time::sleep(AFTER_TROUBLE).await;
                }
            }
        });
    }

    /// Sees to what the daemon before left half done.
    pub async fn recover(&self, ended: Ended) -> Result<(), StoreError> {
        // X may take a moment to show what it took just before the end; and who is asleep may wake up and go on.
        let wait = match ended {
            Ended::Released | Ended::Died => self.visibility_delay(),
            Ended::Silent => self.visibility_delay().saturating_add(MAX_REQUEST_TIME),
        };
        let doubtful =
            self.store.doubt_what_was_sending(self.clock.now().saturating_add(wait).unwrap_or_default()).await?;
        if doubtful > 0 {
            tracing::warn!(
                "{doubtful} effects were on their way when the daemon ended; they are looked up before they are sent again"
            );
        }
        Ok(())
    }

    /// Takes in and decides everything, sends everything that is due, and asks X for whatever is new, until
    /// nothing is left to do. What that waits for, and what ends the wait:
    ///
    /// - messages in the inbox: each is taken in or set aside;
    /// - posts above those on tickets: each is asked for once, and none after X did not answer;
    /// - what X lists: until a poll reads no more, or `MAX_VAIN_POLLS` in a row brought nothing new;
    /// - automations and effects that are due later, to which a driven clock is taken forward: until `MAX_VAIN_TRIES` in a
    ///   row brought nothing. What still waits then is left, and why is told.
    pub async fn run_until_idle(&self) -> Result<Settled, StoreError> {
        self.recover(Ended::Released).await?;
        let mut failures = 0;
        let mut healths = BTreeMap::<_, Health>::new();
        let mut vain_polls = BTreeMap::<_, u32>::new();
        let (mut vain, mut waited) = (0, None);
        loop {
            let mut busy = false;
            while self.take_next().await? {
                busy = true;
            }
            // Once X did not answer, what it has is left for another time.
            while failures == 0 && self.lookup_parents(&mut failures).await? == LookupOutcome::Answered {
                while self.take_next().await? {}
                busy = true;
            }
            while self.send_next().await? {
                busy = true;
            }
            for account in self.store.accounts().await? {
                for endpoint in self.endpoints(&account) {
                    let health = healths.entry((account.id.clone(), endpoint.name())).or_default();
                    let polled = self.poll_once(&account, endpoint, health).await?;
                    let vain = vain_polls.entry((account.id.clone(), endpoint.name())).or_default();
                    *vain = if polled.new > 0 { 0 } else { vain.saturating_add(1) };
                    busy |= polled.new > 0 || (polled.more && *vain < MAX_VAIN_POLLS);
                }
            }
            // Time passes once everything that was written is in.
            if !busy {
                busy = self.evaluate_next().await?;
            }
            if busy {
                continue;
            }
            // What waits for the next minute to keep the pace would wait for ever where nobody drives the clock.
            let furthest = self.clock.furthest();
            let paced = self.rules().desk.limits.automations_per_minute > 0;
            if matches!(self.clock, Clock::Driven(_)) && paced && self.store.count_due(furthest).await? > 0 {
                self.clock.reached(next_minute(furthest));
                continue;
            }
            match (&self.clock, self.next_send_at().await?) {
                (Clock::Driven(_), Some(due)) if due > self.clock.now() => {
                    let waiting = self.store.queues().await?.outbox;
                    vain = if waited.replace(waiting) == Some(waiting) { vain + 1 } else { 0 };
                    if vain > MAX_VAIN_TRIES {
                        let last = self.store.queued().await?.into_iter().find_map(|queued| queued.reason);
                        let message = format!(
                            "{waiting} effect{} left in the outbox, as {MAX_VAIN_TRIES} tries in a row brought nothing: {}",
                            if waiting == 1 { " is" } else { "s are" },
                            last.as_deref().unwrap_or("nothing is known of why")
                        );
                        self.notices.tell(Notice::Trouble { message });
                        return Ok(Settled::Left(waiting));
                    }
                    self.clock.reached(due);
                }
                _ => return Ok(Settled::Idle),
            }
        }
    }

    async fn work(&self, stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let woken = self.work.notified();
            match self.take_next().await {
                Ok(true) => self.lookups.notify_one(),
                Ok(false) => {
                    let _ = tokio::time::timeout(NOTHING_DUE, woken).await;
                }
                Err(error) => self.trouble(&error).await,
            }
        }
    }

    /// One task for each account and endpoint, as accounts come and go.
    async fn poll_accounts(self: Arc<Self>) {
        let mut running: BTreeMap<(XId, &'static str), tokio::task::AbortHandle> = BTreeMap::new();
        let mut tasks = JoinSet::new();
        let mut unconnected = vec![];
        loop {
            match self.store.accounts().await {
                Ok(accounts) => {
                    self.tell_unconnected(&accounts, &mut unconnected);
                    let mut wanted = BTreeMap::new();
                    for account in &accounts {
                        for endpoint in self.endpoints(account) {
                            wanted.insert((account.id.clone(), endpoint.name()), (account.clone(), endpoint));
                        }
                    }
                    running.retain(|key, task| {
                        let keep = wanted.contains_key(key) && !task.is_finished();
                        if !keep {
                            task.abort();
                        }
                        keep
                    });
                    for (key, (account, endpoint)) in wanted {
                        running.entry(key).or_insert_with(|| {
                            let daemon = self.clone();
                            tasks.spawn(async move { daemon.poll(account, endpoint).await })
                        });
                    }
                }
                Err(error) => self.trouble(&error).await,
            }
            tokio::time::sleep(AFTER_TROUBLE).await;
            while tasks.try_join_next().is_some() {}
        }
    }

    /// Tells which declared accounts nobody has connected yet, whenever that changes.
    fn tell_unconnected(&self, accounts: &[ConnectedAccount], told: &mut Vec<String>) {
        let rules = self.rules();
        let is_connected = |handle: &str| accounts.iter().any(|account| account.handle.eq_ignore_ascii_case(handle));
        let declared = rules.desk.accounts.iter().map(|account| account.handle.clone());
        let unconnected: Vec<_> = declared.filter(|handle| !is_connected(handle)).collect();
        if let Some(first) = unconnected.first().filter(|_| unconnected != *told) {
            let all = unconnected.iter().map(|handle| format!("@{handle}")).collect::<Vec<_>>().join(", ");
            let message = format!(
                "declared and not connected: {all}. Nothing comes in from there; `twite accounts connect {first}` connects"
            );
            self.notices.tell(Notice::Trouble { message });
        }
        *told = unconnected;
    }

    async fn poll(&self, account: ConnectedAccount, endpoint: Endpoint) {
        let mut health = Health::default();
        loop {
            let polled = self.poll_once(&account, endpoint, &mut health).await;
            self.polled.lock().unwrap_or_else(PoisonError::into_inner).insert((account.id.clone(), endpoint.name()));
            match polled {
                Ok(polled) => tokio::time::sleep(polled.wait).await,
                Err(error) => {
                    self.tell_trouble(&error);
                    // X was asked all the same, and charges for it.
                    tokio::time::sleep(AFTER_TROUBLE.max(Duration::from_secs(self.rules().desk.x.poll_seconds))).await;
                }
            }
        }
    }

    /// What is fetched for an account, by its settings.
    fn endpoints(&self, account: &ConnectedAccount) -> Vec<Endpoint> {
        let rules = self.rules();
        let Some(settings) = rules.desk.account(&account.handle) else { return vec![] };
        if account.state != AccountState::Connected {
            return vec![];
        }
        let mut endpoints = vec![Endpoint::Mentions, Endpoint::OwnPosts];
        if settings.track_likes {
            endpoints.push(Endpoint::Likes);
        }
        if settings.capture_direct_messages && rules.desk.edition == crate::desk::config::Edition::Suite {
            endpoints.push(Endpoint::DirectMessages);
        }
        endpoints
    }

    /// The way to X for an account. Made once, so that its tokens are refreshed by one and its limits known to all.
    fn client(&self, account: &ConnectedAccount) -> Option<Arc<Client>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = self.rules();
        let settings = &rules.desk.x;
        let reached_by = |x: &XSettings| (x.url.clone(), x.client_id.clone(), x.client_secret_env.clone());
        if let Some((known, client)) = clients.get(&account.id)
            && reached_by(known) == reached_by(settings)
        {
            return Some(client.clone());
        }
        let (key, clock) = (self.key.clone(), self.clock.clone());
        let client = Client::new(settings, account.id.clone(), self.store.clone(), key, self.http.clone(), clock)
            .inspect_err(|error| tracing::error!("{error}"))
            .ok()?;
        let client = Arc::new(client);
        clients.insert(account.id.clone(), (settings.clone(), client.clone()));
        Some(client)
    }
}
