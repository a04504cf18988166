//! A transaction with its decisions and its notices.

use std::sync::Arc;

use jiff::Timestamp;

use super::{App, Notice, firings::Asked};
use crate::{
    desk::{Event, Status, Ticket, TicketId},
    engine::{Decided, Decision, Evaluation, RuleSet, follow_sla},
    settings::Settings,
    store::{StoreError, Tx},
};

/// A transaction, the rules it uses, and the notices to send after the commit. Every stored decision is made here.
pub(crate) struct UnitOfWork<'a> {
    pub(super) app: &'a App,
    pub(crate) tx: Tx,
    pub(crate) rules: Arc<RuleSet>,
    pub(super) settings: Arc<Settings>,
    pub(crate) notices: Vec<Notice>,
}

impl UnitOfWork<'_> {
    /// Commits the transaction, then sends the notices.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await?;
        for notice in self.notices {
            self.app.notices.tell(notice);
        }
        self.app.wake.outbox.notify_one();
        Ok(())
    }

    /// Undoes the transaction. What it found about the rules is told all the same.
    pub(crate) async fn roll_back(self) -> Result<(), StoreError> {
        self.tx.rollback().await?;
        for notice in self.notices {
            if matches!(notice, Notice::Disagree { .. }) {
                self.app.notices.tell(notice);
            }
        }
        Ok(())
    }

    /// The current time by the desk's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Saves a ticket, with the service level agreement that applies to it now. A closed ticket keeps the one it had.
    pub(super) async fn save(&mut self, ticket: &Ticket, now: Timestamp) -> Result<(), StoreError> {
        let mut ticket = ticket.clone();
        let was_closed = ticket.status == Status::Closed
            && self.tx.ticket(ticket.id).await?.is_none_or(|before| before.status == Status::Closed);
        if !was_closed {
            follow_sla(&self.rules, &mut ticket);
        }
        self.tx.save(&ticket, now).await
    }

    /// Runs the triggers on an event. If rules with a cap fire, how often they fired before is added to the event; so is
    /// for which volumes it counts its ticket. `happened` is when that was, which may be before `now`.
    pub(super) async fn decide(
        &mut self,
        ticket: &Ticket,
        event: &mut Event,
        happened: Timestamp,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let mut asked = Asked::default();
        event.volumes = self.lasting_volumes().await?;
        loop {
            let decided = self.app.decider.decide(&self.rules, ticket, event, now);
            let decision = outcome(decided, ticket.id, &self.rules, &mut self.notices);
            // A rule that is held back makes no ticket count.
            let more = asked.learn(&mut self.tx, &self.rules, ticket, event, Some(&decision)).await?
                || self.count_volumes(ticket, event, &decision, happened, now).await?;
            if !more {
                return Ok(decision);
            }
        }
    }

    /// Evaluates the automations as of a whole minute. If rules with a cap fire, how often they fired before is added to
    /// the event.
    pub(super) async fn evaluate_automations(
        &mut self,
        ticket: &Ticket,
        event: &mut Event,
        at: Timestamp,
    ) -> Result<Evaluation, StoreError> {
        let mut asked = Asked::default();
        event.volumes = self.lasting_volumes().await?;
        loop {
            let decided = self.app.decider.evaluate_automations(&self.rules, ticket, event, at);
            let evaluation = outcome(decided, ticket.id, &self.rules, &mut self.notices);
            if !asked.learn(&mut self.tx, &self.rules, ticket, event, evaluation.decision.as_ref()).await? {
                return Ok(evaluation);
            }
        }
    }
}

/// Unwraps a decision. If the plain evaluator disagreed with the index, adds a notice.
pub(super) fn outcome<T>(decided: Decided<T>, ticket: TicketId, rules: &RuleSet, notices: &mut Vec<Notice>) -> T {
    if decided.disagreed {
        notices.push(Notice::Disagree { ticket, version: rules.version.clone() });
    }
    decided.outcome
}
