//! What clients did, in order.

use serde::{Deserialize, Serialize};

use super::{
    clock,
    world::{MAX_EACH, World},
};

/// One thing that was done through the interface, as [`super::SimHandle::sent`] lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Counts from one, in the order in which things took effect.
    pub order: usize,
    /// What was done.
    pub kind: SentKind,
    /// The id of the post or message made, removed or liked.
    pub id: String,
    /// The id of the account that did it.
    pub author_id: String,
    /// Its handle.
    pub author: String,
    /// The text as the client sent it.
    pub text: Option<String>,
    /// The post a post replies to.
    pub in_reply_to: Option<String>,
    /// The id of the person a message went to.
    pub to: Option<String>,
    /// The conversation a message is part of.
    pub conversation: Option<String>,
    /// When, by the simulator's clock.
    pub at: String,
}

/// What a client did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentKind {
    /// Made a post, reply or not.
    Post,
    /// Sent a direct message.
    Dm,
    /// Liked a post.
    Like,
    /// Took a like back.
    Unlike,
    /// Deleted a post.
    Delete,
    /// Deleted a direct message, for itself.
    DeleteDm,
    /// Reposted a post.
    Repost,
    /// Hid a reply.
    Hide,
}

impl World {
    /// Notes what a client did.
    pub(super) fn note(&mut self, sent: Sent) {
        if self.sent.len() < MAX_EACH {
            self.sent.push(sent);
        }
    }

    /// A note still to be filled in.
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
