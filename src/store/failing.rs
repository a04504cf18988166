//! Destinations that fail: those that did not take what was last sent to them, until they take something again.

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{query, query_scalar},
    time, word,
};
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

/// What an attempt to send says of the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// It works, whatever it said of this item.
    Works,
    /// It fails.
    Fails(Failing),
    /// Nothing.
    Untried,
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

    /// Records that a destination works. Returns how often it failed before, if it did.
    pub async fn works(&mut self, destination: &Destination) -> Result<Option<i64>, StoreError> {
        let mended = query_scalar("DELETE FROM failing WHERE destination = $1 RETURNING failures");
        Ok(mended.bind(destination.to_string()).fetch_optional(&mut self.conn).await?)
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

    /// Makes the next attempts at all destinations, with what failed there, due at once. What may have arrived keeps its time.
    pub async fn retry_destinations(&mut self, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE outbox SET due = $1 WHERE state = 'waiting' AND sends > 0 AND possibly_sent = 0 AND due > $1
               AND destination IN (SELECT destination FROM failing)",
        )
        .bind(now.as_millisecond())
        .execute(&mut self.conn)
        .await?;
        query("UPDATE failing SET retry_at = $1 WHERE retry_at > $1")
            .bind(now.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Forgets which destinations fail of those for which nothing waits: it is not known for how long they will.
    pub(super) async fn forget_idle_destinations(&mut self) -> Result<(), StoreError> {
        query(
            "DELETE FROM failing WHERE NOT EXISTS
               (SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending') AND outbox.destination = failing.destination)",
        )
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}
