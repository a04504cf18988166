//! `twite rules`: the order in which rules are tried.

use std::io::{self, Write};

use serde::Serialize;

use super::{CliError, FINE, check::pretty, desk::Paths as Desk, terminal};
use crate::{
    desk::visible::Visible,
    lang::rules::{Mode, Span},
};

/// Lists the items of rule files in the order in which they are tried. What is live may be others: then a note says so, and
/// `twite status` says why.
///
/// Where paths are files, the set around them is loaded, and what stands in them is listed.
#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    #[command(flatten)]
    source: super::source::Source,
    /// Print a JSON array instead of lines.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for people.
    Human,
    /// A JSON array.
    Json,
}

/// An item, as listed.
#[derive(Debug, Serialize)]
struct Listed<'r> {
    kind: &'static str,
    title: &'r str,
    mode: Mode,
    span: &'r Span,
    /// The first line of its documentation.
    doc: Option<&'r str>,
}

impl Rules {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let chosen = self.source.choose()?;
        let rules = self.source.load_chosen(&chosen)?;
        // A database that cannot be opened is no reason not to list files.
        let paths = chosen.sets.first().map(Vec::as_slice).unwrap_or_default();
        let live = Desk::of(paths, self.source.config.as_deref(), None).live_now().ok().flatten();
        if let Some(note) = live.and_then(|live| live.beside_listed(paths, &rules.version)) {
            writeln!(terminal::remarks(), "note: {note}")?;
        }
        let mut listed = items(&rules);
        let all = listed.len();
        listed.retain(|item| chosen.is_about(&item.span.file));
        if listed.is_empty() && all > 0 {
            writeln!(terminal::remarks(), "note: none of the {all} items of this set stands in these files")?;
        }
        let mut out = terminal::people_or_json(self.format == Format::Human);
        match self.format {
            Format::Json => {
                let value = serde_json::to_value(&listed).map_err(io::Error::from)?;
                out.write_all(pretty(&value)?.as_bytes())?;
            }
            Format::Human => {
                let mut last = "";
                for item in &listed {
                    if item.kind != last {
                        writeln!(out, "{}{}s", if last.is_empty() { "" } else { "\n" }, item.kind)?;
                        last = item.kind;
                    }
                    let mode = match item.mode {
                        Mode::Live => "",
                        Mode::Disabled => " (disabled)",
                        Mode::Shadow => " (shadow)",
                    };
                    let (title, file) = (Visible(item.title), Visible(&item.span.file));
                    writeln!(out, "  {title}{mode}  {file}:{}", item.span.line)?;
                    if let Some(doc) = item.doc {
                        writeln!(out, "      {}", Visible(doc))?;
                    }
                }
            }
        }
        out.flush()?;
        Ok(FINE)
    }
}

/// Every item, kind by kind, in order.
fn items(rules: &crate::lang::rules::Rules) -> Vec<Listed<'_>> {
    fn listed<'r>(
        kind: &'static str,
        title: &'r str,
        mode: Mode,
        span: &'r Span,
        doc: &'r Option<String>,
    ) -> Listed<'r> {
        Listed { kind, title, mode, span, doc: doc.as_deref().and_then(|d| d.lines().next()) }
    }
    let automations = rules.automations.iter().map(|a| listed("automation", &a.title, a.mode, &a.span, &a.doc));
    let macros = rules.macros.iter().map(|m| listed("macro", &m.title, m.mode, &m.span, &m.doc));
    let reports = rules.reports.iter().map(|r| listed("report", &r.title, r.mode, &r.span, &r.doc));
    let lets = rules.lets.iter().map(|l| listed("condition", &l.name, Mode::Live, &l.span, &l.doc));
    let triggers = rules.triggers.iter().map(|t| listed("trigger", &t.title, t.mode, &t.span, &t.doc));
    let views = rules.views.iter().map(|v| listed("view", &v.title, v.mode, &v.span, &v.doc));
    let tests = rules.tests.iter().map(|t| listed("test", &t.title, t.mode, &t.span, &t.doc));
    triggers.chain(automations).chain(macros).chain(views).chain(reports).chain(lets).chain(tests).collect()
}
