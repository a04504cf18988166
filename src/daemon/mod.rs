//! The daemon process: one loop per task, running while it holds the lease on its database, and the reload of changed
//! rule files. How the loops change tickets is in [`crate::app`].
//!
//! An operation that fails with [`StoreError`] has changed nothing, unless its `# Errors` says otherwise.

mod deliveries;
mod doubt;
mod lease;
mod listen;
mod lookup;
mod note;
mod pause;
mod poll;
mod push;
mod reload;
mod run;
mod scheduler;
mod send;
mod shared;
mod stream;
mod subscribe;
mod trouble;
mod webhook;
mod worker;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::{
    sync::{Mutex, Notify, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::{
    deliveries::{Deliveries, TakeDeliveries},
    lookup::NOTHING_TO_ASK,
    note::{NoteRules, live_rules},
    poll::{Poll, PollAccounts},
    run::spawn,
    scheduler::Scheduler,
    send::{Sender, Sending},
    shared::Shared,
    stream::Streaming,
    subscribe::{ACCOUNTS_EVERY, Subscribing},
    webhook::Hooking,
    worker::Worker,
};
pub use self::{
    lookup::{Lookup, LookupOutcome},
    note::Reminder,
    reload::{LastGood, Reload, Source},
};
use crate::{
    app::{App, Notice, Notices},
    clock::Clock,
    desk::{Viewer, XId},
    engine::{Decider, RuleSet, next_minute},
    store::{Ended, Holder, Key, Store, StoreError, Watch},
    web::{Standing, webhook::Delivery},
    x::Post,
};

/// Maximum time that a request by a previous, unresponsive daemon may still be in flight.
const MAX_REQUEST_TIME: SignedDuration = SignedDuration::from_secs(30);
/// How many times in a row a driven clock is advanced to the next attempt without any delivery.
const MAX_VAIN_TRIES: u32 = 400;
/// Maximum number of consecutive polls with more pages to read but no new message. Without it, a list whose known part
/// is longer than one poll reads would keep `run_until_idle` busy for ever.
const MAX_VAIN_POLLS: u32 = 5;
/// Maximum number of deliveries of the webhook that wait to be stored.
const MAX_DELIVERIES: usize = 8;
/// Idle time between two checks of intake and sending; new work shortens it.
const NOTHING_DUE: Duration = Duration::from_millis(500);

/// How [`Daemon::run_until_idle`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// No work is left, except effects that wait for a person.
    Idle,
    /// This many effects are left in the outbox after repeated failures.
    Left(i64),
}

/// The daemon of a desk: reloads its rules, polls X, evaluates automations and sends effects.
pub struct Daemon {
    shared: Arc<Shared>,
    reload: Reload,
    sending: Arc<Sending>,
    /// What the webhook received: where it is put, and where it is taken from.
    delivered: mpsc::Sender<Delivery>,
    deliveries: Deliveries,
    /// The scheduler for [`Daemon::evaluate_next`].
    scheduler: Mutex<Scheduler>,
}

impl Daemon {
    /// Creates a daemon without starting it.
    pub fn new(store: Store, key: Key, reload: Reload, clock: Clock, http: reqwest::Client) -> Self {
        Self::of(App::new(store, reload.live().clone(), clock), key, reload, http)
    }

    fn of(app: App, key: Key, reload: Reload, http: reqwest::Client) -> Self {
        let shared = Arc::new(Shared::new(app, key, http));
        let scheduler = Scheduler::new(&shared, &CancellationToken::new());
        let (delivered, deliveries) = mpsc::channel(MAX_DELIVERIES);
        Self {
            sending: Arc::new(Sending::new(&shared)),
            delivered,
            deliveries: Arc::new(Mutex::new(deliveries)),
            scheduler: Mutex::new(scheduler),
            shared,
            reload,
        }
    }

    /// Replaces the decider, for example to compare the index with the plain evaluator.
    pub fn deciding(self, decider: Decider) -> Self {
        let shared = &self.shared;
        Self::of(shared.app.clone().deciding(decider), shared.key.clone(), self.reload, shared.http.clone())
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.shared.app
    }

    /// The current live rules.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.app().rules()
    }

    /// The store.
    pub fn store(&self) -> &Store {
        self.app().store()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        self.app().clock()
    }

    /// The key that encrypts tokens.
    pub fn key(&self) -> &Key {
        &self.shared.key
    }

    /// The channel for notices.
    pub fn notices(&self) -> &Notices {
        self.app().notices()
    }

