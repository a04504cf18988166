//! Objects of the Account Activity API, in the shape of API version 1.1.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{answer::put, clock, payloads::entities, world::World};

/// Length to which the text of a longer post is cut, in characters.
const MAX_TEXT_CHARS: usize = 140;

/// A post, with its author, the post it quotes or reposts, and its whole text in `extended_tweet` if it is long.
pub(super) fn post(world: &World, id: u64, now: i64) -> Value {
    status(world, id, now, true)
}

/// A like: the post, and the user who liked it.
pub(super) fn like(world: &World, by: u64, post: u64, now: i64) -> Value {
    json!({
        "id": format!("{by:x}{post:x}"),
        "created_at": written(now),
        "timestamp_ms": now,
        "favorited_status": status(world, post, now, false),
        "user": user(world, by),
    })
}

fn status(world: &World, id: u64, now: i64, with_referenced: bool) -> Value {
    let Some(post) = world.post(id) else { return Value::Null };
    let field = |name: &str| post.fields.get(name);
    let whole = field("note_tweet").and_then(|note| note.get("text")).or(field("text")).and_then(Value::as_str);
    let whole = whole.unwrap_or_default();
    let note_entities = field("note_tweet").and_then(|note| note.get("entities"));
    let long = whole.chars().count() > MAX_TEXT_CHARS;
    let text = match long {
        true => whole.chars().take(MAX_TEXT_CHARS - 1).chain(['…']).collect(),
        false => whole.to_owned(),
    };
    let parent = post.replies_to.and_then(|parent| world.post(parent));
    let answered = parent.map(|parent| parent.author);
    let handle = answered.map(|author| world.handle(author));
    let text_of = |id: Option<u64>| id.map(|id| id.to_string());
    let mut shown = json!({
        "created_at": written(world.made_at(id).unwrap_or(now)),
        "id": id,
        "id_str": id.to_string(),
        "text": text,
        "source": "<a href=\"https://x.com\" rel=\"nofollow\">X</a>",
        "truncated": long,
        "in_reply_to_status_id": post.replies_to,
        "in_reply_to_status_id_str": text_of(post.replies_to),
        "in_reply_to_user_id": answered,
        "in_reply_to_user_id_str": text_of(answered),
        "in_reply_to_screen_name": handle,
        "user": user(world, post.author),
        "is_quote_status": post.quotes.is_some(),
        "quote_count": 0,
        "reply_count": 0,
        "retweet_count": 0,
        "favorite_count": 0,
        "entities": entities(world, field("entities")),
        "favorited": false,
        "retweeted": false,
        "lang": field("lang"),
        "timestamp_ms": now.to_string(),
    });
    if long {
        let extended = json!({
            "full_text": whole,
            "display_text_range": [post.named_bytes, whole.chars().count()],
            "entities": entities(world, note_entities.or(field("entities"))),
        });
        put(&mut shown, "extended_tweet", extended);
    }
    if with_referenced {
        let known = |id: Option<u64>| id.filter(|id| world.post(*id).is_some());
        if let Some(quoted) = known(post.quotes) {
            put(&mut shown, "quoted_status_id", quoted);
            put(&mut shown, "quoted_status_id_str", quoted.to_string());
            put(&mut shown, "quoted_status", status(world, quoted, now, false));
        }
        if let Some(reposted) = known(post.reposts) {
            put(&mut shown, "retweeted_status", status(world, reposted, now, false));
        }
    }
    shown
}

/// The user object of posts and likes.
fn user(world: &World, id: u64) -> Value {
    let Some(person) = world.people.get(&id) else { return Value::Null };
    let field = |name: &str| person.fields.get(name);
    let count = |name: &str| field("public_metrics").and_then(|counts| counts.get(name)).cloned().unwrap_or(json!(0));
    json!({
        "id": id,
        "id_str": id.to_string(),
        "name": field("name"),
        "screen_name": field("username"),
        "location": field("location"),
        "url": field("url"),
        "description": field("description"),
        "protected": field("protected"),
        "verified": field("verified"),
        "followers_count": count("followers_count"),
        "friends_count": count("following_count"),
        "listed_count": count("listed_count"),
        "favourites_count": count("like_count"),
        "statuses_count": count("tweet_count"),
        "created_at": written(created_at(world, id)),
        "profile_image_url_https": field("profile_image_url"),
    })
}

/// The smaller user object beside direct messages.
pub(super) fn dm_user(world: &World, id: u64) -> Value {
    let Some(person) = world.people.get(&id) else { return Value::Null };
    let field = |name: &str| person.fields.get(name);
    let count = |name: &str| field("public_metrics").and_then(|counts| counts.get(name)).cloned().unwrap_or(json!(0));
    json!({
        "id": id.to_string(),
        "created_timestamp": created_at(world, id).to_string(),
        "name": field("name"),
        "screen_name": field("username"),
        "description": field("description"),
        "protected": field("protected"),
        "verified": field("verified"),
        "followers_count": count("followers_count"),
        "friends_count": count("following_count"),
        "statuses_count": count("tweet_count"),
        "profile_image_url_https": field("profile_image_url"),
    })
}

fn created_at(world: &World, id: u64) -> i64 {
    let field = world.people.get(&id).and_then(|person| person.fields.get("created_at"));
    field.and_then(Value::as_str).and_then(clock::read).unwrap_or_default()
}

/// A time as version 1.1 has it: `Fri Dec 13 00:56:10 +0000 2019`.
fn written(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or_default();
    time.strftime("%a %b %d %H:%M:%S +0000 %Y").to_string()
}
