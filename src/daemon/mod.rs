//! The process: one loop for each task, that they run while this daemon holds the lease of its database, and the rules that
//! follow their files. What the loops do to tickets is in [`crate::app`].
//!
//! What fails with [`StoreError`] changed nothing, unless its `# Errors` says more.

mod lease;
mod lookup;
mod note;
mod pause;
mod poll;
mod reload;
mod run;
mod scheduler;
mod send;
mod shared;
mod trouble;
mod worker;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::{
    sync::{Mutex, Notify},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::{
    lookup::NOTHING_TO_ASK,
    note::{NoteRules, live_rules},
    poll::{Poll, PollAccounts},
    run::spawn,
    scheduler::Scheduler,
    send::{Sender, Sending},
    shared::Shared,
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
    desk::XId,
    engine::{Decider, RuleSet, next_minute},
    store::{Ended, Holder, Key, Store, StoreError, Watch},
    x::Post,
};

/// The longest that a request of another daemon may still be under way.
const MAX_REQUEST_TIME: SignedDuration = SignedDuration::from_secs(30);
/// How often in a row a driven clock goes on to the next try where none brings anything.
const MAX_VAIN_TRIES: u32 = 400;
/// How many polls in a row may bring nothing new and yet have more to read: where X lists more than one poll reads of what is
/// known and read again, each of them has.
const MAX_VAIN_POLLS: u32 = 5;
/// How long intake and sending are idle before they look again; new work wakes them sooner.
const NOTHING_DUE: Duration = Duration::from_millis(500);

/// How running until idle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Nothing is left that time alone lets go.
    Idle,
    /// So many effects wait, and trying again and again brought nothing.
    Left(i64),
}

/// A daemon: a desk, the rules that follow their files, and the way to X.
pub struct Daemon {
    shared: Arc<Shared>,
    reload: Reload,
    sending: Arc<Sending>,
    /// Evaluates automations where steps are taken one by one.
    scheduler: Mutex<Scheduler>,
}

impl Daemon {
    /// A daemon that does nothing yet.
    pub fn new(store: Store, key: Key, reload: Reload, clock: Clock, http: reqwest::Client) -> Self {
        Self::of(App::new(store, reload.live().clone(), clock), key, reload, http)
    }

    fn of(app: App, key: Key, reload: Reload, http: reqwest::Client) -> Self {
        let shared = Arc::new(Shared::new(app, key, http));
        let scheduler = Scheduler::new(&shared, &CancellationToken::new());
        Self { sending: Arc::new(Sending::new(&shared)), scheduler: Mutex::new(scheduler), shared, reload }
    }

    /// Decides otherwise than by the index alone.
    pub fn deciding(self, decider: Decider) -> Self {
        let shared = &self.shared;
        Self::of(shared.app.clone().deciding(decider), shared.key.clone(), self.reload, shared.http.clone())
    }

    /// The desk it works for.
    pub fn app(&self) -> &App {
        &self.shared.app
    }

