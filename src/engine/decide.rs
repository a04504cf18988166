//! Deciding: what rules make of an event.

use jiff::Timestamp;

use super::{
    automation,
    decision::Decision,
    matcher::{Matcher, Plain},
    rule_set::RuleSet,
    run::{changes, passes},
};
use crate::{
    desk::{Event, EventKind, Status, Ticket},
    lang::rules::Rules,
};

/// Decides what the rules make of an event. Pure: the same input gives the same decision.
///
/// `ticket` is the ticket with the event already in it: for an update, [`Event::before`] is what it was before.
pub fn decide(rules: &RuleSet, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
    let decision = run(rules, ticket, event, now, &mut rules.matcher());
    rules.learn(ticket, event, now);
    decision
}

/// Decides what the rules make of an event, one trigger asked after the other: the meaning of [`decide`].
pub fn decide_plainly(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
    run(rules, ticket, event, now, &mut Plain(rules))
}

/// [`decide_plainly`] with another matcher.
pub fn run(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp, matcher: &mut dyn Matcher) -> Decision {
    if let EventKind::Due { active } = &event.kind {
        let (decision, _) = automation::pass(rules, ticket, active, now, &mut |_, _, _| {}, matcher);
        return decision.unwrap_or_else(|| Decision::nothing(rules, ticket));
    }
    let mut decision = Decision::nothing(rules, ticket);
    decision.closed = event.before().unwrap_or(ticket).status == Status::Closed;
    if !decision.closed {
        passes(rules, event, now, matcher, &mut decision);
        decision.changes = changes(ticket, &decision, rules);
    }
    decision
}
