//! Normal forms of predicates: a predicate divides the values of its field into finitely many parts, and has one result
//! on each.
//!
//! The parts follow from the literals of the predicate. To find the result on a part, [`evaluate`] is called with one
//! value of it. The index maps parts to slots.

use jiff::{SignedDuration, Span, Timestamp, civil::Date};

use super::evaluate;
use crate::{
    desk::{Decimal, Kind, Scope, Value},
    lang::rules::{Comparison, Duration, Folded, Literal, Op, Pattern, Predicate},
};

/// Maximum number of codes that a mask distinguishes, one bit each.
pub(super) const MAX_CODES: usize = 64;

/// Dates are counted from here.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// The normal form of a predicate: its result for each part of its field's domain.
#[derive(Debug)]
pub(super) enum Normal<'p> {
    /// A field with few values. Bit `n` is the result for value `n` of [`values`].
    Codes(u64),
    /// A change of a field with `n` values. Bit `before * n + now` is the result.
    Changes(u64),
    /// A number, a date in days, or the age of a time in nanoseconds.
    Ranges(Ranges),
    /// A whole name, text or set.
    Whole(Whole<'p>),
    /// Tags of a set.
    Tags(Tags<'p>),
    /// A search in a text.
    Search(Search<'p>),
    /// No normal form: the result depends on the clock, on business time, on who acts, on
    /// another field, or on too many values.
    Opaque,
}

/// The results of a predicate on a number, a date or an age; each part extends up to the next cut.
#[derive(Debug)]
pub(super) struct Ranges {
    /// The result for an empty value.
    pub(super) empty: bool,
    /// The result below the first cut.
    pub(super) below: bool,
    /// The cuts, ascending, each with the result from there on.
    pub(super) cuts: Vec<(i128, bool)>,
}

/// The results of a predicate on a whole value: for the values it mentions, which it treats alike, for all others, and
/// for none.
#[derive(Debug)]
pub(super) struct Whole<'p> {
    /// The result for an empty value.
    pub(super) empty: bool,
    /// The result for other values.
    pub(super) other: bool,
    /// The result for mentioned values.
    pub(super) mentioned: bool,
    literals: &'p [Literal],
    kind: Kind,
}

impl<'p> Whole<'p> {
    /// The mentioned values, folded; the same one can occur several times.
    pub(super) fn names(&self) -> impl Iterator<Item = &'p str> + Clone + use<'p> {
        mentioned(self.literals, &self.kind)
    }
}

/// A predicate on the members of a set: whether all of `tags` (`every`), or any of them, are present or absent.
#[derive(Debug)]
pub(super) struct Tags<'p> {
    pub(super) tags: &'p [String],
    pub(super) every: bool,
    pub(super) present: bool,
}

