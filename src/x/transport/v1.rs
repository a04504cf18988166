//! Rewrites objects of version 1.1 of X's API in the shape of version 2, except for their entities, which are read in
//! either shape.

use jiff::{Timestamp, fmt::strtime};
use serde_json::{Map, Value, json};

/// A post that answers no other, as a line with `data` and `includes`.
pub(super) fn post(tweet: &Value) -> Value {
    let full = tweet.get("extended_tweet").filter(|full| full.is_object()).unwrap_or(tweet);
    let text = ["full_text", "text"].iter().find_map(|name| full.get(*name)).or_else(|| tweet.get("text"));
    let user = tweet.get("user").unwrap_or(&Value::Null);
    let media: Vec<_> = media_of(full).iter().filter_map(attached).collect();
    let references = tweet.get("quoted_status_id_str").map(|id| json!([{ "type": "quoted", "id": id }]));
    let mut data = json!({
        "id": tweet.get("id_str"),
        "author_id": user.get("id_str"),
        "conversation_id": tweet.get("id_str"),
        "created_at": tweet.get("created_at").and_then(Value::as_str).and_then(time),
        "text": text,
        "lang": tweet.get("lang"),
        "entities": full.get("entities"),
        "referenced_posts": references,
    });
    attach(&mut data, &media);
    json!({ "data": data, "includes": { "users": [person(user)], "media": media } })
}

/// A direct message, as a line with `data` and `includes`. `users` are the profiles by id.
pub(super) fn direct_message(event: &Value, users: &Value) -> Value {
    let created = event.get("message_create").unwrap_or(&Value::Null);
    let message = created.get("message_data").unwrap_or(&Value::Null);
    let (sender, recipient) = (created.get("sender_id"), created.pointer("/target/recipient_id"));
    let media: Vec<_> = message.pointer("/attachment/media").and_then(attached).into_iter().collect();
    let made = event.get("created_timestamp").and_then(Value::as_str).and_then(|millis| millis.parse().ok());
    let made = made.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let mut data = json!({
        "id": event.get("id"),
        "event_type": "MessageCreate",
        "sender_id": sender,
        "participant_ids": [sender, recipient],
        "created_at": made,
        "text": message.get("text"),
        "entities": message.get("entities"),
    });
    attach(&mut data, &media);
    let users = users.as_object().into_iter().flat_map(Map::values);
    // The X Activity API wraps profiles of version 2; the Account Activity API has its own.
    let users: Vec<_> = users.map(|user| user.get("data").cloned().unwrap_or_else(|| person(user))).collect();
    json!({ "data": data, "includes": { "users": users, "media": media } })
}

/// A user. Direct messages come with a smaller one, whose id is a string and whose times are milliseconds.
fn person(user: &Value) -> Value {
    let id = user.get("id_str").or_else(|| user.get("id"));
    let millis = user.get("created_timestamp").and_then(Value::as_str).and_then(|millis| millis.parse().ok());
    let joined = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let joined = joined.or_else(|| user.get("created_at").and_then(Value::as_str).and_then(time));
    json!({
        "id": id,
        "username": user.get("screen_name"),
        "name": user.get("name"),
        "location": user.get("location"),
        "created_at": joined,
        "verified": user.get("verified"),
        "public_metrics": {
            "followers_count": user.get("followers_count"),
            "following_count": user.get("friends_count"),
            "post_count": user.get("statuses_count"),
            "listed_count": user.get("listed_count"),
        },
    })
}

/// A time such as `Fri Dec 13 00:56:10 +0000 2019`.
fn time(text: &str) -> Option<Timestamp> {
    strtime::parse("%a %b %d %H:%M:%S %z %Y", text).ok()?.to_timestamp().ok()
}

/// The media of a post.
fn media_of(post: &Value) -> Vec<Value> {
    let all = ["/extended_entities/media", "/entities/media"].iter().find_map(|place| post.pointer(place)?.as_array());
    all.cloned().unwrap_or_default()
}

/// An attachment. Its key begins with the number of its kind, as in version 2.
fn attached(media: &Value) -> Option<Value> {
    let id = media.get("id_str")?.as_str()?;
    let kind = media.get("type").and_then(Value::as_str)?;
    let number = match kind {
        "photo" => 3,
        "video" => 7,
        "animated_gif" => 16,
        _ => return None,
    };
    let picture = media.get("media_url_https");
    let is_photo = kind == "photo";
    Some(json!({
        "media_key": format!("{number}_{id}"),
        "type": kind,
        "url": picture.filter(|_| is_photo),
        "preview_image_url": picture.filter(|_| !is_photo),
        "alt_text": media.get("ext_alt_text"),
        "width": media.pointer("/original_info/width"),
        "height": media.pointer("/original_info/height"),
        "duration_ms": media.pointer("/video_info/duration_millis"),
        "variants": media.pointer("/video_info/variants"),
    }))
}

fn attach(data: &mut Value, media: &[Value]) {
    if let (Some(data), false) = (data.as_object_mut(), media.is_empty()) {
        let keys: Vec<_> = media.iter().filter_map(|media| media.get("media_key")).collect();
        data.insert("attachments".to_owned(), json!({ "media_keys": keys }));
    }
}
