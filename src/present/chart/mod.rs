//! Charts of reports: bars, lines and heat maps, in the terminal and as SVG.

mod svg;
mod text;

use std::collections::BTreeSet;

pub(crate) use self::{
    svg::{DrawError, draw as svg},
    text::draw as text,
};
use crate::{
    desk::visible::visible,
    engine::report::{Key, ReportTable, Row},
};

/// The data of a bar or line chart: the values of a report's first measure, one per row.
struct Series {
    /// The label of each value.
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

/// The data of a heat map: the first measure of a report by two keys, as `values[row][column]`.
struct Heat {
    rows: Vec<String>,
    columns: Vec<String>,
    values: Vec<Vec<f64>>,
}

impl Heat {
    fn of(table: &ReportTable) -> Self {
        let first = |row: &Row| row.values.first().copied().flatten().unwrap_or(0.0);
        let hours = table.rows.iter().all(|row| matches!(row.keys.as_slice(), [Key::Hour(_)]));
        // A single key by hour of the week is split into day (rows) and hour (columns).
        let place = |row: &Row| -> Option<(Key, Key)> {
            match row.keys.as_slice() {
                [Key::Hour(hour)] if hours => Some((Key::Hour(hour / 24), Key::Hour(hour % 24))),
                [one, other] => Some((one.clone(), other.clone())),
                _ => None,
            }
        };
        let placed: Vec<_> = table.rows.iter().filter_map(|row| Some((place(row)?, first(row)))).collect();
        let sides =
            |side: fn(&(Key, Key)) -> &Key| placed.iter().map(|(place, _)| side(place)).collect::<BTreeSet<_>>();
        let (rows, columns) = (sides(|p| &p.0), sides(|p| &p.1));
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
            values: rows.iter().map(|one| columns.iter().map(|other| value(one, other)).collect()).collect(),
            rows: rows.iter().map(|key| label(key, true)).collect(),
            columns: columns.iter().map(|key| label(key, false)).collect(),
        }
    }

    fn most(&self) -> f64 {
        self.values.iter().flatten().copied().fold(0.0, f64::max)
    }
}
