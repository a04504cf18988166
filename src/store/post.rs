//! Posts and direct messages, whether or not they are on a ticket.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    StoreError, TicketKey, Tx,
    db::{Row, query},
    snapshot::{SeenTicket, Snapshot},
    stored, time, word, words,
};
use crate::desk::{CommentSource, Entities, MessageFacts, XId};

/// A stored post or direct message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPost {
    /// The id of its first version; each edit has another id.
    pub id: XId,
    /// The id of the latest known version.
    pub version: XId,
    /// Who wrote it.
    pub author: XId,
    /// The conversation: the id of its first post, or `{small}-{large}` for direct messages.
    pub conversation: String,
    /// The post that it replies to.
    pub replied_to: Option<XId>,
    /// The person it replies to according to X.
    pub in_reply_to_user: Option<XId>,
    /// The person it replies to, once that is resolved.
    pub answers: Option<XId>,
    /// For a direct message, the other participant than the account.
    pub direct_with: Option<XId>,
    /// The full text, decoded.
    pub text: String,
    /// What is known besides the text.
    pub facts: MessageFacts,
    /// What is marked in its text, and the media that it shows.
    pub entities: Entities,
    /// When it was written.
    pub made: Timestamp,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// The select list that [`StoredPost::read`] expects.
macro_rules! read_columns {
    () => {
        "post.x_id, post.version, post.author, post.conversation, post.replied_to, post.in_reply_to_user, post.answers, \
         post.direct_with, post.text, post.facts, post.made, post.deleted"
    };
}
pub(super) use read_columns;

impl StoredPost {
    /// The source of a comment made from this post, which determines how it can be answered.
    pub fn source(&self) -> CommentSource {
        match &self.direct_with {
            Some(with) => CommentSource::DirectMessage { id: self.id.clone(), with: with.clone() },
            None => CommentSource::Post { id: self.id.clone() },
        }
    }

    /// The facts as they are kept: JSON, and nothing where there are none.
    fn kept_facts(&self) -> Result<Option<String>, StoreError> {
        let corrupt = |e: serde_json::Error| StoreError::Corrupt(e.to_string());
        let kept = KeptFacts { facts: Cow::Borrowed(&self.facts), entities: Cow::Borrowed(&self.entities) };
        (kept != KeptFacts::default()).then(|| serde_json::to_string(&kept)).transpose().map_err(corrupt)
    }

    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        let KeptFacts { facts, entities } = KeptFacts::read(row.try_get("facts")?)?;
        Ok(Self {
            id: word(row.try_get("x_id")?)?,
            version: word(row.try_get("version")?)?,
            author: word(row.try_get("author")?)?,
            conversation: row.try_get("conversation")?,
            replied_to: words(row.try_get("replied_to")?)?,
            in_reply_to_user: words(row.try_get("in_reply_to_user")?)?,
            answers: words(row.try_get("answers")?)?,
            direct_with: words(row.try_get("direct_with")?)?,
            text: row.try_get("text")?,
            facts: facts.into_owned(),
            entities: entities.into_owned(),
            made: time(row.try_get("made")?)?,
            deleted: row.try_get::<i64, _>("deleted")? != 0,
        })
    }
}

/// What the column `facts` holds.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct KeptFacts<'p> {
    #[serde(flatten)]
    facts: Cow<'p, MessageFacts>,
    #[serde(skip_serializing_if = "has_none")]
    entities: Cow<'p, Entities>,
}

#[expect(clippy::ptr_arg, reason = "what serde passes")]
fn has_none(entities: &Cow<'_, Entities>) -> bool {
    entities.is_empty()
}

impl KeptFacts<'_> {
    fn read(facts: Option<&str>) -> Result<Self, StoreError> {
        let corrupt = |e: serde_json::Error| StoreError::Corrupt(e.to_string());
        facts.map_or_else(|| Ok(Self::default()), |facts| serde_json::from_str(facts).map_err(corrupt))
    }
}

/// The entities among the facts of a post.
pub(super) fn kept_entities(facts: Option<&str>) -> Result<Entities, StoreError> {
    Ok(KeptFacts::read(facts)?.entities.into_owned())
}

/// The result of [`Tx::put_post`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutPost {
    /// Whether it is new or edited.
    pub seen: Seen,
    /// The post as now stored.
    pub post: StoredPost,
    /// If it is new: direct replies to it that were stored earlier.
    pub below: Vec<StoredPost>,
    /// Whether it is certainly the only stored post of its conversation.
    pub alone: bool,
}

/// What a received post changes in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The post was not stored before.
    New,
    /// The post was stored with another, older text.
    Edited,
    /// Neither.
    Unchanged,
}

impl Snapshot<'_> {
    /// The context of a ticket: posts above its comments in the reply chain that are not comments themselves, in the
    /// order of their ids. Each with the handle of its author, if known.
    pub async fn context(&mut self, ticket: &SeenTicket) -> Result<Vec<(StoredPost, Option<String>)>, StoreError> {
        let rows = query(concat!(
            "WITH RECURSIVE above (id, height) AS (
               SELECT x_id, 0 FROM comment WHERE ticket = $1 AND kind = 'post'
               UNION
               SELECT p.replied_to, above.height + 1 FROM above JOIN post p ON p.x_id = above.id
               WHERE p.replied_to IS NOT NULL AND above.height < $2
             )
             SELECT ",
            read_columns!(),
            ", person.handle AS author_handle FROM post LEFT JOIN person ON person.source_id = post.author
             WHERE post.x_id IN (SELECT id FROM above)
               AND NOT EXISTS (SELECT 1 FROM comment c WHERE c.ticket = $1 AND c.x_id = post.x_id)
             ORDER BY length(post.x_id), post.x_id"
        ))
        .bind(ticket.id().0)
        .bind(HIGHEST_CONTEXT)
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(|row| Ok((StoredPost::read(row)?, row.try_get("author_handle")?))).collect()
    }
}

