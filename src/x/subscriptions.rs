//! Subscriptions of the X Activity API: which events of an account X delivers, and where.

use serde_json::{Value, json};

use super::{
    Refusal, XError,
    client::{Client, Sent},
    operation::Operation,
    parts::salvage,
};
use crate::desk::Account;

/// Maximum number of pages of subscriptions that are read.
const MAX_PAGES: usize = 20;

/// An event to subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The type of the event.
    pub event: &'static str,
    /// Its direction, for events that have one.
    pub direction: Option<&'static str>,
}

/// Events of every account. An implicit mention, as replies have it, is no mention to X, so that replies are subscribed
/// to as well.
const POSTS: &[&str] = &["post.create", "post.mention.create", "post.reply.create", "post.quote.create", "post.delete"];
/// Events of accounts that capture direct messages. X cannot tell the content of encrypted ones (`chat`).
const MESSAGES: &[&str] = &["dm.received", "dm.sent", "chat.received"];

/// What an account is subscribed to, according to its declaration.
pub fn subjects(account: &Account, direct_messages: bool) -> Vec<Subject> {
    let plain = |event: &&'static str| Subject { event, direction: None };
    let mut subjects: Vec<_> = POSTS.iter().map(plain).collect();
    if account.track_likes {
        subjects.push(Subject { event: "like.create", direction: Some("outbound") });
    }
    if account.capture_direct_messages && direct_messages {
        subjects.extend(MESSAGES.iter().map(plain));
    }
    subjects
}

/// A subscription at X.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The type of its events.
    pub event: String,
    /// Their direction.
    pub direction: Option<String>,
    /// The webhook that they are delivered to; `None` for the stream.
    pub webhook: Option<String>,
    /// Who made it, in their own words.
    pub tag: Option<String>,
}

impl Subscription {
    fn read(value: &Value) -> Option<Self> {
        let text = |place: &str| value.pointer(place).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: text("/subscription_id").filter(|id| is_plain(id))?,
            event: text("/event_type")?,
            direction: text("/filter/direction"),
            webhook: text("/webhook_id"),
            tag: text("/tag"),
        })
    }

    fn is_about(&self, subject: Subject) -> bool {
        self.event == subject.event && self.direction.as_deref() == subject.direction
    }
}

/// Whether an id can be part of a path.
pub(super) fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// What has to change so that an account's events are delivered to a webhook, or to the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// What is not subscribed to.
    pub create: Vec<Subject>,
    /// The subscriptions of this desk that deliver elsewhere, or what the account does not want.
    pub delete: Vec<String>,
    /// The subscriptions of others that deliver the same elsewhere. X keeps one per event, and they are not Twite's to
    /// delete.
    pub foreign: Vec<Subscription>,
}

impl Changes {
    /// The changes from what exists to what is wanted.
    /// `tag` marks those of this desk.
    pub fn between(existing: &[Subscription], wanted: &[Subject], webhook: Option<&str>, tag: &str) -> Self {
        let mut changes = Self::default();
        for subscription in existing {
            let is_wanted = wanted.iter().any(|subject| subscription.is_about(*subject));
            let is_here = subscription.webhook.as_deref() == webhook;
            let is_ours = subscription.tag.as_deref() == Some(tag);
            if is_ours && !(is_wanted && is_here) {
                changes.delete.push(subscription.id.clone());
            } else if is_wanted && !is_here {
                changes.foreign.push(subscription.clone());
            }
        }
        let delivers = |subject: &Subject| {
            let here = existing.iter().filter(|subscription| subscription.webhook.as_deref() == webhook);
            here.chain(&changes.foreign).any(|subscription| subscription.is_about(*subject))
        };
        changes.create = wanted.iter().copied().filter(|subject| !delivers(subject)).collect();
        changes
    }
}

