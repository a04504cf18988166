//! A reply's kind comes from the comment it answers, by type.
//!
//! [`PublicReply`] is the only thing the public post call takes, and [`Reply::to`] is the only way to
//! one. It gives a [`PublicReply`] for a public comment and never for a direct message, so text that
//! answers a private conversation cannot be posted in public: such a program does not compile.
//! For the same reason none of these types can be read from JSON or a database row; what is stored
//! is the comment to answer and the text, and the kind is found again when it is sent.

use super::{Comment, CommentSource, XId, text::is_blank};

/// A reply, in the format of what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A public post below a public post.
    Public(PublicReply),
    /// A direct message to the person who wrote one.
    Direct(DirectReply),
}

/// A public reply post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicReply {
    /// The versions of the post it answers, oldest first; one at least.
    first: XId,
    later: Vec<XId>,
    text: String,
}

/// A direct message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectReply {
    to: XId,
    text: String,
}

/// Why a comment cannot be answered on X.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswerable {
    /// It is a private note.
    #[error("a private note cannot be answered on X")]
    Note,
    /// The post is gone.
    #[error("the post was deleted")]
    Deleted,
    /// There is nothing to say.
    #[error("the reply is empty")]
    Empty,
}

impl Reply {
    /// The reply to a comment.
    ///
    /// # Errors
    /// When the comment is a note, was deleted, or the text is blank.
    pub fn to(comment: &Comment, text: impl Into<String>) -> Result<Self, NotAnswerable> {
        let text = text.into();
        if is_blank(&text) {
            return Err(NotAnswerable::Empty);
        }
        match &comment.source {
            CommentSource::Note => Err(NotAnswerable::Note),
            CommentSource::DirectMessage { with, .. } => Ok(Self::Direct(DirectReply { to: with.clone(), text })),
            CommentSource::Post { .. } if comment.deleted => Err(NotAnswerable::Deleted),
            CommentSource::Post { id } => Ok(Self::Public(PublicReply { first: id.clone(), later: vec![], text })),
        }
    }

    /// The same reply to a post that was edited: these are the ids of its versions, oldest first.
    #[must_use]
    pub fn to_newest(self, versions: Vec<XId>) -> Self {
        match self {
            Self::Public(reply) => Self::Public(PublicReply { later: versions, ..reply }),
            direct @ Self::Direct(_) => direct,
        }
    }

    /// The text to send.
    pub fn text(&self) -> &str {
        match self {
            Self::Public(reply) => reply.text(),
            Self::Direct(reply) => reply.text(),
        }
    }
}

impl PublicReply {
    /// The post this answers: the version that people see.
    pub fn answers(&self) -> &XId {
        self.later.last().unwrap_or(&self.first)
    }

    /// The first version of the post this answers.
    pub fn first(&self) -> &XId {
        &self.first
    }

    /// Whether this answers a post, by the id of any of its versions: the post may have been edited since this was sent.
    pub fn is_to(&self, id: &XId) -> bool {
        *id == self.first || self.later.contains(id)
    }

    /// The text to post.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl DirectReply {
    /// The person to write to.
    pub fn to(&self) -> &XId {
        &self.to
    }

    /// The text to send.
    pub fn text(&self) -> &str {
        &self.text
    }
}