    /// The rules that are live now.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.app().rules()
    }

    /// Where everything is kept.
    pub fn store(&self) -> &Store {
        self.app().store()
    }

    /// What time it is here.
    pub fn clock(&self) -> &Clock {
        self.app().clock()
    }

    /// The key that seals tokens.
    pub fn key(&self) -> &Key {
        &self.shared.key
    }

    /// What there is to tell.
    pub fn notices(&self) -> &Notices {
        self.app().notices()
    }

    /// Runs until told to stop, then finishes what is under way. Works while no other daemon has the lease of its
    /// database, and waits for it where another has.
    ///
    /// # Errors
    /// [`StoreError::Replaced`]: there is nothing any more that could be worked on.
    pub async fn serve(self: Arc<Self>, stop: CancellationToken) -> Result<(), StoreError> {
        let follow = self.reload.clone().follow(self.clock().clone(), self.notices().clone());
        let notices = self.notices().clone();
        let following = tokio::spawn(async move {
            if let Err(error) = follow.await {
                notices.tell(Notice::Trouble { message: format!("cannot watch the rule files: {error}") });
            }
        });
        let served = async {
            while let Some(ended) = self.take_lease(&stop).await? {
                self.hold_lease(&stop, ended).await?;
            }
            Ok(())
        };
        let served = served.await;
        following.abort();
        self.store().close().await;
        served
    }

    /// Works until told to stop, or another daemon has taken the lease.
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
        let stop = &stop.child_token();
        let mut loops = self.spawn_loops(stop);
        let lost = tokio::select! {
            () = stop.cancelled() => None,
            lost = self.keep_lease() => Some(lost),
        };
        stop.cancel();
        while loops.join_next().await.is_some() {}
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

    /// Starts every loop. Each ends after the step it is at when told to stop.
    fn spawn_loops(&self, stop: &CancellationToken) -> JoinSet<()> {
        let (shared, wake) = (&self.shared, self.app().wake());
        let loops = &mut JoinSet::new();
        let sending = self.sending.clone();
        // What is never notified says itself when it goes on.
        let never = || (Arc::new(Notify::new()), Duration::MAX);
        spawn(loops, shared, stop, "polling", never(), PollAccounts::new);
        spawn(loops, shared, stop, "lookups", (wake.lookups.clone(), NOTHING_TO_ASK), Lookup::new);
        spawn(loops, shared, stop, "intake", (wake.inbox.clone(), NOTHING_DUE), |shared, _| Worker::new(shared));
        spawn(loops, shared, stop, "automations", never(), Scheduler::new);
        spawn(loops, shared, stop, "sending", (wake.outbox.clone(), NOTHING_DUE), move |_, stop| {
            Sender::new(&sending, stop)
        });
        spawn(loops, shared, stop, "the note of what is live", never(), NoteRules::new);
        std::mem::take(loops)
    }

    /// Sees to what the daemon before left half done.
    async fn recover(&self, ended: Ended) -> Result<(), StoreError> {
        // X may take a moment to show what it took just before the end; and who is asleep may wake up and go on.
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

    /// Takes messages that came by another way than X; see [`App::feed`].
    pub async fn feed(&self, account: &XId, posts: Vec<Post>) -> Result<usize, StoreError> {
        self.app().feed(account, posts).await
    }

    /// Takes in the next messages that wait; see [`App::take_next`].
    pub async fn take_next(&self) -> Result<bool, StoreError> {
        self.app().take_next().await
    }

    /// Sends the next thing that is due, wherever it goes. Returns whether there was one.
    ///
    /// # Errors
    /// When the store fails: what was on its way stays marked so.
    pub async fn send_next(&self) -> Result<bool, StoreError> {
        self.sending.send_next().await
    }

    /// Evaluates the tickets that are due, or, where none is, goes on with those whose automations have changed. Returns
    /// whether there is more to do at once.
    pub async fn evaluate_next(&self) -> Result<bool, StoreError> {
        self.scheduler.lock().await.evaluate_next().await
    }

    /// Asks X for posts, one step after the other.
    pub fn lookup(&self) -> Lookup {
        Lookup::new(&self.shared, &CancellationToken::new())
    }

    /// Leaves word of the rules that are live and of this process, as [`Self::serve`] does, where somebody else drives this daemon.
    pub async fn note_visit(&self) -> Result<(), StoreError> {
        let (rules, state) = (self.rules(), self.app().live().state().borrow().clone());
        self.store().set_live_rules(&rules, &live_rules(self.app(), &rules, state), self.clock().now()).await?;
        let (holder, mut watch) = (Holder::this_process(), Watch::default());
        self.store().ask_for_lease(&holder, &mut watch, self.clock().machine(), Instant::now()).await?;
        self.store().release_lease(self.clock().machine()).await
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
            // Once X did not answer, what it has is left for another time.
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
            // Time passes once everything that was written is in.
            if !busy {
                busy = self.evaluate_next().await?;
            }
            if busy {
                continue;
            }
            // What waits for the next minute to keep the pace would wait for ever where nobody drives the clock.
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
                        let last = self.store().queued().await?.into_iter().find_map(|queued| queued.reason);
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
                _ => return Ok(Settled::Idle),
            }
        }
    }
}
