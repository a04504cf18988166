//! Every post and message that is known, whether or not it is on a ticket.

use jiff::Timestamp;

use super::{
    Store, StoreError, TicketKey, Tx,
    db::{Row, query, query_scalar},
    stored, time, word, words,
};
use crate::{
    desk::{CommentSource, Person, TicketId, XId},
    engine::minute,
};

/// What is kept of a post or a direct message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPost {
    /// Its first id: edits have ids of their own, this one stays.
    pub id: XId,
    /// The id of the version that is known.
    pub version: XId,
    /// Who wrote it.
    pub author: XId,
    /// The conversation: the id of its first post, or `{small}-{large}` for direct messages.
    pub conversation: String,
    /// The post above it.
    pub replied_to: Option<XId>,
    /// The person X says it answers.
    pub in_reply_to_user: Option<XId>,
    /// The person it answers, as far as that is settled.
    pub answers: Option<XId>,
    /// For a direct message, the side that is not the account.
    pub direct_with: Option<XId>,
    /// The whole text, decoded.
    pub text: String,
    /// When it was written.
    pub made: Timestamp,
    /// Whether it was deleted since.
    pub deleted: bool,
}

/// What [`StoredPost::read`] reads.
macro_rules! read_columns {
    () => {
        "post.x_id, post.version, post.author, post.conversation, post.replied_to, post.in_reply_to_user, post.answers, \
         post.direct_with, post.text, post.made, post.deleted"
    };
}

impl StoredPost {
    /// Where a comment of it stands, and so how it can be answered.
    pub fn source(&self) -> CommentSource {
        match &self.direct_with {
            Some(with) => CommentSource::DirectMessage { id: self.id.clone(), with: with.clone() },
            None => CommentSource::Post { id: self.id.clone() },
        }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
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
            made: time(row.try_get("made")?)?,
            deleted: row.try_get::<i64, _>("deleted")? != 0,
        })
    }
}

/// What came of keeping a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutPost {
    /// What that adds.
    pub seen: Seen,
    /// The post as it is known now.
    pub post: StoredPost,
    /// Where it was not known: the posts directly below it, which came before it.
    pub below: Vec<StoredPost>,
    /// Whether it is certain that no other post of its conversation is known.
    pub alone: bool,
}

/// What a sighting of a post adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was not known.
    New,
    /// An older version of it was.
    Edited,
    /// Nothing.
    Unchanged,
}

impl Store {
    /// The posts above those that are on a ticket, or above such a post, that are neither known nor asked for.
    pub async fn missing_parents(&self, most: usize) -> Result<Vec<XId>, StoreError> {
        let rows: Vec<String> = query_scalar(
            "SELECT DISTINCT p.replied_to FROM post p
             WHERE p.asked = 0 AND EXISTS (SELECT 1 FROM ticket t WHERE t.key_conversation = p.conversation)
             LIMIT $1",
        )
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|id| word(id)).collect()
    }

    /// The public posts on tickets that are not closed which were not seen at X since a time, the longest unseen first.
    pub async fn unseen_since(&self, since: Timestamp, most: usize) -> Result<Vec<XId>, StoreError> {
        let rows: Vec<String> = query_scalar(
            "SELECT p.x_id FROM post p
             WHERE p.deleted = 0 AND p.direct_with IS NULL AND p.checked < $1
               AND EXISTS (SELECT 1 FROM comment c JOIN ticket t ON t.id = c.ticket
                           WHERE c.x_id = p.x_id AND t.status <> 'closed')
             ORDER BY p.checked LIMIT $2",
        )
        .bind(since.as_millisecond())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|id| word(id)).collect()
    }

    /// The posts above the comments of a ticket that are no comments on it: what others said before. Each with
    /// the handle of who wrote it, where that is known; in the order of X's ids.
    pub async fn context(&self, ticket: TicketId) -> Result<Vec<(StoredPost, Option<String>)>, StoreError> {
        let rows = query(concat!(
            "WITH RECURSIVE above (id, height) AS (
               SELECT x_id, 0 FROM comment WHERE ticket = $1 AND kind = 'post'
               UNION
               SELECT p.replied_to, above.height + 1 FROM above JOIN post p ON p.x_id = above.id
               WHERE p.replied_to IS NOT NULL AND above.height < $2
             )
             SELECT ",
            read_columns!(),
            ", person.handle AS author_handle FROM post LEFT JOIN person ON person.x_id = post.author
             WHERE post.x_id IN (SELECT id FROM above)
               AND NOT EXISTS (SELECT 1 FROM comment c WHERE c.ticket = $1 AND c.x_id = post.x_id)
             ORDER BY length(post.x_id), post.x_id"
        ))
        .bind(ticket.0)
        .bind(HIGHEST_CONTEXT)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok((StoredPost::read(row)?, row.try_get("author_handle")?))).collect()
    }
}

/// How far above a comment its context is followed, in posts.
const HIGHEST_CONTEXT: i64 = 100;

