//! Chooses the agent of a group to whom a ticket is assigned.
//!
//! The choice depends on other tickets and on who is away, which a decision does not know. So it is made when the decision is
//! stored, and recorded with the effect, together with who was passed over and why.

use std::fmt;

use jiff::Timestamp;

use super::UnitOfWork;
use crate::{
    desk::{Choosing, LastAgent, TicketId},
    store::StoreError,
};

/// Who is asked for: the fields of [`crate::desk::Effect::Assign`].
pub(super) struct Asked<'e> {
    pub(super) group: &'e str,
    pub(super) choosing: Choosing,
    pub(super) last: Option<LastAgent>,
    pub(super) under: Option<u32>,
}

/// The agent that was chosen.
pub(super) struct Chosen {
    pub(super) agent: String,
    /// Whether it is the agent who had the requester last.
    is_last: bool,
    passed: PassedOver,
}

/// The agents of the group that could not be chosen.
#[derive(Default)]
struct PassedOver {
    away: Vec<String>,
    /// With too many unsolved tickets.
    busy: Vec<String>,
}

impl fmt::Display for Chosen {
    /// As recorded: `Ana, who had the requester last; away: Ben`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.agent)?;
        if self.is_last {
            f.write_str(", who had the requester last")?;
        }
        self.passed.fmt(f)
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (why, agents) in [("away", &self.away), ("too many tickets", &self.busy)] {
            if !agents.is_empty() {
                write!(f, "; {why}: {}", agents.join(", "))?;
            }
        }
        Ok(())
    }
}

impl UnitOfWork<'_> {
    /// Chooses an agent, or says why there is none.
    pub(super) async fn choose_agent(
        &mut self,
        ticket: TicketId,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<Result<Chosen, String>, StoreError> {
        let rules = self.rules.clone();
        let mut agents: Vec<&str> = rules.desk.members(asked.group).map(|agent| agent.name.as_str()).collect();
        if agents.is_empty() {
            return Ok(Err("the group has no agents".to_owned()));
        }
        let mut passed = PassedOver::default();
        let absences = self.tx.absences(now).await?;
        agents.retain(|name| {
            let is_away = absences.iter().any(|absence| absence.agent == *name);
            passed.away.extend(is_away.then(|| (*name).to_owned()));
            !is_away
        });
        if let Some(under) = asked.under {
            let mut free = vec![];
            for agent in agents {
                match self.tx.other_unsolved_tickets(ticket, agent).await? < i64::from(under) {
                    true => free.push(agent),
                    false => passed.busy.push(agent.to_owned()),
                }
            }
            agents = free;
        }
        let last = match asked.last {
            Some(LastAgent { since }) => self.tx.last_agent(ticket, since).await?,
            None => None,
        };
        let last = last.filter(|last| agents.contains(&last.as_str()));
        let is_last = last.is_some();
        let agent = match (last, asked.choosing) {
            // Who gets the person's next ticket has had a turn: the round robin shares all tickets out, not what is left.
            (Some(last), Choosing::Next) => {
                self.tx.record_turn(asked.group, &last).await?;
                Some(last)
            }
            (Some(last), Choosing::LeastBusy) => Some(last),
            (None, Choosing::Next) => self.tx.next_agent(asked.group, &agents).await?,
            (None, Choosing::LeastBusy) => self.tx.least_busy_agent(ticket, &agents).await?,
        };
        Ok(match agent {
            Some(agent) => Ok(Chosen { agent, is_last, passed }),
            None => Err(format!("no agent of the group is free{passed}")),
        })
    }
}
