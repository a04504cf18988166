//! Checks conditions on times: how long ago, how long until, how long in a status, and dates that exclude each other.

use super::{Checker, predicate::comparison, value::shortened};
use crate::{
    desk::{FieldRef, Kind, Scope, Status, TimeOfDay, field::FIELDS},
    lang::{
        ast::{self, AstNode, NodeExt, span_of},
        codes,
        diagnostic::Diagnostic,
        rules::{Comparison, Condition, ConditionKind, Literal, Op, Predicate, Statuses},
        suggest::{for_how_long, listed},
        syntax::{SyntaxElement, range},
    },
};

impl Checker<'_, '_> {
    /// Reports a night that is written as a range of one day: it starts after it ends.
    pub(super) fn can_be_on_one_day(&mut self, condition: &Condition) -> Option<()> {
        let ConditionKind::All(parts) = &condition.kind else { return Some(()) };
        let mut ends: [Option<(Comparison, TimeOfDay)>; 2] = [None, None];
        for part in parts {
            let ConditionKind::Predicate(predicate) = &part.kind else { continue };
            let Op::Compare(comparison, Literal::TimeOfDay(time)) = &predicate.op else { continue };
            let [from, to] = &mut ends;
            *(if comparison.is_lower_bound() { from } else { to }) = Some((*comparison, *time));
        }
        let [Some((after, from)), Some((before, to))] = ends else { return Some(()) };
        if from < to || from == to && (after, before) == (Comparison::AtLeast, Comparison::AtMost) {
            return Some(());
        }
        let (after, before) = (after.as_str(), before.as_str());
        let message = format!("no time of day is {after} {from} and {before} {to}");
        let night = format!("time of day {after} {from} or time of day {before} {to}");
        let span = condition.span.range();
        let error = Diagnostic::new(&codes::TW0302, span.clone(), message);
        self.report(match parts.len() {
            2 => error.with_help(format!("for a night, write `{night}`")).with_guess(span, format!("({night})")),
            _ => error.with_help(format!("for a night, write `({night})`")),
        });
        None
    }

    /// Checks `time in status open`. Returns the field and the statuses.
    pub(super) fn time_in(&mut self, node: &ast::TimeIn) -> Option<(FieldRef, Statuses)> {
        let path = node.field()?;
        let error = |code, message| Diagnostic::new(code, range(&path), message);
        let Some(field) = FieldRef::find(path.text(), self.context.desk).filter(|field| field.name() == "status")
        else {
            let is_status = Status::WORDS.rank(path.text()).is_some();
            let status = if is_status { path.text() } else { "open" };
            let help = format!("write `time in status {status}`, for example");
            let message = match is_status {
                true => format!("`{}` is a value of `status`", path.text()),
                false => format!("times are kept of `status`, not of `{}`", shortened(path.text())),
            };
            let error = error(&codes::TW0301, message).with_help(help);
            self.report(if is_status && node.value().is_none() {
                error.with_guess(range(&path), format!("status {status}"))
            } else {
                error
            });
            return None;
        };
        let Some(value) = node.value() else {
            let help = "write `time in status open`, or `time in status (new, open)`";
            self.report(error(&codes::TW0301, "missing status after `time in status`".to_owned()).with_help(help));
            return None;
        };
        let between = range(&path).end..span_of(&value).start;
        if let Some(word) = node.extra_words().next() {
            let error = Diagnostic::new(
                &codes::TW0106,
                range(&word),
                format!("unexpected `{}` before the status", word.text()),
            );
            self.report(error.with_help(format!("write `time in status {value}`")).with_fix(between, " "));
        }
        let values = match &value {
            SyntaxElement::Node(list) => list.values().collect(),
            SyntaxElement::Token(_) => vec![value.clone()],
        };
        if values.is_empty() {
            self.error(&codes::TW0310, span_of(&value), "empty list");
        }
        let statuses: Vec<_> = values.iter().map(|value| self.literal(&field, value)).collect();
        let statuses = statuses.into_iter().map(|status| match status? {
            Literal::Word { word, .. } => word.parse().ok(),
            _ => None,
        });
        let statuses = statuses.collect::<Option<Statuses>>().filter(|statuses| !statuses.is_empty())?;
        Some((field, statuses))
    }

    /// The comparison of a length of time; `asked` is how that is written.
    fn time_comparison(&mut self, node: &ast::TimeQuestion, asked: impl Fn() -> String) -> Option<Comparison> {
        if let Some(token) = node.comparison() {
            return comparison(token.text());
        }
        if let Some(op) = node.is() {
            let message = "durations are compared with `<`, `<=`, `>` or `>=`";
            let help = format!("write `{} >= …`", asked());
            self.report(Diagnostic::new(&codes::TW0301, range(&op), message).with_help(help));
        }
        None
    }

    pub(super) fn time_question(&mut self, node: &ast::TimeQuestion) -> Option<Predicate> {
        if let Some(time_in) = node.time_in() {
            let comparison = self.time_comparison(node, || time_in.syntax().to_string());
            let asked = self.time_in(&time_in);
            let span = node.length().and_then(|value| self.duration(&value));
            let ((field, statuses), comparison, span) = (asked?, comparison?, span?);
            return Some(Predicate::new(field, Op::TimeIn(statuses, comparison, span)));
        }
        let path = node.field()?;
        let asked = || format!("time {} {}", if node.since() { "since" } else { "until" }, path.text());
        let comparison = self.time_comparison(node, asked);
        let field = match FieldRef::find(path.text(), self.context.desk) {
            None if node.since() && Status::WORDS.rank(path.text()).is_some() => {
                let message = format!("`{}` is a value of `status`, not a time", path.text());
                let asked = node.length().zip(node.comparison()).map(|(length, op)| format!("{op} {length}"));
                let help = for_how_long(path.text(), asked.as_deref().unwrap_or(">= 4 days"));
                self.report(Diagnostic::new(&codes::TW0203, range(&path), message).with_help(help));
                None
            }
            _ => self.field(&path),
        };
        let is_time = |field: &FieldRef| match field.kind() {
            Kind::Time => true,
            // Which date it is follows from the time.
            Kind::Date => field.scope() == Scope::Ticket,
            _ => false,
        };
        if let Some(field) = field.as_ref().filter(|field| !is_time(field)) {
            let times = FIELDS.iter().filter(|f| f.kind == Kind::Time).map(|f| f.name);
            let message = format!("`{field}` is {}, not a time", field.kind());
            let error = Diagnostic::new(&codes::TW0301, range(&path), message);
            self.report(match field.name().as_ref() {
                "status" => error
                    .with_help("the time of its last change is `status_changed`")
                    .with_guess(range(&path), "status_changed"),
                _ => error.with_help(format!("times are {}", listed(times))),
            });
            return None;
        }
        let span = node.length().and_then(|value| self.duration(&value));
        let (field, comparison, span) = (field?, comparison?, span?);
        let test = match node.since() {
            true => Op::Since(comparison, span),
            false => Op::Until(comparison, span),
        };
        Some(Predicate::new(field, test))
    }
}
