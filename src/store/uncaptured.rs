//! Messages to connected accounts that made no ticket. Each refers to its post, which has the text.

use jiff::Timestamp;

use super::{
    Store, StoreError, StoredPost, Tx,
    db::{Builder, Row, query, query_scalar},
    post::read_columns,
    snapshot::Snapshot,
    time, word,
};
use crate::desk::{NotCaptured, PostFacts, TicketId, XId};

/// A message to an account that made no ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncaptured {
    /// The account.
    pub account: XId,
    /// The message.
    pub post: StoredPost,
    /// The handle of its author, if known.
    pub author: Option<String>,
    /// Why it made none.
    pub reason: NotCaptured,
    /// When it was read.
    pub since: Timestamp,
    /// What was known of it then and does not follow from the post: likes, reposts, replies, and whether it has media.
    pub facts: PostFacts,
}

/// Which messages that made no ticket are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UncapturedFilter {
    /// Those to this account.
    pub account: Option<XId>,
    /// Those written at this time or later.
    pub since: Option<Timestamp>,
    /// Those written before this time.
    pub until: Option<Timestamp>,
}

// `CROSS JOIN` makes SQLite look for comments by their post, instead of reading all tickets of an account.

/// The select list and tables that [`Uncaptured::read`] expects.
macro_rules! select {
    () => {
        concat!(
            "SELECT u.account, u.reason, u.since, u.likes, u.reposts, u.replies, u.has_media, person.handle AS author_handle, ",
            read_columns!(),
            " FROM uncaptured u JOIN post ON post.x_id = u.post LEFT JOIN person ON person.source_id = post.author "
        )
    };
}

impl Uncaptured {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            account: word(row.try_get("account")?)?,
            author: row.try_get("author_handle")?,
            reason: word(row.try_get("reason")?)?,
            since: time(row.try_get("since")?)?,
            facts: PostFacts {
                likes: row.try_get("likes")?,
                reposts: row.try_get("reposts")?,
                replies: row.try_get("replies")?,
                has_media: row.try_get::<i64, _>("has_media")? != 0,
                ..PostFacts::default()
            },
            post: StoredPost::read(row)?,
        })
    }
}

impl Store {
    /// When the first of the messages that made no ticket was read.
    pub async fn oldest_uncaptured(&self) -> Result<Option<Timestamp>, StoreError> {
        let oldest: Option<i64> =
            query_scalar("SELECT since FROM uncaptured ORDER BY since LIMIT 1").fetch_optional(&self.reader).await?;
        oldest.map(time).transpose()
    }
}

impl Snapshot<'_> {
    /// Messages that made no ticket, are on none by now and are not deleted, the last read first, at most `most`: those after
    /// `last` in this order.
    pub async fn uncaptured(
        &mut self,
        filter: &UncapturedFilter,
        last: Option<&Uncaptured>,
        most: u32,
    ) -> Result<Vec<Uncaptured>, StoreError> {
        let mut sql = Builder::new(
            self.conn.dialect(),
            concat!(
                select!(),
                "WHERE post.deleted = 0 AND NOT EXISTS
                   (SELECT 1 FROM comment c CROSS JOIN ticket t WHERE t.id = c.ticket AND c.x_id = u.post AND t.key_account = u.account)"
            ),
        );
        if let Some(account) = &filter.account {
            sql.push(" AND u.account = ").push_bind(account.as_str());
        }
        if let Some(since) = filter.since {
            sql.push(" AND post.made >= ").push_bind(since.as_millisecond());
        }
        if let Some(until) = filter.until {
            sql.push(" AND post.made < ").push_bind(until.as_millisecond());
        }
        if let Some(last) = last {
            sql.push(" AND (u.since, u.post, u.account) < (").push_bind(last.since.as_millisecond());
            sql.push(", ").push_bind(last.post.id.as_str());
            sql.push(", ").push_bind(last.account.as_str()).push(")");
        }
        sql.push(" ORDER BY u.since DESC, u.post DESC, u.account DESC LIMIT ").push_bind(i64::from(most));
        sql.build().fetch_all(&mut self.conn).await?.iter().map(Uncaptured::read).collect()
    }

    /// A message that made no ticket, for each account that it was to, by the id of any version: also if it is on a ticket by now, or
    /// deleted.
    pub async fn uncaptured_post(&mut self, id: &XId) -> Result<Vec<Uncaptured>, StoreError> {
        let rows = query(concat!(
            select!(),
            "WHERE u.post = coalesce((SELECT v.post FROM post_version v WHERE v.version = $1), $1) ORDER BY u.account"
        ));
        rows.bind(id.as_str()).fetch_all(&mut self.conn).await?.iter().map(Uncaptured::read).collect()
    }

    /// The tickets that have a post or message as a comment, by the id of any version, each with its account.
    pub async fn tickets_with(&mut self, id: &XId) -> Result<Vec<(XId, TicketId)>, StoreError> {
        let rows = query(
            "SELECT t.key_account, t.id FROM comment c CROSS JOIN ticket t 
             WHERE t.id = c.ticket AND c.x_id = coalesce((SELECT v.post FROM post_version v WHERE v.version = $1), $1)
               AND t.key_account IS NOT NULL ORDER BY t.id",
        );
        let rows = rows.bind(id.as_str()).fetch_all(&mut self.conn).await?;
        rows.iter().map(|row| Ok((word(row.try_get(0)?)?, TicketId(row.try_get(1)?)))).collect()
    }
}

