//! Lengths and ages of the inbox and the outbox.

use jiff::Timestamp;

use super::{Store, StoreError, db::query, times};

/// Counts and oldest times of the inbox and the outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Queues {
    /// Messages in the inbox that are not processed yet.
    pub inbox: i64,
    /// When the oldest of them arrived.
    pub inbox_since: Option<Timestamp>,
    /// Messages that could not be read or stored.
    pub set_aside: i64,
    /// Effects waiting to be sent, including reminders for later.
    pub outbox: i64,
    /// The earliest due time among them.
    pub outbox_due: Option<Timestamp>,
    /// Effects being sent.
    pub sending: i64,
    /// Effects whose delivery X never confirmed.
    pub unknown: i64,
}

impl Store {
    /// Counts the inbox and the outbox.
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
