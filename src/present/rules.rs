//! The list of the items of a rule set, in evaluation order.

use std::fmt::Write as _;

use serde::Serialize;

use super::table::first_line;
use crate::{
    desk::visible::Visible,
    lang::rules::{Mode, Rules, Span},
};

/// An entry of the list of items.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<'r> {
    kind: &'static str,
    title: &'r str,
    mode: Mode,
    pub(crate) span: &'r Span,
    /// The first line of its documentation.
    doc: Option<&'r str>,
}

/// All items, grouped by kind, each kind in order.
pub(crate) fn items(rules: &Rules) -> Vec<Listed<'_>> {
    fn listed<'r>(
        kind: &'static str,
        title: &'r str,
        mode: Mode,
        span: &'r Span,
        doc: &'r Option<String>,
    ) -> Listed<'r> {
        Listed { kind, title, mode, span, doc: doc.as_deref().map(|doc| first_line(Some(doc))) }
    }
    let automations = rules.automations.iter().map(|a| listed("automation", &a.title, a.mode, &a.span, &a.doc));
    let macros = rules.macros.iter().map(|m| listed("macro", &m.title, m.mode, &m.span, &m.doc));
    let reports = rules.reports.iter().map(|r| listed("report", &r.title, r.mode, &r.span, &r.doc));
    let lets = rules.lets.iter().map(|l| listed("condition", &l.name, Mode::Live, &l.span, &l.doc));
    let lists = rules.lists.iter().map(|l| listed("list", &l.name, Mode::Live, &l.span, &l.doc));
    let triggers = rules.triggers.iter().map(|t| listed("trigger", &t.title, t.mode, &t.span, &t.doc));
    let views = rules.views.iter().map(|v| listed("view", &v.title, v.mode, &v.span, &v.doc));
    let slas = rules.slas.iter().map(|s| listed("sla", &s.title, s.mode, &s.span, &s.doc));
    let volumes = rules.volumes.iter().map(|v| listed("volume", &v.title, v.mode, &v.span, &v.doc));
    let tests = rules.tests.iter().map(|t| listed("test", &t.title, t.mode, &t.span, &t.doc));
    triggers
        .chain(automations)
        .chain(macros)
        .chain(views)
        .chain(reports)
        .chain(slas)
        .chain(volumes)
        .chain(lets)
        .chain(lists)
        .chain(tests)
        .collect()
}

/// The list as text, with a heading for each kind.
pub(crate) fn text(items: &[Listed<'_>]) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, items);
    text
}

fn write(text: &mut String, items: &[Listed<'_>]) -> std::fmt::Result {
    for (n, of_a_kind) in items.chunk_by(|one, next| one.kind == next.kind).enumerate() {
        for (at, item) in of_a_kind.iter().enumerate() {
            if at == 0 {
                writeln!(text, "{}{}s", if n == 0 { "" } else { "\n" }, item.kind)?;
            }
            let mode = match item.mode {
                Mode::Live => "",
                Mode::Disabled => " (disabled)",
                Mode::Shadow => " (shadow)",
            };
            writeln!(text, "  {}{mode}  {}:{}", Visible(item.title), Visible(&item.span.file), item.span.line)?;
            if let Some(doc) = item.doc {
                writeln!(text, "      {}", Visible(doc))?;
            }
        }
    }
    Ok(())
}
