//! The one way in which whatever happens to a ticket becomes a decision.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Notice, intake::Intake};
use crate::{
    desk::{Event, Ticket, TicketId},
    engine::{Decided, Decision, Evaluation, RuleSet},
};

impl Intake<'_> {
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
