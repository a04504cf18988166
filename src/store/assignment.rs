//! Choosing the agent of a group to whom a ticket is assigned.

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{query, query_scalar},
};
use crate::desk::TicketId;

impl Tx {
    /// Round robin among these agents of a group: chooses and records the first agent who was never chosen, else the
    /// one chosen longest ago.
    pub async fn next_agent(&mut self, group: &str, agents: &[&str]) -> Result<Option<String>, StoreError> {
        let taken = query("SELECT agent, taken FROM round_robin WHERE group_name = $1")
            .bind(group)
            .fetch_all(&mut self.conn)
            .await?;
        let taken: Vec<(String, i64)> =
            taken.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, StoreError>>()?;
        let last_chosen = |agent: &&&str| taken.iter().find(|(name, _)| name == **agent).map_or(0, |(_, taken)| *taken);
        let Some(agent) = agents.iter().min_by_key(last_chosen) else { return Ok(None) };
        self.record_turn(group, agent).await?;
        Ok(Some((*agent).to_owned()))
    }

    /// Records that an agent of a group had a turn, so that the others come first.
    pub async fn record_turn(&mut self, group: &str, agent: &str) -> Result<(), StoreError> {
        query(
            "INSERT INTO round_robin (group_name, agent, taken)
             SELECT $1, $2, 1 + coalesce(max(taken), 0) FROM round_robin WHERE group_name = $1
             ON CONFLICT (group_name, agent) DO UPDATE SET taken = excluded.taken",
        )
        .bind(group)
        .bind(agent)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// The first of these agents with the fewest other unsolved tickets.
    pub async fn least_busy_agent(&mut self, ticket: TicketId, agents: &[&str]) -> Result<Option<String>, StoreError> {
        let mut least: Option<(i64, &str)> = None;
        for agent in agents {
            let unsolved = self.other_unsolved_tickets(ticket, agent).await?;
            if least.is_none_or(|(fewest, _)| unsolved < fewest) {
                least = Some((unsolved, agent));
            }
        }
        Ok(least.map(|(_, agent)| agent.to_owned()))
    }

    /// The number of unsolved tickets besides this one that are assigned to an agent.
    pub async fn other_unsolved_tickets(&mut self, ticket: TicketId, agent: &str) -> Result<i64, StoreError> {
        let count = query_scalar(
            "SELECT count(*) FROM ticket WHERE assignee = $1 AND status NOT IN ('solved', 'closed') AND id <> $2",
        );
        Ok(count.bind(agent).bind(ticket.0).fetch_one(&mut self.conn).await?)
    }

    /// The agent of the other ticket of a ticket's requester that was assigned last, if that was not before a time.
    pub async fn last_agent(&mut self, of: TicketId, since: Option<Timestamp>) -> Result<Option<String>, StoreError> {
        let last = query_scalar(
            "SELECT o.assignee FROM ticket t JOIN ticket o ON o.requester = t.requester AND o.id <> t.id
             WHERE t.id = $1 AND o.assignee IS NOT NULL AND o.assigned >= $2
             ORDER BY o.assigned DESC, o.id DESC LIMIT 1",
        );
        let since = since.unwrap_or(Timestamp::MIN).as_millisecond();
        Ok(last.bind(of.0).bind(since).fetch_optional(&mut self.conn).await?)
    }
}