/// A search in a folded text. On an empty text, all are false.
#[derive(Debug)]
pub(super) enum Search<'p> {
    /// True on every text.
    Anything,
    /// One of these texts, anywhere.
    Anywhere(&'p [Folded]),
    /// One of these texts, as whole words.
    Words(&'p [Folded]),
    /// One of these texts, at the start.
    Start(&'p [Folded]),
    /// One of these texts, at the end.
    End(&'p [Folded]),
    /// A match of this pattern.
    Regex(&'p Pattern),
}

/// The normal form of a predicate.
pub(super) fn normal(predicate: &Predicate) -> Normal<'_> {
    let kind = predicate.field.kind();
    match (&predicate.op, &kind) {
        // Opening hours are too slow to evaluate for every ticket.
        _ if predicate.field.scope() == Scope::Clock => Normal::Opaque,
        (Op::TimeIn(..) | Op::Field(..), _) => Normal::Opaque,
        // The result depends on the event, not on the field alone.
        _ if predicate.asks_me() => Normal::Opaque,
        (Op::Changed { from, to }, _) => match values(&kind) {
            values if values.is_empty() || values.len().pow(2) > MAX_CODES => Normal::Opaque,
            values => Normal::Changes(changes(&values, from.as_ref(), to.as_ref())),
        },
        (Op::Since(_, length) | Op::Until(_, length), Kind::Time) if length.is_business() => Normal::Opaque,
        // When a date begins depends on the schedule of the ticket.
        (Op::Since(..) | Op::Until(..), Kind::Date) => Normal::Opaque,
        (_, Kind::Words(words)) if words.words.len() >= MAX_CODES => Normal::Opaque,
        (op, Kind::YesNo | Kind::Words(_)) => Normal::Codes(codes(op, &kind)),
        (op, Kind::Time) if literals(op).iter().any(|l| matches!(l, Literal::Time(_))) => Normal::Opaque,
        (_, Kind::Number | Kind::Decimal | Kind::Date | Kind::Time) => Normal::Ranges(ranges(predicate)),
        (Op::HasAny(tags), Kind::Set(_)) => Normal::Tags(Tags { tags, every: false, present: true }),
        // No entry of a list is left: as any of none, it never holds.
        (Op::HasAll(tags), Kind::Set(_)) if tags.is_empty() => Normal::Tags(Tags { tags, every: false, present: true }),
        (Op::HasAll(tags), Kind::Set(_)) => Normal::Tags(Tags { tags, every: true, present: true }),
        (Op::HasNone(tags), Kind::Set(_)) => Normal::Tags(Tags { tags, every: true, present: false }),
        (op @ (Op::IsEmpty | Op::IsSet), Kind::Set(_)) => Normal::Whole(whole(op, &kind)),
        (_, Kind::Set(_) | Kind::TimeOfDay) => Normal::Opaque,
        (op, Kind::Text | Kind::Declared(_)) => match search(op) {
            Some(search) => Normal::Search(search),
            None => Normal::Whole(whole(op, &kind)),
        },
    }
}

/// The values of a field with few values, by code; empty for other fields.
pub(super) fn values(kind: &Kind) -> Vec<Value<'static>> {
    match kind {
        Kind::YesNo => vec![Value::YesNo(false), Value::YesNo(true), Value::Empty],
        Kind::Words(words) => words.words.iter().map(|w| Value::word(Some(w))).chain([Value::Empty]).collect(),
        _ => vec![],
    }
}

/// The number of [`values`].
pub(super) fn count(kind: &Kind) -> usize {
    match kind {
        Kind::YesNo => 3,
        Kind::Words(words) => words.words.len() + 1,
        _ => 0,
    }
}

/// The index of a value in [`values`].
pub(super) fn code(kind: &Kind, value: &Value<'_>) -> usize {
    match (kind, value) {
        (Kind::YesNo, Value::YesNo(yes)) => usize::from(*yes),
        (Kind::YesNo, _) => 2,
        (Kind::Words(words), Value::Word(word)) => words.rank(word).unwrap_or(words.words.len()),
        (Kind::Words(words), _) => words.words.len(),
        _ => 0,
    }
}

/// The age of a time in nanoseconds; negative for a future time.
pub(super) fn age(time: Timestamp, now: Timestamp) -> i128 {
    now.as_nanosecond() - time.as_nanosecond()
}

fn codes(op: &Op, kind: &Kind) -> u64 {
    let holds = values(kind).into_iter().map(|value| evaluate::value_holds(op, kind, &value));
    holds.enumerate().map(|(code, holds)| u64::from(holds) << code).sum()
}

fn changes(values: &[Value<'_>], from: Option<&Literal>, to: Option<&Literal>) -> u64 {
    let pairs = values.iter().flat_map(|was| values.iter().map(move |is| (was, is)));
    let holds = pairs.map(|(was, is)| evaluate::changed(was, is, from, to));
    holds.enumerate().map(|(code, holds)| u64::from(holds) << code).sum()
}

fn ranges(predicate: &Predicate) -> Ranges {
    let cuts = cuts(&predicate.op);
    let below = cuts.first().copied().unwrap_or(0).saturating_sub(1);
    Ranges {
        empty: evaluate::value_holds(&predicate.op, &predicate.field.kind(), &Value::Empty),
        below: holds_at(predicate, below),
        cuts: cuts.into_iter().map(|cut| (cut, holds_at(predicate, cut))).collect(),
    }
}

/// The values at which an operator on a number, a date or a time can change, ascending.
fn cuts(op: &Op) -> Vec<i128> {
    let around = |at: i128| [at, at + 1];
    let mut cuts: Vec<i128> = match op {
        Op::Since(_, Duration::Clock(length)) => around(length.as_nanos()).into(),
        Op::Until(_, Duration::Clock(length)) => around(-length.as_nanos()).into(),
        op => {
            let numbers = literals(op).iter().filter_map(|literal| whole_number(&literal.value())).map(i128::from);
            // Numbers are `i64`, so a cut above its range is never reached.
            numbers.flat_map(around).filter(|cut| *cut <= i128::from(i64::MAX)).collect()
        }
    };
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// A number as a whole number: a decimal number in its units, a date as the days since 1970.
pub(super) fn whole_number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Decimal(decimal) => Some(decimal.units()),
        Value::Date(date) => Some((*date - EPOCH).get_days().into()),
        _ => None,
    }
}

/// The least and the greatest [`whole_number`] of a kind.
pub(super) fn bounds(kind: &Kind) -> (i64, i64) {
    let date = |year, month, day| whole_number(&Value::Date(Date::constant(year, month, day))).unwrap_or_default();
    match kind {
        Kind::Date => (date(0, 1, 1), date(9999, 12, 31)),
        _ => (i64::MIN, i64::MAX),
    }
}

/// The value of a kind that [`whole_number`] gives this for; empty if there is none.
pub(super) fn of_whole_number(number: i128, kind: &Kind) -> Value<'static> {
    let Ok(number) = i64::try_from(number) else { return Value::Empty };
    match kind {
        Kind::Decimal => Value::Decimal(Decimal::from_units(number)),
        Kind::Date => {
            let days = i32::try_from(number).ok().and_then(|days| Span::new().try_days(days).ok());
            days.and_then(|days| EPOCH.checked_add(days).ok()).map_or(Value::Empty, Value::Date)
        }
        _ => Value::Number(number),
    }
}

/// Whether a predicate holds for this number, or for a time of this age in nanoseconds.
fn holds_at(predicate: &Predicate, at: i128) -> bool {
    let compares =
        |comparison: &Comparison, with: &SignedDuration, length: i128| comparison.holds(length.cmp(&with.as_nanos()));
    match (&predicate.op, predicate.field.kind()) {
        (Op::Since(comparison, Duration::Clock(with)), Kind::Time) => compares(comparison, with, at),
        (Op::Until(comparison, Duration::Clock(with)), Kind::Time) => compares(comparison, with, -at),
        // Other operators on times do not depend on the value.
        (op, kind @ Kind::Time) => evaluate::value_holds(op, &kind, &Value::Time(Timestamp::UNIX_EPOCH)),
        (op, kind) => evaluate::value_holds(op, &kind, &of_whole_number(at, &kind)),
    }
}

fn whole<'p>(op: &'p Op, kind: &Kind) -> Whole<'p> {
    let literals = literals(op);
    let names = || mentioned(literals, kind);
    let holds = |value: String| {
        let value = value.into();
        let value = if *kind == Kind::Text { Value::Text(value) } else { Value::Word(value) };
        evaluate::value_holds(op, kind, &value)
    };
    // A sample of the other values: longer than all mentioned values, so different from each.
    let longest = names().max_by_key(|name| name.len()).unwrap_or_default();
    Whole {
        empty: evaluate::value_holds(op, kind, &Value::Empty),
        other: holds(format!("{longest}\u{1}")),
        mentioned: names().next().is_some_and(|name| holds(name.to_owned())),
        literals,
        kind: kind.clone(),
    }
}

