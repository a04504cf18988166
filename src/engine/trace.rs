//! Why a rule fired, and why another did not.
//!
//! A trace is made by running the decision again with a matcher that answers every question of a
//! condition and keeps the answers. Its leaves are those of [`super::evaluate`], so it cannot disagree with what was decided.

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

/// A decision with the answer of every rule that had a say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// The moment of the decision.
    pub now: Timestamp,
    /// What was decided.
    pub decision: Decision,
    /// Where time passed: every automation in order. Else none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub automations: Vec<RuleTrace>,
    /// Where triggers ran: every trigger in order. Else none.
    pub triggers: Vec<RuleTrace>,
}

impl Trace {
    /// Every rule that had a say, in order.
    pub fn rules(&self) -> impl Iterator<Item = &RuleTrace> {
        self.automations.iter().chain(&self.triggers)
    }

    /// Drops all rules but these.
    pub fn retain(&mut self, keep: impl Fn(&RuleTrace) -> bool) {
        self.automations.retain(&keep);
        self.triggers.retain(&keep);
    }
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTrace {
    /// Its title.
    pub rule: String,
    /// Where it stands.
    pub span: Span,
    /// Whether it fired, or why not.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Its conditions as they were when they were last asked: at the firing, where it fired. `null` where
    /// nobody asked.
    pub when: Option<Explanation>,
}

/// Whether a rule fired, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It fired.
    Fired {
        /// In this pass, from 1; 0 for an automation.
        pass: usize,
    },
    /// It would have fired, but is in shadow mode.
    Shadow {
        /// In this pass, from 1; 0 for an automation.
        pass: usize,
    },
    /// Its conditions did not hold in any pass.
    False,
    /// An automation whose conditions held already when the ticket was last looked at.
    AlreadyActive,
    /// It is marked as disabled.
    Disabled,
    /// It is not about this kind of event.
    OtherEvent,
    /// The run was stopped before its turn came.
    NotReached,
    /// There was no run: the ticket was closed before the event.
    Closed,
}

/// Decides again and tells, for every rule that had a say, whether it fired, and the value of each of its conditions.
///
/// With what the decision was made from, it is the same decision: deciding is pure.
pub fn explain(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp) -> Trace {
    let mut answers = vec![None; rules.triggers.len()];
    let mut asking = Asking { rules, answers: &mut answers };
    let EventKind::Due { active } = &event.kind else {
        let decision = run(rules, ticket, event, now, &mut asking);
        let triggers = triggers(rules, event, &decision, answers);
        return Trace { now, decision, automations: vec![], triggers };
    };
    let mut asked = vec![None; rules.automations.len()];
    let mut take_down = |index: usize, when: &Condition, facts: Facts<'_>| {
        if let Some(slot) = asked.get_mut(index) {
            *slot = Some(explain_condition(when, facts));
        }
    };
    let (decision, _) = automation::pass(rules, ticket, active, now, &mut take_down, &mut asking);
    let decision = decision.unwrap_or_else(|| Decision::nothing(rules, ticket));
    let triggers = match decision.passes {
        0 => vec![],
        // The update that the automations made.
        _ => triggers(rules, &automation::update(ticket), &decision, answers),
    };
    let automations = rules.automations.iter().zip(asked).enumerate().map(|(index, (automation, when))| RuleTrace {
        rule: automation.title.clone(),
        span: automation.span.clone(),
        verdict: match fired(&decision, RuleKind::Automation, index) {
            Some(verdict) => verdict,
            None if automation.mode == Mode::Disabled => Verdict::Disabled,
            None if when.as_ref().is_some_and(|when: &Explanation| when.holds) => Verdict::AlreadyActive,
            None if when.is_some() => Verdict::False,
            None => Verdict::Closed,
        },
        when,
    });
    let automations = automations.collect();
    Trace { now, decision, automations, triggers }
}

fn fired(decision: &Decision, kind: RuleKind, index: usize) -> Option<Verdict> {
    let fired = decision.fired.iter().find(|fired| fired.kind == kind && fired.index == index)?;
    let pass = fired.pass;
    Some(if fired.shadow { Verdict::Shadow { pass } } else { Verdict::Fired { pass } })
}

fn triggers(rules: &Rules, event: &Event, decision: &Decision, answers: Vec<Option<Explanation>>) -> Vec<RuleTrace> {
    let triggers = rules.triggers.iter().zip(answers).enumerate().map(|(index, (trigger, when))| RuleTrace {
        rule: trigger.title.clone(),
        span: trigger.span.clone(),
        verdict: match fired(decision, RuleKind::Trigger, index) {
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

/// A matcher that answers every question and keeps each trigger's latest answers.
struct Asking<'a> {
    rules: &'a Rules,
    answers: &'a mut [Option<Explanation>],
}

impl Matcher for Asking<'_> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        let triggers = self.rules.triggers.iter().zip(self.answers.iter_mut());
        for (index, (trigger, kept)) in triggers.enumerate().skip(from) {
            if open.is(index) && kept.insert(explain_condition(&trigger.when, facts)).holds {
                return Some(index);
            }
        }
        None
    }
}
