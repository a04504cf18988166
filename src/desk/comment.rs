//! One thing somebody said on a ticket.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, TicketId, XId};

/// Who said it, as far as rules care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The person the ticket belongs to.
    Requester,
    /// Somebody of the desk, or the connected account itself.
    Agent,
    /// A rule.
    Rule,
}

/// Where a comment stands. It alone decides how the comment can be answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CommentSource {
    /// A public post.
    Post {
        /// The post's first id: edits have ids of their own, the comment keeps this one.
        id: XId,
    },
    /// A direct message.
    DirectMessage {
        /// The message's id.
        id: XId,
        /// The other side of the conversation, never the account itself.
        with: XId,
    },
    /// A private note, seen by agents only.
    Note,
}

impl CommentSource {
    /// X's id of the comment, where it has one.
    pub fn x_id(&self) -> Option<&XId> {
        match self {
            Self::Post { id } | Self::DirectMessage { id, .. } => Some(id),
            Self::Note => None,
        }
    }
}

/// What became of a comment that Twite sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It came from X, or is a note: there is nothing to deliver.
    Imported,
    /// Waiting in the outbox, or on its way.
    Waiting,
    /// X took it.
    Sent,
    /// X refused it for good.
    Refused,
    /// X may or may not have it, and looking it up did not tell.
    Unknown,
}

/// A comment as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The store's number for it.
    pub id: i64,
    /// The ticket it is on.
    pub ticket: TicketId,
    /// Where it stands.
    pub source: CommentSource,
    /// Who said it, as far as rules care.
    pub author: Author,
    /// Who said it, by name where that is known.
    pub actor: Actor,
    /// X's id of the author, where X is where it was said.
    pub author_id: Option<XId>,
    /// The whole text, decoded. Empty where the post was deleted.
    pub text: String,
    /// Which version this is: 1 for the first, one more for each edit.
    pub version: i64,
    /// Whether the post was deleted at X. The comment keeps its place and loses its text.
    pub deleted: bool,
    /// When it was said.
    pub made: Timestamp,
    /// What became of it, where Twite sent it.
    pub delivery: Delivery,
}