/// The values among literals that a field of this kind can have, folded.
fn mentioned<'p>(literals: &'p [Literal], kind: &Kind) -> impl Iterator<Item = &'p str> + Clone + use<'p> {
    let (texts, words) = (*kind == Kind::Text, matches!(kind, Kind::Declared(_)));
    literals.iter().filter_map(move |literal| match literal {
        Literal::Text(text) if texts && !text.folded.is_empty() => Some(&*text.folded),
        Literal::Word { word, .. } if words => Some(&**word),
        _ => None,
    })
}

fn search(op: &Op) -> Option<Search<'_>> {
    Some(match op {
        Op::Contains(needles) | Op::StartsWith(needles) | Op::EndsWith(needles)
            if needles.iter().any(|needle| needle.folded.is_empty()) =>
        {
            Search::Anything
        }
        Op::Contains(needles) => Search::Anywhere(needles),
        Op::ContainsWord(needles) => Search::Words(needles),
        Op::StartsWith(needles) => Search::Start(needles),
        Op::EndsWith(needles) => Search::End(needles),
        Op::Matches(pattern) => Search::Regex(pattern),
        _ => return None,
    })
}

/// The literals of an operator that compares whole values.
pub(super) fn literals(op: &Op) -> &[Literal] {
    match op {
        Op::Is(one) | Op::IsNot(one) | Op::Compare(_, one) => std::slice::from_ref(one),
        Op::In(some) | Op::NotIn(some) => some,
        _ => &[],
    }
}