/// The maximum number of posts by which the reply chain above a comment is followed.
const HIGHEST_CONTEXT: i64 = 100;

impl Tx {
    /// A post, by the id of its first version.
    pub async fn post(&mut self, id: &XId) -> Result<Option<StoredPost>, StoreError> {
        let row = query(concat!("SELECT ", read_columns!(), " FROM post WHERE post.x_id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        row.as_ref().map(StoredPost::read).transpose()
    }

    /// Inserts or updates a post. A later version replaces the text of an earlier one; a deleted post stays deleted.
    pub async fn put_post(&mut self, post: &StoredPost, now: Timestamp) -> Result<PutPost, StoreError> {
        let new = query(
            "INSERT INTO post (x_id, version, author, conversation, replied_to, in_reply_to_user, answers, direct_with,
               text, made, checked, asked, deleted, facts)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
               CASE WHEN EXISTS (SELECT 1 FROM deletion d WHERE d.x_id IN ($1, $2)) THEN '' ELSE $9 END, $10, $11,
               CASE WHEN $5 IS NULL OR EXISTS (SELECT 1 FROM post above WHERE above.x_id = $5) THEN 1 ELSE 0 END,
               CASE WHEN EXISTS (SELECT 1 FROM deletion d WHERE d.x_id IN ($1, $2)) THEN 1 ELSE 0 END,
               CASE WHEN EXISTS (SELECT 1 FROM deletion d WHERE d.x_id IN ($1, $2)) THEN NULL ELSE $12 END)
             ON CONFLICT DO NOTHING RETURNING deleted",
        )
        .bind(post.id.as_str())
        .bind(post.version.as_str())
        .bind(post.author.as_str())
        .bind(&post.conversation)
        .bind(post.replied_to.as_ref().map(XId::as_str))
        .bind(post.in_reply_to_user.as_ref().map(XId::as_str))
        .bind(post.answers.as_ref().map(XId::as_str))
        .bind(post.direct_with.as_ref().map(XId::as_str))
        .bind(&post.text)
        .bind(post.made.as_millisecond())
        .bind(now.as_millisecond())
        .bind(post.kept_facts()?)
        .fetch_optional(self.conn.past_cache())
        .await?;
        if let Some(new) = new {
            let mut post = StoredPost { made: stored(post.made), deleted: false, ..post.clone() };
            if new.try_get::<i64, _>("deleted")? != 0 {
                post.deleted = true;
                post.text.clear();
                post.entities = Entities::default();
            }
            let mut below = vec![];
            if !self.conn.cache.is_childless(&post.id) {
                // The parent of these replies is stored now, and need not be fetched.
                below = query(concat!("UPDATE post SET asked = 1 WHERE replied_to = $1 RETURNING ", read_columns!()))
                    .bind(post.id.as_str())
                    .fetch_all(self.conn.past_cache())
                    .await?;
            }
            let below = below.iter().map(StoredPost::read).collect::<Result<_, _>>()?;
            let alone = self.conn.cache.add_post(&post);
            return Ok(PutPost { seen: Seen::New, post, below, alone });
        }
        let gone = || StoreError::Corrupt(format!("the post {} is neither there nor can it be added", post.id));
        let mut known = self.post(&post.id).await?.ok_or_else(gone)?;
        let mut seen = Seen::Unchanged;
        if !known.deleted && known.version < post.version {
            query("UPDATE post SET version = $1, text = $2, facts = $4 WHERE x_id = $3")
                .bind(post.version.as_str())
                .bind(&post.text)
                .bind(post.id.as_str())
                .bind(post.kept_facts()?)
                .execute(self.conn.past_cache())
                .await?;
            seen = if known.text == post.text { Seen::Unchanged } else { Seen::Edited };
            known.version.clone_from(&post.version);
            known.text.clone_from(&post.text);
            known.facts.clone_from(&post.facts);
            known.entities.clone_from(&post.entities);
        }
        Ok(PutPost { seen, post: known, below: vec![], alone: false })
    }

    /// Records the person whom a post replies to.
    pub async fn set_reply_target(&mut self, id: &XId, person: &XId) -> Result<(), StoreError> {
        query("UPDATE post SET answers = $1 WHERE x_id = $2")
            .bind(person.as_str())
            .bind(id.as_str())
            .execute(self.conn.past_cache())
            .await?;
        Ok(())
    }

    /// Direct replies to a post by connected accounts whose reply target is not resolved yet.
    pub async fn answers_of(&mut self, parent: &XId) -> Result<Vec<StoredPost>, StoreError> {
        let rows = query(concat!(
            "SELECT ",
            read_columns!(),
            // `CROSS JOIN` makes SQLite start with the few accounts.
            " FROM account a CROSS JOIN post
             WHERE post.replied_to = $1 AND post.author = a.x_id AND post.answers IS NULL"
        ))
        .bind(parent.as_str())
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(StoredPost::read).collect()
    }

    /// The posts that belong to a ticket key and are not deleted: those of the person in the conversation, and the account's replies to
    /// that person.
    pub async fn posts_of(&mut self, key: &TicketKey) -> Result<Vec<StoredPost>, StoreError> {
        let rows = query(concat!(
            "SELECT ",
            read_columns!(),
            " FROM post WHERE conversation = $1 AND author IN ($2, $3) AND (author = $2 OR answers = $2) AND deleted = 0"
        ))
        .bind(&key.conversation)
        .bind(key.person.as_str())
        .bind(key.account.as_str())
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(StoredPost::read).collect()
    }
}
