//! `twite report`: what a report comes to, as a table, a drawing, or data.

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{CliError, FINE, broke, desk::DeskArgs, terminal};
use crate::{
    clock::Clock,
    lang::{did_you_mean, nearest, rules::Mode},
    present::{self, chart, report},
};

/// Show what a report comes to now, as a table and a chart; without a name, list the reports.
#[derive(Debug, Args)]
pub(crate) struct ReportCommand {
    /// The report's title.
    title: Option<String>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// As of this moment instead of now, as in `2026-02-01T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    desk: DeskArgs,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: a table and a chart.
    Table,
    /// One JSON object; lengths of time in seconds.
    Json,
    /// Comma-separated values with a header; lengths of time in seconds.
    Csv,
    /// The chart as a picture.
    Svg,
    /// A page of its own with the chart and the table.
    Html,
}

impl ReportCommand {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let (rules, place) = self.desk.load()?;
        let now = self.at.unwrap_or_else(|| Clock::Wall.now());
        let live = || rules.reports.iter().filter(|report| report.mode != Mode::Disabled);
        let Some(title) = &self.title else {
            let reports: Vec<_> = live().map(|listed| report::Listed::from(&**listed)).collect();
            return self.print(&match self.format {
                Format::Table => report::list(&reports),
                Format::Json => present::json(&reports).map_err(io::Error::from)?,
                Format::Csv | Format::Svg | Format::Html => {
                    return Err(CliError::Usage("say which report: `twite report` lists them".to_owned()));
                }
            });
        };
        let Some(report) = live().find(|report| report.title == *title) else {
            let known = nearest(title, live().map(|report| report.title.as_str()));
            return Err(CliError::Usage(format!(
                "there is no report `{title}`{}; `twite report` lists them",
                did_you_mean(known)
            )));
        };
        let table = tokio::runtime::Runtime::new()?.block_on(async {
            let store = place.open_existing().await?;
            store.report(report, &rules.desk, now).await.map_err(broke)
        })?;
        self.print(&match self.format {
            Format::Table => report::text(report, &table),
            Format::Json => present::json(&table).map_err(io::Error::from)?,
            Format::Csv => report::csv(&table),
            Format::Svg => chart::svg(report, &table).map_err(io::Error::other)?,
            Format::Html => report::html(report, &table).map_err(io::Error::other)?,
        })
    }

    fn print(&self, text: &str) -> Result<u8, CliError> {
        let mut out = match self.format {
            Format::Table => terminal::people(),
            Format::Json => terminal::json(),
            Format::Csv | Format::Svg | Format::Html => terminal::verbatim(),
        };
        out.write_all(text.as_bytes())?;
        Ok(FINE)
    }
}
