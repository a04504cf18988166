//! What to look up at X: parents of stored posts, and whether stored posts still exist.

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{query, query_scalar},
    word,
};
use crate::desk::XId;

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
