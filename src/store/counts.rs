//! Totals over the whole database.

use std::collections::BTreeMap;

use super::{Store, StoreError, db::query};

/// Totals over the whole database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tickets.
    pub tickets: i64,
    /// Comments that came from X.
    pub comments: i64,
    /// Tickets that are linked to another.
    pub linked: i64,
    /// Replies that were delivered.
    pub sent: i64,
    /// Replies that were refused for good.
    pub refused: i64,
    /// Replies whose delivery is unknown.
    pub unknown: i64,
    /// Messages in the inbox that could not be read or stored.
    pub set_aside: i64,
    /// Messages that were not imported because their tickets were full.
    pub not_imported: i64,
    /// How often each rule fired, by title, without firings in shadow mode.
    pub fired: BTreeMap<String, i64>,
}

impl Store {
    /// The totals so far.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let row = query(
            "SELECT (SELECT count(*) FROM ticket),
                    (SELECT count(*) FROM comment WHERE delivery = 'imported' AND kind <> 'note'),
                    (SELECT count(*) FROM (SELECT one FROM ticket_link UNION SELECT other FROM ticket_link) AS linked),
                    (SELECT count(*) FROM outbox WHERE kind = 'reply' AND state = 'sent'),
                    (SELECT count(*) FROM outbox WHERE kind = 'reply' AND state = 'refused'),
                    (SELECT count(*) FROM outbox WHERE kind = 'reply' AND state = 'unknown'),
                    (SELECT count(*) FROM inbox WHERE state = 'set_aside'),
                    (SELECT CAST(coalesce(sum(not_imported), 0) AS BIGINT) FROM ticket)",
        )
        .fetch_one(&self.reader)
        .await?;
        let fired =
            query("SELECT rule, count(*) FROM fired WHERE shadow = 0 GROUP BY rule").fetch_all(&self.reader).await?;
        Ok(Counts {
            tickets: row.try_get(0)?,
            comments: row.try_get(1)?,
            linked: row.try_get(2)?,
            sent: row.try_get(3)?,
            refused: row.try_get(4)?,
            unknown: row.try_get(5)?,
            set_aside: row.try_get(6)?,
            not_imported: row.try_get(7)?,
            fired: fired.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, StoreError>>()?,
        })
    }
}
