//! Where X delivers events to, and for which accounts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    run::Next,
    shared::{LASTING_FAILURES, Shared},
};
use crate::{
    app::Notice,
    desk::{AccountState, ConnectedAccount, Incoming, IncomingKind, Receives, Transport, XId},
    store::{Stall, StoreError},
    x::{
        XError,
        transport::{
            poll::Endpoint,
            push::{Event, Pushed},
        },
    },
};

/// Where X delivers events to: the stream while it is connected, the webhook while X calls it. There, accounts are
/// subscribed.
#[derive(Debug, Default)]
pub(super) struct Push {
    places: Mutex<Places>,
    /// Notified when a place is opened.
    pub(super) opened: Arc<Notify>,
    /// Whether the webhook did not take what X delivered.
    pub(super) turned_away: Arc<AtomicBool>,
    /// Notified when an endpoint of an account is to be polled now.
    wakes: Mutex<BTreeMap<(XId, &'static str), Arc<Notify>>>,
}

#[derive(Debug, Default)]
struct Places {
    /// How many were opened so far.
    opened: u64,
    open: BTreeMap<&'static str, Place>,
    /// The accounts whose events X delivers, each to one place.
    accounts: BTreeMap<XId, Delivered>,
}

#[derive(Debug)]
struct Place {
    target: Target,
    /// Whether a poll found what should have been delivered.
    doubted: bool,
}

#[derive(Debug)]
struct Delivered {
    transport: Transport,
    /// The account's handle.
    handle: String,
    since: Instant,
}

/// What accounts are subscribed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Differs each time it is opened: X may have other subscriptions by then.
    number: u64,
    /// The webhook's id at X; `None` for the stream.
    pub(super) webhook: Option<String>,
}

/// Why nothing is received any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// X, or what is set up for it.
    #[error(transparent)]
    X(#[from] XError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Push {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a place: accounts can be subscribed.
    pub(super) fn open(&self, transport: Transport, webhook: Option<String>) {
        let mut places = self.places();
        places.opened += 1;
        let target = Target { number: places.opened, webhook };
        places.open.insert(transport.as_str(), Place { target, doubted: false });
        self.opened.notify_one();
    }

    /// Closes a place, and wakes the polls of its accounts, which are returned with their handles.
    fn close(&self, transport: Transport) -> BTreeMap<XId, String> {
        let mut places = self.places();
        places.open.remove(transport.as_str());
        let closed = places.accounts.extract_if(.., |_, delivered| delivered.transport == transport);
        let closed: BTreeMap<_, _> = closed.map(|(id, delivered)| (id, delivered.handle)).collect();
        drop(places);
        closed.keys().for_each(|account| self.wake_all(account));
        closed
    }

    /// What accounts are to be subscribed for, if the place is open.
    pub(super) fn target(&self, transport: Transport) -> Option<Target> {
        self.places().open.get(transport.as_str()).map(|place| place.target.clone())
    }

    /// Records that X delivers the events of an account there from now on. Returns whether the place is still open.
    fn deliver_to(&self, account: &ConnectedAccount, transport: Transport, target: &Target) -> bool {
        let mut places = self.places();
        let is_open = places.open.get(transport.as_str()).is_some_and(|place| place.target == *target);
        if is_open {
            let delivered = Delivered { transport, handle: account.handle.clone(), since: Instant::now() };
            places.accounts.insert(account.id.clone(), delivered);
        }
        is_open
    }

    /// How long X has delivered the events of an account; `None` if it does not.
    pub(super) fn works_for(&self, account: &XId) -> Option<Duration> {
        self.places().accounts.get(account).map(|delivered| delivered.since.elapsed())
    }

    /// Records that a poll found what should have been delivered for an account.
    pub(super) fn doubt(&self, account: &XId) {
        let places = &mut *self.places();
        if let Some(delivered) = places.accounts.get(account)
            && let Some(place) = places.open.get_mut(delivered.transport.as_str())
        {
            place.doubted = true;
        }
    }

    /// Fails if a poll found what should have been delivered.
    pub(super) fn check_doubt(&self, transport: Transport) -> Result<(), XError> {
        match self.places().open.get(transport.as_str()) {
            Some(place) if place.doubted => Err(XError::unavailable("X did not deliver messages that its lists have")),
            _ => Ok(()),
        }
    }

    /// Closes all places, when another daemon takes over.
    pub(super) fn forget(&self) {
        let places = &mut *self.places();
        places.open.clear();
        places.accounts.clear();
    }

    /// Wakes the polls of an endpoint.
    pub(super) fn wake(&self, account: &XId, endpoint: Endpoint) -> Arc<Notify> {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.entry((account.clone(), endpoint.name())).or_default().clone()
    }

    /// Wakes the polls of all endpoints of an account.
    fn wake_all(&self, account: &XId) {
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.iter().filter(|((of, _), _)| of == account).for_each(|(_, wake)| wake.notify_one());
    }
}