impl Tx {
    /// A post, by its first id.
    pub async fn post(&mut self, id: &XId) -> Result<Option<StoredPost>, StoreError> {
        let row = query(concat!("SELECT ", read_columns!(), " FROM post WHERE post.x_id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        row.as_ref().map(StoredPost::read).transpose()
    }

    /// Keeps a post. A later version replaces the text of an earlier one; a deleted post stays deleted.
    pub async fn put_post(&mut self, post: &StoredPost, now: Timestamp) -> Result<PutPost, StoreError> {
        let done = query(
            "INSERT INTO post (x_id, version, author, conversation, replied_to, in_reply_to_user, answers, direct_with,
               text, made, checked, asked)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
               CASE WHEN $5 IS NULL OR EXISTS (SELECT 1 FROM post above WHERE above.x_id = $5) THEN 1 ELSE 0 END)
             ON CONFLICT DO NOTHING",
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
        .execute(&mut self.conn)
        .await?;
        if done > 0 {
            let post = StoredPost { made: stored(post.made), deleted: false, ..post.clone() };
            let mut below = vec![];
            if !self.cache.is_childless(&post.id) {
                // What stands above those below is known now.
                below = query(concat!("UPDATE post SET asked = 1 WHERE replied_to = $1 RETURNING ", read_columns!()))
                    .bind(post.id.as_str())
                    .fetch_all(&mut self.conn)
                    .await?;
            }
            let below = below.iter().map(StoredPost::read).collect::<Result<_, _>>()?;
            let alone = self.cache.add_post(&post);
            return Ok(PutPost { seen: Seen::New, post, below, alone });
        }
        let gone = || StoreError::Corrupt(format!("the post {} is neither there nor can it be added", post.id));
        let mut known = self.post(&post.id).await?.ok_or_else(gone)?;
        let mut seen = Seen::Unchanged;
        if !known.deleted && known.version < post.version {
            query("UPDATE post SET version = $1, text = $2 WHERE x_id = $3")
                .bind(post.version.as_str())
                .bind(&post.text)
                .bind(post.id.as_str())
                .execute(&mut self.conn)
                .await?;
            seen = if known.text == post.text { Seen::Unchanged } else { Seen::Edited };
            known.version.clone_from(&post.version);
            known.text.clone_from(&post.text);
        }
        Ok(PutPost { seen, post: known, below: vec![], alone: false })
    }

    /// Settles whom a post answers.
    pub async fn set_reply_target(&mut self, id: &XId, person: &XId) -> Result<(), StoreError> {
        query("UPDATE post SET answers = $1 WHERE x_id = $2")
            .bind(person.as_str())
            .bind(id.as_str())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// The posts by connected accounts directly below a post, of which it is not settled whom they answer.
    pub async fn answers_of(&mut self, parent: &XId) -> Result<Vec<StoredPost>, StoreError> {
        let rows = query(concat!(
            "SELECT ",
            read_columns!(),
            // The accounts are few, and come first.
            " FROM account a CROSS JOIN post
             WHERE post.replied_to = $1 AND post.author = a.x_id AND post.answers IS NULL"
        ))
        .bind(parent.as_str())
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(StoredPost::read).collect()
    }

    /// What belongs together by its key: the posts of a person in a conversation, and those of the account that answer
    /// that person.
    pub async fn posts_of(&mut self, key: &TicketKey) -> Result<Vec<StoredPost>, StoreError> {
        let rows = query(concat!(
            "SELECT ",
            read_columns!(),
            " FROM post WHERE conversation = $1 AND author IN ($2, $3) AND (author = $2 OR answers = $2)"
        ))
        .bind(&key.conversation)
        .bind(key.person.as_str())
        .bind(key.account.as_str())
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(StoredPost::read).collect()
    }

    /// Notes that these posts are known, or were asked for: what X did not give then, it will not give later.
    pub async fn asked(&mut self, parents: &[XId]) -> Result<(), StoreError> {
        for parent in parents {
            query("UPDATE post SET asked = 1 WHERE replied_to = $1")
                .bind(parent.as_str())
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    /// Notes that X was asked whether it still has these posts.
    pub async fn checked(&mut self, posts: &[XId], now: Timestamp) -> Result<(), StoreError> {
        for post in posts {
            query("UPDATE post SET checked = $1 WHERE x_id = $2")
                .bind(now.as_millisecond())
                .bind(post.as_str())
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    /// Keeps what is known of a person; what a sighting does not tell stays as it was. Where something is new,
    /// automations look at that person's tickets again.
    pub async fn see(&mut self, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        let Some(id) = &person.id else { return Ok(()) };
        let known = self.person(id).await?;
        let mut merged = known.clone().unwrap_or_else(|| person.clone());
        merged.update(person);
        merged.joined = merged.joined.map(stored);
        if known.as_ref() == Some(&merged) {
            return Ok(());
        }
        let number = self.put_person(&merged).await?;
        if known.is_some() {
            query(
                "UPDATE ticket SET next_check_at = $2
                 WHERE requester = $1 AND status <> 'closed' AND (next_check_at IS NULL OR next_check_at > $2)",
            )
            .bind(number)
            .bind(minute(now).as_millisecond())
            .execute(&mut self.conn)
            .await?;
        }
        Ok(())
    }
}
