//! Totals over all tickets that a viewer sees.

use std::collections::BTreeMap;

use super::{
    StoreError,
    db::Builder,
    snapshot::{Snapshot, push_seen},
};

/// Totals over all tickets that a viewer sees.
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
    /// Messages in the inbox that could not be read or stored. They are on no ticket, so that every viewer sees them.
    pub set_aside: i64,
    /// Messages that were not imported because their tickets were full.
    pub not_imported: i64,
    /// How often each rule fired, by title, without firings in shadow mode.
    pub fired: BTreeMap<String, i64>,
}

impl Snapshot<'_> {
    /// The totals so far.
    pub async fn counts(&mut self) -> Result<Counts, StoreError> {
        let row = self
            .counted(
                "SELECT (SELECT count(*) FROM seen),
                        (SELECT count(*) FROM comment WHERE delivery = 'imported' AND kind <> 'note'
                           AND ticket IN (SELECT id FROM seen)),
                        (SELECT count(*) FROM (SELECT one FROM links UNION SELECT other FROM links) AS linked),
                        (SELECT count(*) FROM replies WHERE state = 'sent'),
                        (SELECT count(*) FROM replies WHERE state = 'refused'),
                        (SELECT count(*) FROM replies WHERE state = 'unknown'),
                        (SELECT count(*) FROM inbox WHERE state = 'set_aside'),
                        (SELECT CAST(coalesce(sum(not_imported), 0) AS BIGINT) FROM seen)",
            )
            .build()
            .fetch_one(&mut self.conn)
            .await?;
        let fired = self
            .counted(
                "SELECT f.rule, count(*) FROM fired f JOIN decision d ON d.id = f.decision
                 WHERE f.shadow = 0 AND d.ticket IN (SELECT id FROM seen) GROUP BY f.rule",
            )
            .build()
            .fetch_all(&mut self.conn)
            .await?;
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

    /// A query over the tickets that the viewer sees, the links between them and the replies on them.
    fn counted(&self, select: &str) -> Builder<'static> {
        let mut sql = Builder::new(self.conn.dialect(), "WITH seen AS (SELECT id, not_imported FROM ticket t WHERE ");
        push_seen(&mut sql, self.viewer);
        sql.push("), links AS (SELECT one, other FROM ticket_link WHERE one IN (SELECT id FROM seen) AND other IN (SELECT id FROM seen))");
        sql.push(", replies AS (SELECT state FROM outbox WHERE kind = 'reply' AND ticket IN (SELECT id FROM seen)) ");
        sql.push(select);
        sql
    }
}
