//! Subscriptions of the X Activity API: which events an app receives.

use serde_json::{Value, json};

use super::{
    answer::{Answer, missing, put},
    body::{Shape, TEXT, at, id},
    clock::{self, written},
    endpoint::{Outcome, Request},
    world::World,
};

/// Maximum number of subscriptions of an app.
const MAX_SUBSCRIPTIONS: usize = 1_500;
/// Maximum number of subscriptions deleted by one request.
const MAX_DELETED: usize = 100;

/// Event types that X knows; the simulator makes those of posts, likes, follows, messages and chats happen.
const EVENT_TYPES: &[&str] = &[
    "block.block",
    "block.unblock",
    "broadcast.chat",
    "broadcast.chat.remove",
    "broadcast.end",
    "broadcast.start",
    "chat.conversation.admin_added",
    "chat.conversation.admin_removed",
    "chat.conversation.join",
    "chat.conversation.member_added",
    "chat.conversation.member_removed",
    "chat.conversation_join",
    "chat.received",
    "chat.sent",
    "chat.update.group_name",
    "chat.update.restrictions",
    "dm.indicate_typing",
    "dm.read",
    "dm.received",
    "dm.sent",
    "follow.follow",
    "follow.unfollow",
    "like.create",
    "mute.mute",
    "mute.unmute",
    "news.new",
    "post.create",
    "post.delete",
    "post.mention.create",
    "post.quote.create",
    "post.reply.create",
    "post.repost.create",
    "profile.update.affiliate_badge",
    "profile.update.banner_picture",
    "profile.update.bio",
    "profile.update.geo",
    "profile.update.handle",
    "profile.update.profile_picture",
    "profile.update.screenname",
    "profile.update.url",
    "profile.update.verified_badge",
    "spaces.end",
    "spaces.start",
    "subscriptions.subscribe",
    "subscriptions.unsubscribe",
];
const TAG: Shape = Shape::Text { min: 1, max: 200 };
const FILTER: Shape = Shape::Object(&[
    ("user_id", false, Shape::Id),
    ("direction", false, Shape::Enum(&["inbound", "outbound"])),
    ("keyword", false, TEXT),
    ("qualifiers", false, Shape::Any),
]);
pub(super) const NEW: Shape = Shape::Object(&[
    ("event_type", true, Shape::Enum(EVENT_TYPES)),
    ("filter", true, FILTER),
    ("tag", false, TAG),
    ("webhook_id", false, Shape::Id),
    ("expires_at", false, TEXT),
]);
pub(super) const CHANGED: Shape = Shape::Object(&[("tag", false, TAG), ("webhook_id", false, Shape::Id)]);

/// A subscription to one type of event.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscription {
    /// Client id of the app.
    pub(super) client: String,
    pub(super) event_type: String,
    /// The filter as it was given; each event repeats it.
    pub(super) filter: Value,
    pub(super) user: Option<u64>,
    pub(super) direction: Option<String>,
    pub(super) keyword: Option<String>,
    pub(super) tag: Option<String>,
    /// The webhook that receives the events; the stream if `None`.
    pub(super) webhook: Option<u64>,
    created_at: i64,
    updated_at: i64,
    pub(super) expires_at: Option<i64>,
}

impl Subscription {
    /// Whether only a token of the user, with a scope, gives a right to these events.
    pub(super) fn is_private(&self) -> bool {
        scope(&self.event_type).is_some()
    }

    fn show(&self, id: u64) -> Value {
        let mut shown = json!({
            "subscription_id": id.to_string(),
            "event_type": self.event_type,
            "filter": self.filter,
            "created_at": written(self.created_at),
            "updated_at": written(self.updated_at),
        });
        if let Some(tag) = &self.tag {
            put(&mut shown, "tag", tag.as_str());
        }
        if let Some(webhook) = self.webhook {
            put(&mut shown, "webhook_id", webhook.to_string());
        }
        if let Some(at) = self.expires_at {
            put(&mut shown, "expires_at", written(at));
        }
        shown
    }
}

/// The scope for a private event type; `None` for public ones.
fn scope(event_type: &str) -> Option<&'static str> {
    match event_type.split('.').next() {
        Some("dm" | "chat") => Some("dm.read"),
        Some("like") => Some("like.read"),
        Some("block") => Some("block.read"),
        Some("mute") => Some("mute.read"),
        _ => None,
    }
}

