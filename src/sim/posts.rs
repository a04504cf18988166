//! Endpoints for posts: look up, create, delete, hide and repost, with X's reasons to refuse.

use serde_json::{Value, json};

use super::{
    answer::{Answer, missing},
    body::{self, Shape, TEXT, at},
    compose::Draft,
    endpoint::{Outcome, Request},
    relations::Relation,
    sent::SentKind,
    show::{Asked, Shown, Subject},
    text::{self, MAX_POST_WEIGHT},
    world::World,
};

/// Maximum number of posts in one lookup.
const MAX_NAMED: usize = 100;
/// Maximum length of a post of a paying account, in characters.
const MAX_LONG_CHARS: usize = 25_000;
/// Time in which X refuses the same text again, in milliseconds.
const DUPLICATE_MILLIS: i64 = 24 * 60 * 60 * 1000;

const WHO_REPLIES: Shape = Shape::Enum(&["following", "mentionedUsers", "subscribers", "verified"]);
pub(super) const NEW_POST: Shape = Shape::Object(&[
    ("text", false, TEXT),
    ("reply", false, REPLY),
    ("quote_tweet_id", false, Shape::Id),
    ("media", false, MEDIA),
    ("poll", false, POLL),
    ("geo", false, Shape::Object(&[("place_id", true, TEXT)])),
    ("card_uri", false, TEXT),
    ("community_id", false, Shape::Id),
    ("direct_message_deep_link", false, TEXT),
    ("edit_options", false, Shape::Object(&[("previous_post_id", true, Shape::Id)])),
    ("for_super_followers_only", false, Shape::Bool),
    ("made_with_ai", false, Shape::Bool),
    ("nullcast", false, Shape::Bool),
    ("paid_partnership", false, Shape::Bool),
    ("reply_settings", false, WHO_REPLIES),
    ("share_with_followers", false, Shape::Bool),
]);
const REPLY: Shape = Shape::Object(&[
    ("in_reply_to_tweet_id", true, Shape::Id),
    ("exclude_reply_user_ids", false, Shape::List { of: &TEXT, min: 0, max: usize::MAX }),
    ("auto_populate_reply_metadata", false, Shape::Bool),
]);
const MEDIA: Shape = Shape::Object(&[
    ("media_ids", true, Shape::List { of: &Shape::Id, min: 1, max: 4 }),
    ("tagged_user_ids", false, Shape::List { of: &Shape::Id, min: 0, max: 10 }),
    ("preview_media_id", false, Shape::Id),
    ("title", false, TEXT),
    ("description", false, TEXT),
    ("embeddable", false, Shape::Bool),
    ("call_to_actions", false, Shape::Any),
]);
const POLL: Shape = Shape::Object(&[
    ("options", true, Shape::List { of: &Shape::Text { min: 1, max: 25 }, min: 2, max: 4 }),
    ("duration_minutes", true, Shape::Integer { min: 5, max: 10_080 }),
    ("reply_settings", false, WHO_REPLIES),
]);
pub(super) const HIDDEN: Shape = Shape::Object(&[("hidden", true, Shape::Bool)]);

/// `GET /2/tweets?ids=`
pub(super) fn by_ids(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Post, request.asker.user());
    let ids = query.ids("ids", MAX_NAMED);
    query.finish()?;
    let mut shown = Shown::new(world, &asked);
    let mut data = Vec::new();
    for id in ids {
        match world.visible_post(id, request.asker.user()) {
            Some(_) => data.push(shown.post(id)),
            None => shown.miss(missing("tweet", "ids", &id.to_string())),
        }
    }
    Ok(Answer::json(200, &shown.finish_list(data, None)))
}

/// `GET /2/tweets/:id`
pub(super) fn by_id(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Post, request.asker.user());
    query.finish()?;
    let id = request.path_id(0)?;
    if world.visible_post(id, request.asker.user()).is_none() {
        return Ok(Answer::nothing(missing("tweet", "id", request.path(0))));
    }
    let mut shown = Shown::new(world, &asked);
    let data = shown.post(id);
    Ok(Answer::json(200, &shown.finish(Some(data), None)))
}

/// `POST /2/tweets`
pub(super) fn create(world: &mut World, request: &Request<'_>) -> Outcome {
    let (me, new) = (request.me(), request.body()?);
    let text = at(&new, "/text").as_str().unwrap_or_default();
    let replies_to = body::id(at(&new, "/reply/in_reply_to_tweet_id"));
    let quotes = body::id(at(&new, "/quote_tweet_id"));
    let excluding = ["media", "poll", "quote_tweet_id", "card_uri"].into_iter().filter(|name| new.get(*name).is_some());
    let excluding: Vec<&str> = excluding.collect();
    if excluding.len() > 1 {
        return Err(Answer::invalid_body(format!("{} are mutually exclusive", excluding.join(", "))));
    }
    if text.trim().is_empty() && excluding.is_empty() {
        return Err(Answer::invalid_body("`text` is required where there is no media, poll, quote or card"));
    }
    if new.get("edit_options").is_some() {
        return Err(Answer::forbidden("You are not permitted to edit this Tweet."));
    }
    let media = world.attach(me, body::ids(at(&new, "/media/media_ids")).into_iter())?;
    let long = world.people.get(&me).is_some_and(|p| p.writes_long);
    if !long && text::weighted_length(text) > MAX_POST_WEIGHT || text.chars().count() > MAX_LONG_CHARS {
        return Err(Answer::forbidden("Your Tweet text is too long. You are not permitted to perform this action."));
    }
    if quotes.is_some_and(|quoted| world.visible_post(quoted, Some(me)).is_none()) {
        return Err(Answer::forbidden("You attempted to quote a Tweet that is deleted or not visible to you."));
    }
    if let Some(parent) = replies_to {
        may_reply(world, me, parent)?;
    }
    if media.is_empty() && is_duplicate(world, me, text, replies_to) {
        return Err(Answer::forbidden("You are not allowed to create a Tweet with duplicate content."));
    }
    let draft = Draft {
        author: me,
        text: text.to_owned(),
        replies_to,
        unnamed: body::ids(at(&new, "/reply/exclude_reply_user_ids")),
        quotes,
        media,
        poll: poll_of(at(&new, "/poll")),
    };
    let id = world.make_post(draft).map_err(|_| Answer::full())?;
    let mut sent = world.sent_by(me, SentKind::Post, id);
    sent.text = Some(text.to_owned());
    sent.in_reply_to = replies_to.map(|id| id.to_string());
    world.note(sent);
    let text = world.post(id).and_then(|p| p.fields.get("text").cloned());
    let id = id.to_string();
    Ok(Answer::json(201, &json!({"data": {"id": id, "text": text, "edit_history_tweet_ids": [id]}})))
}

