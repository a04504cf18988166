//! Every answer to a condition and its parts, for those who want to know why.

use std::sync::Arc;

use serde::Serialize;

use super::evaluate;
use crate::{
    desk::{Facts, Value, text::headline},
    lang::rules::{Condition, ConditionKind, Leaf, Test},
};

/// How much of a long text is kept as the value of a condition, in characters as a reader counts them.
pub const MAX_VALUE_LENGTH: usize = 100;

/// A condition with its answer, and the answers below it: none is left out, whatever decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Whether it held.
    pub holds: bool,
    /// What was asked.
    #[serde(flatten)]
    pub to: Asked,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// All of these.
    All(Vec<Answer>),
    /// Any of these.
    Any(Vec<Answer>),
    /// That this does not hold.
    Not(Box<Answer>),
    /// A named condition.
    Let {
        /// Its name.
        name: String,
        /// What it stands for.
        means: Box<Answer>,
    },
    /// A question about one field.
    Asked {
        /// The question as the formatter writes it.
        text: Arc<str>,
        /// The field's value at that moment, `null` where there is none; a long text is cut.
        value: Value<'static>,
        /// For `changed`, the value before the event.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<Value<'static>>,
    },
}

impl Answer {
    /// The questions about fields, from left to right, as [`crate::lang::rules::Condition::leaves`] visits them.
    pub fn leaves<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match &self.to {
            Asked::All(parts) | Asked::Any(parts) => parts.iter().for_each(|part| part.leaves(visit)),
            Asked::Not(inner) | Asked::Let { means: inner, .. } => inner.leaves(visit),
            Asked::Asked { .. } => visit(self),
        }
    }

    /// The questions about fields that made it hold or not: with another answer to them it might be otherwise.
    pub fn because(&self) -> Vec<&Self> {
        let mut leaves = vec![];
        self.gather(&mut leaves);
        leaves
    }

    fn gather<'a>(&'a self, leaves: &mut Vec<&'a Self>) {
        match &self.to {
            // One `no` is enough against `and`, one `yes` for `or`; otherwise every part had its say.
            Asked::All(parts) | Asked::Any(parts) => {
                parts.iter().filter(|part| part.holds == self.holds).for_each(|part| part.gather(leaves));
            }
            Asked::Not(inner) | Asked::Let { means: inner, .. } => inner.gather(leaves),
            Asked::Asked { .. } => leaves.push(self),
        }
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
        ConditionKind::Leaf(leaf) => Answer { holds: evaluate::leaf_holds(leaf, facts), to: asked(leaf, facts) },
    }
}

fn asked(leaf: &Leaf, facts: Facts<'_>) -> Asked {
    let before = matches!(leaf.test, Test::Changed { .. }).then(|| short(evaluate::before(&leaf.field, facts)));
    Asked::Asked { text: Arc::clone(leaf.text()), value: short(leaf.field.read(facts)), before }
}

fn short(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(headline(&text, MAX_VALUE_LENGTH).into()),
        value => value.into_owned(),
    }
}
