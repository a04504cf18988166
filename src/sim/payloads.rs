//! Payloads of the X Activity API: objects with all fields, in the older vocabulary, with a `*_str` twin for each number.

use serde_json::{Value, json};

use super::{
    answer::put,
    clock::written,
    text,
    world::{Fields, World},
};

/// The `payload` of an event and the objects it refers to.
#[derive(Debug, Clone, Default)]
pub(super) struct Payload {
    pub(super) payload: Value,
    pub(super) includes: Option<Value>,
}

/// `post.create`, `post.mention.create`, `post.reply.create`, `post.quote.create`, `post.repost.create`: the post, its
/// author, those it mentions and answers, and the posts it refers to.
pub(super) fn post(world: &World, id: u64) -> Payload {
    let Some(found) = world.post(id) else { return Payload::default() };
    let mut users = vec![found.author];
    let referenced = [found.replies_to, found.quotes, found.reposts].into_iter().flatten();
    let mut posts = vec![id];
    posts.extend(referenced.filter(|id| world.visible_post(*id, None).is_some()));
    users.extend(posts.iter().filter_map(|id| world.post(*id)).map(|post| post.author));
    users.extend(world.named_in(found));
    let mut unique = Vec::new();
    for user in users {
        if !unique.contains(&user) {
            unique.push(user);
        }
    }
    let mut includes = Fields::new();
    includes.insert("users".into(), unique.into_iter().filter_map(|id| user(world, id)).collect());
    includes.insert("tweets".into(), posts.iter().map(|id| post_object(world, *id)).collect());
    let media = found.fields.get("attachments").and_then(|a| a.get("media_keys")).and_then(Value::as_array);
    let media: Vec<Value> =
        media.into_iter().flatten().filter_map(|key| world.media.get(key.as_str()?).cloned()).map(with_twins).collect();
    if !media.is_empty() {
        includes.insert("media".into(), Value::Array(media));
    }
    Payload { payload: post_object(world, id), includes: Some(Value::Object(includes)) }
}

/// `post.delete`. Users in `includes` are wrapped in `data`.
pub(super) fn deletion(world: &World, id: u64, author: u64) -> Payload {
    let users: Vec<Value> = user(world, author).map(|user| json!({ "data": user })).into_iter().collect();
    Payload {
        payload: json!({"id": id.to_string(), "author_id": author.to_string()}),
        includes: Some(json!({ "users": users })),
    }
}

/// `like.create`: the payload does not name who liked; `includes.users` has the post's author and the liker.
pub(super) fn like(world: &World, id: u64, by: u64, post: u64) -> Payload {
    let author = world.post(post).map(|post| post.author).unwrap_or_default();
    let now = world.now();
    let mut users: Vec<Value> = user(world, author).into_iter().collect();
    users.extend(user(world, by).filter(|_| by != author));
    Payload {
        payload: json!({
            "id": format!("{id:x}"),
            "liked_tweet_id": post.to_string(),
            "liked_tweet_author_id": author.to_string(),
            "created_at": written(now),
            "timestamp_ms": now.to_string(),
        }),
        includes: Some(json!({"users": users, "tweets": [post_object(world, post)]})),
    }
}

/// `follow.follow`, `follow.unfollow`
pub(super) fn follow(world: &World, by: u64, to: u64) -> Payload {
    let wrapped = |id| user(world, id).map(|user| json!({ "data": user }));
    Payload { payload: json!({"source": wrapped(by), "target": wrapped(to)}), includes: None }
}

/// `dm.received`, `dm.sent`: the message in the shape of the Account Activity API, without its conversation.
pub(super) fn dm(world: &World, id: u64) -> Payload {
    let Some(dm) = world.dms.get(&id) else { return Payload::default() };
    let users: Fields = dm
        .conversation
        .members
        .iter()
        .filter_map(|id| Some((id.to_string(), json!({"data": user(world, *id)?}))))
        .collect();
    let payload = json!({"direct_message_events": [dm_object(world, id)], "users": users});
    Payload { payload, includes: None }
}

/// `chat.received`, `chat.sent`: an encrypted message, which only the members of the conversation can read.
pub(super) fn chat(from: u64, to: u64, sealed: &str, received: bool) -> Payload {
    let conversation = format!("{}:{}", from.min(to), from.max(to));
    let recipient = if received { to } else { from };
    let payload = json!({
        "conversation_id": conversation,
        "sender_id": from.to_string(),
        "recipient_id": recipient.to_string(),
        "encoded_event": sealed,
    });
    Payload { payload, includes: None }
}

fn user(world: &World, id: u64) -> Option<Value> {
    let person = world.people.get(&id)?;
    Some(with_twins(Value::Object(person.fields.clone())))
}

