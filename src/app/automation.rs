//! Automations on one ticket: evaluated on the minute it is due, and caught up with before anything else happens to it.

use jiff::Timestamp;

use super::{Notice, UnitOfWork};
use crate::{
    desk::{Event, EventKind, Status, TicketId, Via},
    engine::{loops, minute, unsnooze},
    store::StoreError,
};

/// The most evaluations of one ticket before others have their turn.
const MAX_EVALUATIONS: usize = 1_000;

impl UnitOfWork<'_> {
    /// Looks at a ticket whose time has come, as of that minute. Returns whether an automation fired.
    pub(crate) async fn check_ticket(&mut self, id: TicketId, at: Timestamp) -> Result<bool, StoreError> {
        let Some(mut ticket) = self.tx.ticket(id).await? else { return Ok(false) };
        let (last_check, before) = self.tx.active_automations(id).await?;
        if let Some((awake, event)) = unsnooze(&ticket, at) {
            self.run_at(&awake, &event, None, at).await?;
            ticket = self.tx.ticket(id).await?.unwrap_or(awake);
        }
        if self.tx.is_stopped(id).await? {
            self.tx.record_check(id, at, &before, &before, ticket.snoozed.map(minute)).await?;
            return Ok(false);
        }
        let rules = self.rules.clone();
        let mut evaluation = self.evaluate_automations(&ticket, &before, at);
        if at < last_check {
            // The clock went back. What fired then is not to fire again when that time comes a second time.
            evaluation.active.extend(before.iter().cloned());
        }
        if let Some(decision) = &evaluation.decision
            && let Some(state) = loops::state(&ticket, &decision.ticket, &evaluation.active)
            && let Some(stopped) =
                self.tx.come_round(id, &state, at, &rules.version.hash, &loops::fired(decision)).await?
        {
            self.tx.record_check(id, at, &before, &before, ticket.snoozed.map(minute)).await?;
            self.notices.push(Notice::LoopStopped(stopped));
            return Ok(false);
        }
        if let Some(decision) = &evaluation.decision {
            let kind = EventKind::Due { active: before.clone() };
            let event = Event { kind, via: Via::Rule, comment: None, cause: None };
            self.notices.push(Notice::Due { ticket: id, at });
            self.keep(&ticket, &event, decision, None, at).await?;
        }
        // What was carried out may have closed it.
        let closed =
            evaluation.decision.is_some() && self.tx.ticket(id).await?.is_some_and(|t| t.status == Status::Closed);
        self.tx.record_check(id, at, &before, &evaluation.active, evaluation.next_check.filter(|_| !closed)).await?;
        Ok(evaluation.decision.is_some())
    }

    /// Makes up the looks at a ticket that were due before a moment at which something happened to it.
    pub(super) async fn catch_up(&mut self, id: TicketId, until: Timestamp) -> Result<(), StoreError> {
        for _ in 0..MAX_EVALUATIONS {
            match self.tx.next_check_at(id).await? {
                Some(at) if at < until => self.check_ticket(id, at).await?,
                _ => break,
            };
        }
        Ok(())
    }
}
