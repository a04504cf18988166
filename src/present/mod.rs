//! Output formats: tables, charts, traces and tickets as text, CSV, SVG, HTML, JUnit XML and JSON.
//!
//! Formatting only: no I/O and no business logic.

pub(crate) mod accounts;
pub(crate) mod agents;
mod amount;
pub(crate) mod chart;
mod csv;
mod delivery;
pub(crate) mod health;
pub(crate) mod html;
pub(crate) mod incoming;
mod junit;
mod markup;
pub(crate) mod outbox;
pub(crate) mod page;
pub(crate) mod person;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod table;
pub(crate) mod test_results;
pub(crate) mod ticket;
pub(crate) mod tickets;
mod trace;

pub(crate) use trace::trace;

/// A value as pretty-printed JSON with a trailing line break.
pub(crate) fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
