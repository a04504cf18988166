//! How values are shown: tables, charts, traces and tickets as text, and as CSV, SVG, HTML, JUnit and JSON.
//!
//! Nothing here decides or reads anything; commands print what it makes, and pages show it.

mod amount;
pub(crate) mod chart;
mod csv;
mod junit;
mod markup;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod table;
pub(crate) mod test_results;
mod trace;

pub(crate) use trace::trace;

/// A value as JSON that a person can also read, with a line break at its end.
pub(crate) fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