impl Client {
    /// The subscriptions to events of the account.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, XError> {
        let (mut found, mut token) = (vec![], None::<String>);
        for _ in 0..MAX_PAGES {
            let mut query = vec![("user_id", self.account().as_str()), ("max_results", "100")];
            query.extend(token.iter().map(|token| ("pagination_token", token.as_str())));
            let answered = self.get(Operation::Subscriptions, "/2/activity/subscriptions", &query).await?;
            let answer = salvage(&answered.answer);
            let page = answer.get("data").and_then(Value::as_array).into_iter().flatten();
            // An app that has more than one account may be shown all of them.
            let is_its = |value: &&Value| {
                let user = value.pointer("/filter/user_id").and_then(Value::as_str);
                user == Some(self.account().as_str())
            };
            found.extend(page.filter(is_its).filter_map(Subscription::read));
            token = answer.pointer("/meta/next_token").and_then(Value::as_str).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Subscribes to an event of the account, for a webhook or the stream. Doing it again changes nothing.
    async fn subscribe(&self, subject: Subject, webhook: Option<&str>, tag: &str) -> Result<(), XError> {
        let mut filter = json!({ "user_id": self.account() });
        let mut body = json!({ "event_type": subject.event, "tag": tag });
        if let (Some(body), Some(filter)) = (body.as_object_mut(), filter.as_object_mut()) {
            filter.extend(subject.direction.map(|direction| ("direction".to_owned(), direction.into())));
            body.extend(webhook.map(|webhook| ("webhook_id".to_owned(), webhook.into())));
            body.insert("filter".to_owned(), std::mem::take(filter).into());
        }
        let url = self.address("/2/activity/subscriptions")?;
        self.call(Operation::Subscribe, Sent::Nothing, || self.http().post(url.clone()).json(&body)).await.map(drop)
    }

    /// Deletes a subscription.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), XError> {
        let url = self.address(&format!("/2/activity/subscriptions/{id}"))?;
        self.call(Operation::Unsubscribe, Sent::Nothing, || self.http().delete(url.clone())).await.map(drop)
    }

    /// Makes X deliver these events of the account to a webhook or the stream, and nothing else that has this tag.
    ///
    /// # Errors
    /// Also [`XError::Setup`] if subscriptions of others stand in the way.
    pub async fn deliver(&self, wanted: &[Subject], webhook: Option<&str>, tag: &str) -> Result<(), XError> {
        let changes = Changes::between(&self.subscriptions().await?, wanted, webhook, tag);
        // X may take what is created for what is there, unless that is deleted first.
        for id in &changes.delete {
            match self.unsubscribe(id).await {
                // X deletes the subscriptions of a webhook with it.
                Ok(()) | Err(XError::Refused(Refusal::Gone(_))) => {}
                Err(error) => return Err(error),
            }
        }
        for subject in changes.create {
            self.subscribe(subject, webhook, tag).await?;
        }
        if changes.foreign.is_empty() {
            return Ok(());
        }
        let events: Vec<_> = changes.foreign.iter().map(|other| format!("`{}`", other.event)).collect();
        Err(XError::Setup(format!(
            "X delivers {} elsewhere, by subscriptions of somebody else; delete them at X, or set `transport = \"poll\"` in \
             twite.toml",
            events.join(", ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "twite-1";

    fn subscription(id: &str, event: &str, webhook: Option<&str>, tag: &str) -> Subscription {
        Subscription {
            id: id.to_owned(),
            event: event.to_owned(),
            direction: None,
            webhook: webhook.map(str::to_owned),
            tag: Some(tag.to_owned()),
        }
    }

    #[test]
    fn only_what_is_missing_is_created_and_only_ours_is_deleted() {
        let wanted = subjects(&Account { capture_direct_messages: false, ..Account::new("acme") }, true);
        assert_eq!(wanted.len(), POSTS.len());
        let existing = [
            subscription("1", "post.create", None, TAG),
            subscription("2", "post.mention.create", Some("7"), TAG),
            subscription("3", "post.reply.create", Some("8"), "theirs"),
            subscription("4", "dm.received", None, TAG),
            subscription("5", "follow.follow", None, "theirs"),
        ];
        let stream = Changes::between(&existing, &wanted, None, TAG);
        let created: Vec<_> = stream.create.iter().map(|subject| subject.event).collect();
        assert_eq!(created, ["post.mention.create", "post.quote.create", "post.delete"]);
        assert_eq!((stream.delete, stream.foreign), (vec!["2".to_owned(), "4".to_owned()], vec![existing[2].clone()]));

        let webhook = Changes::between(&existing, &wanted, Some("8"), TAG);
        let created: Vec<_> = webhook.create.iter().map(|subject| subject.event).collect();
        assert_eq!(created, ["post.create", "post.mention.create", "post.quote.create", "post.delete"]);
        assert_eq!((webhook.delete, webhook.foreign), (["1", "2", "4"].map(str::to_owned).to_vec(), vec![]));
    }

    #[test]
    fn an_account_is_subscribed_to_what_it_captures() {
        let account = Account { track_likes: true, ..Account::new("acme") };
        let events = |direct| subjects(&account, direct).iter().map(|subject| subject.event).collect::<Vec<_>>();
        assert!(events(true).contains(&"dm.received") && events(true).contains(&"like.create"));
        assert!(!events(false).contains(&"dm.received"));
    }
}
