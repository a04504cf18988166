//! What to look up at X: parents of stored posts, and whether stored posts still exist.

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{query, query_scalar},
    word,
};
use crate::{
    desk::{PostFacts, XId},
    engine::minute,
};

impl Store {
    /// Parent posts to fetch: neither stored nor requested from X yet, in conversations that have a ticket.
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

    /// Public posts on unclosed tickets whose existence at X was not checked since a time, longest unchecked first.
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

    /// The public posts that opened tickets since `opened`, which are not solved yet, if what others did with them was
    /// not read since `counted`; longest unread first.
    pub async fn uncounted_since(
        &self,
        counted: Timestamp,
        opened: Timestamp,
        most: usize,
    ) -> Result<Vec<XId>, StoreError> {
        let rows: Vec<String> = query_scalar(
            "SELECT DISTINCT p.x_id, p.checked FROM ticket t JOIN post p ON p.x_id = t.opened_by
             WHERE t.created >= $2 AND t.status NOT IN ('solved', 'closed')
               AND p.deleted = 0 AND p.direct_with IS NULL AND p.checked < $1
             ORDER BY p.checked, p.x_id LIMIT $3",
        )
        .bind(counted.as_millisecond())
        .bind(opened.as_millisecond())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|id| word(id)).collect()
    }
}

impl Tx {
    /// Marks parent posts as requested from X, so that they are not requested again if X did not return them.
    pub async fn asked(&mut self, parents: &[XId]) -> Result<(), StoreError> {
        for parent in parents {
            query("UPDATE post SET asked = 1 WHERE replied_to = $1")
                .bind(parent.as_str())
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    /// Records likes, reposts and replies of a post on the tickets that it opened, and has their automations evaluated.
    pub async fn counted(&mut self, post: &XId, facts: &PostFacts, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE ticket SET version = version + 1, post_likes = $2, post_reposts = $3, post_replies = $4,
               next_check_at = CASE WHEN next_check_at < $5 THEN next_check_at ELSE $5 END
             WHERE id IN (SELECT ticket FROM comment WHERE x_id = $1) AND opened_by = $1 AND status <> 'closed'
               AND (coalesce(post_likes, -1) <> coalesce($2, -1) OR coalesce(post_reposts, -1) <> coalesce($3, -1)
                 OR coalesce(post_replies, -1) <> coalesce($4, -1))",
        )
        .bind(post.as_str())
        .bind(facts.likes)
        .bind(facts.reposts)
        .bind(facts.replies)
        .bind(minute(now).as_millisecond())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Records when the existence of these posts at X was last checked.
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
}
