//! Checks triggers, automations, macros and views.

use super::{Checker, Where};
use crate::{
    desk::{FieldRef, Scope, field::Declared},
    lang::{
        ast::{self, AstNode, NodeExt, Titled},
        codes,
        diagnostic::Diagnostic,
        rules::{Action, ActionKind, Audience, Automation, Condition, Macro, Mode, On, Sort, Trigger, View},
        syntax::{SyntaxToken, range},
    },
};

impl Checker<'_, '_> {
    pub(super) fn trigger(&mut self, node: &ast::Trigger) -> Option<Trigger> {
        let mode = self.mode(node, &[Mode::Disabled, Mode::Shadow]);
        let on = self.only(node.on()).map(|clause| self.on(&clause));
        let when = self.only(node.when());
        let span = self.span(node.title_span());
        let when = match when {
            Some(clause) => clause.condition().and_then(|c| self.condition(&c, Where::Run)),
            None => Some(Condition::always(span.clone())),
        };
        let caps = self.caps(node.caps());
        let actions = self.then(node, node.then(), "a trigger");
        let (title, _) = node.title()?;
        Some(Trigger {
            title,
            doc: node.doc(),
            mode,
            on: on.unwrap_or(On { created: true, updated: true }),
            when: when?,
            caps,
            then: actions,
            span,
        })
    }

    pub(super) fn automation(&mut self, node: &ast::Automation) -> Option<Automation> {
        let mode = self.mode(node, &[Mode::Disabled, Mode::Shadow]);
        let when = self.only(node.when());
        let runs_triggers = self.only(node.runs()).is_some();
        if when.is_none() && !node.is_broken() {
            let error = Diagnostic::new(&codes::TW0115, node.title_span(), "missing `when` in an automation");
            self.report(error.with_help("without a condition, it would fire once on every ticket"));
        }
        let when = when.and_then(|c| c.condition()).and_then(|c| self.condition(&c, Where::Automation));
        let every = self.only(node.every()).map(|clause| self.every(&clause));
        let caps = self.caps(node.caps());
        let then = self.then(node, node.then(), "an automation");
        self.no_stop(&then, "an automation has no run to end");
        let (title, span) = node.title()?;
        Some(Automation {
            title,
            doc: node.doc(),
            mode,
            when: when?,
            every: every.map_or(Some(None), |every| every.map(Some))?,
            caps,
            then,
            runs_triggers,
            span: self.span(span),
        })
    }

