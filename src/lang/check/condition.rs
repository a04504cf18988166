//! Checks conditions and predicates.

use std::{ops::Range, sync::Arc};

use super::{
    CheckedLet, Checker, MAX_CONDITION_DEPTH, MAX_PREDICATES, NameKind, NameList, Where,
    list::{ListValues, Search},
    value::{is_me, shortened, written, yes_or_no},
};
use crate::{
    desk::{
        FieldRef, Kind, Owner, Scope, Status, TimeOfDay,
        field::{Declared, FIELDS},
        text::fold,
    },
    lang::{
        ast::{self, AstNode, Expr, Meant, NodeExt, Titled, span_of},
        codes,
        diagnostic::Diagnostic,
        display::Quoted,
        foreign,
        rules::{
            Comparison, Condition, ConditionKind, Folded, InvalidPattern, Let, Literal, Op, Pattern, Predicate,
            Statuses, Values,
        },
        suggest::{did_you_mean, for_how_long, listed},
        syntax::{SyntaxElement, SyntaxKind, SyntaxToken, range, text::Text},
    },
};

/// The help for `me` where nobody acts.
const NOBODY_ACTS: &str = "automations run as time passes; name the agent or group, as in `assignee is \"Ana\"`";

impl Checker<'_, '_> {
    /// Checks a condition and reports all errors in it.
    pub(super) fn condition(&mut self, node: &ast::Condition, scope: Where) -> Option<Condition> {
        self.expr(&Expr::Any(node.clone()), scope)
    }

