//! Checks predicates: an operator on a field, and its operand.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Checker, Where,
    list::ListValues,
    value::{is_me, written, yes_or_no},
};
use crate::{
    desk::{
        FieldRef, Kind, Owner, Scope, TimeOfDay,
        field::{Declared, Members},
    },
    lang::{
        ast::{self, AstNode, Meant, NodeExt, span_of},
        codes,
        diagnostic::Diagnostic,
        display::Quoted,
        rules::{Comparison, ConditionKind, Literal, Member, Op, Predicate, Relation, Values},
        syntax::{SyntaxElement, SyntaxKind, range},
    },
};

impl Checker<'_, '_> {
    pub(super) fn predicate(
        &mut self,
        field: FieldRef,
        predicate: &ast::Predicate,
        node: &ast::Question,
        scope: Where,
    ) -> Option<ConditionKind> {
        use ast::Predicate as P;
        let span = predicate.span();
        if field.kind() == Kind::YesNo && !matches!(predicate, P::Changed(_)) {
            return self.yes_no_compared(&field, predicate, node);
        }
        if let Some((relation, value)) = related(predicate)
            && let Some(other) = self.other_field(&field, &value)
        {
            let op = self.related(&field, relation, other?, &value, &span, scope)?;
            return Some(ConditionKind::Predicate(Predicate::new(field, op)));
        }
        let op = match (predicate, predicate.value()) {
            (P::Is(test), None) => self.is_nothing(&field, test),
            (P::Wrong(_), None) => Some(Op::IsEmpty),
            (P::Is(test), Some(value)) => self.is(&field, test.not(), &value, &span),
            (P::Wrong(test), Some(value)) => match test.meant()? {
                Meant::AtLeast => self.compare(&field, Comparison::AtLeast, &value, &span),
                Meant::AtMost => self.compare(&field, Comparison::AtMost, &value, &span),
                Meant::Is => self.is(&field, false, &value, &span),
                Meant::IsNot => self.is(&field, true, &value, &span),
            },
            (P::Compare(test), Some(value)) => {
                let comparison = comparison(test.comparison()?.text())?;
                self.compare(&field, comparison, &value, &span)
            }
            (P::In(test), Some(value)) => self.is_in(&field, test.not(), predicate, &value),
            (P::Has(test), Some(value)) => self.has(&field, predicate, test, &value),
            (P::Contains(_) | P::Starts(_) | P::Ends(_) | P::Matches(_), Some(value)) => {
                self.about_text(&field, predicate, &value)
            }
            (P::Changed(test), _) => self.changed(&field, test),
            _ => None,
        }?;
        let last_days = self.last_days(&field, predicate).cloned();
        Some(ConditionKind::Predicate(Predicate::new(field, op).with_last_days(last_days)))
    }

    /// Reports a yes/no field with an operator, as in `requester.verified is yes`: it is a condition by itself.
    fn yes_no_compared(
        &mut self,
        field: &FieldRef,
        predicate: &ast::Predicate,
        node: &ast::Question,
    ) -> Option<ConditionKind> {
        let answer = predicate.value().and_then(|v| yes_or_no(&written(&v)));
        let negated = predicate.negated();
        let message = format!("`{field}` is already a condition and cannot be compared");
        let diagnostic = Diagnostic::new(&codes::TW0311, predicate.span(), message);
        let help = format!("write `{field}`, or `not {field}`");
        self.report(match answer {
            Some(answer) => {
                // A preceding `not` and a negated operator cancel each other.
                let outer = node.syntax().parent().and_then(ast::Negation::cast);
                let nots = outer.as_ref().map_or(0, |outer| outer.nots()) + usize::from(answer == negated);
                let span = outer.map_or_else(|| node.span(), |outer| outer.span());
                let write = if nots.is_multiple_of(2) { field.to_string() } else { format!("not {field}") };
                diagnostic.with_fix(span, write).with_help(help)
            }
            None => diagnostic.with_help(help),
        });
        None
    }

