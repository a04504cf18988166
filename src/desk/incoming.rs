//! What a transport yields: a message from X, not decoded yet.

use super::{XId, words::words};

words! {
    /// The kind of a received message.
    IncomingKind, ordered: false {
        /// A post. An edited post comes again, with another version.
        Post = "post",
        /// A post that the account liked.
        Like = "like",
        /// A direct message.
        DirectMessage = "direct_message",
        /// A post or direct message was deleted at X. It has no payload.
        Deleted = "deleted",
    }
}

words! {
    /// How a message came from X.
    Transport, ordered: false {
        /// From a list that was polled.
        Poll = "poll",
        /// From X's activity stream.
        Stream = "stream",
        /// By X's call of a webhook.
        Webhook = "webhook",
        /// From a lookup by its id.
        Lookup = "lookup",
        /// From a file.
        File = "file",
    }
}

/// A message to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its kind.
    pub kind: IncomingKind,
    /// The id of its first version; each edit has another id.
    pub x_id: XId,
    /// The id of this version.
    pub version: XId,
    /// The message as JSON, decoded later when it is processed.
    pub payload: String,
}

impl Incoming {
    /// The deletion of a post or direct message, by the id of any version.
    pub fn deleted(id: XId) -> Self {
        Self { kind: IncomingKind::Deleted, x_id: id.clone(), version: id, payload: String::new() }
    }
}
