//! Destinations that fail: those that did not take what was last sent to them, until they take something again.

use jiff::Timestamp;

use super::{Store, StoreError, Tx, db::query, time, word};
use crate::desk::Destination;

/// A destination that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The destination.
    pub destination: Destination,
    /// Why the last attempt failed.
    pub reason: String,
    /// When the first attempt failed.
    pub since: Timestamp,
    /// The number of attempts that failed, one after the other.
    pub failures: i64,
    /// When the next attempt is made.
    pub retry_at: Timestamp,
}

impl Store {
    /// The destinations that fail.
    pub async fn failing(&self) -> Result<Vec<Failing>, StoreError> {
        let all = query("SELECT destination, reason, since, failures, retry_at FROM failing ORDER BY destination");
        let rows = all.fetch_all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(Failing {
                    destination: word(row.try_get(0)?)?,
                    reason: row.try_get(1)?,
                    since: time(row.try_get(2)?)?,
                    failures: row.try_get(3)?,
                    retry_at: time(row.try_get(4)?)?,
                })
            })
            .collect()
    }
}

impl Tx {
    /// Records the latest failure of a destination.
    pub async fn fails(&mut self, failing: &Failing) -> Result<(), StoreError> {
        query(
            "INSERT INTO failing (destination, reason, since, failures, retry_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (destination) DO UPDATE SET reason = excluded.reason, failures = excluded.failures,
               retry_at = excluded.retry_at",
        )
        .bind(failing.destination.to_string())
        .bind(&failing.reason)
        .bind(failing.since.as_millisecond())
        .bind(failing.failures)
        .bind(failing.retry_at.as_millisecond())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Records that a destination works again.
    pub async fn works(&mut self, destination: &Destination) -> Result<(), StoreError> {
        let mended = query("DELETE FROM failing WHERE destination = $1");
        mended.bind(destination.to_string()).execute(&mut self.conn).await?;
        Ok(())
    }

    /// Makes the next attempt at the destination of an outbox item due at once.
    pub(super) async fn retry_destination_of(&mut self, item: i64, now: Timestamp) -> Result<(), StoreError> {
        query("UPDATE failing SET retry_at = $2 WHERE destination = (SELECT destination FROM outbox WHERE id = $1)")
            .bind(item)
            .bind(now.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Makes the next attempts at all destinations due at once.
    pub async fn retry_destinations(&mut self) -> Result<(), StoreError> {
        query("UPDATE failing SET retry_at = since").execute(&mut self.conn).await?;
        Ok(())
    }
}