    pub(super) fn macro_item(&mut self, node: &ast::Macro) -> Option<Macro> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let visible_to = self.only(node.visible()).map(|c| self.audience(&c)).unwrap_or_default();
        let then = self.then(node, node.then(), "a macro");
        self.no_stop(&then, "a macro has no run to end");
        let (title, span) = node.title()?;
        Some(Macro { title, doc: node.doc(), mode, then, visible_to, span: self.span(span) })
    }

    /// Checks the actions of an item. Reports an error if there are none.
    fn then(&mut self, node: &impl Titled, then: impl Iterator<Item = ast::ThenClause>, what: &str) -> Vec<Action> {
        let clauses: Vec<_> = then.collect();
        let empty = clauses.iter().all(|then| then.syntax().children().next().is_none());
        let actions = self.only(clauses.into_iter()).map(|clause| self.actions(&clause)).unwrap_or_default();
        if empty && !node.is_broken() {
            let message = format!("missing `then` with at least one action in {what}");
            let error = Diagnostic::new(&codes::TW0115, node.title_span(), message);
            self.report(error.with_help("write `then add tags a`, for example"));
        }
        actions
    }

    fn no_stop(&mut self, actions: &[Action], why: &str) {
        for stop in actions.iter().filter(|a| a.kind == ActionKind::Stop) {
            let span = stop.span.range();
            self.report(Diagnostic::new(&codes::TW0115, span, "`stop` is only for triggers").with_help(why));
        }
    }

    pub(super) fn on(&mut self, clause: &ast::OnClause) -> On {
        let mut on = On { created: false, updated: false };
        for event in clause.events() {
            let seen = if event.text() == "created" { &mut on.created } else { &mut on.updated };
            if std::mem::replace(seen, true) {
                let message = format!("duplicate `{}`", event.text());
                self.error(&codes::TW0115, range(&event), message);
            }
        }
        if let Some(and) = clause.and() {
            let message = "separate events with a comma: no event is both";
            self.report(Diagnostic::new(&codes::TW0106, range(&and), message).with_fix(range(&and), ","));
        }
        on
    }

    pub(super) fn view(&mut self, node: &ast::View) -> Option<View> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let filter = self.only(node.filter());
        if let Some(when) = filter.as_ref().and_then(|c| c.when()) {
            let message = "views use `where` instead of `when`";
            self.report(Diagnostic::new(&codes::TW0106, range(&when), message).with_fix(range(&when), "where"));
        }
        let columns = self.only(node.columns());
        let group = self.only(node.group());
        let sort = self.only(node.sort());
        let visible = self.only(node.visible());
        let clauses = [
            (filter.is_none(), "where", "where status < solved"),
            (columns.is_none(), "columns", "columns id, subject"),
        ];
        for (_, word, example) in clauses.into_iter().filter(|(missing, ..)| *missing && !node.is_broken()) {
            let error = Diagnostic::new(&codes::TW0115, node.title_span(), format!("missing `{word}` in a view"));
            self.report(error.with_help(format!("write `{example}`, for example")));
        }
        let filter = filter.and_then(|c| c.condition()).and_then(|c| self.condition(&c, Where::View));
        let mut shown: Vec<FieldRef> = vec![];
        for path in columns.iter().flat_map(|c| c.fields()) {
            let Some(field) = self.field(&path).filter(|f| self.on_ticket(f, range(&path))) else { continue };
            if shown.contains(&field) {
                self.error(&codes::TW0115, range(&path), format!("duplicate column `{field}`"));
            }
            shown.push(field);
        }
        let group_by = group.and_then(|clause| self.sort(clause.field(), clause.direction()));
        let sort_by = sort.and_then(|clause| self.sort(clause.field(), clause.direction()));
        let visible_to = visible.map(|clause| self.audience(&clause)).unwrap_or_default();
        let (title, span) = node.title()?;
        Some(View {
            title,
            doc: node.doc(),
            mode,
            filter: filter?,
            columns: shown,
            group_by,
            sort_by,
            visible_to,
            span: self.span(span),
        })
    }

    /// Whether a field can be read from a stored ticket, without an event. Reports an error if not.
    fn on_ticket(&mut self, field: &FieldRef, span: std::ops::Range<usize>) -> bool {
        let fits = matches!(field.scope(), Scope::Ticket | Scope::Shown);
        if !fits {
            let message = format!("`{field}` is not a field of the ticket, so a view cannot show it");
            let help = "show what the ticket has, such as `status`, `assignee` or `latest_comment`";
            self.report(Diagnostic::new(&codes::TW0304, span, message).with_help(help));
        }
        fits
    }

    fn sort(&mut self, field: Option<SyntaxToken>, direction: Option<SyntaxToken>) -> Option<Sort> {
        if let Some(short) = direction.as_ref().filter(|d| !d.text().ends_with("ending")) {
            let whole = format!("{}ending", short.text());
            let message = format!("unknown keyword `{}`: write `{whole}`", short.text());
            self.report(Diagnostic::new(&codes::TW0106, range(short), message).with_fix(range(short), whole));
        }
        let path = field?;
        let by = self.field(&path)?;
        if !self.on_ticket(&by, range(&path)) {
            return None;
        }
        if by.kind().is_set() {
            let message = format!("`{by}` is a set of tags and has no order");
            self.error(&codes::TW0303, range(&path), message);
            return None;
        }
        Some(Sort { by, descending: direction.is_some_and(|d| d.text().starts_with("desc")) })
    }

    pub(super) fn audience(&mut self, clause: &ast::VisibleClause) -> Vec<Audience> {
        let mut audience = vec![];
        for part in clause.audiences() {
            let Some(value) = part.value() else { continue };
            let (text, span) = (super::value::written(&value), ast::span_of(&value));
            audience.extend(match part.group() {
                true => self.declared_name(&Declared::Group, &text, span).map(Audience::Group),
                false => self.declared_name(&Declared::Agent, &text, span).map(Audience::Agent),
            });
        }
        audience
    }

    /// The first clause of a kind. Reports an error for each further one.
    pub(super) fn only<C: AstNode>(&mut self, mut clauses: impl Iterator<Item = C>) -> Option<C> {
        let first = clauses.next();
        for again in clauses {
            let word = again.syntax().tokens().next().map(|t| (t.text().to_owned(), range(&t)));
            let (word, span) = word.unwrap_or_default();
            let mut error = Diagnostic::new(&codes::TW0115, span, format!("duplicate `{word}`"));
            if let Some(token) = first.as_ref().and_then(|f| f.syntax().tokens().next()) {
                error = error.and_label(range(&token), "first occurrence");
            }
            self.report(match word.as_str() {
                "when" | "where" => error.with_help("join the conditions with `and`"),
                "at" => error.with_help("keep one of them"),
                "then" => error.with_help("write all actions after one `then`, each on its own line"),
                _ => error,
            });
        }
        first
    }

    /// The mode of an item. Reports an error if the item does not support it.
    pub(super) fn mode(&mut self, node: &impl Titled, allowed: &[Mode]) -> Mode {
        let mut mode = Mode::Live;
        for token in node.modes() {
            let this = if token.text() == "shadow" { Mode::Shadow } else { Mode::Disabled };
            if !allowed.contains(&this) {
                let message = "only triggers and automations can be `shadow`";
                self.error(&codes::TW0115, range(&token), message);
            } else if mode != Mode::Live {
                self.error(&codes::TW0115, range(&token), "duplicate mode");
            }
            mode = this;
        }
        mode
    }
}
