//! Links between tickets.

use super::{
    StoreError, Tx,
    db::{Builder, query},
    snapshot::{SeenTicket, Snapshot, push_seen},
};
use crate::desk::TicketId;

impl Snapshot<'_> {
    /// The tickets linked to a ticket, each with the reason, and its incidents.
    pub async fn links(&mut self, of: &SeenTicket) -> Result<Vec<(TicketId, String)>, StoreError> {
        let mut sql =
            Builder::new(self.conn.dialect(), "SELECT t.id, l.why FROM ticket_link l JOIN ticket t ON t.id = ");
        sql.push("CASE WHEN l.one = ").push_bind(of.id().0).push(" THEN l.other ELSE l.one END WHERE (l.one = ");
        sql.push_bind(of.id().0).push(" OR l.other = ").push_bind(of.id().0).push(") AND ");
        push_seen(&mut sql, self.viewer);
        sql.push(" ORDER BY t.id");
        let rows = sql.build().fetch_all(&mut self.conn).await?;
        let linked = rows.iter().map(|row| Ok((TicketId(row.try_get(0)?), row.try_get(1)?)));
        let mut linked = linked.collect::<Result<Vec<_>, StoreError>>()?;
        linked.extend(self.incidents(of).await?.into_iter().map(|id| (id, "incident".to_owned())));
        Ok(linked)
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
