//! Time passing: which automations come to hold on a ticket, and when to look at it again.
//!
//! Automations are looked at on whole minutes. On such a minute each is asked once, from first to last, and each sees
//! what those before it did. One fires when its conditions hold and did not hold when the ticket was last
//! looked at; then it waits until they have not held for once. So nothing has to be written to keep one from firing
//! for ever, and a trick that is written anyway does no harm.
//!
//! As long as nothing happens to a ticket, only time can change an answer, and each question about time changes its
//! answer at instants that can be computed. [`Evaluation`] says which comes next: nobody has to look any sooner.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    decision::{Decision, RuleKind},
    evaluate,
    matcher::{Matcher, Plain},
    next_change::next_change,
    run::{Rule, changes, fire, passes},
};
use crate::{
    desk::{Actor, Cause, Effect, Event, EventKind, Facts, Status, Ticket, Via},
    lang::rules::{Condition, Mode, Rules},
};

/// What looking at a ticket comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// What is to be done; nothing where no automation fired.
    pub decision: Option<Decision>,
    /// The automations that hold now, by title.
    pub active: BTreeSet<String>,
    /// The next whole minute on which anything can be different, unless something happens to the ticket before.
    pub next_check: Option<Timestamp>,
}

/// The whole minute at an instant, or the first one after it.
pub fn minute(at: Timestamp) -> Timestamp {
    let nanos = at.as_nanosecond();
    let minute = 60_000_000_000;
    Timestamp::from_nanosecond(nanos + (-nanos).rem_euclid(minute)).unwrap_or(Timestamp::MAX)
}

/// The whole minute after an instant.
pub fn next_minute(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_nanos(1)).map_or(Timestamp::MAX, minute)
}

/// Looks at a ticket on a whole minute, where every trigger that automations want to run is asked. `holding` are the
/// automations that held when it was last looked at.
pub(super) fn evaluate_automations_plainly(
    rules: &Rules,
    ticket: &Ticket,
    active: &BTreeSet<String>,
    at: Timestamp,
) -> Evaluation {
    evaluate_automations(rules, ticket, active, at, &mut Plain(rules))
}

/// [`evaluate_automations_plainly`] with another matcher.
pub(super) fn evaluate_automations(
    rules: &Rules,
    ticket: &Ticket,
    active: &BTreeSet<String>,
    at: Timestamp,
    matcher: &mut dyn Matcher,
) -> Evaluation {
    let (decision, active) = pass(rules, ticket, active, at, &mut |_, _, _| {}, matcher);
    let next_check = match &decision {
        Some(decision) if decision.ticket != *ticket => {
            (decision.ticket.status != Status::Closed).then(|| next_minute(at))
        }
        _ => next_check_after(rules, ticket, at),
    };
    Evaluation { decision, active, next_check }
}

/// When a ticket to which nothing happens must be looked at again, after it was looked at on a whole minute.
fn next_check_after(rules: &Rules, ticket: &Ticket, at: Timestamp) -> Option<Timestamp> {
    if ticket.status == Status::Closed {
        return None;
    }
    let live = rules.automations.iter().filter(|a| a.mode != Mode::Disabled);
    let changes = live.filter_map(|a| {
        let facts = Facts { ticket, event: None, now: at, desk: &rules.desk };
        next_change(&a.when, facts)
    });
    // An answer that changes at once has changed by the next minute.
    changes.chain(ticket.snoozed).map(|change| minute(change).max(next_minute(at))).min()
}

/// A ticket whose time to be put off is over: the ticket awake, and the update that this is.
pub fn unsnooze(ticket: &Ticket, at: Timestamp) -> Option<(Ticket, Event)> {
    let mut awake = ticket.clone();
    awake.unsnooze(at).then(|| {
        awake.updated = awake.updated.max(at);
        let kind = EventKind::Updated { before: Box::new(ticket.clone()) };
        (awake, Event { kind, via: Via::Rule, actor: Actor::System, comment: None, cause: Some(Cause::Unsnoozed) })
    })
}

/// Whether carrying out an effect leaves the ticket another than it was.
fn changes_the_ticket(effect: &Effect) -> bool {
    match effect {
        Effect::Reply { .. } | Effect::Note { .. } | Effect::Assign { .. } | Effect::Merge => true,
        Effect::Notify { .. } | Effect::Remind { .. } | Effect::Webhook { .. } => false,
    }
}

/// The update that automations make of a ticket, for those who want triggers to run on it.
pub(super) fn update(before: &Ticket) -> Event {
    let kind = EventKind::Updated { before: Box::new(before.clone()) };
    Event { kind, via: Via::Rule, actor: Actor::System, comment: None, cause: None }
}

/// Asks every automation once. `asked` is told of each one, when it is.
pub(super) fn pass(
    rules: &Rules,
    ticket: &Ticket,
    active: &BTreeSet<String>,
    now: Timestamp,
    asked: &mut dyn FnMut(usize, &Condition, Facts<'_>),
    matcher: &mut dyn Matcher,
) -> (Option<Decision>, BTreeSet<String>) {
    let mut decision: Option<Decision> = None;
    let mut held = BTreeSet::new();
    let mut runs_triggers = false;
    for (index, automation) in rules.automations.iter().enumerate() {
        let current = decision.as_ref().map_or(ticket, |d| &d.ticket);
        if current.status == Status::Closed {
            break;
        }
        if automation.mode == Mode::Disabled {
            continue;
        }
        let facts = Facts { ticket: current, event: None, now, desk: &rules.desk };
        asked(index, &automation.when, facts);
        if !evaluate::holds(&automation.when, facts) {
            continue;
        }
        held.insert(automation.title.clone());
        if active.contains(&automation.title) {
            continue;
        }
        let rule = Rule {
            title: &automation.title,
            kind: RuleKind::Automation,
            index,
            mode: automation.mode,
            when: &automation.when,
            then: &automation.then,
        };
        let decision = decision.get_or_insert_with(|| Decision::nothing(rules, ticket));
        let (before, effects) = (decision.ticket.clone(), decision.effects.len());
        fire(&rule, 0, None, now, rules, decision);
        if decision.ticket != before || decision.effects.iter().skip(effects).any(|e| changes_the_ticket(&e.effect)) {
            decision.ticket.updated = decision.ticket.updated.max(now);
        }
        runs_triggers |= automation.runs_triggers && automation.mode == Mode::Live;
    }
    if let Some(decision) = &mut decision {
        if runs_triggers {
            passes(rules, &update(ticket), now, matcher, decision);
        }
        decision.changes = changes(ticket, decision, rules);
    }
    (decision, held)
}
