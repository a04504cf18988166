//! Time passing: which automations come to hold on a ticket, and when to look at it again.
//!
//! Automations are looked at on whole minutes. On such a minute each is asked once, from first to last, and each sees
//! what those before it did. One fires when its conditions hold and did not hold when the ticket was last
//! looked at; then it waits until they have not held for once. So nothing has to be written to keep one from firing
//! for ever, and a trick that is written anyway does no harm.
//!
//! As long as nothing happens to a ticket, only time can change an answer, and each question about time changes its
//! answer at instants that can be computed. [`Look`] says which comes next: nobody has to look any sooner.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    decision::{Decision, RuleKind},
    plain,
    run::{Matcher, Plain, Rule, changes, fire, passes},
};
use crate::{
    desk::{Cause, Effect, Event, EventKind, Facts, Hours, Status, Ticket, Value, Via},
    lang::rules::{Comparison, Condition, ConditionKind, Leaf, Mark, Rules, Span, Test},
};

/// How often the search for the next change of an answer may land where nothing changes. Where it gives up, the
/// ticket is looked at in vain, and the search goes on from there.
const MOST_HOPS: usize = 200;

/// What looking at a ticket comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What is to be done; nothing where no automation fired.
    pub decision: Option<Decision>,
    /// The automations that hold now, by title.
    pub holding: BTreeSet<String>,
    /// The next whole minute on which anything can be different, unless something happens to the ticket before.
    pub next: Option<Timestamp>,
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
pub(super) fn look_plainly(rules: &Rules, ticket: &Ticket, holding: &BTreeSet<String>, at: Timestamp) -> Look {
    look_with(rules, ticket, holding, at, &mut Plain(rules))
}

/// [`look_plainly`] with another matcher.
pub(super) fn look_with(
    rules: &Rules,
    ticket: &Ticket,
    holding: &BTreeSet<String>,
    at: Timestamp,
    matcher: &mut dyn Matcher,
) -> Look {
    let (decision, holding) = pass(rules, ticket, holding, at, &mut |_, _, _| {}, matcher);
    let next = match &decision {
        Some(decision) if decision.ticket != *ticket => {
            (decision.ticket.status != Status::Closed).then(|| next_minute(at))
        }
        _ => next_look(rules, ticket, at),
    };
    Look { decision, holding, next }
}

/// When a ticket to which nothing happens must be looked at again, after it was looked at on a whole minute.
fn next_look(rules: &Rules, ticket: &Ticket, at: Timestamp) -> Option<Timestamp> {
    if ticket.status == Status::Closed {
        return None;
    }
    let live = rules.automations.iter().filter(|a| a.mark != Mark::Disabled);
    let changes = live.filter_map(|a| {
        let facts = Facts { ticket, event: None, now: at, desk: &rules.desk };
        next_change(&a.when, facts)
    });
    // An answer that changes at once has changed by the next minute.
    changes.chain(ticket.snoozed).map(|change| minute(change).max(next_minute(at))).min()
}

