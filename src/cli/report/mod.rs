//! `twite report`: what a report comes to, as a table, a drawing, or data.

mod svg;
mod terminal;

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write as _},
};

use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::{CliError, FINE, broke, check::pretty, desk::DeskArgs, markup::Markup, terminal as stream, view::plain};
use crate::{
    clock::Clock,
    desk::visible::visible,
    engine::report::{Key, ReportTable, Row},
    lang::{
        did_you_mean,
        display::Grouped,
        nearest,
        rules::{Chart, Mode, Report},
    },
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
            return list(&live().map(|r| &**r).collect::<Vec<_>>(), self.format);
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
        let text = match self.format {
            Format::Table => for_people(report, &table),
            Format::Json => pretty(&serde_json::to_value(&table).map_err(io::Error::from)?)?,
            Format::Csv => csv(&table),
            Format::Svg => svg::draw(report, &table).map_err(io::Error::other)?,
            Format::Html => html(report, &table).map_err(io::Error::other)?,
        };
        let mut out = match self.format {
            Format::Table => stream::people(),
            Format::Json => stream::json(),
            Format::Csv | Format::Svg | Format::Html => stream::verbatim(),
        };
        out.write_all(text.as_bytes())?;
        Ok(FINE)
    }
}

fn list(reports: &[&Report], format: Format) -> Result<u8, CliError> {
    let mut out = stream::people_or_json(format == Format::Table);
    match format {
        Format::Table => {
            let mut table = plain();
            for report in reports {
                let doc = report.doc.as_deref().and_then(|doc| doc.lines().next()).unwrap_or_default();
                table.add_row([visible(&report.title).into_owned(), visible(doc).into_owned()]);
            }
            if reports.is_empty() {
                writeln!(out, "the rules have no reports")?;
            } else {
                writeln!(out, "{}", table.trim_fmt())?;
            }
        }
        Format::Json => {
            let reports = reports.iter().map(|report| json!({"title": report.title, "doc": report.doc}));
            out.write_all(pretty(&reports.collect())?.as_bytes())?;
        }
        Format::Csv | Format::Svg | Format::Html => {
            return Err(CliError::Usage("say which report: `twite report` lists them".to_owned()));
        }
    }
    Ok(FINE)
}

/// The table, and below it the chart.
fn for_people(report: &Report, table: &ReportTable) -> String {
    let mut text = format!("{}\n", visible(&table.title));
    // Writing to a text does not fail.
    let _ = writeln!(text, "{}\n", period(table));
    let mut shown = plain();
    shown.set_header(table.by.iter().cloned().chain(table.measures.iter().map(|m| m.name.clone())));
    // The hours of a week are read in the chart.
    let listed = if report.chart == Chart::Heatmap && table.by.len() == 1 { &[] } else { table.rows.as_slice() };
    for row in listed {
        shown.add_row(cells(table, row));
    }
    if !table.by.is_empty() {
        let mut total = cells(table, &table.total);
        // The total has no keys; its name stands where the first would.
        let keys = std::iter::once("total".to_owned()).chain(std::iter::repeat_n(String::new(), table.by.len() - 1));
        total.splice(0..0, keys);
        shown.add_row(total);
    } else {
        shown.add_row(cells(table, &table.total));
    }
    let _ = writeln!(text, "{}", shown.trim_fmt());
    if let Some(chart) = terminal::draw(report, table) {
        let _ = writeln!(text, "\n{chart}");
    }
    text
}

/// Which time a report is about.
fn period(table: &ReportTable) -> String {
    match table.period {
        None => "over all of time".to_owned(),
        Some(period) => {
            let compared = if table.previous.is_some() { ", in parentheses the period before" } else { "" };
            let zone = TimeZone::get(&table.zone).unwrap_or(TimeZone::UTC);
            let local = |at: Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
            format!("from {} up to {}, {}{compared}", local(period.from), local(period.to), table.zone)
        }
    }
}

fn cells(table: &ReportTable, row: &Row) -> Vec<String> {
    let keys = row.keys.iter().map(|key| visible(&key.to_string()).into_owned());
    let values = row.values.iter().zip(&table.measures).enumerate().map(|(n, (value, measured))| {
        let value = shown(*value, measured.unit);
        match row.previous.as_ref().and_then(|previous| previous.get(n)) {
            Some(before) => format!("{value} ({})", shown(*before, measured.unit)),
            None => value,
        }
    });
    keys.chain(values).collect()
}

