//! A transaction with its decisions and its notices.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{App, Notice};
use crate::{
    desk::{Event, Ticket, TicketId},
    engine::{Decided, Decision, Evaluation, RuleSet},
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

    /// The current time by the desk's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Runs the triggers on an event.
    pub(super) fn decide(&mut self, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
        let decided = self.app.decider.decide(&self.rules, ticket, event, now);
        outcome(decided, ticket.id, &self.rules, &mut self.notices)
    }

    /// Evaluates the automations as of a whole minute.
    pub(super) fn evaluate_automations(
        &mut self,
        ticket: &Ticket,
        active: &BTreeSet<String>,
        at: Timestamp,
    ) -> Evaluation {
        let decided = self.app.decider.evaluate_automations(&self.rules, ticket, active, at);
        outcome(decided, ticket.id, &self.rules, &mut self.notices)
    }
}

/// Unwraps a decision. If the plain evaluator disagreed with the index, adds a notice.
pub(super) fn outcome<T>(decided: Decided<T>, ticket: TicketId, rules: &RuleSet, notices: &mut Vec<Notice>) -> T {
    if decided.disagreed {
        notices.push(Notice::Disagree { ticket, version: rules.version.clone() });
    }
    decided.outcome
}