    fn expr(&mut self, node: &Expr, scope: Where) -> Option<Condition> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let condition = self.expr_inside(node, scope);
        self.depth -= 1;
        condition
    }

    fn expr_inside(&mut self, node: &Expr, scope: Where) -> Option<Condition> {
        let kind = match node {
            Expr::Any(any) => {
                let parts: Vec<_> = any.parts().map(Expr::All).collect();
                return self.parts(node, &parts, scope, ConditionKind::Any);
            }
            Expr::All(all) => {
                let parts: Vec<_> = all.parts().collect();
                let condition = self.parts(node, &parts, scope, ConditionKind::All)?;
                self.can_be_on_one_day(&condition)?;
                return Some(condition);
            }
            Expr::Parens(parens) => return self.condition(&parens.condition()?, scope),
            Expr::Not(not) => {
                let inner = self.expr(&not.inner()?, scope)?;
                match not.nots() % 2 {
                    0 => inner.kind,
                    _ => ConditionKind::Not(Box::new(inner)),
                }
            }
            Expr::Question(question) => self.question(question, scope)?,
            Expr::Time(question) => ConditionKind::Predicate(self.time_question(question)?),
        };
        Some(Condition { kind, span: self.span(node.span()) })
    }

    /// Checks the operands of `and` or `or`, including those after an operand with an error.
    fn parts(
        &mut self,
        node: &Expr,
        parts: &[Expr],
        scope: Where,
        join: fn(Vec<Condition>) -> ConditionKind,
    ) -> Option<Condition> {
        let checked: Vec<_> = parts.iter().map(|part| self.expr(part, scope)).collect();
        let mut checked = checked.into_iter().collect::<Option<Vec<_>>>()?;
        // An operand did not parse.
        if checked.len() < node.syntax().children().count() {
            return None;
        }
        if checked.len() == 1 {
            return checked.pop();
        }
        Some(Condition { kind: join(checked), span: self.span(node.span()) })
    }

    /// Reports a night that is written as a range of one day: it starts after it ends.
    fn can_be_on_one_day(&mut self, condition: &Condition) -> Option<()> {
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

    /// Checks a predicate, or a reference to a named condition.
    fn question(&mut self, node: &ast::Question, scope: Where) -> Option<ConditionKind> {
        let predicate = node.predicate();
        if let Some(sample) = node.sample() {
            let field = FieldRef::Sample(Arc::new(self.sample(&sample)?));
            return Some(ConditionKind::Predicate(Predicate::new(field, Op::Holds)));
        }
        if let Some(name) = node.hours().and_then(|hours| hours.name()) {
            let name = self.declared_name(&Declared::Schedule, &written(&name), span_of(&name))?;
            let schedule = self.context.desk.schedules.iter().find(|schedule| schedule.name == name)?;
            let field = FieldRef::Schedule(Arc::new(schedule.clone()));
            return match predicate {
                Some(predicate) => self.predicate(field, &predicate, node),
                None => Some(ConditionKind::Predicate(Predicate::new(field, Op::Holds))),
            };
        }
        let (name, span) = match (node.hours(), node.clock(), node.name()) {
            (Some(hours), ..) => ("within business hours".to_owned(), hours.span()),
            (_, Some(clock), _) => ("time of day".to_owned(), clock.span()),
            (.., Some(path)) => (path.text().to_owned(), range(&path)),
            _ => return None,
        };
        if self.uses(NameKind::Let, &name, span.clone()).is_some() {
            if let Some(predicate) = predicate {
                let message = format!("`{name}` is already a condition and cannot be compared");
                let help = format!("write `{name}`, or `not {name}`");
                self.report(Diagnostic::new(&codes::TW0311, predicate.span(), message).with_help(help));
                return None;
            }
            // A `let` with errors is missing here; they have been reported.
            let checked = self.context.lets.get(&name)?;
            self.deepest = self.deepest.max(self.depth + checked.depth);
            if self.deepest > MAX_CONDITION_DEPTH {
                self.error(&codes::TW0108, span, "nesting too deep, counting the conditions it refers to");
                return None;
            }
            if let (false, Some(me)) = (self.acts, &checked.me) {
                let message = format!("`{name}` asks who acts, because of {me}, and nobody does in an automation");
                self.report(Diagnostic::new(&codes::TW0304, span, message).with_help(NOBODY_ACTS));
                return None;
            }
            if let (Some(help), Some(event)) = (scope.no_event(), &checked.event) {
                let message = format!("`{name}` needs an event, because of {event}");
                self.report(Diagnostic::new(&codes::TW0304, span, message).with_help(help));
                return None;
            }
            return Some(ConditionKind::Let(Arc::clone(&checked.named)));
        }
        if self.uses(NameKind::List, &name, span.clone()).is_some() {
            let message =
                format!("`{name}` is a list, not a {}", if predicate.is_some() { "field" } else { "condition" });
            let help = format!("a list is what a field is compared with: `requester.handle in {name}`, for example");
            self.report(Diagnostic::new(&codes::TW0310, span, message).with_help(help));
            return None;
        }
        let Some(field) = FieldRef::find(&name, self.context.desk) else {
            self.unknown_name(&name, span, predicate.is_some());
            // The operator cannot be checked without the type of the field.
            return None;
        };
        if !self.may_ask(&field, span.clone(), scope) {
            return None;
        }
        let Some(predicate) = predicate else {
            if field.kind() == Kind::YesNo {
                return Some(ConditionKind::Predicate(Predicate::new(field, Op::Holds)));
            }
            let message = format!("missing operator: `{field}` is {}", field.kind());
            let help = format!("write {}", example_of(&field));
            self.report(Diagnostic::new(&codes::TW0301, span, message).with_help(help));
            return None;
        };
        if let (ast::Predicate::Changed(_), Some(help)) = (&predicate, scope.no_event()) {
            let error = Diagnostic::new(&codes::TW0304, predicate.span(), "`changed` needs an event");
            self.report(error.with_help(help));
            return None;
        }
        let checked = self.predicate(field, &predicate, node)?;
        match &checked {
            ConditionKind::Predicate(asked) if asked.asks_me() => {
                self.somebody_acts(predicate.span(), NOBODY_ACTS).then_some(checked)
            }
            _ => Some(checked),
        }
    }

    /// Whether an agent may act in the item. Reports an error if not.
    pub(super) fn somebody_acts(&mut self, span: Range<usize>, help: &str) -> bool {
        if !self.acts {
            let error = Diagnostic::new(&codes::TW0304, span, "nobody acts in an automation");
            self.report(error.with_help(help));
        }
        self.acts
    }

    /// Whether a field is allowed in a condition of this kind of item. Reports an error if not.
    fn may_ask(&mut self, field: &FieldRef, span: Range<usize>, scope: Where) -> bool {
        match field.scope() {
            Scope::Shown => {
                let message = format!("`{field}` is for display only, in columns and placeholders");
                let instead = match field.name().as_ref() {
                    "requester" => Some("`requester.handle`, `requester.name` or `requester.tags` instead"),
                    "latest_comment" | "latest_public_comment" => Some("`comment.text` or `description` instead"),
                    _ => None,
                };
                let diagnostic = Diagnostic::new(&codes::TW0306, span, message);
                self.report(match instead {
                    Some(instead) => diagnostic.with_help(format!("use {instead}")),
                    None => diagnostic,
                });
                false
            }
            Scope::Event => match scope.no_event() {
                Some(help) => {
                    let message = format!("`{field}` needs an event");
                    self.report(Diagnostic::new(&codes::TW0304, span, message).with_help(help));
                    false
                }
                None => true,
            },
            Scope::Ticket | Scope::Clock => true,
        }
    }

    /// Reports an unknown name. `asked` means that an operator follows, so that it must be a field.
    pub(super) fn unknown_name(&mut self, name: &str, span: Range<usize>, asked: bool) {
        if Owner::split(name).1.starts_with("field.") && self.context.has_gap("field") {
            return;
        }
        let word_of = FIELDS.iter().find(|f| matches!(f.kind, Kind::Words(words) if words.rank(name).is_some()));
        let list = if asked { NameList::Fields } else { NameList::FieldsAndLets };
        let lets = self.context.names.of(NameKind::Let).map(|(name, _)| name).filter(|_| !asked);
        let known = self.context.field_names.iter().map(String::as_str).chain(lets);
        // `ticket` is what has the fields, and no misspelling of `requester.tickets`.
        let suggestion = self.context.suggestions.nearest(self.sink.source, list, name, known);
        let suggestion = suggestion.filter(|_| name != "ticket");
        let shown = shortened(name);
        let diagnostic = match (asked || name.contains('.'), word_of) {
            (false, Some(field)) => {
                let message = format!("`{shown}` is a value of `{0}`, not a condition", field.name);
                let help = format!("write `{0} is {name}`, or `{0} in (…)` for several values", field.name);
                self.report(Diagnostic::new(&codes::TW0201, span, message).with_help(help));
                return;
            }
            (true, _) => {
                let message = format!("unknown field `{shown}`{}", did_you_mean(suggestion.as_deref()));
                let diagnostic = Diagnostic::new(&codes::TW0203, span.clone(), message);
                match Owner::split(name).1.strip_prefix("field.") {
                    Some(_) if !self.context.has_declarations() => diagnostic.with_help(super::value::NO_DECLARATIONS),
                    Some(_) if name.starts_with("requester.") => diagnostic.with_help(
                        "declare fields of the requester as `[[field]]` with `of = \"requester\"` in `twite.toml`",
                    ),
                    Some(_) => diagnostic.with_help("declare custom fields as `[[field]]` in `twite.toml`"),
                    None if name == "me" => diagnostic.with_help("write `assignee is me`"),
                    None if name == "ticket" => diagnostic
                        .with_help("write the field alone, as in `status`; for new tickets, write `on created`"),
                    None if matches!(name, "random" | "rand") => diagnostic.with_help(foreign::SAMPLE),
                    None if matches!(name, "time" | "hour" | "clock" | "now") => {
                        diagnostic.with_help("for the time on the clock, write `time of day >= 18:00`, for example")
                    }
                    None if matches!(name, "today" | "day") => {
                        diagnostic.with_help("write `date is 2026-12-24` or `weekday is monday`, for example")
                    }
                    None if name.starts_with(|c: char| c.is_ascii_digit()) => {
                        diagnostic.with_help("write the field first, as in `requester.followers > 10`")
                    }
                    None if suggestion.is_none() => diagnostic.with_help(
                        "a ticket has fields such as `status` and `tags`, its requester such as `requester.followers`, \
                         the comment of the event such as `comment.text`",
                    ),
                    None => diagnostic,
                }
            }
            (false, None) => {
                let message = format!("no field or `let` is named `{shown}`{}", did_you_mean(suggestion.as_deref()));
                let diagnostic = Diagnostic::new(&codes::TW0201, span.clone(), message);
                match suggestion {
                    _ if matches!(name, "assign" | "merge" | "note" | "notify" | "remind" | "reply" | "webhook") => {
                        diagnostic.with_help(format!("in a test, write `expect {name}` or `expect no {name}`"))
                    }
                    Some(_) => diagnostic,
                    None if matches!(name, "true" | "false" | "always" | "never") => diagnostic
                        .with_help("a rule without a condition needs no `when`; one that is never used is `disabled`"),
                    None if name.starts_with(|c: char| c.is_ascii_digit()) => {
                        diagnostic.with_help("before each value, repeat the field and the operator")
                    }
                    None if name == "me" => diagnostic.with_help("write `assignee is me`"),
                    None => diagnostic.with_help(format!(
                        "name a condition by `let {shown} = …`; before a value, repeat the field and the operator"
                    )),
                }
            }
        };
        self.report(match suggestion {
            Some(meant) => diagnostic.with_guess(span, meant),
            None => diagnostic,
        });
    }

    /// Resolves a field by name. Reports an error if it is unknown.
    pub(super) fn field(&mut self, token: &SyntaxToken) -> Option<FieldRef> {
        let found = FieldRef::find(token.text(), self.context.desk);
        if found.is_none() {
            self.unknown_name(token.text(), range(token), true);
        }
        found
    }

    fn predicate(
        &mut self,
        field: FieldRef,
        predicate: &ast::Predicate,
        node: &ast::Question,
    ) -> Option<ConditionKind> {
        use ast::Predicate as P;
        let span = predicate.span();
        if field.kind() == Kind::YesNo && !matches!(predicate, P::Changed(_)) {
            return self.yes_no_compared(&field, predicate, node);
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
        Some(ConditionKind::Predicate(Predicate::new(field, op)))
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

    fn is(&mut self, field: &FieldRef, not: bool, value: &SyntaxElement, span: &Range<usize>) -> Option<Op> {
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
            Kind::Set => {
                let help = format!("write `{}{field} has {value}`", if not { "not " } else { "" });
                return self.cannot(field, span.clone(), "is a set of tags and cannot equal one value", &help);
            }
            Kind::Time => {
                let help = format!("write `time since {field} < 1 day`, or `{field} is empty`");
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

    /// Reports a character that no value of the field contains.
    pub(super) fn can_contain(&mut self, field: &FieldRef, folded: &str, span: Range<usize>) -> Option<()> {
        let alphabet = field.alphabet();
        let Some(c) = folded.chars().find(|c| !(alphabet.contains)(*c)) else { return Some(()) };
        let what = if c == ' ' { "a space".to_owned() } else { format!("`{c}`") };
        let message = format!("no `{field}` contains {what}");
        self.report(Diagnostic::new(&codes::TW0302, span, message).with_help(alphabet.says));
        None
    }

    /// Reports a pattern that matches no value of the field.
    fn can_match(&mut self, field: &FieldRef, pattern: &Pattern, span: Range<usize>) -> Option<()> {
        let alphabet = field.alphabet();
        let message = format!("this pattern matches no `{field}`");
        let help = if !pattern.can_match(alphabet.contains) {
            alphabet.says.to_owned()
        } else if pattern.wants_capitals() {
            "texts are compared in lowercase: delete `(?-i)`".to_owned()
        } else {
            let texts = pattern.whole_texts().unwrap_or_default();
            let kept = |text: &String| fold(&field.normalize(text)).into_owned();
            let (Some(first), true) = (texts.first(), texts.iter().all(|text| kept(text) != fold(text))) else {
                return Some(());
            };
            match kept(first) {
                kept if kept.is_empty() => format!("`{first}` is kept as no value"),
                kept => format!("`{first}` is kept as `{kept}`"),
            }
        };
        self.report(Diagnostic::new(&codes::TW0302, span, message).with_help(help));
        None
    }

    /// Reports an operator that the field does not support.
    fn cannot(&mut self, field: &FieldRef, span: Range<usize>, why: &str, help: &str) -> Option<Op> {
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
            Kind::Number | Kind::TimeOfDay | Kind::Date => {}
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
                    // What was before a time is longer ago.
                    SyntaxKind::Instant => {
                        format!("write `time since {field} {} 4 days`", comparison.flipped().as_str())
                    }
                    _ => format!("write `time since {field} {} 4 days`", comparison.as_str()),
                };
                return self.cannot(field, span.clone(), "is a time and cannot be compared with a value", &help);
            }
            Kind::Text => {
                let help = "for texts, use `is`, `contains`, `starts with` or `matches`";
                return self.cannot(field, span.clone(), "is text and has no order", help);
            }
            Kind::Set => {
                return self.cannot(field, span.clone(), "is a set of tags and has no order", "use `has`");
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
            Kind::Set => {
                let which = if not { "has none of" } else { "has any of" };
                let help = format!("write `{field} {which} {value}`");
                return self.cannot(field, span.clone(), "is a set of tags and has no operator `in`", &help);
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
        if field.kind() != Kind::Set {
            let help = match field.kind() {
                Kind::Text if self.is_list(value) => format!("write `{field} contains any of {value}`"),
                Kind::Text => format!("write `{field} contains {}`", quoted(value)),
                _ if self.is_list(value) => format!("write `{field} in {value}`"),
                _ => format!("write `{field} is {value}`"),
            };
            let why = format!("is {}, but `has` is for sets of tags", field.kind());
            return self.cannot(field, predicate.span(), &why, &help);
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
            return self.tag(value).map(|tag| Op::HasAny(Values::one(tag)));
        }
        let ListValues::Tags(tags) = self.list_operand(field, predicate, value)? else { return None };
        Some(match (test.any(), test.all()) {
            (true, _) if test.not() => Op::HasNone(tags),
            (true, _) => Op::HasAny(tags),
            (_, true) => Op::HasAll(tags),
            _ => Op::HasNone(tags),
        })
    }

    fn about_text(&mut self, field: &FieldRef, predicate: &ast::Predicate, value: &SyntaxElement) -> Option<Op> {
        let search = Search::of(predicate);
        let operator = search.map_or("matches", Search::as_str);
        let any_of = predicate.any_of();
        if field.kind() != Kind::Text {
            let help = match field.kind() {
                Kind::Set if any_of => format!("write `{field} has any of {value}`"),
                Kind::Set => format!("write `{field} has {}`", bare(value)),
                Kind::Words(_) | Kind::Declared(_) if any_of => format!("write `{field} in {value}`"),
                Kind::Words(_) | Kind::Declared(_) => format!("write `{field} is {value}`"),
                kind => format!("use an operator for {kind}"),
            };
            let why = format!("is {}, but `{operator}` is for texts", field.kind());
            return self.cannot(field, predicate.span(), &why, &help);
        }
        if any_of {
            let ListValues::Texts(texts) = self.list_operand(field, predicate, value)? else { return None };
            return Some(search_op(search?, texts));
        }
        if self.is_list(value) {
            let message = format!("`{operator}` takes one string, not a list");
            let error = Diagnostic::new(&codes::TW0310, span_of(value), message);
            let start = span_of(value).start;
            self.report(match search {
                Some(_) => {
                    let help = format!("write `{field} {operator} any of {value}`");
                    error.with_help(help).with_guess(start..start, "any of ")
                }
                None => error.with_help(format!("write `{field} matches \"a|b\"`")),
            });
            self.uses_list(value);
            return None;
        }
        match search {
            Some(search) => self.needle(field, search, value).map(|text| search_op(search, Values::one(text))),
            None => {
                let (text, token) = (self.string(operator, value)?, value.as_token()?);
                let pattern = self.pattern(token, &text)?;
                self.can_match(field, &pattern, range(token))?;
                Some(Op::Matches(pattern))
            }
        }
    }

    /// Checks a regular expression. An error points to the position inside the pattern.
    fn pattern(&mut self, token: &SyntaxToken, text: &Text) -> Option<Pattern> {
        // Unknown escapes have already been reported. Most likely they are meant for the regular expression.
        if !text.bad_escapes.is_empty() {
            return None;
        }
        let error = match Pattern::new(&text.value) {
            Ok(pattern) => return Some(pattern),
            Err(error) => error,
        };
        let error = match error {
            InvalidPattern::Regex(error) => error,
            class @ InvalidPattern::Class(c, _) => {
                let help = format!("write an alternative instead of the class, as in `({c}|x)`");
                let error =
                    Diagnostic::new(&codes::TW0307, range(token), format!("invalid regular expression: {class}"));
                self.report(error.with_help(help));
                return None;
            }
        };
        let (why, span) = match regex_syntax::parse(&text.value) {
            Err(regex_syntax::Error::Parse(e)) => (e.kind().to_string(), Some(range_of(e.span()))),
            Err(regex_syntax::Error::Translate(e)) => (e.kind().to_string(), Some(range_of(e.span()))),
            _ if matches!(error, regex::Error::CompiledTooBig(_)) => {
                ("too large when compiled; use less repetition".to_owned(), None)
            }
            // The pattern is valid, but its folded form is not: for example, a character range may now be reversed.
            _ => match Pattern::folded(&text.value).map(|folded| regex_syntax::parse(&folded)) {
                Ok(Err(regex_syntax::Error::Parse(e))) => (format!("after case folding, {}", e.kind()), None),
                _ => (error.to_string(), None),
            },
        };
        let span = span.map_or_else(|| range(token), |part| text.span(part));
        let help = if why.contains("look-around") || why.contains("backreference") {
            "look-around and backreferences are not supported, so that patterns run in linear time"
        } else if token.text().contains('\\') {
            "in a string, double each backslash of the pattern, as in `\"\\\\d+\"`"
        } else {
            "to search for these characters themselves, use `contains`"
        };
        let message = format!("invalid regular expression: {why}");
        self.report(Diagnostic::new(&codes::TW0307, span, message).with_help(help));
        None
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
        if matches!(field.kind(), Kind::Set | Kind::Time)
            && let Some(value) = from.iter().chain(&to).next()
        {
            let why = format!("is {}, for which `changed` takes no value", field.kind());
            return self.cannot(field, span_of(value), &why, &format!("write `{field} changed`"));
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

    fn time_question(&mut self, node: &ast::TimeQuestion) -> Option<Predicate> {
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
        if let Some(field) = field.as_ref().filter(|f| f.kind() != Kind::Time) {
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

    pub(super) fn let_item(&mut self, node: &ast::LetItem) -> Option<CheckedLet> {
        let name = node.name()?.text().to_owned();
        if let Some(mode) = node.mode() {
            let message = format!("`{}` is only for rules, not for `let`", mode.text());
            self.error(&codes::TW0115, range(&mode), message);
        }
        let condition = self.condition(&node.condition()?, Where::Let)?;
        let size = self.context.size_of(&condition);
        if size > MAX_PREDICATES {
            let message = format!(
                "`{name}` has more than {MAX_PREDICATES} comparisons, counting those of the conditions it refers to"
            );
            self.error(&codes::TW0109, node.span(), message);
            return None;
        }
        let (event, me) = (self.context.event_in(&condition), self.context.me_in(&condition));
        let named = Arc::new(Let { name, doc: node.doc(), condition, span: self.span(node.span()) });
        Some(CheckedLet { named, size, depth: self.deepest, event, me })
    }
}

fn search_op(search: Search, texts: Values<Folded>) -> Op {
    match search {
        Search::Anywhere => Op::Contains(texts),
        Search::Words => Op::ContainsWord(texts),
        Search::Start => Op::StartsWith(texts),
        Search::End => Op::EndsWith(texts),
    }
}

fn comparison(text: &str) -> Option<Comparison> {
    Some(match text {
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        ">" => Comparison::More,
        ">=" => Comparison::AtLeast,
        _ => return None,
    })
}

fn range_of(span: &regex_syntax::ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

pub(super) fn quoted(value: &SyntaxElement) -> String {
    Quoted(&written(value)).to_string()
}

/// A tag for a message: quoted if necessary.
fn bare(value: &SyntaxElement) -> String {
    let tag = written(value).to_lowercase();
    let plain = !tag.is_empty() && tag.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { tag } else { Quoted(&tag).to_string() }
}

/// An example of a predicate on a field, for a message.
fn example_of(field: &FieldRef) -> String {
    match field.kind() {
        Kind::Number => format!("`{field} >= 100`, for example"),
        Kind::Words(words) => format!("`{field} is {}`, for example", words.words.first().unwrap_or(&"…")),
        Kind::Declared(_) => format!("`{field} is \"…\"`, or `{field} is empty`"),
        Kind::Text => format!("`{field} contains \"…\"`, for example"),
        Kind::Set => format!("`{field} has …`, for example"),
        Kind::Time => format!("`time since {field} >= 4 days`, for example"),
        Kind::TimeOfDay => format!("`{field} >= 18:00`, for example"),
        Kind::Date => format!("`{field} >= 2026-12-24`, for example"),
        Kind::YesNo => format!("`{field}`"),
    }
}
