//! Where X delivers events to, for which accounts, and the polls that make up for what is missed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::{
    run::Next,
    shared::{LASTING_FAILURES, Shared},
};
use crate::{
    app::Notice,
    desk::{AccountState, ConnectedAccount, Incoming, Receives, Transport, XId},
    store::{Stall, StoreError},
    x::{
        Post, XError,
        transport::{
            poll::Endpoint,
            push::{Event, Pushed},
        },
        wire::{decode_direct_line, decode_line},
    },
};

/// How long after a message was written a stream or webhook may deliver it.
const MAX_DELAY: Duration = Duration::from_secs(90);

/// Where X delivers events to: the stream while it is connected, the webhook while X calls it. There, accounts are
/// subscribed.
#[derive(Debug, Default)]
pub(super) struct Push {
    places: Mutex<Places>,
    /// Notified when a place is opened.
    pub(super) opened: Arc<Notify>,
    /// Notified when an endpoint of an account is to be polled now.
    wakes: Mutex<BTreeMap<(XId, &'static str), Arc<Notify>>>,
}

#[derive(Debug, Default)]
struct Places {
    /// How many were opened so far.
    opened: u64,
    open: BTreeMap<&'static str, Place>,
}

#[derive(Debug)]
struct Place {
    target: Target,
    /// The accounts whose events X delivers here, with their handles, and since when.
    accounts: BTreeMap<XId, (String, Instant)>,
    /// Whether a poll found what should have been delivered.
    doubted: bool,
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
        places.open.insert(transport.as_str(), Place { target, accounts: BTreeMap::new(), doubted: false });
        self.opened.notify_one();
    }

    /// Closes a place, and wakes the polls of its accounts, which are returned with their handles.
    fn close(&self, transport: Transport) -> BTreeMap<XId, String> {
        let closed = self.places().open.remove(transport.as_str());
        let accounts = closed.into_iter().flat_map(|place| place.accounts);
        let accounts: BTreeMap<_, _> = accounts.map(|(id, (handle, _))| (id, handle)).collect();
        accounts.keys().for_each(|account| self.wake_all(account));
        accounts
    }

    /// What accounts are to be subscribed for, if the place is open.
    pub(super) fn target(&self, transport: Transport) -> Option<Target> {
        self.places().open.get(transport.as_str()).map(|place| place.target.clone())
    }

    /// Records that X delivers the events of an account there from now on, and nowhere else. Returns whether that is news:
    /// not if it did before, nor if the place was closed meanwhile.
    fn begin(&self, account: &ConnectedAccount, transport: Transport, target: &Target) -> bool {
        let mut places = self.places();
        for (_, other) in places.open.iter_mut().filter(|(name, _)| **name != transport.as_str()) {
            other.accounts.remove(&account.id);
        }
        match places.open.get_mut(transport.as_str()) {
            Some(place) if place.target == *target => {
                let is_new = !place.accounts.contains_key(&account.id);
                place.accounts.entry(account.id.clone()).or_insert_with(|| (account.handle.clone(), Instant::now()));
                is_new
            }
            _ => false,
        }
    }

    /// Records that X does not deliver the events of an account, and wakes its polls. Returns whether it did.
    pub(super) fn end(&self, account: &XId) -> bool {
        let did = self.places().open.values_mut().any(|place| place.accounts.remove(account).is_some());
        if did {
            self.wake_all(account);
        }
        did
    }

    /// How long X has delivered the events of an account; `None` if it does not.
    pub(super) fn works_for(&self, account: &XId) -> Option<Duration> {
        self.places().open.values().find_map(|place| Some(place.accounts.get(account)?.1.elapsed()))
    }

