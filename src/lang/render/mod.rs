//! Renders diagnostics, with one file per output format.

mod fingerprint;
mod github;
mod human;
mod json;
mod repository;
mod sarif;
mod short;

pub(super) use fingerprint::Named;
pub use github::github;
pub use human::{Style, human};
pub use json::json;
pub use sarif::sarif;
pub use short::short;

use crate::desk::visible::Visible;

use super::diagnostic::{Diagnostic, Label};

/// The labels of a diagnostic that are in other files than its own.
fn elsewhere(diagnostic: &Diagnostic) -> impl Iterator<Item = &Label> {
    diagnostic.secondary.iter().filter(|label| label.span.file != *diagnostic.file())
}

/// A label in another file as text, for formats that show one span only: "first declared here: rules/a.twite, line 3".
fn in_words(label: &Label) -> String {
    format!("{}: {}, line {}", label.text, Visible(&label.span.file), label.span.line)
}
