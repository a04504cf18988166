//! Runs the rules on an event.

use jiff::Timestamp;

use super::{
    automation,
    decision::Decision,
    matcher::{Matcher, Plain},
    rule_set::RuleSet,
    run::{changes, run_triggers},
    sla::follow_sla,
};
use crate::{
    desk::{Event, EventKind, Facts, Status, Ticket},
    lang::rules::{Condition, Rules},
};

/// Runs the rules on an event, with the index. The decision depends on the arguments only.
///
/// `ticket` is the ticket after the event; for an update, [`Event::before`] is the ticket before it.
pub fn decide(rules: &RuleSet, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
    let decision = run(rules, ticket, event, now, &mut rules.matcher());
    rules.learn(ticket, event, now);
    decision
}

/// [`decide`] with the plain evaluator: the reference.
pub fn decide_plainly(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
    run(rules, ticket, event, now, &mut Plain(rules))
}

/// [`decide`] with any matcher.
pub fn run(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp, matcher: &mut dyn Matcher) -> Decision {
    run_visited(rules, ticket, event, now, matcher, &mut |_, _, _| {})
}

/// [`run`], with a function that is called before each automation is evaluated.
pub(super) fn run_visited(
    rules: &Rules,
    ticket: &Ticket,
    event: &Event,
    now: Timestamp,
    matcher: &mut dyn Matcher,
    visit: &mut dyn FnMut(usize, &Condition, Facts<'_>),
) -> Decision {
    if let EventKind::Due { .. } = &event.kind {
        let evaluated = automation::run_automations(rules, ticket, event, now, visit, matcher);
        return evaluated.decision.unwrap_or_else(|| Decision::unchanged(rules, ticket));
    }
    let mut decision = Decision::unchanged(rules, ticket);
    decision.closed = event.before().unwrap_or(ticket).status == Status::Closed;
    if !decision.closed {
        follow_sla(rules, &mut decision.ticket);
        run_triggers(rules, event, now, matcher, &mut decision);
        decision.changes = changes(ticket, &decision, rules);
    }
    decision
}
