//! Decodes deliveries of the Account Activity API, which X has deprecated: several events for one account, in the
//! shapes of version 1.1.

use serde_json::Value;

use super::{
    activity::direct_messages,
    poll::Endpoint,
    push::{Event, Pushed, deleted, each, id_at, message},
    v1,
};
use crate::{
    desk::{IncomingKind, XId},
    x::wire::decode_line,
};

/// Decodes a delivery.
///
/// # Errors
/// When it names no account.
pub(super) fn decode(delivery: &Value) -> Result<Vec<Pushed>, String> {
    if let Some(event) = delivery.get("user_event") {
        let account = id_at(event, "/revoke/source/user_id");
        return Ok(account.map(|account| Pushed { account, event: Event::Revoked }).into_iter().collect());
    }
    let account = id_at(delivery, "/for_user_id").ok_or("a delivery that names no account")?;
    let is_blocked = is_true(delivery.get("user_has_blocked"));
    let mut events = each(delivery, "tweet_create_events", IncomingKind::Post, |tweet| match is_blocked {
        true => Some(Event::Blocked),
        false => post(tweet, &account),
    });
    events.extend(each(delivery, "favorite_events", IncomingKind::Like, |like| liked(like, &account)));
    events.extend(each(delivery, "tweet_delete_events", IncomingKind::Deleted, |event| {
        Some(deleted(id_at(event, "/status/id"), event))
    }));
    events.extend(direct_messages(delivery));
    Ok(events.into_iter().map(|event| Pushed { account: account.clone(), event }).collect())
}

/// X writes it as a boolean, and documents a string.
fn is_true(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
}

/// The event of a new post. One that answers another does not name its conversation, so that a list has to be read.
fn post(tweet: &Value, account: &XId) -> Option<Event> {
    if tweet.get("retweeted_status").is_some_and(|original| !original.is_null()) {
        return None;
    }
    if id_at(tweet, "/in_reply_to_status_id_str").is_some() {
        let is_own = id_at(tweet, "/user/id_str").as_ref() == Some(account);
        return Some(Event::Poll(if is_own { Endpoint::OwnPosts } else { Endpoint::Mentions }));
    }
    let line = v1::post(tweet).to_string();
    Some(message(IncomingKind::Post, decode_line(&line), |post| post.into_incoming(IncomingKind::Post)))
}

/// The event of a post that the account liked. Likes of its own posts by others are of no interest.
fn liked(like: &Value, account: &XId) -> Option<Event> {
    (id_at(like, "/user/id_str").as_ref() == Some(account)).then_some(Event::Poll(Endpoint::Likes))
}
