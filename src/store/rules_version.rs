//! Rule sets that were live, with their files.

use jiff::Timestamp;

use super::{
    Store, StoreError,
    db::{query, query_scalar},
};
use crate::lang::rules::{Files, Rules};

impl Store {
    /// Stores a rule set with its files, so that its decisions can be explained after it was replaced.
    pub async fn remember_version(&self, rules: &Rules, now: Timestamp) -> Result<(), StoreError> {
        let files = serde_json::to_string(&rules.files).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        self.write(
            query("INSERT INTO rules_version (hash, loaded, files) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(&rules.version.hash)
                .bind(now.as_millisecond())
                .bind(files),
        )
        .await?;
        Ok(())
    }

    /// The files of a stored rule set, by its hash.
    pub async fn version_files(&self, hash: &str) -> Result<Option<Files>, StoreError> {
        let files: Option<String> = query_scalar("SELECT files FROM rules_version WHERE hash = $1")
            .bind(hash)
            .fetch_optional(&self.reader)
            .await?;
        files.map(|files| serde_json::from_str(&files).map_err(|e| StoreError::Corrupt(e.to_string()))).transpose()
    }
}