impl Shared {
    /// The stream or webhook by which an account is to receive.
    pub(super) fn pushed_by(&self, account: &ConnectedAccount) -> Option<Transport> {
        let settings = self.app.settings();
        let is_connected = account.state == AccountState::Connected;
        match settings.accounts.get(&account.handle).filter(|_| is_connected)?.transport {
            Receives::Poll => None,
            Receives::Stream => Some(Transport::Stream),
            Receives::Webhook => Some(Transport::Webhook),
        }
    }

    /// The accounts that are to receive in this way.
    pub(super) async fn using(&self, transport: Transport) -> Result<Vec<ConnectedAccount>, StoreError> {
        let mut accounts = self.app.store().accounts().await?;
        accounts.retain(|account| self.pushed_by(account) == Some(transport));
        Ok(accounts)
    }

    /// Records that X delivers the events of an account, and lets its lists be polled once more for what came before.
    pub(super) async fn push_works(
        &self,
        account: &ConnectedAccount,
        transport: Transport,
        target: &Target,
    ) -> Result<(), StoreError> {
        if !self.push.deliver_to(account, transport, target) {
            return Ok(());
        }
        self.push_is_fine(account).await?;
        self.app.notices().counters().push_works(&account.handle, transport.as_str(), true);
        let every = self.app.settings().x.backup_poll_seconds;
        let message = format!(
            "@{}: the {transport} works; the lists are polled every {every} s for what it misses",
            account.handle
        );
        self.app.notices().tell(Notice::Mended { message });
        self.push.wake_all(&account.id);
        Ok(())
    }

    /// Records that nothing is wrong with the stream or webhook of an account, or that it uses none.
    pub(super) async fn push_is_fine(&self, account: &ConnectedAccount) -> Result<(), StoreError> {
        self.app.notices().counters().forget_push(&account.handle);
        for transport in [Transport::Stream, Transport::Webhook] {
            self.app.store().stalled(&account.id, transport.as_str(), None, self.app.clock().now()).await?;
        }
        Ok(())
    }

    /// Records that X does not deliver the events of an account any more, so that its lists are polled as usual. Returns
    /// whether it did.
    pub(super) fn end_push(&self, account: &XId) -> bool {
        let Some(ended) = self.push.places().accounts.remove(account) else { return false };
        self.app.notices().counters().forget_push(&ended.handle);
        self.push.wake_all(account);
        true
    }

    /// Records that a stream or webhook ended, so that the lists of its accounts are polled as usual. `failures`: how many
    /// times in a row, this time excluded. Returns when to begin again, given the wait after that many failures.
    pub(super) async fn push_ended(
        &self,
        transport: Transport,
        ended: Result<(), Lost>,
        failures: &mut u32,
        wait: impl Fn(u32, &XError) -> Duration,
    ) -> Result<Next, StoreError> {
        let worked = self.push.close(transport);
        for handle in worked.values() {
            self.app.notices().counters().push_works(handle, transport.as_str(), false);
        }
        let error = match ended {
            Ok(()) => return Ok(Next::Now),
            Err(Lost::Store(error)) => return Err(error),
            Err(Lost::X(error)) => error,
        };
        *failures = failures.saturating_add(1);
        let wait = wait(*failures, &error);
        for account in self.using(transport).await? {
            let is_new = *failures == 1 || worked.contains_key(&account.id);
            self.push_fails(&account, transport, &error.to_string(), (*failures, is_new), wait).await?;
        }
        Ok(Next::After(wait))
    }