    /// Runs until stopped, and finishes work in progress. While another daemon holds the lease on the database, it
    /// waits for the lease.
    ///
    /// # Errors
    /// [`StoreError::Replaced`] if the database was replaced, so that there is nothing left to work on.
    pub async fn serve(self: Arc<Self>, stop: CancellationToken) -> Result<(), StoreError> {
        let follow = self.reload.clone().follow(self.clock().clone(), self.notices().clone());
        let notices = self.notices().clone();
        let following = tokio::spawn(async move {
            if let Err(error) = follow.await {
                notices.tell(Notice::Trouble { message: format!("cannot watch the rule files: {error}") });
            }
        });
        let listening = tokio::spawn(self.clone().listen(stop.clone()));
        let served = async {
            while let Some(ended) = self.take_lease(&stop).await? {
                self.hold_lease(&stop, ended).await?;
            }
            Ok(())
        };
        let served = served.await;
        following.abort();
        if served.is_err() {
            listening.abort();
        }
        // It ended, or was aborted.
        let _ = listening.await;
        self.store().close().await;
        served
    }

    /// Works until stopped or until another daemon takes the lease.
    async fn hold_lease(self: &Arc<Self>, stop: &CancellationToken, ended: Ended) -> Result<(), StoreError> {
        while let Err(error) = self.recover(ended).await {
            if matches!(error, StoreError::Replaced(_)) {
                return Err(error);
            }
            self.shared.trouble.tell_and_wait(&error).await;
            if stop.is_cancelled() {
                return Ok(());
            }
        }
        self.shared.standing.send_replace(Standing::Working);
        let stop = &stop.child_token();
        let mut loops = self.spawn_loops(stop);
        let lost = self.keep_lease(stop).await;
        stop.cancel();
        while loops.join_next().await.is_some() {}
        for error in self.shared.finish_refreshes().await {
            let message = format!("{error}; if X refuses the account, connect it again");
            self.notices().tell(Notice::Trouble { message });
        }
        match lost {
            Some(StoreError::Superseded) => {
                self.notices().tell(Notice::Superseded);
                self.shared.forget();
            }
            Some(error) => return Err(error),
            None => {
                if let Err(error) = self.store().release_lease(self.clock().machine()).await {
                    tracing::warn!("cannot release the lease, so the next daemon waits until it expires: {error}");
                }
            }
        }
        Ok(())
    }

    /// Starts every loop. A loop ends after its current step when stopped.
    fn spawn_loops(&self, stop: &CancellationToken) -> JoinSet<()> {
        let (shared, wake) = (&self.shared, self.app().wake());
        let loops = &mut JoinSet::new();
        let sending = self.sending.clone();
        // These loops are never notified and schedule themselves.
        let never = || (Arc::new(Notify::new()), Duration::MAX);
        spawn(loops, shared, stop, "polling", never(), PollAccounts::new);
        spawn(loops, shared, stop, "the activity stream", never(), Streaming::new);
        let deliveries = self.deliveries.clone();
        spawn(loops, shared, stop, "the webhook", never(), Hooking::new);
        spawn(loops, shared, stop, "deliveries", never(), move |shared, stop| {
            TakeDeliveries::new(shared, stop, deliveries.clone())
        });
        let opened = (shared.push.opened.clone(), ACCOUNTS_EVERY);
        spawn(loops, shared, stop, "subscriptions", opened, Subscribing::new);
        spawn(loops, shared, stop, "lookups", (wake.lookups.clone(), NOTHING_TO_ASK), Lookup::new);
        spawn(loops, shared, stop, "intake", (wake.inbox.clone(), NOTHING_DUE), |shared, _| Worker::new(shared));
        spawn(loops, shared, stop, "automations", never(), Scheduler::new);
        spawn(loops, shared, stop, "sending", (wake.outbox.clone(), NOTHING_DUE), move |_, stop| {
            Sender::new(&sending, stop)
        });
        spawn(loops, shared, stop, "the note of what is live", never(), NoteRules::new);
        std::mem::take(loops)
    }

    /// Recovers effects that the previous daemon was sending when it ended, and tries again what failed.
    async fn recover(&self, ended: Ended) -> Result<(), StoreError> {
        self.app().refresh_accounts().await?;
        let mut tx = self.store().begin().await?;
        tx.retry_destinations(self.clock().now()).await?;
        tx.commit().await?;
        // X may show an accepted post with a delay, and a suspended daemon may resume and finish a request.
        let wait = match ended {
            Ended::Released | Ended::Died => self.shared.visibility_delay(),
            Ended::Silent => self.shared.visibility_delay().saturating_add(MAX_REQUEST_TIME),
        };
        let doubtful =
            self.store().doubt_what_was_sending(self.clock().now().saturating_add(wait).unwrap_or_default()).await?;
        if doubtful > 0 {
            tracing::warn!(
                "{doubtful} effects were being sent when the daemon ended; their outcome is checked before they are sent again"
            );
        }
        Ok(())
    }

    /// Adds messages to the inbox that do not come from X; see [`App::feed`].
    pub async fn feed(&self, account: &XId, posts: Vec<Post>) -> Result<usize, StoreError> {
        self.app().feed(account, posts).await
    }

    /// Processes the next inbox items; see [`App::take_next`].
    pub async fn take_next(&self) -> Result<bool, StoreError> {
        self.app().take_next().await
    }

