//! What happens at X, as events of the X Activity API: which subscriptions an event belongs to, and its envelope.

use std::collections::HashMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    clock::written,
    payloads::{self, Payload},
    push::Event,
    subscriptions::Subscription,
    text,
    world::{Dm, Post, World},
};

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    /// A post, an edited version of one, or a repost.
    Post(u64),
    Delete {
        id: u64,
        author: u64,
    },
    Like {
        by: u64,
        post: u64,
    },
    Follow {
        by: u64,
        to: u64,
        ends: bool,
    },
    Dm(u64),
    /// An encrypted message.
    Chat {
        from: u64,
        to: u64,
    },
    /// A user revoked an app.
    Revoke {
        user: u64,
        client: String,
    },
}

/// One side of a happening: an event type, and the user in whose name it can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Side {
    event_type: &'static str,
    user: u64,
    direction: Option<&'static str>,
}

const fn side(event_type: &'static str, user: u64) -> Side {
    Side { event_type, user, direction: None }
}

impl Side {
    fn fits(self, subscription: &Subscription, words: &str) -> bool {
        subscription.event_type == self.event_type
            && subscription.user.is_none_or(|user| user == self.user)
            && subscription.direction.as_deref().is_none_or(|direction| self.direction == Some(direction))
            && subscription.keyword.as_deref().is_none_or(|keyword| words.contains(&keyword.to_lowercase()))
    }
}

impl World {
    /// Sends the events of a happening to those who subscribed to them.
    pub(super) fn happened(&mut self, happening: &Happening) {
        self.account_activity(happening);
        if let Happening::Revoke { user, client } = happening {
            self.revoked(*user, client);
            return;
        }
        let now = self.now();
        let words = match happening {
            Happening::Post(id) => self.post(*id).map(|post| post.plain.to_lowercase()).unwrap_or_default(),
            _ => String::new(),
        };
        let mut wanted: Vec<(Side, u64)> = Vec::new();
        if !self.push.subscriptions.is_empty() {
            for side in self.sides(happening) {
                let live = self.push.subscriptions.iter().filter(|(_, s)| s.expires_at.is_none_or(|at| at > now));
                wanted.extend(live.filter(|(_, s)| side.fits(s, &words)).map(|(id, _)| (side, *id)));
            }
        }
        let mut payloads: HashMap<&str, Payload> = HashMap::new();
        for (side, id) in wanted {
            let payload = match payloads.get(side.event_type) {
                Some(payload) => payload.clone(),
                None => {
                    let made = self.payload(happening, side.event_type);
                    payloads.insert(side.event_type, made.clone());
                    made
                }
            };
            let Some(subscription) = self.push.subscriptions.get(&id).cloned() else { continue };
            let Subscription { client, filter, tag, webhook, .. } = subscription;
            self.send(side.event_type, (&filter, tag.as_deref()), payload, &client, webhook);
        }
    }

    /// The sides of a happening. What protected accounts post is never an event.
    fn sides(&self, happening: &Happening) -> Vec<Side> {
        match happening {
            Happening::Post(id) => match self.post(*id) {
                Some(post) if self.may_see(post.author, None) => self.sides_of_post(post),
                _ => Vec::new(),
            },
            Happening::Delete { author, .. } if !self.may_see(*author, None) => Vec::new(),
            Happening::Delete { author, .. } => vec![side("post.delete", *author)],
            Happening::Like { by, post } => {
                let author = self.post(*post).map(|post| post.author);
                let outbound = Side { direction: Some("outbound"), ..side("like.create", *by) };
                let inbound = author.map(|author| Side { direction: Some("inbound"), ..side("like.create", author) });
                [Some(outbound), inbound].into_iter().flatten().collect()
            }
            Happening::Follow { by, to, ends } => {
                let kind = if *ends { "follow.unfollow" } else { "follow.follow" };
                vec![
                    Side { direction: Some("outbound"), ..side(kind, *by) },
                    Side { direction: Some("inbound"), ..side(kind, *to) },
                ]
            }
            Happening::Dm(id) => self.dms.get(id).map(sides_of_dm).unwrap_or_default(),
            Happening::Chat { from, to } => vec![side("chat.sent", *from), side("chat.received", *to)],
            Happening::Revoke { .. } => Vec::new(),
        }
    }