/// A ticket whose time to be put off is over: the ticket awake, and the update that this is.
pub fn wake(ticket: &Ticket, at: Timestamp) -> Option<(Ticket, Event)> {
    let mut awake = ticket.clone();
    awake.wake(at).then(|| {
        awake.updated = awake.updated.max(at);
        let kind = EventKind::Updated { before: Box::new(ticket.clone()) };
        (awake, Event { kind, via: Via::Rule, comment: None, cause: Some(Cause::Woken) })
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
    Event { kind, via: Via::Rule, comment: None, cause: None }
}

/// Asks every automation once. `asked` is told of each one, when it is.
pub(super) fn pass(
    rules: &Rules,
    ticket: &Ticket,
    holding: &BTreeSet<String>,
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
        if automation.mark == Mark::Disabled {
            continue;
        }
        let facts = Facts { ticket: current, event: None, now, desk: &rules.desk };
        asked(index, &automation.when, facts);
        if !plain::holds(&automation.when, facts) {
            continue;
        }
        held.insert(automation.title.clone());
        if holding.contains(&automation.title) {
            continue;
        }
        let rule = Rule {
            title: &automation.title,
            kind: RuleKind::Automation,
            index,
            mark: automation.mark,
            when: &automation.when,
            then: &automation.then,
        };
        let decision = decision.get_or_insert_with(|| Decision::nothing(rules, ticket));
        let (before, effects) = (decision.ticket.clone(), decision.effects.len());
        fire(&rule, 0, None, now, rules, decision);
        if decision.ticket != before || decision.effects.iter().skip(effects).any(|e| changes_the_ticket(&e.effect)) {
            decision.ticket.updated = decision.ticket.updated.max(now);
        }
        runs_triggers |= automation.runs_triggers && automation.mark == Mark::Live;
    }
    if let Some(decision) = &mut decision {
        if runs_triggers {
            passes(rules, &update(ticket), now, matcher, decision);
        }
        decision.changes = changes(ticket, decision, rules);
    }
    (decision, held)
}

/// When the answer to a condition changes next, as long as nothing happens to the ticket; or an instant before that
/// and after now, where the search is long.
fn next_change(condition: &Condition, facts: Facts<'_>) -> Option<Timestamp> {
    let now = holds_until(condition, facts);
    let mut at = now.until?;
    for _ in 0..MOST_HOPS {
        let there = holds_until(condition, Facts { now: at, ..facts });
        if there.holds != now.holds {
            break;
        }
        at = there.until?;
    }
    Some(at)
}

/// An answer, and how long it stays at least.
struct Stays {
    holds: bool,
    /// The first instant at which it may be another, after now; `None` is never.
    until: Option<Timestamp>,
}

fn holds_until(condition: &Condition, facts: Facts<'_>) -> Stays {
    match &condition.kind {
        ConditionKind::All(parts) => join(parts, facts, false),
        ConditionKind::Any(parts) => join(parts, facts, true),
        ConditionKind::Not(inner) => {
            let inner = holds_until(inner, facts);
            Stays { holds: !inner.holds, ..inner }
        }
        ConditionKind::Let(named) => holds_until(&named.condition, facts),
        ConditionKind::Leaf(leaf) => Stays { holds: plain::leaf_holds(leaf, facts), until: changes_at(leaf, facts) },
    }
}

/// `and`, and `or`, where one part with the answer `decides` is enough.
fn join(parts: &[Condition], facts: Facts<'_>, decides: bool) -> Stays {
    // As long as some part decides, it is decided: until the last of those changes. Else until the first part changes.
    let mut deciding: Option<Option<Timestamp>> = None;
    let mut first: Option<Timestamp> = None;
    for part in parts {
        let stays = holds_until(part, facts);
        if stays.holds == decides {
            let last = match (deciding, stays.until) {
                (None, until) => until,
                (Some(None), _) | (Some(_), None) => None,
                (Some(Some(a)), Some(b)) => Some(a.max(b)),
            };
            if last.is_none() {
                return Stays { holds: decides, until: None };
            }
            deciding = Some(last);
        } else {
            first = match (first, stays.until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    match deciding {
        Some(until) => Stays { holds: decides, until },
        None => Stays { holds: !decides, until: first },
    }
}

/// When the answer to one question changes by time alone, after now.
fn changes_at(leaf: &Leaf, facts: Facts<'_>) -> Option<Timestamp> {
    let at = match (&leaf.test, leaf.field.read(facts)) {
        (Test::Since(comparison, span), Value::Time(time)) => since_turns(time, *comparison, *span, facts.hours()),
        (Test::Until(comparison, span), Value::Time(time)) => until_turns(time, *comparison, *span, facts.hours()),
        (Test::Holds, Value::YesNo(_)) if leaf.field.scope() == crate::desk::Scope::Clock => {
            facts.hours().turns_after(facts.now)
        }
        _ => None,
    };
    at.filter(|at| *at > facts.now)
}

/// Where the answer turns: at this instant, or right after it.
fn turns(at: Option<Timestamp>, right_after: bool) -> Option<Timestamp> {
    let at = at?;
    if right_after { at.checked_add(SignedDuration::from_nanos(1)).ok() } else { Some(at) }
}

/// The time since an instant only grows, so its comparison with a length turns once.
fn since_turns(time: Timestamp, comparison: Comparison, span: Span, hours: &Hours) -> Option<Timestamp> {
    // From `first` on it is at least so long; after `last` it is longer.
    let length = span.length(hours);
    let (first, last) = match span.is_business() {
        false => {
            let at = time.checked_add(length).ok();
            (at, at)
        }
        true => {
            let reached = hours.after(time, length);
            // Nothing at all has passed since the desk last closed before it.
            let first = if length.is_zero() { hours.before(time, length).last } else { reached.first };
            (first, reached.last)
        }
    };
    match comparison {
        Comparison::AtLeast | Comparison::Less => turns(first, false),
        Comparison::More | Comparison::AtMost => turns(last, true),
    }
}

/// The time until an instant only shrinks.
fn until_turns(time: Timestamp, comparison: Comparison, span: Span, hours: &Hours) -> Option<Timestamp> {
    // From `first` on it is at most so long; after `last` it is shorter.
    let length = span.length(hours);
    let (first, last) = match span.is_business() {
        false => {
            let at = time.checked_sub(length).ok();
            (at, at)
        }
        true => {
            let reached = hours.before(time, length);
            // Nothing at all is ahead until the desk opens after it.
            let last = if length.is_zero() { hours.after(time, length).last } else { reached.first };
            (reached.last, last)
        }
    };
    match comparison {
        Comparison::AtMost | Comparison::More => turns(first, false),
        Comparison::AtLeast | Comparison::Less => turns(last, true),
    }
}
