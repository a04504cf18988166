//! Charts as SVG.

use plotters::{
    coord::Shift,
    element::{Rectangle, Text},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{Heat, Series};
use crate::{
    desk::{text::headline, visible::visible},
    engine::report::ReportTable,
    lang::rules::{Chart, Report},
    present::amount::amount,
};

/// Why a chart could not be drawn.
pub(crate) type DrawError = Box<dyn std::error::Error + Send + Sync>;

const SIZE: (u32, u32) = (960, 480);
/// The colour of bars and lines, and the colour of those of the previous period.
const INK: RGBColor = RGBColor(0x1d, 0x6f, 0xb8);
const PALE: RGBColor = RGBColor(0xb8, 0xcf, 0xe3);
const TEXT: RGBColor = RGBColor(0x33, 0x33, 0x33);
/// The maximum width of a bar, in pixels.
const MAX_BAR_PIXELS: u32 = 48;
/// The maximum length of a label, in graphemes.
const MAX_LABEL_CHARS: usize = 24;
/// The maximum number of labels in a column.
const MAX_LABELS: usize = 40;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The chart of a report as SVG; bars if the report declares no chart.
pub(crate) fn draw(report: &Report, table: &ReportTable) -> Result<String, DrawError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(wrong)?;
        let title = (FontFamily::SansSerif, 22).into_font().color(&TEXT);
        let measured = table.measures.first().map(|m| m.name.as_str()).unwrap_or_default();
        area.draw(&Text::new(headline(&visible(&table.title), 70), (24, 18), title)).map_err(wrong)?;
        area.draw(&Text::new(visible(measured).into_owned(), (24, 46), small(HPos::Left))).map_err(wrong)?;
        if table.rows.is_empty() {
            let value = table.total.values.first().copied().flatten();
            let unit = table.measures.first().map_or("number", |m| m.unit);
            let large = (FontFamily::SansSerif, 72).into_font().color(&INK);
            area.draw(&Text::new(amount(value, unit), (24, 180), large)).map_err(wrong)?;
        } else {
            let inner = area.margin(80, 24, 24, 24);
            match report.chart {
                Chart::Bars | Chart::Table => bars(&inner, table)?,
                Chart::Lines => lines(&inner, table)?,
                Chart::Heatmap => heat(&inner, &Heat::of(table))?,
            }
        }
        area.present().map_err(wrong)?;
    }
    Ok(text)
}

fn wrong(error: impl std::error::Error) -> DrawError {
    error.to_string().into()
}

fn small(side: HPos) -> TextStyle<'static> {
    (FontFamily::SansSerif, 14).into_font().color(&TEXT).pos(Pos::new(side, VPos::Center))
}

#[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
fn pixels(share: f64, of: u32) -> i32 {
    (share.clamp(0.0, 1.0) * f64::from(of)).round() as i32
}

/// The two edges, in pixels, of part `place` if a length is divided into `count` equal parts.
fn edges(place: usize, count: usize, of: u32) -> (i32, i32) {
    #[expect(clippy::cast_precision_loss, reason = "a place in a list")]
    let at = |place: usize| pixels(place as f64 / count.max(1) as f64, of);
    (at(place), at(place + 1))
}

