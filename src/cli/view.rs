//! `twite view`: the tickets a view shows.

use std::io::Write;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{CliError, FINE, broke, check::pretty, desk::DeskArgs, terminal};
use crate::{
    clock::Clock,
    desk::{Desk, Facts, Ticket, visible::visible},
    lang::{
        did_you_mean, nearest,
        rules::{Mode, Sort, View},
    },
    present::table::{cell, plain},
    store::Store,
};

/// Show the tickets of a view; without a name, the views and how many tickets each has.
#[derive(Debug, Args)]
pub(crate) struct ViewCommand {
    /// The view's title.
    title: Option<String>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    desk: DeskArgs,
}

/// Which tickets of many, and how they are printed.
#[derive(Debug, Args)]
pub(super) struct Page {
    /// The most tickets that are shown.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Leave out so many from the start.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

/// How tables are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableFormat {
    /// For people.
    Table,
    /// A JSON array of objects.
    Json,
}

impl ViewCommand {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let (rules, place) = self.desk.load()?;
        let now = Clock::Wall.now();
        let runtime = tokio::runtime::Runtime::new()?;
        let Some(title) = &self.title else {
            let views: Vec<_> = rules.views.iter().filter(|view| view.mode != Mode::Disabled).collect();
            return runtime.block_on(async {
                let store = place.open_existing().await?;
                let mut counted = vec![];
                for view in views {
                    counted.push((view, store.count(&view.filter, &rules.desk, now).await.map_err(broke)?));
                }
                list(&counted, self.page.format)
            });
        };
        let Some(view) = rules.views.iter().find(|view| view.title == *title) else {
            let known = nearest(title, rules.views.iter().map(|view| view.title.as_str()));
            return Err(CliError::Usage(format!(
                "there is no view `{title}`{}; `twite view` lists them",
                did_you_mean(known)
            )));
        };
        runtime.block_on(async {
            let store = place.open_existing().await?;
            show(&store, view, &rules.desk, now, &self.page).await
        })
    }
}

fn list(views: &[(&std::sync::Arc<View>, u64)], format: TableFormat) -> Result<u8, CliError> {
    let mut out = terminal::people_or_json(format == TableFormat::Table);
    if format == TableFormat::Json {
        let rows = views.iter().map(|(view, count)| json!({"title": view.title, "tickets": count, "doc": view.doc}));
        out.write_all(pretty(&rows.collect())?.as_bytes())?;
        return Ok(FINE);
    }
    if views.is_empty() {
        writeln!(out, "the rules have no views")?;
        return Ok(FINE);
    }
    let mut table = plain();
    table.set_header(["tickets", "view", ""]);
    for (view, count) in views {
        let doc = view.doc.as_deref().and_then(|doc| doc.lines().next()).unwrap_or_default();
        table.add_row([count.to_string(), visible(&view.title).into_owned(), visible(doc).into_owned()]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(FINE)
}

/// Prints the tickets of a view.
pub(super) async fn show(
    store: &Store,
    view: &View,
    desk: &Desk,
    now: Timestamp,
    &Page { limit, offset, format }: &Page,
) -> Result<u8, CliError> {
    let tickets = store.view(view, desk, now, limit, offset).await.map_err(broke)?;
    let columns = &view.columns;
    fn facts<'a>(ticket: &'a Ticket, now: Timestamp, desk: &'a Desk) -> Facts<'a> {
        Facts { ticket, event: None, now, desk }
    }
    let mut out = terminal::people_or_json(format == TableFormat::Table);
    if format == TableFormat::Json {
        let rows = tickets.iter().map(|ticket| {
            let cells = columns.iter().map(|c| (c.name().to_string(), json!(c.read(facts(ticket, now, desk)))));
            Json::Object(cells.collect::<Map<_, _>>())
        });
        out.write_all(pretty(&rows.collect())?.as_bytes())?;
        return Ok(FINE);
    }
    let groups = |ticket: &Ticket| match &view.group_by {
        Some(Sort { by, .. }) => by.read(facts(ticket, now, desk)).to_string(),
        None => String::new(),
    };
    for group in tickets.chunk_by(|a, b| groups(a) == groups(b)) {
        let mut table = plain();
        table.set_header(columns.iter().map(|column| column.name().to_string()));
        for ticket in group {
            table.add_row(columns.iter().map(|column| cell(&column.read(facts(ticket, now, desk)))));
        }
        if let (Some(by), Some(first)) = (&view.group_by, group.first()) {
            writeln!(out, "{}: {}", by.by.name(), visible(&groups(first)))?;
        }
        writeln!(out, "{}\n", table.trim_fmt())?;
    }
    let count = store.count(&view.filter, desk, now).await.map_err(broke)?;
    let shown = tickets.len() as u64;
    match (shown, count) {
        (shown, count) if shown == count => writeln!(out, "{count} ticket{}", if count == 1 { "" } else { "s" })?,
        (0, count) if limit == 0 => writeln!(out, "none shown of {count} tickets, as --limit is 0")?,
        (0, count) => writeln!(out, "none of {count} tickets; --offset {offset} is beyond the last")?,
        (_, count) => writeln!(
            out,
            "{}–{} of {count} tickets; --offset {} shows the next",
            u64::from(offset) + 1,
            u64::from(offset) + shown,
            u64::from(offset) + shown
        )?,
    }
    Ok(FINE)
}
