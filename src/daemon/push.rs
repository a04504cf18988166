//! Which accounts receive by a stream or webhook, and the polls that make up for what these miss.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::shared::{LASTING_FAILURES, Shared};
use crate::{
    app::Notice,
    desk::{AccountState, ConnectedAccount, Incoming, Receives, Transport, XId, declarations::Edition},
    store::{Stall, StoreError},
    x::{
        Post, XError,
        subscriptions::{Subject, subjects},
        transport::{
            poll::Endpoint,
            push::{Event, Pushed},
        },
        wire::{decode_direct_line, decode_line},
    },
};

/// How long after a message was written a stream or webhook may deliver it.
const MAX_DELAY: Duration = Duration::from_secs(90);

/// Which accounts receive by a stream or webhook that works.
#[derive(Debug, Default)]
pub(super) struct Push {
    working: Mutex<BTreeMap<XId, Instant>>,
    /// Notified when an endpoint of an account is to be polled now.
    wakes: Mutex<BTreeMap<(XId, &'static str), Arc<Notify>>>,
    /// Accounts for which a poll found what should have been delivered.
    doubted: Mutex<BTreeSet<XId>>,
}

impl Push {
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

    /// How long an account's stream or webhook has worked; `None` if it does not.
    pub(super) fn works_for(&self, account: &XId) -> Option<Duration> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).get(account).map(Instant::elapsed)
    }

    /// Records that it works from now on.
    fn begin(&self, account: &XId) {
        self.takes_doubt(account);
        self.working.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone(), Instant::now());
    }

    /// Records that it does not work. Returns whether it did before.
    fn end(&self, account: &XId) -> bool {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).remove(account).is_some()
    }

    /// Whether a poll found what should have been delivered, since this was last asked.
    pub(super) fn takes_doubt(&self, account: &XId) -> bool {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner).remove(account)
    }

    fn doubt(&self, account: &XId) {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone());
    }

    /// Forgets what works, when another daemon takes over.
    pub(super) fn forget(&self) {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Shared {
    /// The accounts that receive in this way, each with what it is subscribed to.
    pub(super) async fn receiving(
        &self,
        transport: Receives,
    ) -> Result<Vec<(ConnectedAccount, Vec<Subject>)>, StoreError> {
        let settings = self.app.settings();
        let direct = self.app.rules().desk.edition == Edition::Suite;
        let accounts = self.app.store().accounts().await?;
        let receiving = accounts.into_iter().filter_map(|account| {
            let declared = settings.accounts.get(&account.handle)?;
            let receives = declared.transport == transport && account.state == AccountState::Connected;
            receives.then(|| (account, subjects(declared, direct)))
        });
        Ok(receiving.collect())
    }

    /// Records that the stream or webhook of an account works, and lets its lists be polled once more for what came
    /// before.
    pub(super) async fn push_works(&self, account: &ConnectedAccount, transport: Transport) -> Result<(), StoreError> {
        let now = self.app.clock().now();
        self.app.notices().counters().push_works(&account.handle, transport.as_str(), true);
        if self.push.works_for(&account.id).is_none() {
            self.app.store().stalled(&account.id, transport.as_str(), None, now).await?;
            self.push.begin(&account.id);
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

    /// Records that the stream or webhook of an account does not work, so that its lists are polled as usual.
    pub(super) async fn push_fails(
        &self,
        account: &ConnectedAccount,
        transport: Transport,
        why: &str,
        failures: u32,
        retry: Duration,
    ) -> Result<(), StoreError> {
        self.app.notices().counters().push_works(&account.handle, transport.as_str(), false);
        let now = self.app.clock().now();
        if self.push.end(&account.id) || failures <= 1 {
            self.push.wake_all(&account.id);
            let every = self.app.settings().x.poll_seconds;
            let message = format!(
                "@{}: the {transport} does not work: {why}; the lists are polled every {every} s until it does",
                account.handle
            );
            self.app.notices().tell(Notice::Failing { message });
        } else if failures == LASTING_FAILURES {
            let message =
                format!("@{}: the {transport} does not work: {why} (failed {failures} times)", account.handle);
            self.app.notices().tell(Notice::Trouble { message });
        }
        if failures >= LASTING_FAILURES {
            let next = now.saturating_add(retry).unwrap_or(now);
            let stall = Stall { why, next, throttled: false };
            self.app.store().stalled(&account.id, transport.as_str(), Some(stall), now).await?;
        }
        Ok(())
    }

    /// Takes in what X delivered for these accounts. What is for others is ignored.
    ///
    /// # Errors
    /// When the store fails: X has to deliver it again, or the lists have to be polled.
    pub(super) async fn take_pushed(
        &self,
        transport: Transport,
        accounts: &[ConnectedAccount],
        pushed: Vec<Pushed>,
    ) -> Result<(), StoreError> {
        for account in accounts {
            let mut messages = vec![];
            for pushed in pushed.iter().filter(|pushed| pushed.account == account.id) {
                match &pushed.event {
                    Event::Message(message) => messages.push(message.clone()),
                    Event::Unreadable(kind, broken) => self.set_aside_raw(account, transport, *kind, broken).await?,
                    Event::Look(endpoint) => self.push.wake(&account.id, *endpoint).notify_one(),
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

    /// How long the stream or webhook of an account has worked; `None` if it does not, or the account uses none.
    pub(super) fn is_pushed_for(&self, account: &ConnectedAccount) -> Option<Duration> {
        let settings = self.app.settings();
        let uses = settings.accounts.get(&account.handle).is_some_and(|declared| declared.transport != Receives::Poll);
        if !uses && self.push.end(&account.id) {
            self.app.notices().counters().forget_push(&account.handle);
        }
        self.push.works_for(&account.id).filter(|_| uses)
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
        let Some((works_for, at)) = self.is_pushed_for(account).zip(at) else { return };
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
