//! Detection of automation loops: the states into which automations brought each ticket, and tickets on which they are
//! stopped.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{Builder, Row, query, query_scalar},
    snapshot::{SeenTicket, Snapshot, push_seen},
    time,
};
use crate::{desk::TicketId, engine::loops::WINDOW};

/// A loop that stopped automations on a ticket.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StoppedLoop {
    /// The ticket.
    pub ticket: TicketId,
    /// When automations were stopped.
    pub at: Timestamp,
    /// The titles of the automations in the loop.
    pub automations: BTreeSet<String>,
}

impl StoppedLoop {
    /// An explanation for users.
    pub fn reason(&self) -> String {
        let titles: Vec<_> = self.automations.iter().map(|title| format!("`{title}`")).collect();
        format!(
            "automations were stopped at {}, as they brought the ticket back to where it was within an hour: {}. They go on once a \
             message comes, an agent does something, or the rules change",
            self.at,
            titles.join(", ")
        )
    }
}

impl Snapshot<'_> {
    /// Tickets on which automations are stopped, latest first.
    pub async fn stopped_loops(&mut self) -> Result<Vec<StoppedLoop>, StoreError> {
        let mut sql = Builder::new(
            self.conn.dialect(),
            "SELECT s.ticket, s.at, s.fired FROM automation_state s JOIN ticket t ON t.id = s.ticket WHERE s.stopped = 1 AND ",
        );
        push_seen(&mut sql, self.viewer);
        sql.push(" ORDER BY s.at DESC, s.ticket");
        sql.build().fetch_all(&mut self.conn).await?.iter().map(stopped).collect()
    }

    /// The loop that stopped automations on a ticket, if any.
    pub async fn stopped_loop(&mut self, ticket: &SeenTicket) -> Result<Option<StoppedLoop>, StoreError> {
        let query = query("SELECT ticket, at, fired FROM automation_state WHERE stopped = 1 AND ticket = $1");
        query.bind(ticket.id().0).fetch_optional(&mut self.conn).await?.as_ref().map(stopped).transpose()
    }
}

fn stopped(row: &Row) -> Result<StoppedLoop, StoreError> {
    Ok(StoppedLoop {
        ticket: TicketId(row.try_get(0)?),
        at: time(row.try_get(1)?)?,
        automations: titles(row.try_get(2)?),
    })
}

fn titles(json: &str) -> BTreeSet<String> {
    // Valid JSON, as written by `come_round`.
    serde_json::from_str(json).unwrap_or_default()
}

impl Tx {
    /// Whether automations are stopped on a ticket.
    pub async fn is_stopped(&mut self, id: TicketId) -> Result<bool, StoreError> {
        let stopped = "SELECT EXISTS (SELECT 1 FROM automation_state WHERE ticket = $1 AND stopped = 1)";
        Ok(query_scalar(stopped).bind(id.0).fetch_one(&mut self.conn).await?)
    }

    /// Records the state into which automations brought a ticket. If it was in that state before, within [`WINDOW`] and
    /// under the same rules, stops automations on it and returns the loop. [`Tx::forget_states`] drops the earlier
    /// states.
    pub async fn come_round(
        &mut self,
        id: TicketId,
        state: &str,
        at: Timestamp,
        rules: &str,
        fired: &BTreeSet<String>,
    ) -> Result<Option<StoppedLoop>, StoreError> {
        query("DELETE FROM automation_state WHERE ticket = $1 AND (at <= $2 OR rules <> $3)")
            .bind(id.0)
            .bind(at.saturating_sub(WINDOW).unwrap_or_default().as_millisecond())
            .bind(rules)
            .execute(&mut self.conn)
            .await?;
        let round: Vec<String> = query_scalar(
            "SELECT s.fired FROM automation_state f JOIN automation_state s ON s.ticket = f.ticket AND s.at >= f.at
             WHERE f.ticket = $1 AND f.state = $2",
        )
        .bind(id.0)
        .bind(state)
        .fetch_all(&mut self.conn)
        .await?;
        let stops = !round.is_empty();
        let mut automations = fired.clone();
        automations.extend(round.iter().flat_map(|fired| titles(fired)));
        query(
            "INSERT INTO automation_state (ticket, state, at, rules, fired, stopped) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (ticket, state) DO UPDATE SET at = excluded.at, fired = excluded.fired, stopped = excluded.stopped",
        )
        .bind(id.0)
        .bind(state)
        .bind(at.as_millisecond())
        .bind(rules)
        .bind(serde_json::to_string(&automations).unwrap_or_default())
        .bind(i64::from(stops))
        .execute(&mut self.conn)
        .await?;
        Ok(stops.then_some(StoppedLoop { ticket: id, at, automations }))
    }

    /// Resumes automations on a ticket after an event that they did not cause.
    pub async fn forget_states(&mut self, id: TicketId) -> Result<(), StoreError> {
        query("DELETE FROM automation_state WHERE ticket = $1").bind(id.0).execute(&mut self.conn).await?;
        Ok(())
    }

    /// Resumes automations on all tickets on which they were stopped under another version of the rules.
    pub async fn resume_stopped(&mut self, rules: &str, at: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE ticket SET next_check_at = $2 WHERE status <> 'closed'
               AND id IN (SELECT ticket FROM automation_state WHERE stopped = 1 AND rules <> $1)",
        )
        .bind(rules)
        .bind(at.as_millisecond())
        .execute(&mut self.conn)
        .await?;
        query("DELETE FROM automation_state WHERE rules <> $1").bind(rules).execute(&mut self.conn).await?;
        Ok(())
    }
}
