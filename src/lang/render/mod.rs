//! Diagnostics in the forms that people and other programs read. One file a form.

mod github;
mod human;
mod json;
mod sarif;
mod short;

use std::ops::Range;

pub use github::github;
pub use human::human;
pub use json::json;
pub use sarif::sarif;
pub use short::short;

use super::{diagnostic::Diagnostic, sources::Sources};

/// A place as people count: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// Where a byte offset stands.
fn line_column(text: &str, offset: usize) -> LineColumn {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    LineColumn {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

/// First and last place of a span in the file of a diagnostic.
fn region(diagnostic: &Diagnostic, sources: &Sources, span: &Range<usize>) -> (LineColumn, LineColumn) {
    let text = sources.text(&diagnostic.file).map(|t| &**t).unwrap_or_default();
    (line_column(text, span.start), line_column(text, span.end))
}