impl Tx {
    /// Records that a message to an account made no ticket. If that is recorded already, nothing changes.
    pub async fn put_uncaptured(
        &mut self,
        account: &XId,
        post: &XId,
        reason: NotCaptured,
        facts: &PostFacts,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO uncaptured (account, post, reason, since, likes, reposts, replies, has_media)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(account.as_str())
        .bind(post.as_str())
        .bind(reason.as_str())
        .bind(now.as_millisecond())
        .bind(facts.likes)
        .bind(facts.reposts)
        .bind(facts.replies)
        .bind(i64::from(facts.has_media))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// A message that made no ticket of an account, by the id of its first version.
    pub async fn uncaptured(&mut self, account: &XId, post: &XId) -> Result<Option<Uncaptured>, StoreError> {
        let row = query(concat!(select!(), "WHERE u.account = $1 AND u.post = $2"))
            .bind(account.as_str())
            .bind(post.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        row.as_ref().map(Uncaptured::read).transpose()
    }

    /// The ticket of an account that has a post or message as a comment.
    pub async fn ticket_with(&mut self, account: &XId, post: &XId) -> Result<Option<TicketId>, StoreError> {
        let id: Option<i64> = query_scalar(
            "SELECT t.id FROM comment c CROSS JOIN ticket t WHERE t.id = c.ticket AND c.x_id = $1 AND t.key_account = $2
             ORDER BY t.id LIMIT 1",
        )
        .bind(post.as_str())
        .bind(account.as_str())
        .fetch_optional(&mut self.conn)
        .await?;
        Ok(id.map(TicketId))
    }

    /// Forgets messages that made no ticket and were read before a time, at most `most`, and deletes those of them that nothing
    /// else needs: that are on no ticket, in no conversation that has one, and that no other post answers. Returns how many it forgot.
    pub async fn forget_uncaptured(&mut self, before: Timestamp, most: u32) -> Result<usize, StoreError> {
        let rows = query("SELECT account, post FROM uncaptured WHERE since < $1 ORDER BY since LIMIT $2")
            .bind(before.as_millisecond())
            .bind(i64::from(most))
            .fetch_all(&mut self.conn)
            .await?;
        for row in &rows {
            let (account, post): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            query("DELETE FROM uncaptured WHERE account = $1 AND post = $2")
                .bind(account)
                .bind(&post)
                .execute(&mut self.conn)
                .await?;
            query(
                // What answers it needs it, and one that was deleted at X must not come back. `CROSS JOIN` makes SQLite start
                // with the few accounts.
                "DELETE FROM post WHERE x_id = $1 AND deleted = 0
                   AND NOT EXISTS (SELECT 1 FROM post child WHERE child.replied_to = post.x_id)
                   AND NOT EXISTS (SELECT 1 FROM uncaptured u WHERE u.post = post.x_id)
                   AND NOT EXISTS (SELECT 1 FROM comment c WHERE c.x_id = post.x_id)
                   AND NOT EXISTS (SELECT 1 FROM account a CROSS JOIN ticket t
                                   WHERE t.key_account = a.x_id AND t.key_conversation = post.conversation)",
            )
            .bind(&post)
            .execute(&mut self.conn)
            .await?;
        }
        Ok(rows.len())
    }
}