fn post_object(world: &World, id: u64) -> Value {
    let Some(post) = world.post(id) else { return Value::Null };
    let mut shown = Value::Object(post.fields.clone());
    let text = post.fields.get("text").and_then(Value::as_str).unwrap_or_default();
    put(&mut shown, "display_text_range", vec![post.named_bytes, text.chars().count()]);
    if let Some(parent) = post.replies_to {
        put(&mut shown, "in_reply_to_tweet_id", parent.to_string());
    }
    // X sets this also for a post that is not a reply and begins with a handle.
    let first =
        || text::handles(&post.plain).into_iter().next().filter(|name| post.plain.starts_with(&format!("@{name}")));
    if let (None, Some(named)) = (post.fields.get("in_reply_to_user_id"), first().and_then(|n| world.person_named(n))) {
        put(&mut shown, "in_reply_to_user_id", named.to_string());
    }
    with_twins(shown)
}

/// A direct message in the shape of the Account Activity API.
pub(super) fn dm_object(world: &World, id: u64) -> Value {
    let Some(dm) = world.dms.get(&id) else { return Value::Null };
    let recipient = dm.conversation.members.iter().find(|member| **member != dm.from).unwrap_or(&dm.from);
    let text = dm.fields.get("text").and_then(Value::as_str).unwrap_or_default();
    let mut data = json!({"text": text, "entities": entities(world, dm.fields.get("entities"))});
    let keys = dm.fields.get("attachments").and_then(|a| a.get("media_keys")).and_then(Value::as_array);
    if let Some(media) = keys.and_then(|keys| world.media.get(keys.first()?.as_str()?)) {
        let key = media.get("media_key").and_then(Value::as_str).unwrap_or_default();
        let id = key.split_once('_').map_or(key, |(_, id)| id);
        let media = json!({
            "id": id.parse::<u64>().unwrap_or_default(),
            "id_str": id,
            "type": media.get("type"),
            "media_url_https": media.get("url"),
        });
        put(&mut data, "attachment", json!({"type": "media", "media": media}));
    }
    json!({
        "type": "message_create",
        "id": id.to_string(),
        "created_timestamp": dm.at.to_string(),
        "message_create": {
            "target": {"recipient_id": recipient.to_string()},
            "sender_id": dm.from.to_string(),
            "message_data": data,
        },
    })
}

/// Entities in the shape of API version 1.1, from those of version 2.
pub(super) fn entities(world: &World, new: Option<&Value>) -> Value {
    let list = |name: &str| new.and_then(|new| new.get(name)).and_then(Value::as_array).into_iter().flatten();
    let indices = |of: &Value| json!([of.get("start"), of.get("end")]);
    let tags = |name| list(name).map(|tag| json!({"text": tag.get("tag"), "indices": indices(tag)}));
    let urls = list("urls").map(|url| {
        let (short, expanded, shown) = (url.get("url"), url.get("expanded_url"), url.get("display_url"));
        json!({"url": short, "expanded_url": expanded, "display_url": shown, "indices": indices(url)})
    });
    let mentions = list("mentions").map(|mention| {
        let handle = mention.get("username").and_then(Value::as_str).unwrap_or_default();
        let id = world.person_named(handle);
        let name = id.and_then(|id| world.people.get(&id)).and_then(|person| person.fields.get("name"));
        let text = id.map(|id| id.to_string());
        json!({"screen_name": handle, "name": name, "id": id, "id_str": text, "indices": indices(mention)})
    });
    json!({
        "hashtags": tags("hashtags").collect::<Vec<_>>(),
        "symbols": tags("cashtags").collect::<Vec<_>>(),
        "user_mentions": mentions.collect::<Vec<_>>(),
        "urls": urls.collect::<Vec<_>>(),
    })
}

/// Adds to each integer of an object its value as a string, under its name followed by `_str`.
fn with_twins(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut twins = Fields::new();
            for (name, value) in fields {
                let twin = value.as_i64().map(|number| (format!("{name}_str"), number.to_string().into()));
                twins.insert(name, with_twins(value));
                twins.extend(twin);
            }
            Value::Object(twins)
        }
        Value::Array(items) => items.into_iter().map(with_twins).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integer_of_an_object_has_a_twin() {
        let given = json!({"a": 1, "b": [{"c": 2, "d": "3"}, 4], "e": {"f": 0.5, "g": null}});
        let twins =
            json!({"a": 1, "a_str": "1", "b": [{"c": 2, "c_str": "2", "d": "3"}, 4], "e": {"f": 0.5, "g": null}});
        assert_eq!(with_twins(given), twins);
    }
}
