//! A run: passes over the triggers, until one fires nothing.
//!
//! A [`Matcher`] finds the triggers, so that the run is the same with the index and with the plain evaluator.

use jiff::Timestamp;

use super::{
    act,
    decision::{Decision, Fired, HeldBack, RuleEffect, RuleKind},
    explanation::explain_condition,
    matcher::{Matcher, Open},
    sla,
};
use crate::{
    desk::{Change, Event, Facts, Ticket},
    lang::rules::{Action, Cap, Condition, Mode, Rules},
};

/// Passes over the triggers, until one fires nothing.
pub(super) fn run_triggers(
    rules: &Rules,
    event: &Event,
    now: Timestamp,
    matcher: &mut dyn Matcher,
    decision: &mut Decision,
) {
    let mut open = Open::at_first(rules, event);
    while run_pass(rules, event, now, &mut open, matcher, decision) {}
}

/// One pass over the triggers; returns whether another follows.
fn run_pass(
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
        if let Some(held) = held_back(&rule, &trigger.caps, pass, event, now) {
            decision.held_back.push(held);
            continue;
        }
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

/// A trigger or an automation.
pub(super) struct Rule<'a> {
    pub(super) title: &'a str,
    pub(super) kind: RuleKind,
    pub(super) index: usize,
    pub(super) mode: Mode,
    pub(super) when: &'a Condition,
    pub(super) then: &'a [Action],
}

/// What keeps a rule whose condition holds from firing: the first of its caps that is reached.
pub(super) fn held_back(rule: &Rule<'_>, caps: &[Cap], pass: usize, event: &Event, now: Timestamp) -> Option<HeldBack> {
    let (cap, before) = caps.iter().find_map(|cap| Some((cap, cap.reached(rule.title, &event.fired_before, now)?)))?;
    Some(HeldBack {
        rule: rule.title.to_owned(),
        kind: rule.kind,
        index: rule.index,
        pass,
        shadow: rule.mode == Mode::Shadow,
        cap: cap.to_string(),
        since: before.since,
        until: cap.again_at(before.since),
    })
}

/// Fires a rule; in shadow mode, only records what it would do. Returns whether it ends the run.
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
    let written = act::written_fields(rule.then, !rules.slas.is_empty());
    let before = written.iter().map(|field| act::value(field, &decision.ticket, desk).into_owned()).collect::<Vec<_>>();
    // In shadow mode, actions apply to a copy.
    let mut copy = shadow.then(|| decision.ticket.clone());
    let ticket = copy.as_mut().unwrap_or(&mut decision.ticket);
    let done = act::apply(rule.then, ticket, act::Context { event, now, desk });
    sla::follow_sla(rules, ticket);
    let changed = written
        .iter()
        .zip(before)
        .filter_map(|(field, from)| act::change(field, from, act::value(field, ticket, desk)));
    let changes = changed.collect();
    let title = || rule.title.to_owned();
    if !shadow {
        decision.effects.extend(done.effects.iter().map(|e| RuleEffect { rule: title(), effect: e.clone() }));
    }
    let (kind, index) = (rule.kind, rule.index);
    decision.fired.push(Fired {
        rule: title(),
        kind,
        index,
        pass,
        shadow,
        changes,
        effects: done.effects,
        remarks: done.remarks,
        repeat: None,
        why,
    });
    done.stop
}

/// The fields that a run changed. Only fields that the fired rules write are compared, and those that follow from them.
pub(super) fn changes(before: &Ticket, decision: &Decision, rules: &Rules) -> Vec<Change> {
    let fired = decision.fired.iter().filter(|fired| !fired.shadow);
    let actions = fired.filter_map(|fired| match fired.kind {
        RuleKind::Trigger => rules.triggers.get(fired.index).map(|trigger| &trigger.then),
        RuleKind::Automation => rules.automations.get(fired.index).map(|automation| &automation.then),
    });
    act::changes_of(&act::written_fields(actions.flatten(), true), before, &decision.ticket, &rules.desk)
}
