//! The progress of background jobs.

use super::{
    StoreError, Tx,
    db::{query, query_scalar},
};

impl Tx {
    /// The stored progress of the named background job.
    pub async fn progress(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(query_scalar("SELECT value FROM progress WHERE name = $1").bind(name).fetch_optional(&mut self.conn).await?)
    }

    /// Stores the progress of the named background job.
    pub async fn set_progress(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        query(
            "INSERT INTO progress (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}
