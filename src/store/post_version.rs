//! Versions of edited posts. X gives each version its own post id and conversation id; Twite maps them to those of the
//! first version.

use std::collections::BTreeSet;

use super::{
    Store, StoreError, StoredPost, Tx,
    db::{Builder, query, query_scalar},
    word,
};
use crate::desk::XId;

impl Store {
    /// The ids of all versions of a post, oldest first, including its own.
    pub async fn versions(&self, id: &XId) -> Result<Vec<XId>, StoreError> {
        let rows: Vec<String> = query_scalar("SELECT version FROM post_version WHERE post = $1")
            .bind(id.as_str())
            .fetch_all(&self.reader)
            .await?;
        let mut versions = rows.iter().map(|id| word(id)).collect::<Result<BTreeSet<XId>, _>>()?;
        versions.insert(id.clone());
        Ok(versions.into_iter().collect())
    }
}

impl Tx {
    /// Loads into the cache which ids in these posts belong to later versions of other posts.
    pub async fn prefetch_versions(&mut self, posts: &[&StoredPost]) -> Result<(), StoreError> {
        let public = posts.iter().filter(|post| post.direct_with.is_none());
        let ids: BTreeSet<&str> = public
            .flat_map(|post| {
                [Some(post.id.as_str()), Some(post.conversation.as_str()), post.replied_to.as_ref().map(XId::as_str)]
            })
            .flatten()
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut query = Builder::new(self.conn.dialect(), "SELECT version, post FROM post_version WHERE version");
        query.push_in_texts(ids.into_iter().collect());
        for row in query.build().fetch_all(&mut self.conn).await? {
            self.conn.cache.versions.insert(row.try_get(0)?, word(row.try_get(1)?)?);
        }
        Ok(())
    }

    /// Replaces the ids in a post by those of first versions, as far as they are cached.
    pub fn by_first_ids(&self, post: &mut StoredPost) {
        let versions = &self.conn.cache.versions;
        if versions.is_empty() || post.direct_with.is_some() {
            return;
        }
        for id in [Some(&mut post.id), post.replied_to.as_mut()].into_iter().flatten() {
            if let Some(first) = versions.get(id.as_str()) {
                id.clone_from(first);
            }
        }
        if let Some(first) = versions.get(&post.conversation) {
            post.conversation = first.to_string();
        }
    }

    /// The id of the first version of a post, by that of any version; of an unknown post, the same id.
    pub async fn first_id(&mut self, id: &XId) -> Result<XId, StoreError> {
        let first: Option<String> = query_scalar("SELECT post FROM post_version WHERE version = $1")
            .bind(id.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        first.map_or_else(|| Ok(id.clone()), |first| word(&first))
    }

    /// Records the versions of one post and moves all rows that refer to a later version to the first. Returns whether
    /// any row was changed.
    pub async fn put_versions(&mut self, first: &XId, versions: &[XId]) -> Result<bool, StoreError> {
        let mut moved = 0;
        for version in versions.iter().filter(|version| *version != first) {
            self.conn.cache.versions.insert(version.to_string(), first.clone());
            let new = query("INSERT INTO post_version (version, post) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(version.as_str())
                .bind(first.as_str())
                .execute(&mut self.conn)
                .await?;
            if new == 0 {
                continue;
            }
            for statement in [
                // A later version may have been stored as a separate post.
                "UPDATE post SET version = v.version, text = v.text, facts = v.facts FROM post v
                 WHERE post.x_id = $2 AND v.x_id = $1 AND post.deleted = 0
                   AND (length(v.version), v.version) > (length(post.version), post.version)",
                "DELETE FROM post WHERE x_id = $1 AND EXISTS (SELECT 1 FROM post f WHERE f.x_id = $2)",
                "UPDATE post SET x_id = $2 WHERE x_id = $1",
                "UPDATE comment SET x_id = $2 WHERE x_id = $1
                   AND NOT EXISTS (SELECT 1 FROM comment f WHERE f.ticket = comment.ticket AND f.x_id = $2)",
                "UPDATE post SET conversation = $2 WHERE conversation = $1",
                "UPDATE post SET replied_to = $2,
                   asked = CASE WHEN EXISTS (SELECT 1 FROM post f WHERE f.x_id = $2) THEN 1 ELSE asked END
                 WHERE replied_to = $1",
                "UPDATE uncaptured SET post = $2 WHERE post = $1
                   AND NOT EXISTS (SELECT 1 FROM uncaptured f WHERE f.account = uncaptured.account AND f.post = $2)",
                "UPDATE ticket SET key_conversation = $2 WHERE key_conversation = $1",
                "UPDATE ticket SET opened_by = $2 WHERE opened_by = $1",
            ] {
                let done = query(statement).bind(version.as_str()).bind(first.as_str()).execute(&mut self.conn).await?;
                moved += done;
            }
        }
        Ok(moved > 0)
    }
}