/// A value with its unit, as people read it.
fn shown(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match unit {
        "seconds" => length(value),
        _ if value.fract() == 0.0 && value.abs() < 1e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and far below 2^53")]
            let whole = value as i64;
            Grouped(whole).to_string().replace('_', ",")
        }
        _ => format!("{value:.1}"),
    }
}

/// A length of time in its two largest units.
fn length(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    #[expect(clippy::cast_possible_truncation, reason = "lengths of time are far below 2^53 seconds")]
    let whole = seconds.abs().round() as i64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{whole} s"),
        (0, 0, minutes) => format!("{sign}{minutes} min"),
        (0, hours, minutes) => format!("{sign}{hours} h {minutes:02} min"),
        (days, hours, _) => format!("{sign}{days} d {hours:02} h"),
    }
}

fn csv(table: &ReportTable) -> String {
    let mut text = String::new();
    let before = table.measures.iter().filter(|_| table.previous.is_some());
    let header = table.by.iter().map(|by| Cow::Borrowed(by.as_str()));
    let header = header.chain(table.measures.iter().map(|m| Cow::Borrowed(m.name.as_str())));
    line(&mut text, header.chain(before.map(|m| Cow::Owned(format!("{}, period before", m.name)))));
    let total = table.rows.is_empty().then_some(&table.total);
    for row in table.rows.iter().chain(total.filter(|_| table.by.is_empty())) {
        let keys = row.keys.iter().map(|key| match key {
            Key::Empty => Cow::Borrowed(""),
            key => Cow::Owned(key.to_string()),
        });
        let values = row.values.iter().chain(row.previous.iter().flatten());
        let values = values.map(|v| Cow::Owned(v.map(|v| v.to_string()).unwrap_or_default()));
        line(&mut text, keys.chain(values));
    }
    text
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (n, cell) in cells.enumerate() {
        text.push_str(if n == 0 { "" } else { "," });
        // What a stranger wrote must not become a formula in somebody's spreadsheet.
        let formula = cell.starts_with(['=', '+', '@', '|', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
            || (cell.starts_with('-') && cell.parse::<f64>().is_err());
        let cell = if formula { Cow::Owned(format!("'{cell}")) } else { cell };
        // CSV has no escape for characters that nobody sees; they are spelt out as for people.
        let cell = visible(&cell);
        match cell.contains(['"', ',']) {
            true => text.push_str(&format!("\"{}\"", cell.replace('"', "\"\""))),
            false => text.push_str(&cell),
        }
    }
    text.push_str("\r\n");
}

/// A page that needs nothing else.
fn html(report: &Report, table: &ReportTable) -> Result<String, svg::DrawError> {
    let mut rows = String::new();
    let heads = table.by.iter().chain(table.measures.iter().map(|m| &m.name));
    let heads: String = heads.map(|head| format!("<th>{}</th>", Markup(head))).collect();
    let all = table.rows.iter().chain(table.by.is_empty().then_some(&table.total));
    for row in all {
        let cells: String = cells(table, row).iter().map(|cell| format!("<td>{}</td>", Markup(cell))).collect();
        let _ = writeln!(rows, "<tr>{cells}</tr>");
    }
    let lines = |doc: &str| doc.lines().map(|line| Markup(line).to_string()).collect::<Vec<_>>().join("\n");
    let doc = report.doc.as_deref().map(|doc| format!("<p>{}</p>\n", lines(doc))).unwrap_or_default();
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n\
         body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; color: #222; }}\n\
         svg {{ width: 100%; height: auto; }}\ntable {{ border-collapse: collapse; }}\n\
         th, td {{ text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #ddd; }}\n</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{doc}<p>{period}</p>\n{drawing}\n<table>\n<tr>{heads}</tr>\n{rows}</table>\n</body>\n</html>\n",
        title = Markup(&table.title),
        period = Markup(&period(table)),
        drawing = svg::draw(report, table)?,
    ))
}

/// What a chart draws: the first measure, row by row.
struct Series {
    /// What each value is about.
    labels: Vec<String>,
    values: Vec<f64>,
    previous: Option<Vec<f64>>,
    unit: &'static str,
}

impl Series {
    fn of(table: &ReportTable) -> Option<Self> {
        let unit = table.measures.first()?.unit;
        let first = |values: &[Option<f64>]| values.first().copied().flatten().unwrap_or(0.0);
        let label = |row: &Row| row.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Some(Self {
            labels: table.rows.iter().map(|row| visible(&label(row)).into_owned()).collect(),
            values: table.rows.iter().map(|row| first(&row.values)).collect(),
            previous: table.rows.iter().map(|row| row.previous.as_ref().map(|p| first(p))).collect(),
            unit,
        })
    }

    fn most(&self) -> f64 {
        self.values.iter().chain(self.previous.iter().flatten()).copied().fold(0.0, f64::max)
    }
}

/// A heatmap: what stands beside it, what above it, and the values, row by row.
struct Heat {
    beside: Vec<String>,
    above: Vec<String>,
    values: Vec<Vec<f64>>,
}

impl Heat {
    fn of(table: &ReportTable) -> Self {
        let first = |row: &Row| row.values.first().copied().flatten().unwrap_or(0.0);
        let hours = table.rows.iter().all(|row| matches!(row.keys.as_slice(), [Key::Hour(_)]));
        // The hours of a week are seven days of 24 hours.
        let place = |row: &Row| -> Option<(Key, Key)> {
            match row.keys.as_slice() {
                [Key::Hour(hour)] if hours => Some((Key::Hour(hour / 24), Key::Hour(hour % 24))),
                [one, other] => Some((one.clone(), other.clone())),
                _ => None,
            }
        };
        let placed: Vec<_> = table.rows.iter().filter_map(|row| Some((place(row)?, first(row)))).collect();
        let sides = |side: fn(&(Key, Key)) -> &Key| {
            placed.iter().map(|(place, _)| side(place)).collect::<std::collections::BTreeSet<_>>()
        };
        let (beside, above) = (sides(|p| &p.0), sides(|p| &p.1));
        let value = |one: &Key, other: &Key| {
            placed.iter().find(|((a, b), _)| a == one && b == other).map_or(0.0, |(_, value)| *value)
        };
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let label = |key: &Key, day: bool| match key {
            Key::Hour(n) if hours && day => {
                usize::try_from(*n).ok().and_then(|n| DAYS.get(n)).map_or_else(String::new, |day| (*day).to_owned())
            }
            Key::Hour(n) if hours => format!("{n:02}"),
            key => visible(&key.to_string()).into_owned(),
        };
        Self {
            values: beside.iter().map(|one| above.iter().map(|other| value(one, other)).collect()).collect(),
            beside: beside.iter().map(|key| label(key, true)).collect(),
            above: above.iter().map(|key| label(key, false)).collect(),
        }
    }

    fn most(&self) -> f64 {
        self.values.iter().flatten().copied().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{desk::visible::is_control, engine::report::Measured, lang::check_sources};

    #[test]
    fn nothing_steers_in_any_form_of_a_report() {
        let all: String = (0..=0xffff).filter_map(char::from_u32).filter(|c| is_control(*c)).collect();
        let key = || vec![Key::Name(format!("=<&>\"{all}")), Key::Word(0, all.clone())];
        let row = || Row { keys: key(), values: vec![Some(1.0)], previous: None };
        let rules = "report \"R\" {\n  measure count\n}\n";
        for chart in [Chart::Bars, Chart::Lines, Chart::Heatmap] {
            let desk = crate::desk::Desk::default();
            let (checked, _) = check_sources([("a.twite", rules)], desk);
            let mut report = Arc::into_inner(checked.unwrap().reports.remove(0)).unwrap();
            report.chart = chart;
            report.title.clone_from(&all);
            report.doc = Some(all.clone());
            let table = ReportTable {
                title: all.clone(),
                zone: "UTC".to_owned(),
                period: None,
                previous: None,
                by: vec![all.clone(), all.clone()],
                measures: vec![Measured { name: all.clone(), unit: "tickets" }],
                rows: vec![row(), row()],
                total: Row { keys: vec![], values: vec![Some(2.0)], previous: None },
            };
            let forms = [
                for_people(&report, &table),
                csv(&table).replace("\r\n", "\n"),
                svg::draw(&report, &table).unwrap(),
                html(&report, &table).unwrap(),
            ];
            for (n, form) in forms.iter().enumerate() {
                let found = form.chars().find(|c| *c != '\n' && is_control(*c));
                assert!(n == 0 || found.is_none(), "{chart:?}, form {n}: {found:?}");
            }
        }
    }
}
