//! Every answer to a condition and its parts, for those who want to know why.

use std::sync::Arc;

use serde::Serialize;

use super::evaluate;
use crate::{
    desk::{Facts, Value, text::headline},
    lang::rules::{Condition, ConditionKind, Op, Predicate},
};

/// How much of a long text is kept as the value of a condition, in characters as a reader counts them.
pub const MAX_VALUE_LENGTH: usize = 100;

/// A condition with its answer, and the answers below it: none is left out, whatever decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether it held.
    pub holds: bool,
    /// What was asked.
    #[serde(flatten)]
    pub kind: ExplanationKind,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExplanationKind {
    /// All of these.
    All(Vec<Explanation>),
    /// Any of these.
    Any(Vec<Explanation>),
    /// That this does not hold.
    Not(Box<Explanation>),
    /// A named condition.
    Let {
        /// Its name.
        name: String,
        /// What it stands for.
        means: Box<Explanation>,
    },
    /// A question about one field.
    Predicate {
        /// The question as the formatter writes it.
        text: Arc<str>,
        /// The field's value at that moment, `null` where there is none; a long text is cut.
        value: Value<'static>,
        /// For `changed`, the value before the event.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<Value<'static>>,
    },
}

impl Explanation {
    /// The questions about fields, from left to right, as [`crate::lang::rules::Condition::predicates`] visits them.
    pub fn predicates<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match &self.kind {
            ExplanationKind::All(parts) | ExplanationKind::Any(parts) => {
                parts.iter().for_each(|part| part.predicates(visit))
            }
            ExplanationKind::Not(inner) | ExplanationKind::Let { means: inner, .. } => inner.predicates(visit),
            ExplanationKind::Predicate { .. } => visit(self),
        }
    }

    /// The questions about fields that made it hold or not: with another answer to them it might be otherwise.
    pub fn because(&self) -> Vec<&Self> {
        let mut leaves = vec![];
        self.gather(&mut leaves);
        leaves
    }

    fn gather<'a>(&'a self, leaves: &mut Vec<&'a Self>) {
        match &self.kind {
            // One `no` is enough against `and`, one `yes` for `or`; otherwise every part had its say.
            ExplanationKind::All(parts) | ExplanationKind::Any(parts) => {
                parts.iter().filter(|part| part.holds == self.holds).for_each(|part| part.gather(leaves));
            }
            ExplanationKind::Not(inner) | ExplanationKind::Let { means: inner, .. } => inner.gather(leaves),
            ExplanationKind::Predicate { .. } => leaves.push(self),
        }
    }
}

/// A condition with its answer and those of all its parts.
pub(super) fn explain_condition(condition: &Condition, facts: Facts<'_>) -> Explanation {
    let all = |parts: &[Condition]| parts.iter().map(|c| explain_condition(c, facts)).collect::<Vec<_>>();
    match &condition.kind {
        ConditionKind::All(parts) => {
            let parts = all(parts);
            Explanation { holds: parts.iter().all(|a| a.holds), kind: ExplanationKind::All(parts) }
        }
        ConditionKind::Any(parts) => {
            let parts = all(parts);
            Explanation { holds: parts.iter().any(|a| a.holds), kind: ExplanationKind::Any(parts) }
        }
        ConditionKind::Not(inner) => {
            let inner = explain_condition(inner, facts);
            Explanation { holds: !inner.holds, kind: ExplanationKind::Not(Box::new(inner)) }
        }
        ConditionKind::Let(named) => {
            let means = explain_condition(&named.condition, facts);
            Explanation {
                holds: means.holds,
                kind: ExplanationKind::Let { name: named.name.clone(), means: Box::new(means) },
            }
        }
        ConditionKind::Predicate(predicate) => Explanation {
            holds: evaluate::predicate_holds(predicate, facts),
            kind: explain_predicate(predicate, facts),
        },
    }
}

fn explain_predicate(predicate: &Predicate, facts: Facts<'_>) -> ExplanationKind {
    let before = matches!(predicate.op, Op::Changed { .. }).then(|| short(evaluate::before(&predicate.field, facts)));
    ExplanationKind::Predicate { text: Arc::clone(predicate.text()), value: short(predicate.field.read(facts)), before }
}

fn short(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(headline(&text, MAX_VALUE_LENGTH).into()),
        value => value.into_owned(),
    }
}