    /// The field that a value names, if it is no value of this field. Reports an error if it looks like one and is none.
    pub(super) fn other_field(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Option<FieldRef>> {
        let name = value.as_token().filter(|token| token.kind() == SyntaxKind::Path)?;
        let is_value = match field.kind() {
            // No two fields have the same words.
            Kind::Words(_) => true,
            Kind::Declared(declared) => self.context.desk.declared_name(&declared, name.text()).is_some(),
            Kind::Set(_) => true,
            _ => false,
        };
        if is_value || is_me(value) {
            return None;
        }
        if let Some(other) = FieldRef::find(name.text(), self.context.desk) {
            return Some(Some(other));
        }
        let is_custom = Owner::split(name.text()).1.starts_with("field.");
        is_custom.then(|| {
            self.unknown_name(name.text(), range(name), true);
            None
        })
    }

    /// Checks a comparison with another field.
    fn related(
        &mut self,
        field: &FieldRef,
        relation: Relation,
        other: FieldRef,
        value: &SyntaxElement,
        span: &Range<usize>,
        scope: Where,
    ) -> Option<Op> {
        let (kind, others) = (field.kind(), other.kind());
        if !self.may_ask(&other, span_of(value), scope) {
            return None;
        }
        if *field == other {
            let message = format!("`{field}` is compared with itself");
            let help = "compare it with another field, or with a value";
            self.report(Diagnostic::new(&codes::TW0302, span.clone(), message).with_help(help));
            return None;
        }
        let choices = |declared: &Declared| {
            self.context.desk.declared(declared).into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let why = match (&kind, &others) {
            (Kind::Declared(a @ Declared::Choice(_)), Kind::Declared(b @ Declared::Choice(_)))
                if choices(a).is_disjoint(&choices(b)) =>
            {
                format!("no choice of `{field}` is one of `{other}`")
            }
            (a, b) if a.compares_with(b) => match relation {
                Relation::Compare(_) if !a.is_ordered() => format!("`{field}` and `{other}` have no order"),
                _ => return Some(Op::Field(relation, other)),
            },
            (Kind::Set(_), Kind::Set(_)) => "sets cannot be compared with each other".to_owned(),
            (a, b) if a == b => format!("`{field}` and `{other}` are {a}, and cannot be compared"),
            (a, b) => format!("`{field}` is {a}, but `{other}` is {b}"),
        };
        let help = match kind {
            Kind::Text => format!("fields of one kind can be compared; for the text itself, write `\"{other}\"`"),
            _ => "fields of one kind can be compared".to_owned(),
        };
        self.report(Diagnostic::new(&codes::TW0301, span.clone(), why).with_help(help));
        None
    }

    fn is_nothing(&mut self, field: &FieldRef, predicate: &ast::IsTest) -> Option<Op> {
        let (negated, empty) = (predicate.not(), predicate.empty());
        let predicate = predicate.syntax();
        if negated {
            let write = if empty { "is set" } else { "is empty" };
            let message = format!("unknown operator `{predicate}`: write `{write}`");
            self.report(Diagnostic::new(&codes::TW0106, predicate.span(), message).with_fix(predicate.span(), write));
        }
        if field.always_has_a_value() {
            let help = format!("write {}", example_of(field));
            return self.cannot(field, predicate.span(), "always has a value", &help);
        }
        Some(if empty != negated { Op::IsEmpty } else { Op::IsSet })
    }

    pub(super) fn is(&mut self, field: &FieldRef, not: bool, value: &SyntaxElement, span: &Range<usize>) -> Option<Op> {
        let unquoted = matches!(field.kind(), Kind::Words(words) if words.rank(&written(value)).is_some());
        if self.is_list(value) && !unquoted {
            self.uses_list(value);
            let write = if not { "not in" } else { "in" };
            let message = "`is` takes one value, not a list";
            let words = span.start..span_of(value).start;
            let diagnostic = Diagnostic::new(&codes::TW0310, span.clone(), message)
                .with_help(format!("write `{field} {write} {value}`"))
                .with_fix(words, format!("{write} "));
            self.report(diagnostic);
            return None;
        }
        match field.kind() {
            Kind::Set(_) => {
                let help = format!("write `{}{field} has {value}`", if not { "not " } else { "" });
                let why = format!("is {} and cannot equal one value", field.kind());
                return self.cannot(field, span.clone(), &why, &help);
            }
            Kind::Time => {
                let help = match field.follows_from_sla() || field.name().ends_with("due") {
                    true => format!("write `time since {field} > 0 minutes`, or `time until {field} < 2 hours`"),
                    false => format!("write `time since {field} < 1 day`, or `{field} is empty`"),
                };
                return self.cannot(field, span.clone(), "is a time and cannot equal one value", &help);
            }
            _ => {}
        }
        if value.kind() == SyntaxKind::MyGroups && field.name() == "group" {
            let write = if not { "not in" } else { "in" };
            let words = span.start..span_of(value).start;
            let error = Diagnostic::new(&codes::TW0310, span.clone(), "`my groups` are several groups");
            let help = format!("write `{field} {write} my groups`");
            self.report(error.with_help(help).with_fix(words, format!("{write} ")));
            return None;
        }
        let literal = self.literal(field, value)?;
        self.can_equal(field, &literal, value)?;
        Some(if not { Op::IsNot(literal) } else { Op::Is(literal) })
    }

    /// Reports an operand that no value of the field equals.
    pub(super) fn can_equal(&mut self, field: &FieldRef, literal: &Literal, value: &SyntaxElement) -> Option<()> {
        match literal {
            Literal::Text(text) if text.folded.is_empty() => {
                let message = "no text equals the empty string";
                let help = format!("write `{field} is empty`, or `{field} is set`");
                self.report(Diagnostic::new(&codes::TW0302, span_of(value), message).with_help(help));
                None
            }
            Literal::Text(text) => self.can_contain(field, &text.folded, span_of(value)),
            Literal::Number(number) if !field.domain().contains(number) => {
                let message = format!("no `{field}` is {number}");
                self.report(Diagnostic::new(&codes::TW0302, span_of(value), message).with_help("counts start at 0"));
                None
            }
            _ => Some(()),
        }
    }

    /// Reports an operator that the field does not support.
    pub(super) fn cannot(&mut self, field: &FieldRef, span: Range<usize>, why: &str, help: &str) -> Option<Op> {
        let diagnostic = Diagnostic::new(&codes::TW0301, span, format!("`{field}` {why}"));
        self.report(diagnostic.with_help(help));
        None
    }

    fn compare(
        &mut self,
        field: &FieldRef,
        comparison: Comparison,
        value: &SyntaxElement,
        span: &Range<usize>,
    ) -> Option<Op> {
        match field.kind() {
            Kind::Number | Kind::Decimal | Kind::TimeOfDay | Kind::Date => {}
            Kind::Words(words) if words.ordered => {}
            Kind::Words(_) | Kind::Declared(_) => {
                let message = format!("ordered comparison on an unordered field `{field}`");
                let help = format!("write `{field} in (…)` with the values you mean");
                self.report(Diagnostic::new(&codes::TW0303, span.clone(), message).with_help(help));
                return None;
            }
            Kind::Time => {
                let name = field.name();
                let way = if name == "breach" || name.ends_with("due") { "until" } else { "since" };
                let help = match value.kind() {
                    SyntaxKind::Duration => format!("write `time {way} {field} {} {value}`", comparison.as_str()),
                    SyntaxKind::Number => format!("write `time since {field} {} 4 days`", comparison.as_str()),
                    // What was before a time or a day is longer ago.
                    _ => format!("write `time since {field} {} 4 days`, for example", comparison.flipped().as_str()),
                };
                return self.cannot(field, span.clone(), "is a time and cannot be compared with a value", &help);
            }
            Kind::Text => {
                let help = "for texts, use `is`, `contains`, `starts with` or `matches`";
                return self.cannot(field, span.clone(), "is text and has no order", help);
            }
            Kind::Set(_) => {
                return self.cannot(field, span.clone(), &format!("is {} and has no order", field.kind()), "use `has`");
            }
            Kind::YesNo => return None,
        }
        let literal = self.literal(field, value)?;
        let always = match (comparison, &literal) {
            (Comparison::Less, Literal::TimeOfDay(TimeOfDay::FIRST))
            | (Comparison::More, Literal::TimeOfDay(TimeOfDay::LAST)) => Some("never"),
            (Comparison::AtLeast, Literal::TimeOfDay(TimeOfDay::FIRST))
            | (Comparison::AtMost, Literal::TimeOfDay(TimeOfDay::LAST)) => Some("always"),
            _ => None,
        };
        if let Some(always) = always {
            let message = format!("`{field}` is {always} {} {value}", comparison.as_str());
            let help = "a day is from 00:00 to 23:59; for a night, write `time of day >= 22:00 or time of day < 06:00`";
            self.report(Diagnostic::new(&codes::TW0302, span.clone(), message).with_help(help));
            return None;
        }
        self.can_equal(field, &literal, value)?;
        let last = match field.kind() {
            Kind::Words(words) => words.words.len().checked_sub(1),
            _ => None,
        };
        match (comparison, &literal) {
            (Comparison::Less, Literal::Word { rank: Some(0), word }) => {
                let help = format!("write `{field} is {word}`, or `{field} <= {word}`");
                return self.cannot(field, span.clone(), &format!("is never below `{word}`"), &help);
            }
            (Comparison::Less, Literal::Number(number)) if number == field.domain().start() => {
                let help = format!("write `{field} is {number}`, or `{field} is empty` for an unknown number");
                return self.cannot(field, span.clone(), &format!("is never below {number}"), &help);
            }
            (Comparison::More, Literal::Word { rank, word }) if *rank == last => {
                let help = format!("write `{field} is {word}`, or `{field} >= {word}`");
                return self.cannot(field, span.clone(), &format!("is never above `{word}`"), &help);
            }
            _ => {}
        }
        Some(Op::Compare(comparison, literal))
    }

    fn is_in(&mut self, field: &FieldRef, not: bool, predicate: &ast::Predicate, value: &SyntaxElement) -> Option<Op> {
        let span = &predicate.span();
        match field.kind() {
            Kind::Set(_) => {
                let which = if not { "has none of" } else { "has any of" };
                let help = format!("write `{field} {which} {value}`");
                let why = format!("is {} and has no operator `in`", field.kind());
                return self.cannot(field, span.clone(), &why, &help);
            }
            Kind::Time => {
                let help = format!("write `time since {field} < 1 day`");
                return self.cannot(field, span.clone(), "is a time and cannot be compared with a value", &help);
            }
            _ => {}
        }
        let literals = if value.kind() == SyntaxKind::MyGroups {
            if field.name() != "group" {
                let help = "`my groups` are the groups of an agent: write `group in my groups`";
                return self.cannot(field, span.clone(), "is not a group", help);
            }
            Values::one(Literal::MyGroups)
        } else if is_me(value) && !self.is_list(value) && field.name() == "assignee" {
            let write = if not { "is not" } else { "is" };
            let words = span.start..span_of(value).start;
            let error = Diagnostic::new(&codes::TW0310, span.clone(), "`me` is one agent, not a list");
            let help = format!("write `{field} {write} me`");
            self.report(error.with_help(help).with_fix(words, format!("{write} ")));
            return None;
        } else {
            let ListValues::Literals(literals) = self.list_operand(field, predicate, value)? else { return None };
            literals
        };
        Some(if not { Op::NotIn(literals) } else { Op::In(literals) })
    }

    fn has(
        &mut self,
        field: &FieldRef,
        predicate: &ast::Predicate,
        test: &ast::HasTest,
        value: &SyntaxElement,
    ) -> Option<Op> {
        let Kind::Set(members) = field.kind() else {
            let help = match field.kind() {
                Kind::Text if self.is_list(value) => format!("write `{field} contains any of {value}`"),
                Kind::Text => format!("write `{field} contains {}`", quoted(value)),
                _ if self.is_list(value) => format!("write `{field} in {value}`"),
                Kind::Number if value.kind() != SyntaxKind::Number => {
                    format!("compare it with a number: `{field} >= 10`")
                }
                _ => format!("write `{field} is {value}`"),
            };
            let why = format!("is {}, but `has` is for sets of tags", field.kind());
            return self.cannot(field, predicate.span(), &why, &help);
        };
        if test.starting() {
            return self.has_starting(field, &members, value);
        }
        if !test.of() {
            if value.kind() == SyntaxKind::List {
                let message = "`has` takes one tag, not a list";
                let help = format!("write `has any of {value}`, or `has all of {value}`");
                self.report(Diagnostic::new(&codes::TW0310, predicate.span(), message).with_help(help));
                return None;
            }
            if !self.is_no_list(value, &format!("write `has any of {value}`, or `has all of {value}`")) {
                return None;
            }
            return self.member(&members, value).map(|member| match member {
                Member::Named(name) => Op::HasAny(Values::one(name)),
                Member::Me => Op::HasMe,
            });
        }
        let ListValues::Members(tags) = self.list_operand(field, predicate, value)? else { return None };
        Some(match (test.any(), test.all()) {
            (true, _) if test.not() => Op::HasNone(tags),
            (true, _) => Op::HasAny(tags),
            (_, true) => Op::HasAll(tags),
            _ => Op::HasNone(tags),
        })
    }

    /// Checks the beginning of a tag.
    fn has_starting(&mut self, field: &FieldRef, members: &Members, value: &SyntaxElement) -> Option<Op> {
        let what = match members {
            Members::Tags => None,
            Members::Declared(Declared::Choice(_)) => Some("declared choices"),
            Members::Declared(_) => Some("declared agents"),
            Members::Words(_) => Some("keywords"),
        };
        if let Some(what) = what {
            let help = format!("name them: write `{field} has any of (…)`");
            let why = format!("has {what}, which have no beginnings in common");
            return self.cannot(field, span_of(value), &why, &help);
        }
        if self.is_list(value) {
            self.uses_list(value);
            let message = "`starting with` takes one string, not a list";
            let help = format!("repeat it: `{field} has any starting with a or {field} has any starting with b`");
            self.report(Diagnostic::new(&codes::TW0310, span_of(value), message).with_help(help));
            return None;
        }
        self.tag(value).map(Op::HasStarting)
    }

    fn changed(&mut self, field: &FieldRef, predicate: &ast::ChangedTest) -> Option<Op> {
        if field.scope() != Scope::Ticket {
            let help = "`changed` is for fields that the ticket stores";
            return self.cannot(field, predicate.span(), "is not stored, so it cannot change", help);
        }
        if !field.is_changed_by_events() {
            let help = "`changed` compares the ticket before and after an event; write a condition on the value";
            return self.cannot(field, predicate.span(), "is not changed by any event", help);
        }
        let (from, to) = (predicate.from(), predicate.to());
        for (values, word) in [(&from, "from"), (&to, "to")] {
            if let Some(again) = values.get(1) {
                self.error(&codes::TW0115, span_of(again), format!("duplicate `{word}`"));
                return None;
            }
        }
        if matches!(field.kind(), Kind::Set(_) | Kind::Time)
            && let Some(value) = from.iter().chain(&to).next()
        {
            let why = format!("is {}, for which `changed` takes no value", field.kind());
            let help = match field.kind() {
                Kind::Set(_) => format!("write `{field} changed and {field} has {value}`"),
                _ => format!("write `{field} changed`"),
            };
            return self.cannot(field, span_of(value), &why, &help);
        }
        let [from, to] = [from, to].map(|values| {
            values
                .into_iter()
                .next()
                .map(|v| self.literal(field, &v).filter(|literal| self.can_equal(field, literal, &v).is_some()))
        });
        let given = |literal: Option<Option<Literal>>| match literal {
            Some(None) => Err(()),
            other => Ok(other.flatten()),
        };
        match (given(from), given(to)) {
            (Ok(from), Ok(to)) => Some(Op::Changed { from, to }),
            _ => None,
        }
    }
}

/// The relation and the operand of an operator that may compare two fields.
fn related(predicate: &ast::Predicate) -> Option<(Relation, SyntaxElement)> {
    let relation = match predicate {
        ast::Predicate::Is(test) if test.not() => Relation::IsNot,
        ast::Predicate::Is(_) => Relation::Is,
        ast::Predicate::Compare(test) => Relation::Compare(comparison(test.comparison()?.text())?),
        ast::Predicate::Wrong(test) => match test.meant()? {
            Meant::Is => Relation::Is,
            Meant::IsNot => Relation::IsNot,
            Meant::AtLeast => Relation::Compare(Comparison::AtLeast),
            Meant::AtMost => Relation::Compare(Comparison::AtMost),
        },
        _ => return None,
    };
    Some((relation, predicate.value()?))
}

pub(super) fn comparison(text: &str) -> Option<Comparison> {
    Some(match text {
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        ">" => Comparison::More,
        ">=" => Comparison::AtLeast,
        _ => return None,
    })
}

pub(super) fn quoted(value: &SyntaxElement) -> String {
    Quoted(&written(value)).to_string()
}

/// A tag for a message: quoted if necessary.
pub(super) fn bare(value: &SyntaxElement) -> String {
    let tag = written(value).to_lowercase();
    let plain = !tag.is_empty() && tag.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { tag } else { Quoted(&tag).to_string() }
}

/// An example of a predicate on a field, for a message.
pub(super) fn example_of(field: &FieldRef) -> String {
    match field.kind() {
        Kind::Number => format!("`{field} >= 100`, for example"),
        Kind::Decimal => format!("`{field} >= 12.50`, for example"),
        Kind::Words(words) => format!("`{field} is {}`, for example", words.words.first().unwrap_or(&"…")),
        Kind::Declared(_) => format!("`{field} is \"…\"`, or `{field} is empty`"),
        Kind::Text => format!("`{field} contains \"…\"`, for example"),
        Kind::Set(_) => format!("`{field} has …`, for example"),
        Kind::Time => format!("`time since {field} >= 4 days`, for example"),
        Kind::TimeOfDay => format!("`{field} >= 18:00`, for example"),
        Kind::Date => format!("`{field} >= 2026-12-24`, for example"),
        Kind::YesNo => format!("`{field}`"),
    }
}
