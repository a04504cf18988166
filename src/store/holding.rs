//! Open tickets by the group and the agent that they are with.

use super::{
    StoreError,
    db::Builder,
    snapshot::{Snapshot, push_seen},
};
use crate::desk::{TicketId, field::Declared};

/// The tickets that a group or an agent has, without closed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Whether it is a group or an agent.
    pub kind: Declared,
    /// Its name.
    pub name: String,
    /// The number of tickets.
    pub tickets: i64,
    /// The first of them.
    pub first: TicketId,
}

impl Snapshot<'_> {
    /// The tickets of each group and agent that has some, groups first, by name.
    pub async fn holdings(&mut self) -> Result<Vec<Holding>, StoreError> {
        let mut holdings = vec![];
        for (kind, column) in [(Declared::Group, "t.group_name"), (Declared::Agent, "t.assignee")] {
            let mut sql = Builder::new(self.conn.dialect(), "SELECT ");
            sql.push(column).push(", count(*), min(t.id) FROM ticket t WHERE t.status <> 'closed' AND ").push(column);
            sql.push(" IS NOT NULL AND ");
            push_seen(&mut sql, self.viewer);
            sql.push(" GROUP BY ").push(column).push(" ORDER BY ").push(column);
            for row in sql.build().fetch_all(&mut self.conn).await? {
                let (name, tickets, first) = (row.try_get(0)?, row.try_get(1)?, TicketId(row.try_get(2)?));
                holdings.push(Holding { kind: kind.clone(), name, tickets, first });
            }
        }
        Ok(holdings)
    }
}
