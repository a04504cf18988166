//! Text tables and the formatting of their cells.

use comfy_table::{Table, presets};
use jiff::Timestamp;

use crate::desk::{Value, text::headline, visible::visible};

/// The maximum length of a text in a cell, in graphemes.
const MAX_CELL_CHARS: usize = 48;

/// A table without borders.
pub(crate) fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

/// A value as a cell: on one line, truncated if it is long.
pub(crate) fn cell(value: &Value<'_>) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) => visible(&headline(text, MAX_CELL_CHARS)).into_owned(),
        Value::Time(time) => minute(*time),
        value => visible(&value.to_string()).into_owned(),
    }
}

/// A timestamp in UTC, to the minute.
pub(crate) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// The first line of a rule's documentation.
pub(crate) fn first_line(doc: Option<&str>) -> &str {
    doc.and_then(|doc| doc.lines().next()).unwrap_or_default()
}
