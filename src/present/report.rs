//! Reports as text, CSV and HTML; the list of reports.

use std::{borrow::Cow, fmt::Write as _};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    amount::amount,
    chart::{self, DrawError},
    csv::csv_line,
    markup::Markup,
    table::{first_line, plain},
};
use crate::{
    desk::visible::visible,
    engine::report::{Key, ReportTable, Row},
    lang::rules::{Chart, Report},
};

/// An entry of the list of reports.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<'r> {
    title: &'r str,
    doc: Option<&'r str>,
}

impl<'r> From<&'r Report> for Listed<'r> {
    fn from(report: &'r Report) -> Self {
        Self { title: &report.title, doc: report.doc.as_deref() }
    }
}

/// The list of reports as text.
pub(crate) fn list(reports: &[Listed<'_>]) -> String {
    if reports.is_empty() {
        return "the rules define no reports\n".to_owned();
    }
    let mut table = plain();
    for Listed { title, doc } in reports {
        table.add_row([visible(title), visible(first_line(*doc))]);
    }
    format!("{}\n", table.trim_fmt())
}

/// A report as text: the table, then the chart.
pub(crate) fn text(report: &Report, table: &ReportTable) -> String {
    let mut text = format!("{}\n", visible(&table.title));
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}\n", period(table));
    let mut shown = plain();
    shown.set_header(table.by.iter().cloned().chain(table.measures.iter().map(|m| m.name.clone())));
    // A heat map with one split shows the hours of the week in the chart, so the table has only the total.
    let listed = if report.chart == Chart::Heatmap && table.by.len() == 1 { &[] } else { table.rows.as_slice() };
    for row in listed {
        shown.add_row(cells(table, row));
    }
    if !table.by.is_empty() {
        let mut total = cells(table, &table.total);
        // The total row has no keys: `total` fills the first key column, the others stay empty.
        let keys = std::iter::once("total".to_owned()).chain(std::iter::repeat_n(String::new(), table.by.len() - 1));
        total.splice(0..0, keys);
        shown.add_row(total);
    } else {
        shown.add_row(cells(table, &table.total));
    }
    let _ = writeln!(text, "{}", shown.trim_fmt());
    if let Some(chart) = chart::text(report, table) {
        let _ = writeln!(text, "\n{chart}");
    }
    text
}

/// The period of a report, in words.
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
        let value = amount(*value, measured.unit);
        match row.previous.as_ref().and_then(|previous| previous.get(n)) {
            Some(before) => format!("{value} ({})", amount(*before, measured.unit)),
            None => value,
        }
    });
    keys.chain(values).collect()
}

/// A report as CSV with a header; durations in seconds.
pub(crate) fn csv(table: &ReportTable) -> String {
    let mut text = String::new();
    let before = table.measures.iter().filter(|_| table.previous.is_some());
    let header = table.by.iter().map(|by| Cow::Borrowed(by.as_str()));
    let header = header.chain(table.measures.iter().map(|m| Cow::Borrowed(m.name.as_str())));
    csv_line(&mut text, header.chain(before.map(|m| Cow::Owned(format!("{}, period before", m.name)))));
    let total = table.rows.is_empty().then_some(&table.total);
    for row in table.rows.iter().chain(total.filter(|_| table.by.is_empty())) {
        let keys = row.keys.iter().map(|key| match key {
            Key::Empty => Cow::Borrowed(""),
            key => Cow::Owned(key.to_string()),
        });
        let values = row.values.iter().chain(row.previous.iter().flatten());
        let values = values.map(|v| Cow::Owned(v.map(|v| v.to_string()).unwrap_or_default()));
        csv_line(&mut text, keys.chain(values));
    }
    text
}

/// A report as a standalone HTML page with the chart and the table.
pub(crate) fn html(report: &Report, table: &ReportTable) -> Result<String, DrawError> {
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
        drawing = chart::svg(report, table)?,
    ))
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
            let desk = crate::desk::Declarations::default();
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
                text(&report, &table),
                csv(&table).replace("\r\n", "\n"),
                chart::svg(&report, &table).unwrap(),
                html(&report, &table).unwrap(),
            ];
            for (n, form) in forms.iter().enumerate() {
                let found = form.chars().find(|c| *c != '\n' && is_control(*c));
                assert!(n == 0 || found.is_none(), "{chart:?}, form {n}: {found:?}");
            }
        }
    }
}
