//! Why a trigger fired, and why another did not.
//!
//! A trace is made by running the decision again with a matcher that answers every question of a
//! condition and keeps the answers. Its leaves are those of [`plain`], so it cannot disagree with what was decided.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    decision::{Answer, Asked, Decision},
    plain,
    run::{Matcher, run},
};
use crate::{
    desk::{Event, Facts, Ticket, Value, text::headline},
    lang::rules::{Condition, ConditionKind, Leaf, Mark, Place, Rules, Test},
};

/// How much of a long text is kept as the value of a condition, in characters as a reader counts them.
const MOST_OF_A_TEXT: usize = 100;

/// A decision with the answer of every trigger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// The moment of the decision.
    pub now: Timestamp,
    /// What was decided.
    pub decision: Decision,
    /// Every trigger in order.
    pub triggers: Vec<TriggerTrace>,
}

/// What became of one trigger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriggerTrace {
    /// Its title.
    pub rule: String,
    /// Where it stands.
    pub place: Place,
    /// Whether it fired, or why not.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Its conditions as they were when they were last asked: at the firing, where it fired. `null` where
    /// nobody asked.
    pub when: Option<Answer>,
}

/// Whether a trigger fired, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It fired.
    Fired {
        /// In this pass, from 1.
        pass: usize,
    },
    /// It would have fired, but is in shadow mode.
    Shadow {
        /// In this pass, from 1.
        pass: usize,
    },
    /// Its conditions did not hold in any pass.
    False,
    /// It is marked as disabled.
    Disabled,
    /// It is not about this kind of event.
    OtherEvent,
    /// The run was stopped before its turn came.
    NotReached,
    /// There was no run: the ticket was closed before the event.
    Closed,
}

/// Decides again and tells, for every trigger, whether it fired, and the value of each of its conditions.
///
/// With what the decision was made from, it is the same decision: deciding is pure.
pub fn explain(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp) -> Trace {
    explain_to(rules, ticket, event, now, &mut |_, _| {})
}

/// As [`explain`]; `heard` is told a trigger's answers each time they are given, not only the last time.
pub(super) fn explain_to(
    rules: &Rules,
    ticket: &Ticket,
    event: &Event,
    now: Timestamp,
    heard: &mut dyn FnMut(usize, &Answer),
) -> Trace {
    let mut answers = vec![None; rules.triggers.len()];
    let decision = run(rules, ticket, event, now, &mut Asking { rules, answers: &mut answers, heard });
    let triggers = rules.triggers.iter().zip(answers).enumerate().map(|(index, (trigger, when))| TriggerTrace {
        rule: trigger.title.clone(),
        place: trigger.place.clone(),
        verdict: match decision.fired.iter().find(|fired| fired.trigger == index) {
            Some(fired) if fired.shadow => Verdict::Shadow { pass: fired.pass },
            Some(fired) => Verdict::Fired { pass: fired.pass },
            None if trigger.mark == Mark::Disabled => Verdict::Disabled,
            None if !trigger.on.covers(event) => Verdict::OtherEvent,
            None if decision.closed => Verdict::Closed,
            None if when.is_some() => Verdict::False,
            None => Verdict::NotReached,
        },
        when,
    });
    let triggers = triggers.collect();
    Trace { now, decision, triggers }
}

/// A matcher that answers every question and keeps each trigger's latest answers.
struct Asking<'a> {
    rules: &'a Rules,
    answers: &'a mut [Option<Answer>],
    heard: &'a mut dyn FnMut(usize, &Answer),
}

impl Matcher for Asking<'_> {
    fn next(&mut self, from: usize, open: &[bool], facts: Facts<'_>) -> Option<usize> {
        let triggers = self.rules.triggers.iter().zip(open).zip(self.answers.iter_mut());
        for (index, ((trigger, open), kept)) in triggers.enumerate().skip(from) {
            if *open {
                let answer = kept.insert(answer(&trigger.when, facts));
                (self.heard)(index, answer);
                if answer.holds {
                    return Some(index);
                }
            }
        }
        None
    }
}

/// A condition with its answer and those of all its parts.
pub(super) fn answer(condition: &Condition, facts: Facts<'_>) -> Answer {
    let all = |parts: &[Condition]| parts.iter().map(|c| answer(c, facts)).collect::<Vec<_>>();
    match &condition.kind {
        ConditionKind::All(parts) => {
            let parts = all(parts);
            Answer { holds: parts.iter().all(|a| a.holds), to: Asked::All(parts) }
        }
        ConditionKind::Any(parts) => {
            let parts = all(parts);
            Answer { holds: parts.iter().any(|a| a.holds), to: Asked::Any(parts) }
        }
        ConditionKind::Not(inner) => {
            let inner = answer(inner, facts);
            Answer { holds: !inner.holds, to: Asked::Not(Box::new(inner)) }
        }
        ConditionKind::Let(named) => {
            let means = answer(&named.condition, facts);
            Answer { holds: means.holds, to: Asked::Let { name: named.name.clone(), means: Box::new(means) } }
        }
        ConditionKind::Leaf(leaf) => Answer { holds: plain::leaf_holds(leaf, facts), to: asked(leaf, facts) },
    }
}

fn asked(leaf: &Leaf, facts: Facts<'_>) -> Asked {
    let before = matches!(leaf.test, Test::Changed { .. }).then(|| short(plain::before(leaf, facts)));
    Asked::Asked { text: leaf.to_string(), value: short(leaf.field.read(facts)), before }
}

fn short(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(headline(&text, MOST_OF_A_TEXT).into()),
        value => value.into_owned(),
    }
}
