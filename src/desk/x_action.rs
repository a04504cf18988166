//! What a desk can do at X besides answering.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something done at X about a ticket's latest public post by its requester, or about the requester.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XAction {
    /// Like the post.
    Like,
    /// Hide the post, which must answer the account's own.
    Hide,
    /// Mute the requester.
    Mute,
    /// End that.
    Unmute,
    /// Block the requester.
    Block,
    /// End that.
    Unblock,
}

impl XAction {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Like, Self::Hide, Self::Mute, Self::Unmute, Self::Block, Self::Unblock];

    /// The action, as rules write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Like => "like the post",
            Self::Hide => "hide the post",
            Self::Mute => "mute requester",
            Self::Unmute => "unmute requester",
            Self::Block => "block requester",
            Self::Unblock => "unblock requester",
        }
    }

    /// The scope that the account's tokens must grant.
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Like => "like.write",
            Self::Hide => "tweet.moderate.write",
            Self::Mute | Self::Unmute => "mute.write",
            Self::Block | Self::Unblock => "block.write",
        }
    }

    /// Whether it is about a post, rather than about the requester.
    pub const fn is_about_post(self) -> bool {
        matches!(self, Self::Like | Self::Hide)
    }
}

impl fmt::Display for XAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
