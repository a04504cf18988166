//! Choosing the agent of a group to whom a ticket is assigned.

use super::{
    StoreError, Tx,
    db::{query, query_scalar},
};

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
        let last = taken.iter().map(|(_, taken)| *taken).max().unwrap_or(0);
        query(
            "INSERT INTO round_robin (group_name, agent, taken) VALUES ($1, $2, $3)
             ON CONFLICT (group_name, agent) DO UPDATE SET taken = excluded.taken",
        )
        .bind(group)
        .bind(*agent)
        .bind(last + 1)
        .execute(&mut self.conn)
        .await?;
        Ok(Some((*agent).to_owned()))
    }

    /// The first of these agents with the fewest unsolved tickets.
    pub async fn least_busy_agent(&mut self, agents: &[&str]) -> Result<Option<String>, StoreError> {
        let mut least: Option<(i64, &str)> = None;
        for agent in agents {
            let open: i64 =
                query_scalar("SELECT count(*) FROM ticket WHERE assignee = $1 AND status NOT IN ('solved', 'closed')")
                    .bind(*agent)
                    .fetch_one(&mut self.conn)
                    .await?;
            if least.is_none_or(|(fewest, _)| open < fewest) {
                least = Some((open, agent));
            }
        }
        Ok(least.map(|(_, agent)| agent.to_owned()))
    }
}
