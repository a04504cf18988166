//! What X delivers by itself, on a stream or to a webhook.

use serde_json::Value;

use super::{account_activity, activity, poll::Endpoint};
use crate::{
    desk::{Incoming, IncomingKind, XId},
    x::{Unreadable, parts::salvage},
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
    Look(Endpoint),
    /// Something by a person whom the account has blocked. It makes no ticket.
    Blocked,
    /// The account has revoked its authorisation of the app.
    Revoked,
}

/// Decodes a delivery: an event of the X Activity API, or events of the Account Activity API. Empty for one that is
/// about nothing that Twite handles.
///
/// # Errors
/// When it is neither, with the reason as a sentence.
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

/// The id at a place of an object.
pub(super) fn id_at(value: &Value, place: &str) -> Option<XId> {
    value.pointer(place)?.as_str()?.parse().ok()
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
