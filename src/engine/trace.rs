//! Explains a decision: why each rule fired or did not.
//!
//! A trace repeats the decision with a matcher that keeps an explanation of every condition. Predicates are evaluated by
//! [`super::evaluate`], so it agrees with the decision.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    automation,
    decide::run,
    decision::{Decision, RuleKind},
    explanation::{Explanation, explain_condition},
    matcher::{Matcher, Open},
};
use crate::{
    desk::{Event, EventKind, Facts, Ticket},
    lang::rules::{Condition, Mode, Rules, Span},
};

/// A decision with the verdict of every rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// The time of the decision.
    pub now: Timestamp,
    /// The decision.
    pub decision: Decision,
    /// The automations, in order; empty unless the event is that time passed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub automations: Vec<RuleTrace>,
    /// The triggers, in order; empty if no triggers ran.
    pub triggers: Vec<RuleTrace>,
}

impl Trace {
    /// The automations, then the triggers.
    pub fn rules(&self) -> impl Iterator<Item = &RuleTrace> {
        self.automations.iter().chain(&self.triggers)
    }

    /// Drops all rules but these.
    pub fn retain(&mut self, keep: impl Fn(&RuleTrace) -> bool) {
        self.automations.retain(&keep);
        self.triggers.retain(&keep);
    }
}

/// The verdict of one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTrace {
    /// Its title.
    pub rule: String,
    /// Where it is declared.
    pub span: Span,
    /// Whether it fired, or why not.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Its condition at its last evaluation: if it fired, when it fired. `None` if it was not evaluated.
    pub when: Option<Explanation>,
}

/// Whether a rule fired, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Fired.
    Fired {
        /// The pass, from 1; 0 for an automation.
        pass: usize,
    },
    /// Fired in shadow mode.
    Shadow {
        /// The pass, from 1; 0 for an automation.
        pass: usize,
    },
    /// Its condition held, and a cap kept it from firing.
    HeldBack {
        /// The pass, from 1; 0 for an automation.
        pass: usize,
    },
    /// Its condition held in no pass.
    False,
    /// An automation that was active already.
    AlreadyActive {
        /// When it fires again as long as its condition holds; `None` is never.
        again: Option<Timestamp>,
    },
    /// Disabled.
    Disabled,
    /// The event is not one of its events.
    OtherEvent,
    /// The run was stopped before it.
    NotReached,
    /// Not evaluated: the ticket was closed before the event.
    Closed,
}

/// Repeats a decision with the plain evaluator, keeping an explanation of every condition.
pub fn explain(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp) -> Trace {
    let mut explanations = vec![None; rules.triggers.len()];
    let mut matcher = TracingMatcher { rules, explanations: &mut explanations };
    let EventKind::Due { .. } = &event.kind else {
        let decision = run(rules, ticket, event, now, &mut matcher);
        let triggers = triggers(rules, event, &decision, explanations);
        return Trace { now, decision, automations: vec![], triggers };
    };
    let mut evaluated = vec![None; rules.automations.len()];
    let mut visit = |index: usize, when: &Condition, facts: Facts<'_>| {
        if let Some(slot) = evaluated.get_mut(index) {
            *slot = Some(explain_condition(when, facts));
        }
    };
    let done = automation::run_automations(rules, ticket, event, now, &mut visit, &mut matcher);
    let repeats = done.repeats;
    let decision = done.decision.unwrap_or_else(|| Decision::unchanged(rules, ticket));
    let triggers = match decision.passes {
        0 => vec![],
        // The triggers ran on the automations' update.
        _ => triggers(rules, &automation::update(ticket, event), &decision, explanations),
    };
    let automations =
        rules.automations.iter().zip(evaluated).enumerate().map(|(index, (automation, when))| RuleTrace {
            rule: automation.title.clone(),
            span: automation.span.clone(),
            verdict: match fired_or_held(&decision, RuleKind::Automation, index) {
                Some(verdict) => verdict,
                None if automation.mode == Mode::Disabled => Verdict::Disabled,
                None if when.as_ref().is_some_and(|when: &Explanation| when.holds) => Verdict::AlreadyActive {
                    again: automation::again_at(automation, &repeats, &decision.ticket, rules),
                },
                None if when.is_some() => Verdict::False,
                None => Verdict::Closed,
            },
            when,
        });
    let automations = automations.collect();
    Trace { now, decision, automations, triggers }
}

fn fired_or_held(decision: &Decision, kind: RuleKind, index: usize) -> Option<Verdict> {
    if let Some(held) = decision.held_back.iter().find(|held| held.kind == kind && held.index == index) {
        return Some(Verdict::HeldBack { pass: held.pass });
    }
    let fired = decision.fired.iter().find(|fired| fired.kind == kind && fired.index == index)?;
    let pass = fired.pass;
    Some(if fired.shadow { Verdict::Shadow { pass } } else { Verdict::Fired { pass } })
}

fn triggers(
    rules: &Rules,
    event: &Event,
    decision: &Decision,
    explanations: Vec<Option<Explanation>>,
) -> Vec<RuleTrace> {
    let triggers = rules.triggers.iter().zip(explanations).enumerate().map(|(index, (trigger, when))| RuleTrace {
        rule: trigger.title.clone(),
        span: trigger.span.clone(),
        verdict: match fired_or_held(decision, RuleKind::Trigger, index) {
            Some(verdict) => verdict,
            None if trigger.mode == Mode::Disabled => Verdict::Disabled,
            None if !trigger.on.covers(event) => Verdict::OtherEvent,
            None if decision.closed => Verdict::Closed,
            None if when.is_some() => Verdict::False,
            None => Verdict::NotReached,
        },
        when,
    });
    triggers.collect()
}

/// The plain evaluator, keeping each trigger's latest explanation.
struct TracingMatcher<'a> {
    rules: &'a Rules,
    explanations: &'a mut [Option<Explanation>],
}

impl Matcher for TracingMatcher<'_> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        let triggers = self.rules.triggers.iter().zip(self.explanations.iter_mut());
        for (index, (trigger, kept)) in triggers.enumerate().skip(from) {
            if open.is(index) && kept.insert(explain_condition(&trigger.when, facts)).holds {
                return Some(index);
            }
        }
        None
    }
}
