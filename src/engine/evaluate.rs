//! The plain evaluator: the reference semantics of conditions. The index and SQL are tested against it.
//!
//! Empty values:
//!
//! - On an unknown number, date or time, every predicate is false except `is empty`. On an empty word, name or text, every
//!   predicate is false except `is empty`, `is not` and `not in`: it neither `contains ""` nor `matches ".*"`.
//! - An empty set contains nothing, so `has none of` holds.
//! - `not (…)` is plain negation.
//! - If no agent acts, `me` and `my groups` are unknown: no value equals them, and `is not` and `not in` are false.

use std::{borrow::Cow, cmp::Ordering};

use jiff::{SignedDuration, Timestamp};

use crate::{
    desk::{Facts, FieldRef, Kind, Status, Value, text},
    lang::rules::{Comparison, Condition, ConditionKind, Duration, Folded, Literal, Op, Predicate, Relation},
};

/// Whether a condition holds.
pub fn holds(condition: &Condition, facts: Facts<'_>) -> bool {
    match &condition.kind {
        ConditionKind::All(parts) => parts.iter().all(|c| holds(c, facts)),
        ConditionKind::Any(parts) => parts.iter().any(|c| holds(c, facts)),
        ConditionKind::Not(inner) => !holds(inner, facts),
        ConditionKind::Let(named) => holds(&named.condition, facts),
        ConditionKind::Predicate(predicate) => predicate_holds(predicate, facts),
    }
}

/// Whether a predicate holds.
pub fn predicate_holds(predicate: &Predicate, facts: Facts<'_>) -> bool {
    let (field, op) = (&predicate.field, predicate.op_now(facts));
    match predicate.asks_me() {
        true => op.read_by(facts.agent()).is_some_and(|op| op_holds(field, &op, facts)),
        false => op_holds(field, op, facts),
    }
}

fn op_holds(field: &FieldRef, op: &Op, facts: Facts<'_>) -> bool {
    let value = field.read(facts);
    match op {
        Op::Field(relation, other) => {
            let kind = field.kind();
            kind.compares_with(&other.kind()) && related(*relation, &value, &other.read(facts), &kind)
        }
        Op::Changed { from, to } => changed(&before(field, facts), &value, from.as_ref(), to.as_ref()),
        Op::Since(comparison, span) => duration_holds(&value, *comparison, *span, facts, false),
        Op::Until(comparison, span) => duration_holds(&value, *comparison, *span, facts, true),
        Op::TimeIn(statuses, comparison, span) => {
            comparison.holds(time_in(statuses, span.is_business(), facts).cmp(&span.length(facts.hours())))
        }
        op => value_holds(op, &field.kind(), &value),
    }
}

/// Whether an operator holds for a value of a field of this kind. False for operators that read another
/// field, the event or the clock, or who acts.
pub(super) fn value_holds(op: &Op, kind: &Kind, value: &Value<'_>) -> bool {
    let is = |literal: &Literal| equal(value, literal);
    // For `is not`: an unknown number may or may not differ, so it is false; an empty word differs, so it is true.
    let unknown = || value.is_empty() && kind.may_be_unknown();
    match op {
        Op::Holds => *value == Value::YesNo(true),
        Op::Is(literal) => is(literal),
        Op::IsNot(literal) => !unknown() && !is(literal),
        Op::In(literals) => equals_any(value, literals),
        Op::NotIn(literals) => !unknown() && !equals_any(value, literals),
        Op::Compare(comparison, literal) => order(value, literal, kind).is_some_and(|o| comparison.holds(o)),
        Op::HasAny(tags) => tags.iter().any(|t| has(value, t)),
        // No entry of a list may be left.
        Op::HasAll(tags) => !tags.is_empty() && tags.iter().all(|t| has(value, t)),
        Op::HasNone(tags) => !tags.iter().any(|t| has(value, t)),
        Op::HasStarting(start) => matches!(value, Value::Set(set) if set.iter().any(|tag| tag.starts_with(start))),
        Op::Contains(needles) | Op::ContainsWord(needles) | Op::StartsWith(needles) | Op::EndsWith(needles) => {
            search(op, value, needles).is_some()
        }
        Op::Matches(pattern) => folded(value).is_some_and(|t| pattern.regex.is_match(&t)),
        Op::IsEmpty => value.is_empty(),
        Op::IsSet => !value.is_empty(),
        Op::HasMe | Op::Field(..) | Op::Changed { .. } | Op::Since(..) | Op::Until(..) | Op::TimeIn(..) => false,
    }
}

