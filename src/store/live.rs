//! The live rule set and the state of its files: one row, written by the running daemon.

use jiff::Timestamp;

use super::{Store, StoreError, db::query, time, times};
use crate::lang::{
    Follow,
    rules::{Files, Rules, Version},
};

/// The live rule set, or if no daemon runs, that of the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveRules {
    /// Its version.
    pub version: Version,
    /// When it went live.
    pub since: Timestamp,
    /// Whether the files on disk or those of the checked-out commit go live.
    pub follow: Follow,
    /// If the current files have errors and cannot go live: since when, and why.
    pub broken: Option<(Timestamp, String)>,
    /// Changed settings that take effect only when the daemon restarts.
    pub restart: Vec<String>,
}

impl Store {
    /// Records the live rule set and the state of its files, and stores the files.
    pub async fn set_live_rules(&self, rules: &Rules, live: &LiveRules, now: Timestamp) -> Result<(), StoreError> {
        self.remember_version(rules, now).await?;
        let (broken_since, broken) = live.broken.as_ref().map(|(since, why)| (since.as_millisecond(), why)).unzip();
        let restart = serde_json::to_string(&live.restart).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        self.write(
            query(
                "INSERT INTO live_rules (name, hash, commit_id, since, follows_commit, broken_since, broken, restart)
                 VALUES ('daemon', $1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, commit_id = excluded.commit_id,
                   since = excluded.since, follows_commit = excluded.follows_commit, broken_since = excluded.broken_since, broken = excluded.broken,
                   restart = excluded.restart",
            )
            .bind(&live.version.hash)
            .bind(&live.version.commit)
            .bind(live.since.as_millisecond())
            .bind(live.follow == Follow::Commit)
            .bind(broken_since)
            .bind(broken)
            .bind(restart),
        )
        .await?;
        Ok(())
    }

    /// The live rule set; `None` if no daemon ever ran.
    pub async fn live_rules(&self) -> Result<Option<LiveRules>, StoreError> {
        let row = query("SELECT hash, commit_id, since, follows_commit, broken_since, broken, restart FROM live_rules")
            .fetch_optional(&self.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let broken: Option<String> = row.try_get("broken")?;
        let restart: String = row.try_get("restart")?;
        Ok(Some(LiveRules {
            version: Version { hash: row.try_get("hash")?, commit: row.try_get("commit_id")? },
            since: time(row.try_get("since")?)?,
            follow: if row.try_get("follows_commit")? { Follow::Commit } else { Follow::Files },
            broken: times(row.try_get("broken_since")?)?.zip(broken),
            restart: serde_json::from_str(&restart).map_err(|e| StoreError::Corrupt(e.to_string()))?,
        }))
    }

    /// The live rule set with its files.
    pub async fn live_files(&self) -> Result<Option<(LiveRules, Files)>, StoreError> {
        let Some(live) = self.live_rules().await? else { return Ok(None) };
        Ok(self.version_files(&live.version.hash).await?.map(|files| (live, files)))
    }
}