    /// Sends the next due outbox item to any destination. Returns whether there was one.
    ///
    /// # Errors
    /// When the store fails. An item that was being sent then stays `sending`.
    pub async fn send_next(&self) -> Result<bool, StoreError> {
        self.sending.send_next().await
    }

    /// Evaluates due tickets or, if none is due, continues to recheck open tickets after a change of automations.
    /// Returns whether there is more to do at once.
    pub async fn evaluate_next(&self) -> Result<bool, StoreError> {
        self.scheduler.lock().await.evaluate_next().await
    }

    /// The lookup of posts at X, to be called step by step.
    pub fn lookup(&self) -> Lookup {
        Lookup::new(&self.shared, &CancellationToken::new())
    }

    /// Records the live rules and this process in the database, as [`Self::serve`] does, for a caller that drives the
    /// daemon step by step.
    pub async fn note_visit(&self) -> Result<(), StoreError> {
        let (rules, state) = (self.rules(), self.app().live().state().borrow().clone());
        self.store().set_live_rules(&rules, &live_rules(self.app(), &rules, state), self.clock().now()).await?;
        let (holder, mut watch) = (Holder::this_process(), Watch::default());
        self.store().ask_for_lease(&holder, &mut watch, self.clock().machine(), Instant::now()).await?;
        self.store().release_lease(self.clock().machine()).await
    }

    /// Processes messages, sends due effects, fetches from X and evaluates automations until no work is left. Each kind
    /// of work ends as follows:
    ///
    /// - messages in the inbox: each is processed or set aside;
    /// - unknown parents of posts on tickets: each is requested once, and none after X fails to respond;
    /// - polling: until a poll has nothing more to read, or `MAX_VAIN_POLLS` in a row bring nothing new;
    /// - automations and effects that are due later: a driven clock is advanced to them, until `MAX_VAIN_TRIES`
    ///   advances in a row deliver nothing. The remaining effects are left, with a notice of the reason.
    pub async fn run_until_idle(&self) -> Result<Settled, StoreError> {
        self.recover(Ended::Released).await?;
        let never = CancellationToken::new();
        let mut lookup = Lookup::new(&self.shared, &never);
        let mut answered = true;
        let mut polls = BTreeMap::<_, Poll>::new();
        let mut vain_polls = BTreeMap::<_, u32>::new();
        let (mut vain, mut waited) = (0, None);
        loop {
            let mut busy = false;
            while self.take_next().await? {
                busy = true;
            }
            // After X failed to respond, its lookups are left for later.
            while answered {
                match lookup.parents().await? {
                    LookupOutcome::Answered => busy = true,
                    LookupOutcome::Nothing => break,
                    LookupOutcome::Later(_) => answered = false,
                }
                while self.take_next().await? {}
            }
            while self.send_next().await? {
                busy = true;
            }
            for account in self.store().accounts().await? {
                for endpoint in self.shared.endpoints(&account) {
                    let poll = polls.entry((account.id.clone(), endpoint.name()));
                    let poll = poll.or_insert_with(|| Poll::new(&self.shared, &never, account.clone(), endpoint));
                    let polled = poll.poll().await?;
                    let vain = vain_polls.entry((account.id.clone(), endpoint.name())).or_default();
                    *vain = if polled.new > 0 { 0 } else { vain.saturating_add(1) };
                    busy |= polled.new > 0 || (polled.more && *vain < MAX_VAIN_POLLS);
                }
            }
            // The clock advances only once all messages are processed.
            if !busy {
                busy = self.evaluate_next().await?;
            }
            if busy {
                continue;
            }
            // Tickets held back by the rate limit wait for the next minute, so a driven clock has to be advanced to it.
            let furthest = self.clock().furthest();
            let paced = self.app().settings().limits.automations_per_minute > 0;
            if matches!(self.clock(), Clock::Driven(_)) && paced && self.store().count_due(furthest).await? > 0 {
                self.clock().reached(next_minute(furthest));
                continue;
            }
            match (self.clock(), self.sending.next_send_at().await?) {
                (Clock::Driven(_), Some(due)) if due > self.clock().now() => {
                    let waiting = self.store().queues().await?.outbox;
                    vain = if waited.replace(waiting) == Some(waiting) { vain + 1 } else { 0 };
                    if vain > MAX_VAIN_TRIES {
                        let mut snapshot = self.store().snapshot(Viewer::Owner).await?;
                        let last = snapshot.queued().await?.into_iter().find_map(|queued| queued.reason);
                        snapshot.close().await?;
                        let message = format!(
                            "{waiting} effect{} left in the outbox after {MAX_VAIN_TRIES} failed attempts in a row: {}",
                            if waiting == 1 { " is" } else { "s are" },
                            last.as_deref().unwrap_or("unknown reason")
                        );
                        self.notices().tell(Notice::Trouble { message });
                        return Ok(Settled::Left(waiting));
                    }
                    self.clock().reached(due);
                }
                // A poll may have added effects that are due now, such as mails about an account that works again.
                _ if self.send_next().await? => {}
                _ => return Ok(Settled::Idle),
            }
        }
    }
}