/// Whether the values of two fields of a kind are related so.
fn related(relation: Relation, a: &Value<'_>, b: &Value<'_>, kind: &Kind) -> bool {
    let both = !a.is_empty() && !b.is_empty();
    match relation {
        Relation::Is => both && same(a, b),
        Relation::IsNot => !same(a, b) && (both || !kind.may_be_unknown()),
        Relation::Compare(comparison) => both && kind.is_ordered() && comparison.holds(ordering(a, b, kind)),
    }
}

/// The order of two values of a kind; equal if they have none.
pub(super) fn ordering(a: &Value<'_>, b: &Value<'_>, kind: &Kind) -> Ordering {
    match (a, b) {
        (Value::YesNo(a), Value::YesNo(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::TimeOfDay(a), Value::TimeOfDay(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Set(a), Value::Set(b)) => a.cmp(b),
        (Value::Word(a), Value::Word(b)) => match kind {
            Kind::Words(words) => words.rank(a).cmp(&words.rank(b)),
            _ => a.cmp(b),
        },
        (Value::Text(a), Value::Text(b)) => text::fold(a).cmp(&text::fold(b)),
        _ => Ordering::Equal,
    }
}

/// Whether a value changed, and if given, from and to these literals.
pub(super) fn changed(was: &Value<'_>, is: &Value<'_>, from: Option<&Literal>, to: Option<&Literal>) -> bool {
    !same(was, is) && from.is_none_or(|from| equal(was, from)) && to.is_none_or(|to| equal(is, to))
}

/// The field's value before the event; empty if the ticket was created by it.
pub(super) fn before<'a>(field: &FieldRef, facts: Facts<'a>) -> Value<'a> {
    match facts.event.and_then(|event| event.before()) {
        Some(ticket) => field.read(Facts { ticket, ..facts }),
        None => Value::Empty,
    }
}

/// Whether two values of a field are equal; texts are compared folded.
pub(super) fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a == b || text::fold(a) == text::fold(b),
        _ => a == b || (a.is_empty() && b.is_empty()),
    }
}

fn equal(value: &Value<'_>, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Number(a), Literal::Number(b)) => a == b,
        (Value::Decimal(a), Literal::Decimal(b)) => a == b,
        (Value::Word(a), Literal::Word { word, .. }) => a == word,
        (Value::Text(_), Literal::Text(b)) => folded(value).is_some_and(|a| a == b.folded),
        (Value::YesNo(a), Literal::YesNo(b)) => a == b,
        (Value::Set(a), Literal::Set(b)) => b.iter().all(|t| a.contains(t)) && a.iter().all(|t| b.contains(t)),
        (Value::Time(a), Literal::Time(b)) => a == b,
        (Value::TimeOfDay(a), Literal::TimeOfDay(b)) => a == b,
        (Value::Date(a), Literal::Date(b)) => a == b,
        _ => false,
    }
}

/// Whether a value equals any of these literals. A text is folded once for all of them.
fn equals_any(value: &Value<'_>, literals: &[Literal]) -> bool {
    let text = matches!(value, Value::Text(_)).then(|| folded(value)).flatten();
    literals.iter().any(|literal| match (&text, literal) {
        (Some(text), Literal::Text(literal)) => *text == literal.folded,
        _ => equal(value, literal),
    })
}

/// Whether a value is an entry of a list, or has one in it.
pub(super) fn finds_entry(op: &Op, value: &Value<'_>) -> bool {
    match op {
        Op::In(literals) | Op::NotIn(literals) => equals_any(value, literals),
        Op::HasAll(tags) => tags.iter().any(|tag| has(value, tag)),
        op => entry_in(op, value).is_some(),
    }
}

