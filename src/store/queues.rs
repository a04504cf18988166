//! How much waits, and for how long.

use jiff::Timestamp;

use super::{Store, StoreError, db::query, times};

/// What waits to be taken in and to be sent, and what went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Queues {
    /// Messages that wait to be taken in.
    pub inbox: i64,
    /// Since when the oldest of them does.
    pub inbox_since: Option<Timestamp>,
    /// Messages that could not be read or stored.
    pub set_aside: i64,
    /// Effects that wait to be sent, reminders for later among them.
    pub outbox: i64,
    /// When the first of them is due, or was.
    pub outbox_due: Option<Timestamp>,
    /// Effects that are on their way.
    pub sending: i64,
    /// Effects of which nobody knows whether they arrived.
    pub unknown: i64,
}

impl Store {
    /// How much waits.
    pub async fn queues(&self) -> Result<Queues, StoreError> {
        let row = query(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending') AS inbox,
                    (SELECT min(received) FROM inbox WHERE state = 'pending') AS inbox_since,
                    (SELECT count(*) FROM inbox WHERE state = 'set_aside') AS set_aside,
                    (SELECT count(*) FROM outbox WHERE state = 'waiting') AS outbox,
                    (SELECT min(due) FROM outbox WHERE state = 'waiting') AS outbox_due,
                    (SELECT count(*) FROM outbox WHERE state = 'sending') AS sending,
                    (SELECT count(*) FROM outbox WHERE state = 'unknown') AS unknown",
        )
        .fetch_one(&self.reader)
        .await?;
        Ok(Queues {
            inbox: row.try_get("inbox")?,
            inbox_since: times(row.try_get("inbox_since")?)?,
            set_aside: row.try_get("set_aside")?,
            outbox: row.try_get("outbox")?,
            outbox_due: times(row.try_get("outbox_due")?)?,
            sending: row.try_get("sending")?,
            unknown: row.try_get("unknown")?,
        })
    }
}
