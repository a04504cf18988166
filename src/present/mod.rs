//! How values are shown: tables, charts, traces and tickets as text, and as CSV, SVG, HTML, JUnit and JSON.
//!
//! Nothing here decides or reads anything; commands print what it makes, and pages show it.

pub(crate) mod accounts;
mod amount;
pub(crate) mod chart;
mod csv;
pub(crate) mod health;
mod junit;
mod markup;
pub(crate) mod outbox;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod table;
pub(crate) mod test_results;
pub(crate) mod ticket;
pub(crate) mod tickets;
mod trace;

pub(crate) use trace::trace;

/// A value as JSON that a person can also read, with a line break at its end.
pub(crate) fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
