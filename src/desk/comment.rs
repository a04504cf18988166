//! A comment on a ticket: a post, a direct message or a private note.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Entities, Rating, SourceId, TicketId, XId};

/// The author's role, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The requester of the ticket.
    Requester,
    /// An agent, or the connected account itself.
    Agent,
    /// A rule.
    Rule,
}

/// The kind of a comment, with its ids at X. It alone decides how the comment can be answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CommentSource {
    /// A public post.
    Post {
        /// The id of the post's first version. Each edit at X has an id of its own; the comment keeps this one.
        id: XId,
    },
    /// A direct message.
    DirectMessage {
        /// The message's id.
        id: XId,
        /// The other participant of the conversation, never the account itself.
        with: XId,
    },
    /// A private note, visible to agents only.
    Note,
}

impl CommentSource {
    /// The id at X; `None` for a note.
    pub fn x_id(&self) -> Option<&XId> {
        match self {
            Self::Post { id } | Self::DirectMessage { id, .. } => Some(id),
            Self::Note => None,
        }
    }
}

/// Delivery status of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Not an outgoing message: imported from X, or a note.
    Imported,
    /// In the outbox, or being sent.
    Waiting,
    /// X accepted it.
    Sent,
    /// X rejected it permanently.
    Refused,
    /// Unconfirmed: X may have it, and a lookup did not find out.
    Unknown,
}

/// A comment as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id in the database.
    pub id: i64,
    /// The ticket it is on.
    pub ticket: TicketId,
    /// Post, direct message or note.
    pub source: CommentSource,
    /// The author's role, as rules see it.
    pub author: Author,
    /// The author, with the name if it is known.
    pub actor: Actor,
    /// The author's id at the source; `None` if it was written on the desk.
    pub author_id: Option<SourceId>,
    /// The full text, decoded. Empty if the post was deleted.
    pub text: String,
    /// Version number: 1 for the original, plus one per edit.
    pub version: i64,
    /// Whether the post was deleted at X. Its comment is kept without the text.
    pub deleted: bool,
    /// When it was written.
    pub made: Timestamp,
    /// Delivery status.
    pub delivery: Delivery,
    /// The rating that it is, as the answer of a requester who was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// What is marked in its text, and the media that it shows.
    #[serde(default, skip_serializing_if = "Entities::is_empty")]
    pub entities: Entities,
}
