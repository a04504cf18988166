//! What a transport yields: a message from X, not decoded yet.

use super::XId;

/// The kind of a received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IncomingKind {
    /// A post. An edited post comes again, with another version.
    Post,
    /// A post that the account liked.
    Like,
    /// A direct message.
    DirectMessage,
    /// A post or direct message was deleted at X. It has no payload.
    Deleted,
}

impl IncomingKind {
    /// The stored name of the kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Like => "like",
            Self::DirectMessage => "direct_message",
            Self::Deleted => "deleted",
        }
    }
}

impl std::str::FromStr for IncomingKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Post, Self::Like, Self::DirectMessage, Self::Deleted]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no kind of message"))
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
