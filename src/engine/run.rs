//! The run: passes over the triggers from the top, until one fires nothing.
//!
//! Which triggers hold is asked of a [`Matcher`], so that the run is the same whoever answers.

use jiff::Timestamp;

use super::{
    act,
    decision::{Decision, Fired, RuleEffect},
    plain, trace,
};
use crate::{
    desk::{Event, Facts, Status, Ticket},
    lang::rules::{Mark, Rules},
};

/// Answers which triggers hold now. [`plain`] is what every answer must agree with.
pub trait Matcher {
    /// The first trigger at `from` or behind it that is open and whose conditions hold.
    ///
    /// `open` has one entry a trigger: whether it can still fire in this run. It only ever goes from yes to no.
    fn next(&mut self, from: usize, open: &[bool], facts: Facts<'_>) -> Option<usize>;
}

/// Asks one trigger after the other.
struct Plain<'a>(&'a Rules);

impl Matcher for Plain<'_> {
    fn next(&mut self, from: usize, open: &[bool], facts: Facts<'_>) -> Option<usize> {
        let triggers = self.0.triggers.iter().zip(open).enumerate().skip(from);
        triggers.filter(|(_, (_, open))| **open).find(|(_, (t, _))| plain::holds(&t.when, facts)).map(|(i, _)| i)
    }
}

/// Decides what the rules make of an event. Pure: the same input gives the same decision.
///
/// `ticket` is the ticket with the event already in it: for an update, [`Event::before`] is what it was before.
pub fn decide(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
    run(rules, ticket, event, now, &mut Plain(rules))
}

/// [`decide`] with another matcher.
pub fn run(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp, matcher: &mut dyn Matcher) -> Decision {
    let mut decision = Decision {
        version: rules.version.clone(),
        ticket: ticket.clone(),
        changes: vec![],
        effects: vec![],
        fired: vec![],
        stopped_by: None,
        passes: 0,
        closed: event.before().is_some_and(|before| before.status == Status::Closed),
    };
    if decision.closed {
        return decision;
    }
    let mut open: Vec<bool> = rules.triggers.iter().map(|t| t.mark != Mark::Disabled && t.on.covers(event)).collect();
    while pass(rules, event, now, &mut open, matcher, &mut decision) {}
    decision.changes = act::changes(ticket, &decision.ticket, &rules.desk);
    decision
}

/// One pass; whether another one follows.
fn pass(
    rules: &Rules,
    event: &Event,
    now: Timestamp,
    open: &mut [bool],
    matcher: &mut dyn Matcher,
    decision: &mut Decision,
) -> bool {
    decision.passes += 1;
    let mut again = false;
    let mut from = 0;
    loop {
        let facts = Facts { ticket: &decision.ticket, event: Some(event), now, desk: &rules.desk };
        let Some(index) = matcher.next(from, open, facts) else { return again };
        let (Some(trigger), Some(open)) = (rules.triggers.get(index), open.get_mut(index)) else { return again };
        *open = false;
        from = index + 1;

        let shadow = trigger.mark == Mark::Shadow;
        let why = trace::answer(&trigger.when, facts);
        let done = act::apply(&trigger.then, facts);
        let changes = act::changes(&decision.ticket, &done.ticket, &rules.desk);
        let rule = || trigger.title.clone();
        if !shadow {
            decision.ticket = done.ticket;
            decision.effects.extend(done.effects.iter().map(|e| RuleEffect { rule: rule(), effect: e.clone() }));
        }
        let pass = decision.passes;
        decision.fired.push(Fired { rule: rule(), trigger: index, pass, shadow, changes, effects: done.effects, why });
        if !shadow {
            again = true;
            if done.stop {
                decision.stopped_by = Some(rule());
                return false;
            }
        }
    }
}
