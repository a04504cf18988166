//! Decodes events of the X Activity API, as they come on its stream and to its webhooks.

use serde_json::{Value, json};

use super::{
    poll::Endpoint,
    push::{Event, Pushed, deleted, each, id_at, message, unreadable},
    v1,
};
use crate::{
    desk::{IncomingKind, XId},
    x::{
        DirectMessage, Unreadable,
        wire::{decode_direct_line, decode_line},
    },
};

/// Decodes the `data` of one event.
///
/// # Errors
/// When it does not say which kind of event it is, or for whom.
pub(super) fn decode(data: &Value) -> Result<Vec<Pushed>, String> {
    let kind = data.get("event_type").and_then(Value::as_str).ok_or("an event without `event_type`")?;
    let payload = data.get("payload").unwrap_or(&Value::Null);
    // A revocation is about the app, so that its subscription names no account.
    let account = match kind {
        "oauth.revoke" => id_at(payload, "/user_id"),
        _ => id_at(data, "/filter/user_id"),
    };
    let account = || account.clone().ok_or_else(|| format!("an event `{kind}` that names no account"));
    let events = match kind {
        "post.create" | "post.mention.create" | "post.reply.create" | "post.quote.create" => {
            let line = json!({ "data": payload, "includes": data.get("includes") }).to_string();
            vec![message(IncomingKind::Post, decode_line(&line), |post| post.into_incoming(IncomingKind::Post))]
        }
        "post.delete" => vec![deleted(id_at(payload, "/id"), data)],
        // It names the post, and does not have it. Likes by others are of no interest.
        "like.create" if data.pointer("/filter/direction").and_then(Value::as_str) == Some("inbound") => vec![],
        "like.create" => vec![Event::Poll(Endpoint::Likes)],
        "dm.received" | "dm.sent" if payload.get("direct_message_events").is_none() => {
            vec![unreadable(IncomingKind::DirectMessage, format!("`{kind}` has no message"), data)]
        }
        "dm.received" | "dm.sent" => direct_messages(payload),
        "chat.received" | "chat.sent" => vec![encrypted(data, payload, &account()?)],
        "oauth.revoke" => vec![Event::Revoked],
        _ => return Ok(vec![]),
    };
    let account = account()?;
    Ok(events.into_iter().map(|event| Pushed { account: account.clone(), event }).collect())
}

/// The direct messages of a payload, which has them in the shape of the Account Activity API.
pub(super) fn direct_messages(payload: &Value) -> Vec<Event> {
    let kind = IncomingKind::DirectMessage;
    each(payload, "direct_message_events", kind, |event| {
        // Others are about reactions and typing.
        let is_message = event.get("type").is_none_or(|of| of.as_str() == Some("message_create"));
        is_message.then(|| {
            let line = v1::direct_message(event, payload.get("users").unwrap_or(&Value::Null)).to_string();
            message(kind, decode_direct_line(&line), DirectMessage::into_incoming)
        })
    })
}

/// The placeholder for a message that only X's own apps can decrypt.
const ENCRYPTED: &str = "[encrypted message, which only X's own apps can show]";

/// An encrypted message: a visible note that there is one. Without a sender and an id, it is set aside.
fn encrypted(data: &Value, payload: &Value, account: &XId) -> Event {
    let place = |places: &[&str]| places.iter().find_map(|place| id_at(payload, place));
    let id = place(&["/id", "/message_id", "/event_id"]);
    let sender = place(&["/sender_id", "/message/sender_id", "/user_id"]);
    let conversation = ["/conversation_id", "/dm_conversation_id"]
        .iter()
        .find_map(|place| payload.pointer(place)?.as_str())
        .map(|conversation| conversation.replace(':', "-"));
    let made = data.get("created_at").or_else(|| payload.get("created_at"));
    let line = json!({
        "data": {
            "id": id, "sender_id": sender, "dm_conversation_id": conversation, "participant_ids": [account, sender],
            "created_at": made, "text": ENCRYPTED,
        },
        "includes": data.get("includes"),
    });
    match decode_direct_line(&line.to_string()) {
        Ok(message) => Event::Message(message.into_incoming()),
        Err(Unreadable { reason, raw, .. }) => Event::Unreadable(
            IncomingKind::DirectMessage,
            Unreadable { reason: format!("it is encrypted, and {reason}"), id, raw },
        ),
    }
}
