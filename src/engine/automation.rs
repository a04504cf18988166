//! Evaluates automations, and computes when to evaluate them next.
//!
//! Automations are evaluated on whole minutes, once each, in order; each reads the ticket as the ones before it left it. One
//! fires when its condition holds and did not hold at the last evaluation: an automation that holds is *active*, and fires
//! again only after it was inactive, or, with `every`, when that time has passed since it last fired.
//!
//! While nothing happens to a ticket, only time changes the result of a predicate, at instants that can be computed.
//! [`Evaluation::next_check`] is the next of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    decision::{Decision, RuleKind},
    evaluate,
    matcher::{Matcher, Plain},
    next_change::next_change,
    run::{Rule, changes, fire, held_back, run_triggers},
    sla::follow_sla,
};
use crate::{
    desk::{Cause, Effect, Event, EventKind, Facts, Repeat, Status, Ticket},
    lang::rules::{Automation, Condition, Mode, Rules},
};

/// The result of evaluating all automations on a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// `None` if no automation fired.
    pub decision: Option<Decision>,
    /// The titles of the automations whose conditions hold now.
    pub active: BTreeSet<String>,
    /// How often those that repeat have fired since their conditions came to hold, by title.
    pub repeats: BTreeMap<String, Repeat>,
    /// The next whole minute at which the result of a condition can change without an event.
    pub next_check: Option<Timestamp>,
}

/// An instant rounded up to the whole minute.
pub fn minute(at: Timestamp) -> Timestamp {
    let nanos = at.as_nanosecond();
    let minute = 60_000_000_000;
    Timestamp::from_nanosecond(nanos + (-nanos).rem_euclid(minute)).unwrap_or(Timestamp::MAX)
}

/// The first whole minute after an instant.
pub fn next_minute(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_nanos(1)).map_or(Timestamp::MAX, minute)
}

/// [`evaluate_automations`] with the plain evaluator: the reference.
pub(super) fn evaluate_automations_plainly(rules: &Rules, ticket: &Ticket, event: &Event, at: Timestamp) -> Evaluation {
    evaluate_automations(rules, ticket, event, at, &mut Plain(rules))
}

/// Evaluates all automations on a ticket, on a whole minute. The event tells which held at the last evaluation.
pub(super) fn evaluate_automations(
    rules: &Rules,
    ticket: &Ticket,
    event: &Event,
    at: Timestamp,
    matcher: &mut dyn Matcher,
) -> Evaluation {
    let Evaluated { decision, active, repeats } = run_automations(rules, ticket, event, at, &mut |_, _, _| {}, matcher);
    let next_check = match &decision {
        Some(decision) if decision.ticket != *ticket => {
            (decision.ticket.status != Status::Closed).then(|| next_minute(at))
        }
        _ => {
            let mut ticket = ticket.clone();
            follow_sla(rules, &mut ticket);
            next_check_after(rules, &ticket, &repeats, at)
        }
    };
    Evaluation { decision, active, repeats, next_check }
}

/// When to evaluate the automations again if no event happens to the ticket before.
fn next_check_after(
    rules: &Rules,
    ticket: &Ticket,
    repeats: &BTreeMap<String, Repeat>,
    at: Timestamp,
) -> Option<Timestamp> {
    if ticket.status == Status::Closed {
        return None;
    }
    let live = rules.automations.iter().filter(|a| a.mode != Mode::Disabled);
    let changes = live.flat_map(|a| {
        let again = again_at(a, repeats, ticket, rules);
        let facts = Facts { ticket, event: None, now: at, desk: &rules.desk };
        next_change(&a.when, facts).into_iter().chain(again)
    });
    // A change within this minute is evaluated at the next whole minute.
    changes.chain(ticket.snoozed).map(|change| minute(change).max(next_minute(at))).min()
}

/// When an automation that is active fires again; `None` is never.
pub(super) fn again_at(
    automation: &Automation,
    repeats: &BTreeMap<String, Repeat>,
    ticket: &Ticket,
    rules: &Rules,
) -> Option<Timestamp> {
    automation.every.as_ref()?.again_at(repeats.get(&automation.title)?, rules.desk.hours_of(ticket))
}

