//! Diagnostics in the forms that people and other programs read. One file a form, each linear in the number of findings.

mod github;
mod human;
mod json;
mod repository;
mod sarif;
mod short;

pub use github::github;
pub use human::{Style, human};
pub use json::json;
pub use sarif::sarif;
pub use short::short;

use crate::desk::visible::Visible;

use super::diagnostic::{Diagnostic, Label, Severity};

/// The places a diagnostic names that lie in other files than its own.
fn elsewhere(diagnostic: &Diagnostic) -> impl Iterator<Item = &Label> {
    diagnostic.secondary.iter().filter(|label| label.span.file != *diagnostic.file())
}

/// A place in another file, for forms that show one place only: "first declared here: rules/a.twite, line 3".
fn in_words(label: &Label) -> String {
    format!("{}: {}, line {}", label.text, Visible(&label.span.file), label.span.line)
}

/// The word for a severity that compilers, GitHub and SARIF share.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
