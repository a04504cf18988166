//! Checks conditions and predicates.

use std::{ops::Range, sync::Arc};

use super::{
    CheckedLet, Checker, MAX_CONDITION_DEPTH, MAX_PREDICATES, NameKind, NameList, Where,
    predicate::example_of,
    value::{shortened, written},
};
use crate::{
    desk::{
        FieldRef, Kind, Owner, Scope,
        field::{Declared, FIELDS},
    },
    lang::{
        ast::{self, AstNode, Expr, Titled, span_of},
        codes,
        diagnostic::Diagnostic,
        foreign,
        rules::{Condition, ConditionKind, Let, Op, Predicate},
        suggest::did_you_mean,
        syntax::{SyntaxToken, range},
    },
};

/// The help for `me` where nobody acts.
const NOBODY_ACTS: &str = "automations run as time passes; name the agent or group, as in `assignee is \"Ana\"`";

/// The help for an expected webhook without its name.
const EXPECT_WEBHOOK: &str = "in a test, write `expect webhook \"…\"` or `expect no webhook \"…\"`";

/// The name of the field that is written as three words.
pub(super) const TIME_OF_DAY: &str = "time of day";

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

    /// Checks a predicate, or a reference to a named condition.
    fn question(&mut self, node: &ast::Question, scope: Where) -> Option<ConditionKind> {
        let predicate = node.predicate();
        if let Some(sample) = node.sample() {
            let field = FieldRef::Sample(Arc::new(self.sample(&sample)?));
            return Some(ConditionKind::Predicate(Predicate::new(field, Op::Holds)));
        }
        if let Some(asked) = node.volume() {
            let field = FieldRef::Volume(Arc::new(self.volume_asked(&asked)?));
            let may_ask = self.may_ask(&field, asked.span(), scope);
            return may_ask.then(|| ConditionKind::Predicate(Predicate::new(field, Op::Holds)));
        }
        if let Some(name) = node.hours().and_then(|hours| hours.name()) {
            let name = self.declared_name(&Declared::Schedule, &written(&name), span_of(&name))?;
            let schedule = self.context.desk.schedules.iter().find(|schedule| schedule.name == name)?;
            let field = FieldRef::Schedule(Arc::new(schedule.clone()));
            return match predicate {
                Some(predicate) => self.predicate(field, &predicate, node, scope),
                None => Some(ConditionKind::Predicate(Predicate::new(field, Op::Holds))),
            };
        }
        let (name, span) = match (node.hours(), node.clock(), node.name()) {
            (Some(hours), ..) => ("within business hours".to_owned(), hours.span()),
            (_, Some(clock), _) => (TIME_OF_DAY.to_owned(), clock.span()),
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
        // `requester is verified`
        let said =
            predicate.as_ref().and_then(ast::Predicate::value).map(|value| format!("{field}.{}", written(&value)));
        if let Some(meant) = said.and_then(|name| FieldRef::find(&name, self.context.desk)) {
            let message = format!("`{field}` is for display only, in columns and placeholders");
            let error = Diagnostic::new(&codes::TW0306, span, message);
            let span = node.span();
            self.report(error.with_help(format!("write `{meant}`")).with_guess(span, meant.to_string()));
            return None;
        }
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
        let checked = self.predicate(field, &predicate, node, scope)?;
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
    pub(super) fn may_ask(&mut self, field: &FieldRef, span: Range<usize>, scope: Where) -> bool {
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
                    let help = match field {
                        FieldRef::Volume(_) => format!("{help}; ask for a volume in a trigger"),
                        _ => help.to_owned(),
                    };
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
        // What a test expects of the actions is no misspelling of a field.
        let is_action = matches!(name, "assign" | "merge" | "note" | "notify" | "remind" | "reply" | "webhook")
            && self.before(&span).trim_start().starts_with("expect");
        let suggestion = suggestion.filter(|_| name != "ticket" && !is_action);
        // A field has no parts: `assignee.name` is `assignee`.
        let whole = name.split_once('.').map(|(whole, _)| whole);
        let has_parts =
            |whole: &str| FIELDS.iter().any(|field| field.name.split_once('.').is_some_and(|(of, _)| of == whole));
        let is_text =
            |whole: &str| FieldRef::find(whole, self.context.desk).is_none_or(|field| field.kind() == Kind::Text);
        let whole = whole.filter(|whole| !is_text(whole) && !has_parts(whole));
        let suggestion = whole.map(str::to_owned).or(suggestion);
        let shown = shortened(name);
        let diagnostic = match (asked || name.contains('.'), word_of) {
            (false, Some(field)) => {
                let message = format!("`{shown}` is a value of `{0}`, not a condition", field.name);
                let help = match self.before(&span).split_whitespace().next_back() {
                    // `status is not new or open` is neither of both.
                    Some("or" | "and" | ",") => {
                        format!(
                            "for several values, write `{0} in (…)`, or `{0} not in (…)` for none of them",
                            field.name
                        )
                    }
                    _ => format!("write `{0} is {name}`, or `{0} in (…)` for several values", field.name),
                };
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
                    None if name == "webhook" => diagnostic.with_help(EXPECT_WEBHOOK),
                    None if is_action => diagnostic.with_help(format!(
                        "in a test, write `expect {name} contains …` or `expect no {name} contains …`"
                    )),
                    None if name == "me" => diagnostic.with_help("write `assignee is me`, or `watchers has me`"),
                    None if matches!(name, "followers" | "follower") => diagnostic.with_help(
                        "the agents who follow the ticket are `watchers`; how many follow the requester at X is \
                         `requester.followers`",
                    ),
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
                    _ if name == "webhook" => diagnostic.with_help(EXPECT_WEBHOOK),
                    _ if is_action => {
                        diagnostic.with_help(format!("in a test, write `expect {name}` or `expect no {name}`"))
                    }
                    Some(_) => diagnostic,
                    None if matches!(name, "true" | "false" | "always" | "never") => diagnostic
                        .with_help("a rule without a condition needs no `when`; one that is never used is `disabled`"),
                    None if name.starts_with(|c: char| c.is_ascii_digit()) => {
                        diagnostic.with_help("before each value, repeat the field and the operator")
                    }
                    None if name == "me" => diagnostic.with_help("write `assignee is me`, or `watchers has me`"),
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

    /// What stands before a place, on its line.
    fn before(&self, place: &Range<usize>) -> &str {
        let before = self.sink.source.text.get(..place.start).unwrap_or_default();
        before.rsplit('\n').next().unwrap_or_default()
    }

    /// Resolves a field by name. Reports an error if it is unknown.
    pub(super) fn field(&mut self, token: &SyntaxToken) -> Option<FieldRef> {
        let found = FieldRef::find(token.text(), self.context.desk);
        if found.is_none() {
            self.unknown_name(token.text(), range(token), true);
        }
        found
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
