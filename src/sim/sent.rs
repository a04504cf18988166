//! Log of the writes of clients, in the order in which they took effect.

use serde::{Deserialize, Serialize};

use super::{
    clock,
    world::{MAX_EACH, World},
};

/// One write of a client, as listed by [`super::SimHandle::sent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Sequence number, starting at one.
    pub order: usize,
    /// The kind of write.
    pub kind: SentKind,
    /// Id of the post or direct message that was created or acted on.
    pub id: String,
    /// Id of the account that acted.
    pub author_id: String,
    /// Handle of that account.
    pub author: String,
    /// The text as the client sent it.
    pub text: Option<String>,
    /// For a post: id of the post it replies to.
    pub in_reply_to: Option<String>,
    /// For a direct message between two people: id of the recipient.
    pub to: Option<String>,
    /// For a direct message: id of its conversation.
    pub conversation: Option<String>,
    /// Time of the write by the simulator's clock, in RFC 3339.
    pub at: String,
}

/// The kind of a client's write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentKind {
    /// Made a post, reply or not.
    Post,
    /// Sent a direct message.
    Dm,
    /// Liked a post.
    Like,
    /// Removed a like.
    Unlike,
    /// Deleted a post.
    Delete,
    /// Deleted a direct message from its own view.
    DeleteDm,
    /// Reposted a post.
    Repost,
    /// Hid a reply.
    Hide,
}

impl World {
    /// Appends an entry to the log, unless the log is full.
    pub(super) fn note(&mut self, sent: Sent) {
        if self.sent.len() < MAX_EACH {
            self.sent.push(sent);
        }
    }

    /// A log entry without details such as text and recipient, which the caller fills in.
    pub(super) fn sent_by(&self, author: u64, kind: SentKind, id: u64) -> Sent {
        Sent {
            order: self.sent.len() + 1,
            kind,
            id: id.to_string(),
            author_id: author.to_string(),
            author: self.handle(author).into(),
            text: None,
            in_reply_to: None,
            to: None,
            conversation: None,
            at: clock::written(self.now()),
        }
    }
}
