//! The run: passes over the triggers from the top, until one fires nothing.
//!
//! Which triggers hold is asked of a [`Matcher`], so that the run is the same whoever answers.

use jiff::Timestamp;

use super::{
    act,
    decision::{Decision, Fired, RuleEffect, RuleKind},
    explanation::explain_condition,
    matcher::{Matcher, Open},
};
use crate::{
    desk::{Change, Event, Facts, Ticket},
    lang::rules::{Action, Condition, Mode, Rules},
};

/// Passes over the triggers, until one fires nothing.
pub(super) fn passes(rules: &Rules, event: &Event, now: Timestamp, matcher: &mut dyn Matcher, decision: &mut Decision) {
    let mut open = Open::at_first(rules, event);
    while pass(rules, event, now, &mut open, matcher, decision) {}
}

/// One pass; whether another one follows.
fn pass(
    rules: &Rules,
    event: &Event,
    now: Timestamp,
    open: &mut Open<'_>,
    matcher: &mut dyn Matcher,
    decision: &mut Decision,
) -> bool {
    decision.passes += 1;
    let mut again = false;
    let mut from = 0;
    loop {
        let facts = Facts { ticket: &decision.ticket, event: Some(event), now, desk: &rules.desk };
        let Some(index) = matcher.next(from, open, facts) else { return again };
        let Some(trigger) = rules.triggers.get(index) else { return again };
        open.close(index);
        from = index + 1;
        let rule = Rule {
            title: &trigger.title,
            kind: RuleKind::Trigger,
            index,
            mode: trigger.mode,
            when: &trigger.when,
            then: &trigger.then,
        };
        let pass = decision.passes;
        let stop = fire(&rule, pass, Some(event), now, rules, decision);
        if trigger.mode != Mode::Shadow {
            again = true;
            if let Some(fired) = decision.fired.last() {
                matcher.changed(&fired.changes);
            }
            if stop {
                decision.stopped_by = Some(trigger.title.clone());
                return false;
            }
        }
    }
}

/// What fires, be it a trigger or an automation.
pub(super) struct Rule<'a> {
    pub(super) title: &'a str,
    pub(super) kind: RuleKind,
    pub(super) index: usize,
    pub(super) mode: Mode,
    pub(super) when: &'a Condition,
    pub(super) then: &'a [Action],
}

/// Lets a rule fire; in shadow, what it would do is only written down. Returns whether it says `stop`.
pub(super) fn fire(
    rule: &Rule<'_>,
    pass: usize,
    event: Option<&Event>,
    now: Timestamp,
    rules: &Rules,
    decision: &mut Decision,
) -> bool {
    let desk = &*rules.desk;
    let shadow = rule.mode == Mode::Shadow;
    let why = explain_condition(rule.when, Facts { ticket: &decision.ticket, event, now, desk });
    let touched = act::touched(rule.then);
    let before = touched.iter().map(|field| act::value(field, &decision.ticket, desk).into_owned()).collect::<Vec<_>>();
    // In shadow, it is done to a copy.
    let mut copy = shadow.then(|| decision.ticket.clone());
    let ticket = copy.as_mut().unwrap_or(&mut decision.ticket);
    let done = act::apply(rule.then, ticket, act::Context { event, now, desk });
    let changed = touched
        .iter()
        .zip(before)
        .filter_map(|(field, from)| act::change(field, from, act::value(field, ticket, desk)));
    let changes = changed.collect();
    let title = || rule.title.to_owned();
    if !shadow {
        decision.effects.extend(done.effects.iter().map(|e| RuleEffect { rule: title(), effect: e.clone() }));
    }
    let (kind, index) = (rule.kind, rule.index);
    decision.fired.push(Fired { rule: title(), kind, index, pass, shadow, changes, effects: done.effects, why });
    done.stop
}

/// What a run has changed on a ticket, all in all: of the fields that what fired can change, those that differ.
pub(super) fn changes(before: &Ticket, decision: &Decision, rules: &Rules) -> Vec<Change> {
    let fired = decision.fired.iter().filter(|fired| !fired.shadow);
    let actions = fired.filter_map(|fired| match fired.kind {
        RuleKind::Trigger => rules.triggers.get(fired.index).map(|trigger| &trigger.then),
        RuleKind::Automation => rules.automations.get(fired.index).map(|automation| &automation.then),
    });
    act::changes_of(&act::touched(actions.flatten()), before, &decision.ticket, &rules.desk)
}
