//! `twite report`: prints a report as a table, a chart or data.

use std::io::Write as _;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs},
    terminal,
};
use crate::{
    app::reports,
    clock::Clock,
    present::{self, chart, report},
};

/// Print a report as a table and a chart. Without a title, list the reports.
#[derive(Debug, Args)]
pub(crate) struct ReportCommand {
    /// The report's title.
    title: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The time from which `last 7 days`, `today` and `time since …` are reckoned instead of now, as in
    /// `2026-02-01T00:00:00Z`. Tickets are taken as they are now, and a report without a period counts all of them.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: a table and a chart.
    Table,
    /// One JSON object; durations in seconds.
    Json,
    /// Comma-separated values with a header; durations in seconds.
    Csv,
    /// The chart as an image.
    Svg,
    /// A standalone page with the chart and the table.
    Html,
}

impl ReportCommand {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let desk = self.desk.open(Access::Read).await?;
        let viewer = self.by.viewer(&desk.rules.desk)?;
        let Some(title) = &self.title else {
            let reports: Vec<_> = reports::all(&desk.rules, viewer).map(report::Listed::from).collect();
            return self.print(&match self.format {
                Format::Table => report::list(&reports),
                Format::Json => present::json(&reports)?,
                Format::Csv | Format::Svg | Format::Html => {
                    return Err(CliError::Usage(
                        "missing title of the report; `twite report` lists all reports".to_owned(),
                    ));
                }
            });
        };
        let found = reports::find(&desk.rules, viewer, title)
            .map_err(|error| CliError::Usage(format!("{error}; `twite report` lists all reports")))?;
        AsAgent::note_me(viewer, found.filter.asks_me())?;
        let now = self.at.unwrap_or_else(|| Clock::Wall.now());
        let table = reports::run(desk.store()?, viewer, found, &desk.rules.desk, now).await?;
        self.print(&match self.format {
            Format::Table => report::text(found, &table),
            Format::Json => present::json(&table)?,
            Format::Csv => report::csv(&table),
            Format::Svg => chart::svg(found, &table).map_err(CliError::Broke)?,
            Format::Html => report::html(found, &table).map_err(CliError::Broke)?,
        })
    }

    fn print(&self, text: &str) -> Result<Exit, CliError> {
        let mut out = match self.format {
            Format::Table => terminal::people(),
            Format::Json => terminal::json(),
            Format::Csv | Format::Svg | Format::Html => terminal::verbatim(),
        };
        out.write_all(text.as_bytes())?;
        Ok(Exit::Fine)
    }
}