/// A poll's options, and its duration in minutes.
fn poll_of(poll: &Value) -> Option<(Vec<String>, i64)> {
    let options = at(poll, "/options").as_array()?.iter().filter_map(|option| option.as_str().map(str::to_owned));
    Some((options.collect(), at(poll, "/duration_minutes").as_i64()?))
}

fn is_duplicate(world: &World, me: u64, text: &str, replies_to: Option<u64>) -> bool {
    let now = world.now();
    let recent = |id: u64| world.made_at(id).is_some_and(|at| now.saturating_sub(at) < DUPLICATE_MILLIS);
    world.posts_by(me).take(100).any(|id| {
        world
            .post(id)
            .is_some_and(|p| p.own_words() == text && p.replies_to == replies_to && p.reposts.is_none() && recent(id))
    })
}

/// Checks whether an app may reply: X requires that the author mentioned or quoted the account.
fn may_reply(world: &World, me: u64, parent: u64) -> Result<(), Answer> {
    let visible = world.visible_post(parent, Some(me));
    let Some(post) = visible.filter(|post| !world.relations.holds(Relation::Block, post.author, me)) else {
        return Err(Answer::forbidden("You attempted to reply to a Tweet that is deleted or not visible to you."));
    };
    let quotes_me = post.quotes.and_then(|id| world.post(id)).is_some_and(|quoted| quoted.author == me);
    // The `@handle` prefix that X adds to a reply is not a mention by its author.
    let names_me = || text::handles(post.own_words()).into_iter().any(|name| world.person_named(name) == Some(me));
    let summoned = post.author == me || quotes_me || names_me();
    if summoned || !world.options.summoned_only {
        return Ok(());
    }
    Err(Answer::forbidden(
        "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by \
         the author of the post you are replying to.",
    ))
}

/// `DELETE /2/tweets/:id`
pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Outcome {
    let (me, id) = (request.me(), request.path_id(0)?);
    let Some(author) = world.post(id).map(|p| p.author) else {
        return Ok(Answer::nothing(missing("tweet", "id", &id.to_string())));
    };
    if author != me {
        return Err(Answer::forbidden("You are not authorized to delete this Tweet."));
    }
    world.delete_post(id);
    let sent = world.sent_by(me, SentKind::Delete, id);
    world.note(sent);
    Ok(Answer::json(200, &json!({"data": {"deleted": true}})))
}

/// `PUT /2/tweets/:tweet_id/hidden`: only the author of the conversation's first post may hide replies.
pub(super) fn hide(world: &mut World, request: &Request<'_>) -> Outcome {
    let (me, id, body) = (request.me(), request.path_id(0)?, request.body()?);
    let Some(post) = world.post(id) else {
        return Ok(Answer::nothing(missing("tweet", "tweet_id", &id.to_string())));
    };
    let root = post.fields.get("conversation_id").and_then(body::id).filter(|root| *root != id);
    if root.and_then(|root| world.post(root)).is_none_or(|root| root.author != me) {
        return Err(Answer::forbidden("You are not allowed to hide this reply."));
    }
    let hidden = at(&body, "/hidden").as_bool() == Some(true);
    if hidden {
        let sent = world.sent_by(me, SentKind::Hide, id);
        world.note(sent);
    }
    Ok(Answer::json(200, &json!({"data": {"hidden": hidden}})))
}

/// `POST /2/users/:id/retweets`
pub(super) fn repost(world: &mut World, request: &Request<'_>) -> Outcome {
    let me = request.own()?;
    let original = body::id(at(&request.body()?, "/tweet_id")).unwrap_or_default();
    if world.visible_post(original, Some(me)).is_none() {
        return Err(Answer::forbidden("You attempted to retweet a Tweet that is deleted or not visible to you."));
    }
    let there = repost_of(world, me, original);
    let id = match there {
        Some(id) => id,
        None => world.repost(me, original).map_err(|_| Answer::full())?,
    };
    if there.is_none() {
        let sent = world.sent_by(me, SentKind::Repost, original);
        world.note(sent);
    }
    Ok(Answer::json(200, &json!({"data": {"rest_id": id.to_string(), "retweeted": true}})))
}

/// `DELETE /2/users/:id/retweets/:source_tweet_id`
pub(super) fn unrepost(world: &mut World, request: &Request<'_>) -> Outcome {
    let (me, original) = (request.own()?, request.path_id(1)?);
    if let Some(id) = repost_of(world, me, original) {
        world.delete_post(id);
    }
    Ok(Answer::json(200, &json!({"data": {"retweeted": false}})))
}

fn repost_of(world: &World, by: u64, original: u64) -> Option<u64> {
    world.posts_by(by).find(|id| world.post(*id).is_some_and(|post| post.reposts == Some(original)))
}