/// The first entry of a list that is in a text, or among the tags.
pub(super) fn entry_in<'o>(op: &'o Op, value: &Value<'_>) -> Option<&'o str> {
    match op {
        Op::Contains(needles) | Op::ContainsWord(needles) | Op::StartsWith(needles) | Op::EndsWith(needles) => {
            search(op, value, needles).map(|needle| &*needle.written)
        }
        Op::HasAny(tags) | Op::HasNone(tags) => tags.iter().find(|tag| has(value, tag)).map(|tag| &**tag),
        _ => None,
    }
}

/// The first of these needles that the operator finds in a text.
fn search<'o>(op: &Op, value: &Value<'_>, needles: &'o [Folded]) -> Option<&'o Folded> {
    let text = folded(value)?;
    let is_found = |needle: &str| match op {
        Op::ContainsWord(_) => text::contains_word(&text, needle),
        Op::StartsWith(_) => text.starts_with(needle),
        Op::EndsWith(_) => text.ends_with(needle),
        _ => text.contains(needle),
    };
    needles.iter().find(|needle| is_found(&needle.folded))
}

/// The order of a value and a literal; `None` if either has none.
fn order(value: &Value<'_>, literal: &Literal, kind: &Kind) -> Option<Ordering> {
    match (value, literal, kind) {
        (Value::Number(a), Literal::Number(b), _) => Some(a.cmp(b)),
        (Value::Decimal(a), Literal::Decimal(b), _) => Some(a.cmp(b)),
        (Value::Word(a), Literal::Word { rank: Some(b), .. }, Kind::Words(words)) => Some(words.rank(a)?.cmp(b)),
        (Value::Time(a), Literal::Time(b), _) => Some(a.cmp(b)),
        (Value::TimeOfDay(a), Literal::TimeOfDay(b), _) => Some(a.cmp(b)),
        (Value::Date(a), Literal::Date(b), _) => Some(a.cmp(b)),
        _ => None,
    }
}

fn has(value: &Value<'_>, tag: &str) -> bool {
    matches!(value, Value::Set(set) if set.contains(tag))
}

/// The folded text of a text, word or name; `None` if it is empty.
fn folded<'a>(value: &'a Value<'_>) -> Option<Cow<'a, str>> {
    match value {
        Value::Text(t) | Value::Word(t) => Some(text::fold(t)).filter(|t| !t.is_empty()),
        _ => None,
    }
}

/// The total time that the ticket has spent in these statuses.
pub(super) fn time_in(statuses: &[Status], business: bool, facts: Facts<'_>) -> SignedDuration {
    match business {
        true => facts.ticket.business_time_in(statuses, facts.now, facts.hours()),
        false => facts.ticket.time_in(statuses, facts.now),
    }
}

/// The instant that a time is, or at which a date begins where the desk is.
pub(super) fn instant(value: &Value<'_>, facts: Facts<'_>) -> Option<Timestamp> {
    match value {
        Value::Time(time) => Some(*time),
        Value::Date(date) => Some(facts.hours().start_of(*date)),
        _ => None,
    }
}

/// Whether the time since a value, or with `until` the time until it, satisfies a comparison with a duration.
fn duration_holds(value: &Value<'_>, comparison: Comparison, span: Duration, facts: Facts<'_>, until: bool) -> bool {
    let Some(time) = instant(value, facts) else { return false };
    let asked = span.length(facts.hours());
    let most = span.is_business().then(|| if asked.is_negative() { -asked } else { asked });
    comparison.holds(distance(time, until, most, facts).cmp(&asked))
}

/// The time since a moment, or with `until` the time until it. In business time, of which at most `most` is counted, if
/// that is given.
pub(super) fn distance(time: Timestamp, until: bool, most: Option<SignedDuration>, facts: Facts<'_>) -> SignedDuration {
    let (from, to) = if until { (facts.now, time) } else { (time, facts.now) };
    let Some(most) = most else { return from.duration_until(to) };
    let open = |from, to| facts.hours().between_up_to(from, to, most);
    if from <= to { open(from, to) } else { -open(to, from) }
}
