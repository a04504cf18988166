//! What X delivers by itself, on a stream or to a webhook.

use serde_json::Value;

use super::{account_activity, activity, poll::Endpoint};
use crate::{
    desk::{Incoming, IncomingKind, XId},
    x::{Unreadable, parts::salvage, wire::cut},
};

/// Maximum size of one delivery, in bytes.
pub const MAX_DELIVERY_BYTES: usize = 1024 * 1024;

/// An event of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushed {
    /// The account that X delivers it for.
    pub account: XId,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A message.
    Message(Incoming),
    /// A message that cannot be decoded, of this kind.
    Unreadable(IncomingKind, Unreadable),
    /// Something new in a list, which has to be read, because the event lacks what a message needs.
    Poll(Endpoint),
    /// Something by a person whom the account has blocked. It makes no ticket.
    Blocked,
    /// The account has revoked its authorisation of the app.
    Revoked,
}

/// Decodes a delivery: an event of the X Activity API, or events of the Account Activity API. Empty for one that is
/// about nothing that Twite handles.
///
/// # Errors
/// When it is neither, or names no account, with the reason as a sentence.
pub fn decode(delivery: &[u8]) -> Result<Vec<Pushed>, String> {
    if delivery.len() > MAX_DELIVERY_BYTES {
        return Err(format!("a delivery of {} bytes; at most {MAX_DELIVERY_BYTES} are read", delivery.len()));
    }
    let value = salvage(delivery);
    match (value.get("data"), value.get("for_user_id"), value.get("user_event")) {
        (Some(data @ Value::Object(_)), _, _) => activity::decode(data),
        (None, Some(_), _) | (None, _, Some(_)) => account_activity::decode(&value),
        _ => Err("a delivery of an unknown kind".to_owned()),
    }
}

/// The id at a place of an object, as a string or a number.
pub(super) fn id_at(value: &Value, place: &str) -> Option<XId> {
    match value.pointer(place)? {
        Value::String(id) => id.parse().ok(),
        Value::Number(id) => id.to_string().parse().ok(),
        _ => None,
    }
}

/// The events of a list in a delivery. X says that there are some, so that they must not be lost if they cannot be read.
pub(super) fn each(
    delivery: &Value,
    list: &str,
    kind: IncomingKind,
    event: impl FnMut(&Value) -> Option<Event>,
) -> Vec<Event> {
    match delivery.get(list) {
        None => vec![],
        Some(Value::Array(all)) => all.iter().filter_map(event).collect(),
        Some(_) => vec![unreadable(kind, format!("`{list}` is no list"), delivery)],
    }
}

/// The event of a deletion of this post or message.
pub(super) fn deleted(id: Option<XId>, event: &Value) -> Event {
    match id {
        Some(id) => Event::Message(Incoming::deleted(id)),
        None => unreadable(IncomingKind::Deleted, "the deletion names no post".to_owned(), event),
    }
}

/// The event of something that cannot be read.
pub(super) fn unreadable(kind: IncomingKind, reason: String, value: &Value) -> Event {
    Event::Unreadable(kind, Unreadable { reason, id: None, raw: cut(value.to_string().as_bytes()) })
}

/// The event of a message that was read, or could not be.
pub(super) fn message<T>(
    kind: IncomingKind,
    read: Result<T, Unreadable>,
    into_incoming: impl FnOnce(T) -> Incoming,
) -> Event {
    match read {
        Ok(message) => Event::Message(into_incoming(message)),
        Err(unreadable) => Event::Unreadable(kind, unreadable),
    }
}
