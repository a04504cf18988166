//! Entries of named lists with a last day. A predicate on such a list means one predicate on the entries without a last
//! day and, for each day, one on its entries that counts until then.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use jiff::civil::Date;

use super::{
    Checker,
    list::{ListUse, ListValues, named},
    value::{meant_date, no_moment, written},
};
use crate::{
    desk::{FieldRef, moment::day},
    lang::{
        ast::{self, AstNode as _, is_text, is_value, span_of},
        codes,
        diagnostic::{Diagnostic, TextDiagnostic},
        rules::{Comparison, Condition, ConditionKind, Let, Literal, Op, Predicate, Values},
        span::Span,
        syntax::{SyntaxElement, SyntaxNode},
    },
};

/// Maximum number of different last days in a list.
pub(super) const MAX_DAYS: usize = 100;

/// An entry of a named list.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: SyntaxElement,
    /// The last day on which it counts; `None` is always.
    pub(super) until: Option<Date>,
}

/// The entries among the children of a node. A last day with an error is left out.
pub(super) fn entries_in(node: &SyntaxNode) -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![];
    for element in node.children_with_tokens() {
        match element {
            value if is_value(value.kind()) => entries.push(Entry { value, until: None }),
            SyntaxElement::Node(node) => {
                let last = ast::LastDay::cast(node).and_then(|node| node.day());
                let until = last.and_then(|value| last_day(&value).ok());
                if let Some(entry) = entries.last_mut() {
                    entry.until = until;
                }
            }
            SyntaxElement::Token(_) => {}
        }
    }
    entries
}

/// The errors in the last days among the descendants of a node.
pub(super) fn errors_in(node: &SyntaxNode) -> impl Iterator<Item = TextDiagnostic> {
    let days = node.descendants().filter_map(ast::LastDay::cast).filter_map(|node| node.day());
    days.filter_map(|value| last_day(&value).err())
}

/// The error about more different last days than a list may have.
pub(super) fn too_many(entries: &[Entry], at: Range<usize>) -> Option<TextDiagnostic> {
    let mut days: Vec<_> = entries.iter().filter_map(|entry| entry.until).collect();
    days.sort_unstable();
    days.dedup();
    let message = format!("too many last days: the entries of a list have at most {MAX_DAYS} different ones");
    (days.len() > MAX_DAYS).then(|| Diagnostic::new(&codes::TW0109, at, message))
}

fn last_day(value: &SyntaxElement) -> Result<Date, TextDiagnostic> {
    let text = written(value);
    let error = match (day(&text), is_text(value.kind())) {
        (Ok(date), false) => return Ok(date),
        (Ok(_), true) => Diagnostic::new(&codes::TW0302, span_of(value), "a date stands without quotes"),
        (Err(why), _) => no_moment(value, "date", &why),
    };
    Err(match meant_date(&text) {
        Some(meant) => error.with_help(format!("write `until {meant}`")).with_guess(span_of(value), meant.to_string()),
        None => error.with_help("write the last day as `until 2026-12-31`; for the text itself, write it in quotes"),
    })
}

/// The values of a list by last day, those without one first.
pub(super) type ByDay = Vec<(Option<Date>, ListValues)>;

/// Divides the values of a list by their last day.
pub(super) fn by_day(entries: &[Entry], values: &ListValues) -> ByDay {
    fn parts<T: Clone>(entries: &[Entry], all: &Values<T>) -> BTreeMap<Option<Date>, Values<T>> {
        let mut parts = BTreeMap::<_, Vec<T>>::new();
        for (entry, value) in entries.iter().zip(all.iter()) {
            parts.entry(entry.until).or_default().push(value.clone());
        }
        let name = |until: Option<Date>| match (&all.name, until) {
            (Some(name), Some(until)) => Some(format!("{name} until {until}").into()),
            (name, _) => name.clone(),
        };
        parts.into_iter().map(|(until, items)| (until, Values { name: name(until), items: items.into() })).collect()
    }
    match values {
        ListValues::Literals(all) => {
            parts(entries, all).into_iter().map(|(d, v)| (d, ListValues::Literals(v))).collect()
        }
        ListValues::Members(all) => parts(entries, all).into_iter().map(|(d, v)| (d, ListValues::Members(v))).collect(),
        ListValues::Texts(all) => parts(entries, all).into_iter().map(|(d, v)| (d, ListValues::Texts(v))).collect(),
    }
}

impl Checker<'_, '_> {
    /// What a predicate means whose list has entries with a last day; `None` if its list has none.
    pub(super) fn on_days(&self, predicate: &Predicate, asked: &ast::Predicate, span: &Span) -> Option<ConditionKind> {
        let value = asked.value()?;
        let used = ListUse::of(&predicate.field, asked)?;
        let parts = self.context.dated_lists.get(&(named(&value)?.text().to_owned(), used))?;
        let date = FieldRef::find("date", self.context.desk)?;
        let condition = |kind| Condition { kind, span: span.clone() };
        let ask = |field: &FieldRef, op| condition(ConditionKind::Predicate(Predicate::new(field.clone(), op)));
        // What all entries must pass is passed by those whose last day is over.
        let every = matches!(predicate.op, Op::NotIn(_) | Op::HasNone(_) | Op::HasAll(_));
        let on_day = |(until, values): &(Option<Date>, ListValues)| {
            let on_entries = ask(&predicate.field, with_values(&predicate.op, values)?);
            let Some(until) = until else { return Some(on_entries) };
            let day = |comparison| ask(&date, Op::Compare(comparison, Literal::Date(*until)));
            Some(condition(match every {
                true => ConditionKind::Any(vec![day(Comparison::More), on_entries]),
                false => ConditionKind::All(vec![day(Comparison::AtMost), on_entries]),
            }))
        };
        let (first, last) = (parts.first()?.0, parts.last()?.0);
        let mut parts = parts.iter().map(on_day).collect::<Option<Vec<_>>>()?;
        // When no entry is left, there is none that a ticket could have, and an unknown number is still unknown.
        match (&predicate.op, last.filter(|_| first.is_some())) {
            (Op::HasAll(_), Some(last)) => {
                parts.push(ask(&date, Op::Compare(Comparison::AtMost, Literal::Date(last))));
            }
            (Op::NotIn(_), Some(_)) if predicate.field.kind().may_be_unknown() => {
                parts.push(ask(&predicate.field, Op::IsSet))
            }
            _ => {}
        }
        let means = condition(if every { ConditionKind::All(parts) } else { ConditionKind::Any(parts) });
        let name = predicate.to_string();
        Some(ConditionKind::Let(Arc::new(Let { name, doc: None, condition: means, span: span.clone() })))
    }
}

/// The operator with other values.
fn with_values(op: &Op, values: &ListValues) -> Option<Op> {
    Some(match (op, values.clone()) {
        (Op::In(_), ListValues::Literals(values)) => Op::In(values),
        (Op::NotIn(_), ListValues::Literals(values)) => Op::NotIn(values),
        (Op::HasAny(_), ListValues::Members(values)) => Op::HasAny(values),
        (Op::HasAll(_), ListValues::Members(values)) => Op::HasAll(values),
        (Op::HasNone(_), ListValues::Members(values)) => Op::HasNone(values),
        (Op::Contains(_), ListValues::Texts(values)) => Op::Contains(values),
        (Op::ContainsWord(_), ListValues::Texts(values)) => Op::ContainsWord(values),
        (Op::StartsWith(_), ListValues::Texts(values)) => Op::StartsWith(values),
        (Op::EndsWith(_), ListValues::Texts(values)) => Op::EndsWith(values),
        _ => return None,
    })
}