    /// Records that a poll found what should have been delivered for an account.
    fn doubt(&self, account: &XId) {
        for place in self.places().open.values_mut().filter(|place| place.accounts.contains_key(account)) {
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
        self.places().open.clear();
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
    /// The stream or webhook by which an account receives, as declared. One that is not authorised any more still gets
    /// what X delivers.
    pub(super) fn pushed_by(&self, account: &ConnectedAccount) -> Option<Transport> {
        let settings = self.app.settings();
        let is_receiving = matches!(account.state, AccountState::Connected | AccountState::Unauthorised);
        match settings.accounts.get(&account.handle).filter(|_| is_receiving)?.transport {
            Receives::Poll => None,
            Receives::Stream => Some(Transport::Stream),
            Receives::Webhook => Some(Transport::Webhook),
        }
    }

    /// The accounts that receive in this way.
    async fn receiving(&self, transport: Transport) -> Result<Vec<ConnectedAccount>, StoreError> {
        let accounts = self.app.store().accounts().await?;
        Ok(accounts.into_iter().filter(|account| self.pushed_by(account) == Some(transport)).collect())
    }

    /// The accounts that X delivers to in this way, or should.
    async fn using(&self, transport: Transport) -> Result<Vec<ConnectedAccount>, StoreError> {
        let mut accounts = self.receiving(transport).await?;
        accounts.retain(|account| account.state == AccountState::Connected);
        Ok(accounts)
    }

    /// Whether any account uses this transport.
    pub(super) async fn is_used(&self, transport: Transport) -> Result<bool, StoreError> {
        Ok(!self.using(transport).await?.is_empty())
    }

    /// Records that X delivers the events of an account, and lets its lists be polled once more for what came before.
    pub(super) async fn push_works(
        &self,
        account: &ConnectedAccount,
        transport: Transport,
        target: &Target,
    ) -> Result<(), StoreError> {
        self.app.store().stalled(&account.id, transport.as_str(), None, self.app.clock().now()).await?;
        if self.push.begin(account, transport, target) {
            let counters = self.app.notices().counters();
            counters.forget_push(&account.handle);
            counters.push_works(&account.handle, transport.as_str(), true);
            let every = self.app.settings().x.backup_poll_seconds;
            let message = format!(
                "@{}: the {transport} works; the lists are polled every {every} s for what it misses",
                account.handle
            );
            self.app.notices().tell(Notice::Mended { message });
            self.push.wake_all(&account.id);
        }
        Ok(())
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
        if is_new {
            let every = self.app.settings().x.poll_seconds;
            let message = format!("{does_not}; the lists are polled every {every} s until it does");
            self.app.notices().tell(Notice::Failing { message });
        } else if failures == LASTING_FAILURES {
            self.app.notices().tell(Notice::Trouble { message: format!("{does_not} (failed {failures} times)") });
        }
        if failures >= LASTING_FAILURES {
            let now = self.app.clock().now();
            let next = now.saturating_add(retry).unwrap_or(now);
            let stall = Stall { why, next, throttled: false };
            self.app.store().stalled(&account.id, transport.as_str(), Some(stall), now).await?;
        }
        Ok(())
    }

    /// Takes in what X delivered for the accounts that receive in this way. What is for others is ignored.
    ///
    /// # Errors
    /// When the store fails: X has to deliver it again, or the lists have to be polled.
    pub(super) async fn take_pushed(&self, transport: Transport, pushed: &[Pushed]) -> Result<(), StoreError> {
        if pushed.is_empty() {
            return Ok(());
        }
        for account in &self.receiving(transport).await? {
            let mut messages = vec![];
            for pushed in pushed.iter().filter(|pushed| pushed.account == account.id) {
                match &pushed.event {
                    Event::Message(message) => messages.push(message.clone()),
                    Event::Unreadable(kind, broken) => self.set_aside_raw(account, transport, *kind, broken).await?,
                    Event::Poll(endpoint) => self.push.wake(&account.id, *endpoint).notify_one(),
                    Event::Blocked => {
                        tracing::info!("@{}: a post by a person whom it blocked makes no ticket", account.handle);
                    }
                    Event::Revoked => self.check_grant(account).await?,
                }
            }
            if !messages.is_empty() {
                self.app.accept(account, transport, &messages, None).await?;
            }
        }
        Ok(())
    }

    /// Asks X whether an account's grant is dead, as an event says, and pauses the account if so. X may deliver an event
    /// again after the account was authorised anew.
    async fn check_grant(&self, account: &ConnectedAccount) -> Result<(), StoreError> {
        let Some(client) = self.client(account) else { return Ok(()) };
        match client.me().await {
            Err(XError::Refused(refusal)) if refusal.is_about_account() => {
                self.pause(account, Endpoint::Mentions.name(), &refusal).await
            }
            _ => Ok(()),
        }
    }

    /// Checks whether a stream or webhook that works should have delivered messages that a poll found. If so, it is not
    /// trusted any more. `at` is X's time.
    pub(super) fn check_pushed(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        found: &[Incoming],
        at: Option<Timestamp>,
    ) {
        let Some((works_for, at)) = self.push.works_for(&account.id).zip(at) else { return };
        let is_missed = |message: &&Incoming| {
            is_overdue(&message.version, at, works_for) && is_delivered(account, endpoint, message)
        };
        let missed = found.iter().filter(is_missed).count();
        if missed > 0 {
            tracing::warn!("@{} {}: {missed} messages were polled and not delivered", account.handle, endpoint.name());
            self.push.doubt(&account.id);
        }
    }
}

/// Whether a stream or webhook that has worked for this long should have delivered a message by now.
fn is_overdue(message: &XId, now: Timestamp, works_for: Duration) -> bool {
    let made = message.made_at_millis().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let age = made.and_then(|made| Duration::try_from(now.duration_since(made)).ok());
    age.is_some_and(|age| age > MAX_DELAY && age < works_for)
}

/// Whether X delivers a message of a list by itself: no reposts, no messages to groups, and of mentions those that were
/// written and direct answers, and not those that an answer to others contains because of whom it answers.
fn is_delivered(account: &ConnectedAccount, endpoint: Endpoint, message: &Incoming) -> bool {
    match endpoint {
        Endpoint::OwnPosts => decode_line(&message.payload).is_ok_and(|post| post.reposted.is_none()),
        Endpoint::DirectMessages => {
            decode_direct_line(&message.payload).is_ok_and(|message| message.with(&account.id).is_some())
        }
        // The list does not say when they were liked.
        Endpoint::Likes => false,
        Endpoint::Mentions => {
            decode_line(&message.payload).is_ok_and(|post| post.reposted.is_none() && is_addressed(account, &post))
        }
    }
}

fn is_addressed(account: &ConnectedAccount, post: &Post) -> bool {
    if post.replied_to.is_none() || post.in_reply_to_user.as_ref() == Some(&account.id) {
        return true;
    }
    let written = post.text.split_whitespace().skip_while(|word| word.starts_with('@'));
    let handle = format!("@{}", account.handle);
    written.into_iter().any(|word| {
        let Some((start, rest)) = word.split_at_checked(handle.len()) else { return false };
        start.eq_ignore_ascii_case(&handle) && !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_older_than_the_connection_or_just_written_is_not_overdue() {
        let now = Timestamp::constant(1_800_000_000, 0);
        let overdue = |age: i64, works_for: u64| {
            let made = now.checked_sub(SignedDuration::from_secs(age)).unwrap();
            is_overdue(&XId::made_at(made).unwrap(), now, Duration::from_secs(works_for))
        };
        assert!(overdue(100, 300));
        assert!(!overdue(80, 300) && !overdue(400, 300) && !overdue(-5, 300));
    }

    #[test]
    fn implicit_mentions_are_not_delivered() {
        let account = ConnectedAccount::new("9".parse().unwrap(), "acme", Timestamp::UNIX_EPOCH);
        let delivered = |text: &str, answers: Option<&str>, of: &str| {
            let references = answers.map(|id| json!([{ "type": "replied_to", "id": id }]));
            let line = json!({ "data": {
                "id": "1900000000000000001", "author_id": "5", "text": text, "in_reply_to_user_id": of,
                "referenced_posts": references,
            } });
            let post = decode_line(&line.to_string()).unwrap();
            is_delivered(&account, Endpoint::Mentions, &post.into_incoming(crate::desk::IncomingKind::Post))
        };
        assert!(delivered("hello @Acme", None, "7"));
        assert!(delivered("@ana thanks", Some("1"), "9"));
        assert!(delivered("@ana ask @acme!", Some("1"), "7"));
        assert!(!delivered("@ana @acme thanks", Some("1"), "7"));
        assert!(!delivered("@ana ask @ac", Some("1"), "7") && !delivered("@ana ask @acmecorp", Some("1"), "7"));
    }

    #[test]
    fn reposts_and_messages_to_groups_are_not_delivered() {
        let account = ConnectedAccount::new("9".parse().unwrap(), "acme", Timestamp::UNIX_EPOCH);
        let own = |references: serde_json::Value| {
            let line = json!({ "data": {
                "id": "1900000000000000001", "author_id": "9", "text": "x", "referenced_posts": references,
            } });
            let post = decode_line(&line.to_string()).unwrap();
            is_delivered(&account, Endpoint::OwnPosts, &post.into_incoming(crate::desk::IncomingKind::Post))
        };
        assert!(own(json!([])) && own(json!([{ "type": "quoted", "id": "1" }])));
        assert!(!own(json!([{ "type": "retweeted", "id": "1" }])));
        let message = |conversation: &str| {
            let line = json!({ "data": {
                "id": "1900000000000000001", "sender_id": "5", "text": "x", "dm_conversation_id": conversation,
            } });
            let message = decode_direct_line(&line.to_string()).unwrap();
            is_delivered(&account, Endpoint::DirectMessages, &message.into_incoming())
        };
        assert!(message("5-9") && !message("1900000000000000000"));
    }
}