    /// Records that X does not deliver the events of an account, after this number of failures in a row. It is told if it
    /// is new, and again if it lasts.
    pub(super) async fn push_fails(
        &self,
        account: &ConnectedAccount,
        transport: Transport,
        why: &str,
        (failures, is_new): (u32, bool),
        retry: Duration,
    ) -> Result<(), StoreError> {
        self.app.notices().counters().push_works(&account.handle, transport.as_str(), false);
        let does_not = format!("@{}: the {transport} does not work: {why}", account.handle);
        if failures == LASTING_FAILURES {
            self.app.notices().tell(Notice::Trouble { message: format!("{does_not} (failed {failures} times)") });
        } else if is_new {
            let every = self.app.settings().x.poll_seconds;
            let message = format!("{does_not}; the lists are polled every {every} s until it does");
            self.app.notices().tell(Notice::Failing { message });
        }
        if failures >= LASTING_FAILURES {
            let now = self.app.clock().now();
            let next = now.saturating_add(retry).unwrap_or(now);
            let stall = Stall { why, next, throttled: false };
            self.app.store().stalled(&account.id, transport.as_str(), Some(stall), now).await?;
        }
        Ok(())
    }

    /// Takes in what X delivered, for any account that receives: it may come by a way that the account has left. What is for
    /// others is ignored.
    ///
    /// # Errors
    /// When the store fails: X has to deliver it again, or the lists have to be polled.
    pub(super) async fn take_pushed(&self, transport: Transport, pushed: &[Pushed]) -> Result<(), StoreError> {
        if pushed.is_empty() {
            return Ok(());
        }
        // One whose authorisation has ended still gets what X delivers.
        let is_receiving =
            |account: &&ConnectedAccount| matches!(account.state, AccountState::Connected | AccountState::Unauthorised);
        for account in self.app.store().accounts().await?.iter().filter(is_receiving) {
            let mut messages = vec![];
            for pushed in pushed.iter().filter(|pushed| pushed.account == account.id) {
                match &pushed.event {
                    Event::Message(message) => messages.push(message.clone()),
                    Event::Unreadable(kind, broken) => self.set_aside_raw(account, transport, *kind, broken).await?,
                    Event::Poll(endpoint) => self.push.wake(&account.id, *endpoint).notify_one(),
                    Event::Blocked => {
                        tracing::info!("@{}: a post by a person whom it blocked makes no ticket", account.handle);
                    }
                    // X may deliver it again after the account was authorised anew, so X is asked.
                    Event::Revoked => self.push.wake_all(&account.id),
                }
            }
            let messages = self.unknown(account, messages).await?;
            if !messages.is_empty() {
                self.app.accept(account, transport, &messages, None).await?;
            }
        }
        Ok(())
    }

    /// Those of these messages that are not in the inbox. X delivers minutes again after each reconnection; what is known
    /// does not wait for the write lock.
    async fn unknown(&self, account: &ConnectedAccount, messages: Vec<Incoming>) -> Result<Vec<Incoming>, StoreError> {
        let mut known = BTreeSet::new();
        for kind in IncomingKind::ALL {
            let of_kind = messages.iter().filter(|message| message.kind == *kind).map(|message| &message.x_id);
            let ids: Vec<_> = of_kind.collect();
            if !ids.is_empty() {
                let found = self.app.store().received(&account.id, *kind, ids).await?;
                known.extend(found.into_keys().map(|(id, version)| (kind.as_str(), id, version)));
            }
        }
        let key = |message: &Incoming| (message.kind.as_str(), message.x_id.clone(), message.version.to_string());
        Ok(messages.into_iter().filter(|message| !known.contains(&key(message))).collect())
    }
}
