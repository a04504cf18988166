//! Reading on behalf of a viewer.

use super::{
    Store, StoreError,
    db::{Builder, Transaction},
    ticket::ticket,
};
use crate::desk::{Ticket, TicketId, Viewer, declarations::Sees};

/// One consistent state of the store, as a viewer sees it: tickets that the viewer does not see are treated as
/// nonexistent. All reads on behalf of a viewer are methods of it.
#[derive(Debug)]
pub struct Snapshot<'v> {
    pub(super) conn: Transaction,
    pub(super) viewer: Viewer<'v>,
}

/// A ticket that the viewer of a [`Snapshot`] sees. Reading the details of a ticket requires it.
#[derive(Debug)]
pub struct SeenTicket {
    id: TicketId,
    /// Its fields.
    pub ticket: Ticket,
    /// Its version, which is incremented when the ticket is changed.
    pub version: i64,
    /// The number of messages that were not imported because it was full.
    pub not_imported: i64,
}

impl SeenTicket {
    pub(super) const fn id(&self) -> TicketId {
        self.id
    }
}

impl Store {
    /// Begins a read transaction for a viewer.
    pub async fn snapshot<'v>(&self, viewer: Viewer<'v>) -> Result<Snapshot<'v>, StoreError> {
        Ok(Snapshot { conn: Transaction::reading(&self.reader).await?, viewer })
    }
}

impl Snapshot<'_> {
    /// Ends reading, so that its connection can be used again.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.conn.rollback().await?)
    }

    /// A ticket with all its fields; `None` if the viewer sees no ticket with this number.
    pub async fn ticket(&mut self, id: TicketId) -> Result<Option<SeenTicket>, StoreError> {
        let mut sql = Builder::new(self.conn.dialect(), "SELECT t.version, t.not_imported FROM ticket t WHERE t.id = ");
        sql.push_bind(id.0).push(" AND ");
        push_seen(&mut sql, self.viewer);
        let Some(row) = sql.build().fetch_optional(&mut self.conn).await? else { return Ok(None) };
        let (version, not_imported) = (row.try_get(0)?, row.try_get(1)?);
        let Some(mut ticket) = ticket(&mut self.conn, id).await? else { return Ok(None) };
        self.hide_problems(std::slice::from_mut(&mut ticket)).await?;
        Ok(Some(SeenTicket { id, ticket, version, not_imported }))
    }
}

/// Pushes the condition that the viewer sees the ticket `t`, as [`Viewer::sees`] defines. Where the ticket has no
/// assignee or group, it may be NULL instead of false.
pub(super) fn push_seen(sql: &mut Builder<'_>, viewer: Viewer<'_>) {
    let agent = match viewer {
        Viewer::Agent(agent) if agent.sees != Sees::All => agent,
        _ => {
            sql.push("1 = 1");
            return;
        }
    };
    sql.push("(t.assignee = ").push_bind(agent.name.clone());
    if agent.sees == Sees::Groups && !agent.groups.is_empty() {
        sql.push(" OR t.group_name IN (");
        let mut groups = sql.separated(", ");
        for group in &agent.groups {
            groups.push_bind(group.clone());
        }
        sql.push(")");
    }
    sql.push(")");
}
