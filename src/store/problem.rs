//! Problems and their incidents: tickets that wait for another one, which says when it is solved.

use std::{borrow::Cow, collections::BTreeSet};

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{Builder, query, query_scalar},
    snapshot::{SeenTicket, Snapshot, push_seen},
    times,
};
use crate::{
    desk::{Ticket, TicketId},
    engine::minute,
};

/// Maximum number of incidents that are listed with a problem.
const MAX_LISTED: i64 = 1000;
/// Maximum number of problems that one statement looks for.
const MAX_IN_STATEMENT: usize = 500;

impl Tx {
    /// The ticket, with when its problem was solved.
    pub(super) async fn with_problem<'t>(&mut self, ticket: &'t Ticket) -> Result<Cow<'t, Ticket>, StoreError> {
        let Some(problem) = ticket.problem else { return Ok(Cow::Borrowed(ticket)) };
        let solved: Option<Option<i64>> = query_scalar("SELECT solved FROM ticket WHERE id = $1 AND type = 'problem'")
            .bind(problem.0)
            .fetch_optional(&mut self.conn)
            .await?;
        let problem_solved = times(solved.flatten())?;
        Ok(Cow::Owned(Ticket { problem_solved, ..ticket.clone() }))
    }

    /// Notes on the incidents of a problem when it was solved, or that it no longer is, and has their automations evaluated.
    pub(super) async fn tell_incidents(&mut self, problem: &Ticket, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE ticket SET version = version + 1, problem_solved = $2,
               next_check_at = CASE WHEN next_check_at < $3 THEN next_check_at ELSE $3 END
             WHERE problem = $1 AND status <> 'closed' AND coalesce(problem_solved, -1) <> coalesce($2, -1)",
        )
        .bind(problem.id.0)
        .bind(problem.solved_as_problem().map(Timestamp::as_millisecond))
        .bind(minute(now).as_millisecond())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Makes the incidents of a problem those of the ticket that it is merged into.
    pub(super) async fn move_incidents(
        &mut self,
        from: TicketId,
        into: TicketId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = query_scalar("SELECT id FROM ticket WHERE problem = $1 AND id <> $2 ORDER BY id")
            .bind(from.0)
            .bind(into.0)
            .fetch_all(&mut self.conn)
            .await?;
        for id in ids {
            if let Some(mut incident) = self.ticket(TicketId(id)).await? {
                incident.set_problem(Some(into));
                self.save(&incident, now).await?;
            }
        }
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Leaves out the problems of tickets that the viewer does not see.
    pub(super) async fn hide_problems(&mut self, tickets: &mut [Ticket]) -> Result<(), StoreError> {
        let problems: BTreeSet<_> = tickets.iter().filter_map(|ticket| ticket.problem).collect();
        if problems.is_empty() || self.viewer.sees_all() {
            return Ok(());
        }
        let problems: Vec<_> = problems.into_iter().collect();
        let mut seen = BTreeSet::new();
        for some in problems.chunks(MAX_IN_STATEMENT) {
            let mut sql = Builder::new(self.conn.dialect(), "SELECT t.id FROM ticket t WHERE t.id IN (");
            let mut ids = sql.separated(", ");
            for id in some {
                ids.push_bind(id.0);
            }
            sql.push(") AND ");
            push_seen(&mut sql, self.viewer);
            seen.extend(sql.build_query_scalar::<i64>().fetch_all(&mut self.conn).await?.into_iter().map(TicketId));
        }
        for ticket in tickets {
            ticket.problem.take_if(|problem| !seen.contains(problem));
            ticket.problem_solved.take_if(|_| ticket.problem.is_none());
        }
        Ok(())
    }

    /// The first incidents of a problem.
    pub(super) async fn incidents(&mut self, of: &SeenTicket) -> Result<Vec<TicketId>, StoreError> {
        let mut sql = Builder::new(self.conn.dialect(), "SELECT t.id FROM ticket t WHERE t.problem = ");
        sql.push_bind(of.id().0).push(" AND ");
        push_seen(&mut sql, self.viewer);
        sql.push(format_args!(" ORDER BY t.id LIMIT {MAX_LISTED}"));
        let ids: Vec<i64> = sql.build_query_scalar().fetch_all(&mut self.conn).await?;
        Ok(ids.into_iter().map(TicketId).collect())
    }
}
