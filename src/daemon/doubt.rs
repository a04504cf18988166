//! Whether X delivers what it should: polls find what a stream or webhook misses.

use std::time::Duration;

use jiff::Timestamp;

use super::shared::Shared;
use crate::{
    desk::{ConnectedAccount, Incoming, XId},
    x::{
        Post,
        transport::poll::Endpoint,
        wire::{decode_direct_line, decode_line},
    },
};

/// How long after a message was written a stream or webhook may deliver it.
const MAX_DELAY: Duration = Duration::from_secs(90);

impl Shared {
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
