//! Diagnostics in the forms that people and other programs read. One file a form, each linear in the number of findings.

mod github;
mod human;
mod json;
mod repository;
mod sarif;
mod short;

use std::ops::Range;

pub use github::github;
pub use human::{Style, human};
pub use json::json;
pub use sarif::sarif;
pub use short::short;

use super::{
    diagnostic::{Diagnostic, Severity},
    lines::LineColumn,
    sources::Sources,
};

/// First and last place of a span in the file of a diagnostic.
fn region(diagnostic: &Diagnostic, sources: &Sources, span: &Range<usize>) -> (LineColumn, LineColumn) {
    (sources.line_column(&diagnostic.file, span.start), sources.line_column(&diagnostic.file, span.end))
}

/// The word for a severity that compilers, GitHub and SARIF share.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
