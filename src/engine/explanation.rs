//! A condition with the result of each of its parts.

use std::sync::Arc;

use jiff::{SignedDuration, civil::Date};
use serde::Serialize;

use super::evaluate;
use crate::{
    desk::{Facts, FieldRef, Value, text::headline},
    lang::rules::{Condition, ConditionKind, Op, Predicate},
};

/// The longest text kept as a value, in graphemes.
pub const MAX_VALUE_LENGTH: usize = 100;

/// A condition with its result and those of all its parts; none is short-circuited.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether the condition holds.
    pub holds: bool,
    /// The condition.
    #[serde(flatten)]
    pub kind: ExplanationKind,
}

/// The condition of an [`Explanation`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExplanationKind {
    /// A conjunction.
    All(Vec<Explanation>),
    /// A disjunction.
    Any(Vec<Explanation>),
    /// A negation.
    Not(Box<Explanation>),
    /// A reference to a `let`.
    Let {
        /// Its name.
        name: String,
        /// Its condition.
        means: Box<Explanation>,
    },
    /// A predicate.
    Predicate {
        /// The predicate as the formatter writes it.
        text: Arc<str>,
        /// What it found.
        #[serde(flatten)]
        found: Found,
    },
}

/// What a predicate found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The field's value; a long text is truncated.
    pub value: Value<'static>,
    /// For `changed`, the value before the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value<'static>>,
    /// For `me` and `my groups`, the name of the agent who acts; empty if nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub me: Option<Value<'static>>,
    /// For a time condition, how long ago the value is, or how far ahead; at most a year of business time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<String>,
    /// The first entry of a list that is in the text or among the tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The last day of the entry of a list that is the value, or is in it, and no longer counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// What the event tells of a volume: how many tickets there are of how many, or since when it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
}

impl Explanation {
    /// Visits the predicates from left to right, as [`crate::lang::rules::Condition::predicates`] does.
    pub fn predicates<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match &self.kind {
            ExplanationKind::All(parts) | ExplanationKind::Any(parts) => {
                parts.iter().for_each(|part| part.predicates(visit))
            }
            ExplanationKind::Not(inner) | ExplanationKind::Let { means: inner, .. } => inner.predicates(visit),
            ExplanationKind::Predicate { .. } => visit(self),
        }
    }

    /// The predicates that the result follows from: false ones of a false conjunction, true ones of a true disjunction.
    pub fn because(&self) -> Vec<&Self> {
        let mut leaves = vec![];
        self.gather(&mut leaves);
        leaves
    }

    fn gather<'a>(&'a self, leaves: &mut Vec<&'a Self>) {
        match &self.kind {
            ExplanationKind::All(parts) | ExplanationKind::Any(parts) => {
                parts.iter().filter(|part| part.holds == self.holds).for_each(|part| part.gather(leaves));
            }
            ExplanationKind::Not(inner) | ExplanationKind::Let { means: inner, .. } => inner.gather(leaves),
            ExplanationKind::Predicate { .. } => leaves.push(self),
        }
    }
}

/// Evaluates a condition and all its parts.
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
    if let Op::TimeIn(statuses, _, span) = &predicate.op {
        let time = evaluate::time_in(statuses, span.is_business(), facts);
        let value = Value::Word(seconds(time).into());
        let found = Found { value, before: None, me: None, distance: None, entry: None, until: None, volume: None };
        return ExplanationKind::Predicate { text: Arc::clone(predicate.text()), found };
    }
    let before = matches!(predicate.op, Op::Changed { .. }).then(|| short(evaluate::before(&predicate.field, facts)));
    let me = || Value::word(facts.agent().map(|agent| agent.name.as_str())).into_owned();
    let value = predicate.field.read(facts);
    let (entry, until) = entry(predicate, &value, facts);
    let distance = distance(&predicate.op, &value, facts);
    let volume = match (&predicate.field, facts.event) {
        (FieldRef::Volume(asked), Some(event)) => asked.found(event),
        _ => None,
    };
    let me = predicate.asks_me().then(me);
    let found = Found { value: short(value), before, me, distance, entry, until, volume };
    ExplanationKind::Predicate { text: Arc::clone(predicate.text()), found }
}

/// The entry of a list that a predicate found, with its last day if that is over.
fn entry(predicate: &Predicate, value: &Value<'_>, facts: Facts<'_>) -> (Option<String>, Option<Date>) {
    if predicate.op.entries() < 2 {
        return (None, None);
    }
    let entry = |op: &Op| evaluate::entry_in(op, value).map(str::to_owned);
    let today = predicate.op_now(facts);
    if evaluate::finds_entry(today, value) {
        return (entry(today), None);
    }
    let past = predicate.past(facts).into_iter().find(|(_, op)| evaluate::finds_entry(op, value));
    past.map_or((None, None), |(until, op)| (entry(&op), Some(until)))
}

/// How far a time is from now, in the kind of time that the operator asks for.
fn distance(op: &Op, value: &Value<'_>, facts: Facts<'_>) -> Option<String> {
    const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);
    let (Op::Since(_, span) | Op::Until(_, span)) = op else { return None };
    let time = evaluate::instant(value, facts)?;
    let most = span.is_business().then_some(YEAR);
    let until = evaluate::distance(time, true, most, facts);
    let in_business = if span.is_business() { " of business time" } else { "" };
    Some(match until.is_positive() {
        true => format!("in {}{in_business}", seconds(until)),
        false => format!("{}{in_business} ago", seconds(-until)),
    })
}

fn seconds(time: SignedDuration) -> String {
    format!("{:#}", time.round(jiff::Unit::Second).unwrap_or(time))
}

fn short(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(headline(&text, MAX_VALUE_LENGTH).into()),
        value => value.into_owned(),
    }
}
