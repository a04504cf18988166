//! Accounts whose calls X refuses for the time being.

use jiff::Timestamp;

use super::{Store, StoreError, Tx, db::query, time, word};
use crate::desk::XId;

/// What an account cannot do: send.
pub const SEND: &str = "send";
/// What an account cannot do: anything, as its grant is dead.
pub const GRANT: &str = "grant";

/// Something that an account cannot do for the time being, from the first call that failed to the first that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The account.
    pub account: XId,
    /// What it cannot do: [`SEND`], [`GRANT`], or the name of an endpoint that it cannot read.
    pub what: String,
    /// Why, in X's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// How many calls failed.
    pub failures: i64,
    /// When the next call tries whether it is over.
    pub retry_at: Timestamp,
    /// Whether the admins have been told.
    pub told: bool,
}

impl Store {
    /// What accounts cannot do for the time being.
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
    /// Notes what an account cannot do, in place of what was noted about it before.
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

    /// Notes that an account can do something again.
    pub async fn resume(&mut self, account: &XId, what: &str) -> Result<(), StoreError> {
        query("DELETE FROM pause WHERE account = $1 AND what = $2")
            .bind(account.as_str())
            .bind(what)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Makes what an account cannot do be tried again at once.
    pub async fn retry_pauses(&mut self, account: &XId) -> Result<(), StoreError> {
        query("UPDATE pause SET retry_at = since WHERE account = $1")
            .bind(account.as_str())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }
}