    fn sides_of_post(&self, post: &Post) -> Vec<Side> {
        if let Some(original) = post.reposts {
            let author = self.post(original).map(|original| original.author);
            return author.map(|author| side("post.repost.create", author)).into_iter().collect();
        }
        let mut sides = vec![side("post.create", post.author)];
        // The `@handle` prefix that X adds to a reply is not a mention.
        for named in text::handles(post.own_words()).into_iter().filter_map(|name| self.person_named(name)) {
            let mention = side("post.mention.create", named);
            if !sides.contains(&mention) {
                sides.push(mention);
            }
        }
        let author = |id: Option<u64>| id.and_then(|id| self.post(id)).map(|post| post.author);
        sides.extend(author(post.replies_to).map(|author| side("post.reply.create", author)));
        sides.extend(author(post.quotes).map(|author| side("post.quote.create", author)));
        sides
    }

    fn payload(&mut self, happening: &Happening, event_type: &str) -> Payload {
        match happening {
            Happening::Post(id) => payloads::post(self, *id),
            Happening::Delete { id, author } => payloads::deletion(self, *id, *author),
            Happening::Like { by, post } => {
                let id = self.other_id();
                payloads::like(self, id, *by, *post)
            }
            Happening::Follow { by, to, .. } => payloads::follow(self, *by, *to),
            Happening::Dm(id) => payloads::dm(self, *id),
            Happening::Chat { from, to } => {
                let sealed = self.secret(120);
                payloads::chat(*from, *to, &sealed, event_type == "chat.received")
            }
            Happening::Revoke { .. } => Payload::default(),
        }
    }

    /// Tells an app that a user revoked it, and removes its subscriptions to the user's private events.
    fn revoked(&mut self, user: u64, client: &str) {
        let date = written(self.now());
        let payload = json!({"date_time": date, "user_id": user.to_string(), "app_id": client});
        let payload = Payload { payload, includes: None };
        let mut ways = vec![None];
        let subscriptions = self.push.subscriptions.values().filter(|s| s.client == client);
        ways.extend(subscriptions.filter(|s| s.webhook.is_some()).map(|s| s.webhook));
        ways.sort_unstable();
        ways.dedup();
        for webhook in ways {
            self.send("oauth.revoke", (&json!({}), None), payload.clone(), client, webhook);
        }
        self.push.subscriptions.retain(|_, s| s.client != client || s.user != Some(user) || !s.is_private());
    }

    /// Sends one event, with the filter and tag of its subscription, to an app's webhook or to its stream.
    fn send(
        &mut self,
        event_type: &str,
        (filter, tag): (&Value, Option<&str>),
        payload: Payload,
        client: &str,
        webhook: Option<u64>,
    ) {
        let mut data = json!({"event_uuid": self.event_uuid(), "filter": filter, "event_type": event_type});
        let at = self.now();
        if let Value::Object(data) = &mut data {
            data.extend(tag.map(|tag| ("tag".to_owned(), json!(tag))));
            data.insert("payload".into(), payload.payload);
            data.extend(payload.includes.map(|includes| ("includes".to_owned(), includes)));
            data.insert("created_at".into(), json!(written(at)));
        }
        let body = json!({ "data": data });
        self.push(Event { at, client: client.to_owned(), webhook, body });
    }

    /// A random id of an event: any signed 64-bit number, as at X.
    fn event_uuid(&mut self) -> String {
        let hash = Sha256::digest(self.secret(20).as_bytes());
        let bytes: [u8; 8] = hash.first_chunk().copied().unwrap_or_default();
        i64::from_be_bytes(bytes).to_string()
    }
}

fn sides_of_dm(dm: &Dm) -> Vec<Side> {
    let others = dm.conversation.members.iter().filter(|member| **member != dm.from);
    let received = others.map(|member| side("dm.received", *member));
    received.chain([side("dm.sent", dm.from)]).collect()
}