/// `POST /2/activity/subscriptions`. Creating one that exists renews its expiry.
pub(super) fn create(world: &mut World, request: &Request<'_>) -> Outcome {
    let body = request.body()?;
    let text = |pointer: &str| at(&body, pointer).as_str().map(str::to_owned);
    let now = world.now();
    let (client, scopes) = world.sender(request.call);
    let event_type = text("/event_type").unwrap_or_default();
    let subscription = Subscription {
        client: client.to_owned(),
        event_type: event_type.replace("conversation_join", "conversation.join"),
        filter: at(&body, "/filter").clone(),
        user: id(at(&body, "/filter/user_id")),
        direction: text("/filter/direction"),
        keyword: text("/filter/keyword"),
        tag: text("/tag"),
        webhook: id(at(&body, "/webhook_id")),
        created_at: now,
        updated_at: now,
        expires_at: match text("/expires_at").map(|text| clock::read(&text).filter(|at| *at > now)) {
            Some(None) => return Err(Answer::invalid_body("$.expires_at: must be a time in the future")),
            at => at.flatten(),
        },
    };
    if subscription.user.is_none() && subscription.keyword.is_none() {
        return Err(Answer::invalid_body("$.filter: must have a user_id or a keyword"));
    }
    if subscription.webhook.is_some_and(|webhook| !world.is_own_webhook(request, webhook)) {
        return Err(Answer::invalid_body("$.webhook_id: there is no such webhook"));
    }
    if let Some(scope) = scope(&subscription.event_type) {
        let granted = scopes.is_none_or(|scopes| scopes.iter().any(|granted| granted == scope));
        if !granted || request.asker.user().is_none() || request.asker.user() != subscription.user {
            return Err(Answer::forbidden(&format!(
                "Subscriptions to {} need a token of the user in the filter with the scope {scope}.",
                subscription.event_type
            )));
        }
    } else if scopes.is_some_and(|scopes| scopes.iter().all(|granted| granted != "tweet.read")) {
        return Err(Answer::forbidden("Subscriptions to public events need the scope tweet.read."));
    }
    let same = |other: &Subscription| {
        (&other.client, &other.event_type, &other.filter, other.webhook)
            == (&subscription.client, &subscription.event_type, &subscription.filter, subscription.webhook)
    };
    let there =
        world.push.subscriptions.iter().find(|(_, other)| same(other)).map(|(id, other)| (*id, other.created_at));
    let own = world.push.subscriptions.values().filter(|other| other.client == subscription.client).count();
    if there.is_none() && own >= MAX_SUBSCRIPTIONS {
        return Err(Answer::invalid_body(format!("An app may have at most {MAX_SUBSCRIPTIONS} subscriptions")));
    }
    let (id, created_at) = there.unwrap_or_else(|| (world.other_id(), now));
    let subscription = Subscription { created_at, ..subscription };
    let shown = subscription.show(id);
    world.push.subscriptions.insert(id, subscription);
    Ok(Answer::json(200, &json!({"data": {"subscription": shown}})))
}

/// `GET /2/activity/subscriptions`. A user's token sees those of the user.
pub(super) fn list(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let most = query.number("max_results", 1..=1_000, 1_000);
    let user = query.id("user_id");
    if let Some(token) = query.text("pagination_token") {
        // X's answer has no token of a next page.
        query.fault("pagination_token", token, "is not valid");
    }
    query.finish()?;
    let client = world.sender(request.call).0;
    let own = world.push.subscriptions.iter().filter(|(_, s)| s.client == client);
    let seen = own.filter(|(_, s)| request.asker.user().is_none_or(|me| s.user == Some(me)));
    let asked = seen.filter(|(_, s)| user.is_none_or(|user| s.user == Some(user)));
    let data: Vec<Value> = asked.take(most).map(|(id, s)| s.show(*id)).collect();
    Ok(Answer::json(200, &json!({ "data": data })))
}

/// The subscription in the path, if the token may change it.
fn named(world: &World, request: &Request<'_>) -> Result<u64, Answer> {
    let id = request.path_id(0)?;
    let client = world.sender(request.call).0;
    let own = world.push.subscriptions.get(&id).filter(|s| s.client == client);
    match own.filter(|s| request.asker.user().is_none_or(|me| s.user == Some(me))) {
        Some(_) => Ok(id),
        None => Err(Answer::nothing(missing("subscription", "subscription_id", request.path(0)))),
    }
}

/// `PUT /2/activity/subscriptions/:subscription_id`
pub(super) fn update(world: &mut World, request: &Request<'_>) -> Outcome {
    let (named, body, now) = (named(world, request)?, request.body()?, world.now());
    let webhook = id(at(&body, "/webhook_id"));
    if webhook.is_some_and(|webhook| !world.is_own_webhook(request, webhook)) {
        return Err(Answer::invalid_body("$.webhook_id: there is no such webhook"));
    }
    let total = world.push.subscriptions.len();
    let Some(subscription) = world.push.subscriptions.get_mut(&named) else { return Err(Answer::not_found()) };
    subscription.tag = at(&body, "/tag").as_str().map(str::to_owned).or(subscription.tag.take());
    subscription.webhook = webhook.or(subscription.webhook);
    subscription.updated_at = now;
    let data = json!({"subscription": subscription.show(named), "total_subscriptions": total});
    Ok(Answer::json(200, &json!({ "data": data })))
}

/// `DELETE /2/activity/subscriptions/:subscription_id`
pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Outcome {
    let named = named(world, request)?;
    let deleted = world.push.subscriptions.remove(&named).is_some();
    Ok(Answer::json(200, &json!({"data": {"deleted": deleted}})))
}

/// `DELETE /2/activity/subscriptions?ids=`
pub(super) fn delete_several(world: &mut World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let ids = query.ids("ids", MAX_DELETED);
    query.finish()?;
    let client = world.sender(request.call).0.to_owned();
    let (mut data, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let text = id.to_string();
        if world.push.subscriptions.get(&id).is_some_and(|s| s.client == client) {
            world.push.subscriptions.remove(&id);
            data.push(json!({"subscription_id": text, "deleted": true}));
        } else {
            errors.push(
                json!({"subscription_id": text, "reason": "not_found", "message": "There is no such subscription."}),
            );
        }
    }
    let left = world.push.subscriptions.values().filter(|s| s.client == client).count();
    let mut answer = json!({"data": data, "meta": {"total_subscriptions": left}});
    if !errors.is_empty() {
        put(&mut answer, "errors", errors);
    }
    Ok(Answer::json(200, &answer))
}
