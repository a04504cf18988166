//! Tables, and the values in their cells.

use comfy_table::{Table, presets};
use jiff::Timestamp;

use crate::desk::{Value, text::headline, visible::visible};

/// How much of a text a cell shows, in characters as a reader counts them.
const MAX_CELL_CHARS: usize = 48;

/// A table without lines.
pub(crate) fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

/// A value in a cell: on one line, and cut where it is long.
pub(crate) fn cell(value: &Value<'_>) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) => visible(&headline(text, MAX_CELL_CHARS)).into_owned(),
        Value::Time(time) => minute(*time),
        value => visible(&value.to_string()).into_owned(),
    }
}

/// An instant to the minute, in UTC.
pub(crate) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// The first line of a rule's documentation.
pub(crate) fn first_line(doc: Option<&str>) -> &str {
    doc.and_then(|doc| doc.lines().next()).unwrap_or_default()
}
