//! CSV (RFC 4180), escaped so that it is safe to open in a spreadsheet.

use std::borrow::Cow;

use crate::desk::visible::visible;

/// Appends one CSV record.
pub(super) fn csv_line<'a>(text: &mut String, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (n, cell) in cells.enumerate() {
        text.push_str(if n == 0 { "" } else { "," });
        // CSV injection: a spreadsheet would evaluate such a cell as a formula.
        let formula = cell.starts_with(['=', '+', '@', '|', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
            || (cell.starts_with('-') && cell.parse::<f64>().is_err());
        let cell = if formula { Cow::Owned(format!("'{cell}")) } else { cell };
        // CSV has no escape for invisible characters, so they are spelt out.
        let cell = visible(&cell);
        match cell.contains(['"', ',']) {
            true => text.push_str(&format!("\"{}\"", cell.replace('"', "\"\""))),
            false => text.push_str(&cell),
        }
    }
    text.push_str("\r\n");
}
