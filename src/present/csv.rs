//! Comma-separated values (RFC 4180), safe to open in a spreadsheet.

use std::borrow::Cow;

use crate::desk::visible::visible;

/// Appends a record.
pub(super) fn csv_line<'a>(text: &mut String, cells: impl Iterator<Item = Cow<'a, str>>) {
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