fn bars(area: &Area<'_>, table: &ReportTable) -> Result<(), DrawError> {
    let Some(series) = Series::of(table) else { return Ok(()) };
    let most = series.most().max(f64::MIN_POSITIVE);
    let (names, rest) = area.split_horizontally(190);
    let (field, numbers) = rest.split_horizontally(620);
    let (width, height) = field.dim_in_pixel();
    let count = series.values.len();
    // A few bars do not fill the whole height.
    let height = u32::try_from(count).map_or(height, |count| height.min(count.saturating_mul(MAX_BAR_PIXELS)));
    let every = count.div_ceil(MAX_LABELS).max(1);
    for (n, value) in series.values.iter().enumerate() {
        let (top, bottom) = edges(n, count, height);
        let middle = i32::midpoint(top, bottom);
        let gap = if bottom - top > 6 { 2 } else { 0 };
        if let Some(before) = series.previous.as_ref().and_then(|p| p.get(n)) {
            let pale = Rectangle::new([(0, top + gap), (pixels(before / most, width), bottom - gap)], PALE.filled());
            field.draw(&pale).map_err(wrong)?;
        }
        let inset = if series.previous.is_some() { (bottom - top) / 4 } else { gap };
        let bar = Rectangle::new([(0, top + inset), (pixels(value / most, width), bottom - inset)], INK.filled());
        field.draw(&bar).map_err(wrong)?;
        if n % every == 0 {
            let label = series.labels.get(n).map(|label| headline(label, MAX_LABEL_CHARS)).unwrap_or_default();
            names.draw(&Text::new(label, (182, middle), small(HPos::Right))).map_err(wrong)?;
            let value = amount(Some(*value), series.unit);
            numbers.draw(&Text::new(value, (8, middle), small(HPos::Left))).map_err(wrong)?;
        }
    }
    Ok(())
}

fn lines(area: &Area<'_>, table: &ReportTable) -> Result<(), DrawError> {
    let Some(series) = Series::of(table) else { return Ok(()) };
    let (last, most) = (series.values.len().saturating_sub(1).max(1), series.most().max(1.0));
    let labels = &series.labels;
    let mut chart = ChartBuilder::on(area)
        .x_label_area_size(36)
        .y_label_area_size(96)
        .build_cartesian_2d(0..last, 0.0..most * 1.05)
        .map_err(wrong)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(0xdd, 0xdd, 0xdd))
        .axis_style(RGBColor(0x99, 0x99, 0x99))
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|n| labels.get(*n).map(|label| headline(label, 16)).unwrap_or_default())
        .y_label_formatter(&|value| amount(Some(*value), series.unit))
        .label_style((FontFamily::SansSerif, 14).into_font().color(&TEXT))
        .draw()
        .map_err(wrong)?;
    let points = |values: &[f64]| values.iter().copied().enumerate().collect::<Vec<_>>();
    if let Some(previous) = &series.previous {
        chart.draw_series(LineSeries::new(points(previous), PALE.stroke_width(3))).map_err(wrong)?;
    }
    chart.draw_series(LineSeries::new(points(&series.values), INK.stroke_width(3))).map_err(wrong)?;
    Ok(())
}

fn heat(area: &Area<'_>, heat: &Heat) -> Result<(), DrawError> {
    let (head, rest) = area.split_vertically(30);
    let (names, field) = rest.split_horizontally(150);
    let (width, height) = field.dim_in_pixel();
    let most = heat.most().max(f64::MIN_POSITIVE);
    let every = heat.columns.len().div_ceil(24).max(1);
    for (n, label) in heat.columns.iter().enumerate().step_by(every) {
        let (left, right) = edges(n, heat.columns.len(), width);
        let label = headline(label, 10);
        head.draw(&Text::new(label, (150 + i32::midpoint(left, right), 15), small(HPos::Center))).map_err(wrong)?;
    }
    let rows_every = heat.rows.len().div_ceil(MAX_LABELS).max(1);
    for (n, (label, values)) in heat.rows.iter().zip(&heat.values).enumerate() {
        let (top, bottom) = edges(n, heat.rows.len(), height);
        if n % rows_every == 0 {
            let place = (142, i32::midpoint(top, bottom));
            names.draw(&Text::new(headline(label, 18), place, small(HPos::Right))).map_err(wrong)?;
        }
        for (column, value) in values.iter().enumerate() {
            let (left, right) = edges(column, heat.columns.len(), width);
            let color = INK.mix((value / most).clamp(0.04, 1.0));
            let cell = Rectangle::new([(left + 1, top + 1), (right - 1, bottom - 1)], color.filled());
            field.draw(&cell).map_err(wrong)?;
        }
    }
    Ok(())
}
