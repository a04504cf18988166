//! One transaction, and what is decided and told in it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{Notice, Notices};
use crate::{
    clock::Clock,
    desk::{Event, Ticket, TicketId},
    engine::{Decided, Decider, Decision, Evaluation, RuleSet},
    store::{StoreError, Tx},
};

/// A transaction, the rules of its moment, and what to tell once it is committed. Every decision that is stored is made here.
pub(crate) struct UnitOfWork<'a> {
    pub(crate) tx: Tx,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) decider: Decider,
    pub(crate) clock: &'a Clock,
    pub(crate) notices: Vec<Notice>,
}

impl<'a> UnitOfWork<'a> {
    pub(crate) fn new(tx: Tx, rules: Arc<RuleSet>, decider: Decider, clock: &'a Clock) -> Self {
        Self { tx, rules, decider, clock, notices: vec![] }
    }

    /// Makes everything durable, then tells of it.
    pub(crate) async fn commit(self, notices: &Notices) -> Result<(), StoreError> {
        self.tx.commit().await?;
        for notice in self.notices {
            notices.tell(notice);
        }
        Ok(())
    }

    /// Decides what the rules make of an event.
    pub(super) fn decide(&mut self, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
        let decided = self.decider.decide(&self.rules, ticket, event, now);
        outcome(decided, ticket.id, &self.rules, &mut self.notices)
    }

    /// Decides what automations do on a whole minute.
    pub(super) fn evaluate_automations(
        &mut self,
        ticket: &Ticket,
        active: &BTreeSet<String>,
        at: Timestamp,
    ) -> Evaluation {
        let decided = self.decider.evaluate_automations(&self.rules, ticket, active, at);
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
