//! Plot of cost against the number of rules.

use std::{error::Error, path::Path};

use plotters::{coord::CoordTranslate, prelude::*};

use crate::{
    engines::{self, Engine as _, twite::Twite},
    table::Row,
    workload::Workload,
};

/// Draws a line for each engine, both axes logarithmic.
///
/// # Errors
/// If the file cannot be written.
pub fn draw(file: &Path, workload: Workload, counts: &[usize], rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let lines = rows.iter().map(|row| {
        let points = counts.iter().zip(&row.measured);
        let points = points.filter_map(|(count, m)| Some((*count as f64, m.as_ref()?.ticket)));
        (row.engine, points.collect::<Vec<_>>())
    });
    let lines: Vec<_> = lines.filter(|(_, points)| !points.is_empty()).collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    let least = all().map(|(_, y)| *y).fold(f64::MAX, f64::min);
    let most = all().map(|(_, y)| *y).fold(least, f64::max);
    let (first, last) = (counts[0] as f64, counts[counts.len() - 1] as f64);
    // An axis needs two different ends.
    let last = last.max(first * 10.0);

    let root = SVGBackend::new(file, (900, 560)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("{}: one ticket against many rules", workload.name()), ("sans-serif", 22))
        .margin(12)
        // Room for the engines' names at the ends of their lines.
        .margin_right(140)
        .x_label_area_size(48)
        .y_label_area_size(84)
        .build_cartesian_2d((first..last).log_scale(), (least / 1.5..most * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .label_style(("sans-serif", 16))
        .x_desc("rules")
        .y_desc("time for a ticket")
        .x_label_formatter(&|count| crate::table::grouped(*count))
        .y_label_formatter(&|time| duration(*time))
        .draw()?;
    for (engine, points) in &lines {
        let colour = colour(engine);
        let width = if *engine == Twite::NAME { 4 } else { 2 };
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(width)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    for (engine, (x, y)) in labels(&chart, &lines) {
        root.draw(&Text::new(engine, (x + 8, y), ("sans-serif", 17).into_font().color(&colour(engine))))?;
    }
    root.present()?;
    Ok(())
}

/// Draws each name at the end of its line, without overlaps.
fn labels<'a, C>(
    chart: &ChartContext<'_, SVGBackend<'_>, C>,
    lines: &[(&'a str, Vec<(f64, f64)>)],
) -> Vec<(&'a str, (i32, i32))>
where
    C: CoordTranslate<From = (f64, f64)>,
{
    const APART: i32 = 15;
    let ends =
        lines.iter().filter_map(|(engine, points)| Some((*engine, chart.as_coord_spec().translate(points.last()?))));
    let mut labels: Vec<_> = ends.map(|(engine, (x, y))| (engine, (x, y - APART / 2))).collect();
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|n| labels[*n].1.1);
    for pair in 1..order.len() {
        let above = labels[order[pair - 1]].1;
        let below = &mut labels[order[pair]].1;
        if (above.0 - below.0).abs() < 100 {
            below.1 = below.1.max(above.1 + APART);
        }
    }
    labels
}

/// An engine has the same colour in every plot.
fn colour(engine: &str) -> RGBColor {
    const COLOURS: &[RGBColor] = &[
        RGBColor(0, 0, 0),
        RGBColor(120, 120, 120),
        RGBColor(214, 39, 40),
        RGBColor(150, 90, 30),
        RGBColor(31, 119, 180),
        RGBColor(44, 140, 44),
        RGBColor(148, 103, 189),
        RGBColor(220, 120, 0),
        RGBColor(0, 150, 150),
        RGBColor(190, 70, 150),
    ];
    let at = engines::ALL.iter().position(|candidate| candidate.name == engine).unwrap_or_default();
    COLOURS[at % COLOURS.len()]
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.0} µs", n / 1e3),
        n => format!("{:.0} ms", n / 1e6),
    }
}
