//! Links between tickets.

use super::{Store, StoreError, Tx, db::query};
use crate::desk::TicketId;

impl Store {
    /// The tickets linked to a ticket, each with the reason.
    pub async fn links(&self, id: TicketId) -> Result<Vec<(TicketId, String)>, StoreError> {
        let rows = query(
            "SELECT CASE WHEN one = $1 THEN other ELSE one END AS linked, why FROM ticket_link
             WHERE one = $1 OR other = $1 ORDER BY linked",
        )
        .bind(id.0)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok((TicketId(row.try_get(0)?), row.try_get(1)?))).collect()
    }
}

impl Tx {
    /// Links two tickets. Returns whether the link is new.
    pub async fn link(&mut self, a: TicketId, b: TicketId, why: &str) -> Result<bool, StoreError> {
        if a == b {
            return Ok(false);
        }
        let done = query("INSERT INTO ticket_link (one, other, why) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(a.min(b).0)
            .bind(a.max(b).0)
            .bind(why)
            .execute(&mut self.conn)
            .await?;
        Ok(done > 0)
    }
}
