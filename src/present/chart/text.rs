//! Charts in the terminal.

use textplots::{Chart as Plot, Plot as _, Shape};

use super::{Heat, Series};
use crate::{
    desk::text::headline,
    engine::report::ReportTable,
    lang::rules::{Chart, Report},
    present::amount::amount,
};

/// The maximum length of a bar, in characters.
const BAR_CHARS: usize = 48;
/// The maximum length of a label, in graphemes.
const MAX_LABEL_CHARS: usize = 28;
/// The maximum number of bars in a chart; longer reports are shown only as a table.
const MAX_BARS: usize = 60;

/// The chart of a report as text; `None` if it has no chart or there is no data to draw.
pub(crate) fn draw(report: &Report, table: &ReportTable) -> Option<String> {
    if table.rows.is_empty() {
        return None;
    }
    match report.chart {
        Chart::Table => None,
        Chart::Bars => bars(&Series::of(table)?),
        Chart::Lines => lines(table),
        Chart::Heatmap => Some(heat(&Heat::of(table))),
    }
}

fn bars(series: &Series) -> Option<String> {
    let most = series.most();
    if most <= 0.0 || series.values.len() > MAX_BARS {
        return None;
    }
    let labels: Vec<_> = series.labels.iter().map(|label| headline(label, MAX_LABEL_CHARS)).collect();
    let wide = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let lines = labels.iter().zip(&series.values).map(|(label, value)| {
        let pad = " ".repeat(wide - label.chars().count());
        format!("{label}{pad}  {} {}", bar(*value / most), amount(Some(*value), series.unit))
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// A bar of block characters, exact to an eighth of a character.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a few hundred eighths")]
    let eighths = (share.clamp(0.0, 1.0) * (BAR_CHARS * 8) as f64).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).unwrap_or(&""))
}

/// A line chart over the rows in order, with dots for the previous period.
fn lines(table: &ReportTable) -> Option<String> {
    let series = Series::of(table)?;
    let most = series.most();
    if series.values.len() < 2 || most <= 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a drawing is not that fine")]
    let points =
        |values: &[f64]| values.iter().enumerate().map(|(n, v)| (n as f32, *v as f32)).collect::<Vec<(f32, f32)>>();
    let (now, before) = (points(&series.values), series.previous.as_deref().map(points));
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a drawing is not that fine")]
    let mut plot = Plot::new_with_y_range(120, 40, 0.0, (series.values.len() - 1) as f32, 0.0, most as f32);
    let (now, before) = (Shape::Lines(&now), before.as_deref().map(Shape::Points));
    let plot = plot.lineplot(&now);
    let plot = match &before {
        Some(before) => plot.lineplot(before),
        None => plot,
    };
    plot.axis();
    plot.figures();
    let drawn = plot.to_string();
    let drawn: Vec<&str> = drawn.lines().filter(|line| !line.trim().is_empty()).collect();
    // The last line has the axis labels, which are row indices; the first and last row's labels replace it.
    let (_, drawing) = drawn.split_last()?;
    let (first, last) = (series.labels.first()?, series.labels.last()?);
    let dots = if before.is_some() { "; dots: the period before" } else { "" };
    Some(format!("{}\n{first} … {last}{dots}; at most {}", drawing.join("\n"), amount(Some(most), series.unit)))
}

fn heat(heat: &Heat) -> String {
    const SHADES: [&str; 5] = ["·", "░", "▒", "▓", "█"];
    let most = heat.most();
    let labels: Vec<_> = heat.rows.iter().map(|label| headline(label, MAX_LABEL_CHARS)).collect();
    let wide = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let cell = heat.columns.iter().map(|label| label.chars().count().min(8)).max().unwrap_or(1).max(2);
    let head: String = heat.columns.iter().map(|label| format!(" {:>cell$}", headline(label, cell))).collect();
    let mut text = format!("{}{head}", " ".repeat(wide));
    for (label, values) in labels.iter().zip(&heat.values) {
        let pad = " ".repeat(wide - label.chars().count());
        let cells = values.iter().map(|value| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of four shades")]
            let shade = if most > 0.0 { (value / most * 4.0).ceil().clamp(0.0, 4.0) as usize } else { 0 };
            format!(" {}", SHADES.get(shade).unwrap_or(&"·").repeat(cell))
        });
        text.push_str(&format!("\n{label}{pad}{}", cells.collect::<String>()));
    }
    text
}
