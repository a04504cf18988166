//! Replies, whose kind (public or direct) follows from the comment they answer, enforced by types.
//!
//! The call that posts in public takes only a [`PublicReply`], and only [`Reply::to`] creates one: for a public
//! comment, never for a direct message. So a program that answers a private conversation in public does not compile.
//! For the same reason these types cannot be deserialised. The outbox stores the comment to answer and the text; the
//! kind is derived again at sending.

use super::{Comment, CommentSource, XId, text::is_blank};

/// A reply of the same kind as the comment it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A public reply to a public post.
    Public(PublicReply),
    /// A direct message, to the author of a direct message or to any person.
    Direct(DirectReply),
}

/// A public reply post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicReply {
    /// The id of the post it answers. If the post was edited, `later` has the ids of its versions, oldest first.
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
    /// The comment is a private note.
    #[error("a private note cannot be answered on X")]
    Note,
    /// The post was deleted.
    #[error("the post was deleted")]
    Deleted,
    /// The reply is blank.
    #[error("the reply is empty")]
    Empty,
}

impl Reply {
    /// The reply to a comment.
    ///
    /// # Errors
    /// If the comment is a note or was deleted, or the text is blank.
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

    /// A direct message to a person, whatever they wrote.
    ///
    /// # Errors
    /// If the text is blank.
    pub fn message(to: XId, text: impl Into<String>) -> Result<Self, NotAnswerable> {
        let text = text.into();
        if is_blank(&text) { Err(NotAnswerable::Empty) } else { Ok(Self::Direct(DirectReply { to, text })) }
    }

    /// The same reply to the newest version of an edited post. `versions` are the ids of its versions, oldest first.
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
    /// The id of the post being replied to, in its newest known version.
    pub fn answers(&self) -> &XId {
        self.later.last().unwrap_or(&self.first)
    }

    /// The id of the post being replied to, in its first version.
    pub fn first(&self) -> &XId {
        &self.first
    }

    /// Whether `id` is a version of the post being replied to.
    pub fn is_to(&self, id: &XId) -> bool {
        *id == self.first || self.later.contains(id)
    }

    /// The text to post.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl DirectReply {
    /// The recipient's id at X.
    pub fn to(&self) -> &XId {
        &self.to
    }

    /// The text to send.
    pub fn text(&self) -> &str {
        &self.text
    }
}