/// Unsnoozes a ticket whose snooze is over. Returns the ticket after the change, and the event.
pub fn unsnooze(ticket: &Ticket, at: Timestamp) -> Option<(Ticket, Event)> {
    let mut after = ticket.clone();
    after.unsnooze(at).then(|| {
        after.updated = after.updated.max(at);
        let kind = EventKind::Updated { before: Box::new(ticket.clone()) };
        (after, Event { kind, cause: Some(Cause::Unsnoozed), ..Event::due(BTreeSet::new(), BTreeMap::new()) })
    })
}

/// Whether executing an effect changes the ticket.
fn changes_the_ticket(effect: &Effect) -> bool {
    match effect {
        Effect::Reply { .. }
        | Effect::Note { .. }
        | Effect::Assign { .. }
        | Effect::Merge
        | Effect::Incident { .. } => true,
        Effect::Notify { .. }
        | Effect::Remind { .. }
        | Effect::Webhook { .. }
        | Effect::AtX { .. }
        | Effect::Message { .. } => false,
    }
}

/// The update event of an automation that runs triggers.
pub(super) fn update(before: &Ticket, due: &Event) -> Event {
    Event { kind: EventKind::Updated { before: Box::new(before.clone()) }, ..due.clone() }
}

/// What came of evaluating each automation once.
pub(super) struct Evaluated {
    /// `None` if no automation fired or was held back.
    pub(super) decision: Option<Decision>,
    pub(super) active: BTreeSet<String>,
    pub(super) repeats: BTreeMap<String, Repeat>,
}

/// Evaluates each automation once, in order. `visit` is called before each.
pub(super) fn run_automations(
    rules: &Rules,
    ticket: &Ticket,
    event: &Event,
    now: Timestamp,
    visit: &mut dyn FnMut(usize, &Condition, Facts<'_>),
    matcher: &mut dyn Matcher,
) -> Evaluated {
    let (none_active, none_repeated) = (BTreeSet::new(), BTreeMap::new());
    let (active, repeated) = match &event.kind {
        EventKind::Due { active, repeats } => (active, repeats),
        EventKind::Created | EventKind::Updated { .. } => (&none_active, &none_repeated),
    };
    let followed = &mut ticket.clone();
    follow_sla(rules, followed);
    let mut repeats = BTreeMap::new();
    let mut decision: Option<Decision> = None;
    let mut held = BTreeSet::new();
    let mut runs_triggers = false;
    for (index, automation) in rules.automations.iter().enumerate() {
        let current = decision.as_ref().map_or(&*followed, |d| &d.ticket);
        if current.status == Status::Closed {
            break;
        }
        if automation.mode == Mode::Disabled {
            continue;
        }
        let facts = Facts { ticket: current, event: None, now, desk: &rules.desk };
        visit(index, &automation.when, facts);
        if !evaluate::holds(&automation.when, facts) {
            continue;
        }
        held.insert(automation.title.clone());
        let was_active = active.contains(&automation.title);
        // One that was active before it had an `every` repeats from now on.
        let before = match repeated.get(&automation.title) {
            Some(before) if was_active => *before,
            _ => Repeat { times: u32::from(was_active), last: now },
        };
        if automation.every.is_some() {
            repeats.insert(automation.title.clone(), before);
        }
        let again = again_at(automation, &repeats, current, rules).is_some_and(|again| again <= now);
        if was_active && !again {
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
        let decision = decision.get_or_insert_with(|| Decision::unchanged(rules, followed));
        let held = held_back(&rule, &automation.caps, 0, event, now);
        let times = before.times + u32::from(held.is_none());
        if automation.every.is_some() {
            repeats.insert(automation.title.clone(), Repeat { times, last: now });
        }
        if let Some(held) = held {
            decision.held_back.push(held);
            continue;
        }
        let (before, effects) = (decision.ticket.clone(), decision.effects.len());
        fire(&rule, 0, None, now, rules, decision);
        if let Some(fired) = decision.fired.last_mut().filter(|_| automation.every.is_some()) {
            fired.repeat = Some(times);
        }
        if decision.ticket != before || decision.effects.iter().skip(effects).any(|e| changes_the_ticket(&e.effect)) {
            decision.ticket.updated = decision.ticket.updated.max(now);
        }
        runs_triggers |= automation.runs_triggers && automation.mode == Mode::Live;
    }
    if let Some(decision) = &mut decision {
        if runs_triggers {
            run_triggers(rules, &update(ticket, event), now, matcher, decision);
        }
        decision.changes = changes(ticket, decision, rules);
    }
    Evaluated { decision, active: held, repeats }
}
