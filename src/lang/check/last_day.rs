//! Checks the last days of the entries of named lists.

use std::ops::Range;

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
        rules::LastDays,
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

impl Checker<'_, '_> {
    /// Reports `me` and `my groups` with a last day. Returns whether there are none.
    pub(super) fn without_me_until(&mut self, entries: &[Entry], values: &ListValues) -> bool {
        let ListValues::Literals(literals) = values else { return true };
        let me = entries.iter().zip(literals.iter()).filter(|(entry, me)| entry.until.is_some() && me.asks_me());
        let me: Vec<_> = me.map(|(entry, _)| &entry.value).collect();
        for value in &me {
            let message = format!("`{}` has no last day", written(value));
            let help = "name the agent or group who counts only until then";
            self.report(Diagnostic::new(&codes::TW0302, span_of(value), message).with_help(help));
        }
        me.is_empty()
    }

    /// The last days of the entries of the list in a predicate; `None` if it has none.
    pub(super) fn last_days(&self, field: &FieldRef, predicate: &ast::Predicate) -> Option<&LastDays> {
        let value = predicate.value()?;
        ListUse::of(field, predicate)?;
        self.context.last_days.get(named(&value)?.text())
    }
}
