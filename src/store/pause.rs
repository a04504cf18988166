//! Paused calls: the kinds of API calls that X currently rejects for an account.

use jiff::Timestamp;

use super::{Store, StoreError, Tx, db::query, time, word};
use crate::desk::{Destination, XId};

/// [`Pause::what`] if sending public posts fails.
pub const SEND_POSTS: &str = "sending posts";
/// [`Pause::what`] if sending direct messages fails.
pub const SEND_MESSAGES: &str = "sending messages";
/// [`Pause::what`] if likes, hides, mutes and blocks fail.
pub const SEND_ACTIONS: &str = "acting at X";
/// [`Pause::what`] if all calls fail because the OAuth grant is invalid.
pub const GRANT: &str = "grant";

/// [`Pause::what`] if sending to this destination at X fails.
pub fn sending(destination: &Destination) -> &'static str {
    match destination {
        Destination::Messages(_) => SEND_MESSAGES,
        Destination::Actions(_) => SEND_ACTIONS,
        _ => SEND_POSTS,
    }
}

/// A kind of call that fails for an account, from the first failure to the next success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The account.
    pub account: XId,
    /// The kind of call: [`SEND_POSTS`], [`SEND_MESSAGES`], [`SEND_ACTIONS`], [`GRANT`], or the name of an endpoint that cannot be read.
    pub what: String,
    /// The reason given by X.
    pub reason: String,
    /// When the first call failed.
    pub since: Timestamp,
    /// The number of failed calls.
    pub failures: i64,
    /// The time of the next retry.
    pub retry_at: Timestamp,
    /// Whether the admins were notified.
    pub told: bool,
}

impl Store {
    /// All current pauses.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let rows = query(
            "SELECT account, what, reason, since, failures, retry_at, told FROM pause ORDER BY account, since, what",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Pause {
                    account: word(row.try_get("account")?)?,
                    what: row.try_get("what")?,
                    reason: row.try_get("reason")?,
                    since: time(row.try_get("since")?)?,
                    failures: row.try_get("failures")?,
                    retry_at: time(row.try_get("retry_at")?)?,
                    told: row.try_get::<i64, _>("told")? != 0,
                })
            })
            .collect()
    }
}

impl Tx {
    /// Inserts or updates a pause.
    pub async fn pause(&mut self, pause: &Pause) -> Result<(), StoreError> {
        query(
            "INSERT INTO pause (account, what, reason, since, failures, retry_at, told)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (account, what) DO UPDATE SET reason = excluded.reason, failures = excluded.failures,
               retry_at = excluded.retry_at, told = excluded.told",
        )
        .bind(pause.account.as_str())
        .bind(&pause.what)
        .bind(&pause.reason)
        .bind(pause.since.as_millisecond())
        .bind(pause.failures)
        .bind(pause.retry_at.as_millisecond())
        .bind(i64::from(pause.told))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Deletes a pause, as the call works again.
    pub async fn resume(&mut self, account: &XId, what: &str) -> Result<(), StoreError> {
        query("DELETE FROM pause WHERE account = $1 AND what = $2")
            .bind(account.as_str())
            .bind(what)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Makes all pauses of an account due for a retry at once.
    pub async fn retry_pauses(&mut self, account: &XId) -> Result<(), StoreError> {
        query("UPDATE pause SET retry_at = since WHERE account = $1")
            .bind(account.as_str())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }
}
