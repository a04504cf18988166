//! Triggers, automations, macros and views.

use super::{Checker, Where};
use crate::{
    desk::{FieldRef, Scope, field::Declared},
    lang::{
        ast::{self, NodeExt},
        codes,
        diagnostic::Diagnostic,
        rules::{Action, ActionKind, Audience, Automation, Condition, Macro, Mode, On, Sort, Trigger, View},
        syntax::{SyntaxKind, SyntaxNode, range},
    },
};

impl Checker<'_> {
    pub(super) fn trigger(&mut self, node: &SyntaxNode) -> Option<Trigger> {
        let mode = self.mode(node, &[Mode::Disabled, Mode::Shadow]);
        let on = self.only(node, SyntaxKind::OnClause).map(|clause| self.on(&clause));
        let when = self.only(node, SyntaxKind::WhenClause);
        let span = self.span(title_span(node));
        let when = match when {
            Some(clause) => clause.part(SyntaxKind::Condition).and_then(|c| self.condition(&c, Where::Run)),
            None => Some(Condition::always(span.clone())),
        };
        let actions = self.then(node, "a trigger");
        let (title, _) = ast::title(node)?;
        Some(Trigger {
            title,
            doc: ast::doc(node),
            mode,
            on: on.unwrap_or(On { created: true, updated: true }),
            when: when?,
            then: actions,
            span,
        })
    }

    pub(super) fn automation(&mut self, node: &SyntaxNode) -> Option<Automation> {
        let mode = self.mode(node, &[Mode::Disabled, Mode::Shadow]);
        let when = self.only(node, SyntaxKind::WhenClause);
        let runs_triggers = self.only(node, SyntaxKind::RunsClause).is_some();
        if when.is_none() && !node.is_broken() {
            let error = Diagnostic::new(&codes::TW0115, title_span(node), "an automation needs `when`");
            self.report(error.with_help("without conditions it would fire once on every ticket there is"));
        }
        let when = when.and_then(|c| c.part(SyntaxKind::Condition)).and_then(|c| self.condition(&c, Where::Automation));
        let then = self.then(node, "an automation");
        self.no_stop(&then, "an automation fires by itself: there is no run it could end");
        let (title, span) = ast::title(node)?;
        Some(Automation { title, doc: ast::doc(node), mode, when: when?, then, runs_triggers, span: self.span(span) })
    }

    pub(super) fn macro_item(&mut self, node: &SyntaxNode) -> Option<Macro> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let visible_to = self.only(node, SyntaxKind::VisibleClause).map(|c| self.audience(&c)).unwrap_or_default();
        let then = self.then(node, "a macro");
        self.no_stop(&then, "a macro is applied by an agent: there is no run it could end");
        let (title, span) = ast::title(node)?;
        Some(Macro { title, doc: ast::doc(node), mode, then, visible_to, span: self.span(span) })
    }

    /// The actions of an item, which needs some.
    fn then(&mut self, node: &SyntaxNode, what: &str) -> Vec<Action> {
        let then = self.only(node, SyntaxKind::ThenClause);
        let actions = then.as_ref().map(|clause| self.actions(clause)).unwrap_or_default();
        let empty = actions.is_empty() && then.as_ref().is_none_or(|t| t.children().next().is_none());
        if empty && !node.is_broken() {
            let message = format!("{what} needs `then` and at least one action");
            self.error(&codes::TW0115, title_span(node), message);
        }
        actions
    }

    fn no_stop(&mut self, actions: &[Action], why: &str) {
        for stop in actions.iter().filter(|a| a.kind == ActionKind::Stop) {
            let span = stop.span.range();
            self.report(Diagnostic::new(&codes::TW0115, span, "`stop` is for triggers").with_help(why));
        }
    }

    fn on(&mut self, clause: &SyntaxNode) -> On {
        let mut on = On { created: false, updated: false };
        for event in clause.tokens().filter(|t| t.kind() == SyntaxKind::Event) {
            let seen = if event.text() == "created" { &mut on.created } else { &mut on.updated };
            if std::mem::replace(seen, true) {
                let message = format!("`{}` is there twice", event.text());
                self.error(&codes::TW0115, range(&event), message);
            }
        }
        if let Some(and) = clause.tokens().find(|t| t.text() == "and") {
            let message = "no event creates and updates a ticket; separate them with a comma";
            self.report(Diagnostic::new(&codes::TW0106, range(&and), message).with_fix(range(&and), ","));
        }
        on
    }

    pub(super) fn view(&mut self, node: &SyntaxNode) -> Option<View> {
        let mode = self.mode(node, &[Mode::Disabled]);
        let filter = self.only(node, SyntaxKind::WhereClause);
        if let Some(when) = filter.as_ref().and_then(|c| c.tokens().find(|t| t.text() == "when")) {
            let message = "the condition of a view stands behind `where`";
            self.report(Diagnostic::new(&codes::TW0106, range(&when), message).with_fix(range(&when), "where"));
        }
        let columns = self.only(node, SyntaxKind::ColumnsClause);
        let group = self.only(node, SyntaxKind::GroupClause);
        let sort = self.only(node, SyntaxKind::SortClause);
        let visible = self.only(node, SyntaxKind::VisibleClause);
        for (clause, word) in [(&filter, "where"), (&columns, "columns")] {
            if clause.is_none() && !node.is_broken() {
                self.error(&codes::TW0115, title_span(node), format!("a view needs `{word}`"));
            }
        }
        let filter = filter.and_then(|c| c.part(SyntaxKind::Condition)).and_then(|c| self.condition(&c, Where::View));
        let mut shown: Vec<FieldRef> = vec![];
        for path in columns.iter().flat_map(|c| c.tokens()).filter(|t| t.kind() == SyntaxKind::Path) {
            let Some(field) = self.field(&path).filter(|f| self.on_ticket(f, range(&path))) else { continue };
            if shown.contains(&field) {
                self.error(&codes::TW0115, range(&path), format!("`{field}` is there twice"));
            }
            shown.push(field);
        }
        let group_by = group.and_then(|clause| self.sort(&clause));
        let sort_by = sort.and_then(|clause| self.sort(&clause));
        let visible_to = visible.map(|clause| self.audience(&clause)).unwrap_or_default();
        let (title, span) = ast::title(node)?;
        Some(View {
            title,
            doc: ast::doc(node),
            mode,
            filter: filter?,
            columns: shown,
            group_by,
            sort_by,
            visible_to,
            span: self.span(span),
        })
    }

    /// Whether a field can be read from a stored ticket.
    fn on_ticket(&mut self, field: &FieldRef, span: std::ops::Range<usize>) -> bool {
        let fits = matches!(field.scope(), Scope::Ticket | Scope::Shown);
        if !fits {
            let message = format!("`{field}` is not a fact of the ticket, and a view shows only those");
            self.error(&codes::TW0304, span, message);
        }
        fits
    }

    fn sort(&mut self, clause: &SyntaxNode) -> Option<Sort> {
        let direction = clause.token(SyntaxKind::Direction);
        if let Some(short) = direction.as_ref().filter(|d| !d.text().ends_with("ending")) {
            let whole = format!("{}ending", short.text());
            let message = format!("`{}` is written `{whole}`", short.text());
            self.report(Diagnostic::new(&codes::TW0106, range(short), message).with_fix(range(short), whole));
        }
        let path = clause.token(SyntaxKind::Path)?;
        let by = self.field(&path)?;
        if !self.on_ticket(&by, range(&path)) {
            return None;
        }
        if by.kind() == crate::desk::Kind::Set {
            let message = format!("`{by}` is a set of tags, which has no order");
            self.error(&codes::TW0303, range(&path), message);
            return None;
        }
        Some(Sort { by, descending: direction.is_some_and(|d| d.text().starts_with("desc")) })
    }

    pub(super) fn audience(&mut self, clause: &SyntaxNode) -> Vec<Audience> {
        let mut audience = vec![];
        for part in clause.parts(SyntaxKind::Audience) {
            let Some(value) = part.values().next() else { continue };
            let (text, span) = (super::value::written(&value), ast::span_of(&value));
            audience.extend(match part.says("group") {
                true => self.declared_name(&Declared::Group, &text, span).map(Audience::Group),
                false => self.declared_name(&Declared::Agent, &text, span).map(Audience::Agent),
            });
        }
        audience
    }

    /// The one clause of a kind; a second is an error.
    pub(super) fn only(&mut self, node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
        let mut clauses = node.parts(kind);
        let first = clauses.next();
        for again in clauses {
            let word = again.tokens().next().map(|t| (t.text().to_owned(), range(&t)));
            let (word, span) = word.unwrap_or_default();
            let mut error = Diagnostic::new(&codes::TW0115, span, format!("`{word}` is there twice"));
            if let Some(token) = first.as_ref().and_then(|f| f.tokens().next()) {
                error = error.and_label(range(&token), "it is here already");
            }
            self.report(match word.as_str() {
                "when" | "where" => error.with_help("join the conditions with `and`"),
                "then" => error.with_help("put all actions behind one `then`, each on its line"),
                _ => error,
            });
        }
        first
    }

    /// The mode of an item, among those that make sense for it.
    pub(super) fn mode(&mut self, node: &SyntaxNode, allowed: &[Mode]) -> Mode {
        let mut mode = Mode::Live;
        for token in node.tokens().filter(|t| t.kind() == SyntaxKind::Mode) {
            let this = if token.text() == "shadow" { Mode::Shadow } else { Mode::Disabled };
            if !allowed.contains(&this) {
                let message = "only triggers and automations can be `shadow`: nothing else changes anything by itself";
                self.error(&codes::TW0115, range(&token), message);
            } else if mode != Mode::Live {
                self.error(&codes::TW0115, range(&token), "one mode is enough");
            }
            mode = this;
        }
        mode
    }
}

/// Where an item is named.
pub(super) fn title_span(node: &SyntaxNode) -> std::ops::Range<usize> {
    ast::title(node).map_or_else(|| node.span(), |(_, span)| span)
}
