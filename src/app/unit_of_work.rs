//! One transaction, and what is decided and told in it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{App, Notice};
use crate::{
    desk::{Event, Ticket, TicketId},
    engine::{Decided, Decision, Evaluation, RuleSet},
    settings::Settings,
    store::{StoreError, Tx},
};

/// A transaction, the rules of its moment, and what to tell once it is committed. Every decision that is stored is made here.
pub(crate) struct UnitOfWork<'a> {
    pub(super) app: &'a App,
    pub(crate) tx: Tx,
    pub(crate) rules: Arc<RuleSet>,
    pub(super) settings: Arc<Settings>,
    pub(crate) notices: Vec<Notice>,
}

impl UnitOfWork<'_> {
    /// Makes everything durable, then tells of it.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await?;
        for notice in self.notices {
            self.app.notices.tell(notice);
        }
        self.app.wake.outbox.notify_one();
        Ok(())
    }

    /// What time it is here.
    pub(super) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Decides what the rules make of an event.
    pub(super) fn decide(&mut self, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
        let decided = self.app.decider.decide(&self.rules, ticket, event, now);
        outcome(decided, ticket.id, &self.rules, &mut self.notices)
    }

    /// Decides what automations do on a whole minute.
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

/// What was decided. Where the plain evaluator disagreed, that is to be told.
pub(super) fn outcome<T>(decided: Decided<T>, ticket: TicketId, rules: &RuleSet, notices: &mut Vec<Notice>) -> T {
    if decided.disagreed {
        notices.push(Notice::Disagree { ticket, version: rules.version.clone() });
    }
    decided.outcome
}
