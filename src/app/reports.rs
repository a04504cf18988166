//! The reports of the rules.

use jiff::Timestamp;

use super::NoSuchRule;
use crate::{
    desk::Declarations,
    engine::report::ReportTable,
    lang::rules::{Mode, Report, Rules},
    store::{Store, StoreError},
};

/// The reports that are not disabled.
pub fn all(rules: &Rules) -> impl Iterator<Item = &Report> + Clone {
    rules.reports.iter().map(|report| &**report).filter(|report| report.mode != Mode::Disabled)
}

/// The report with this title.
///
/// # Errors
/// When there is none, or it is disabled.
pub fn find<'r>(rules: &'r Rules, title: &str) -> Result<&'r Report, NoSuchRule> {
    NoSuchRule::find("report", title, all(rules).map(|report| (&*report.title, report)))
}

/// What a report comes to.
pub async fn run(
    store: &Store,
    report: &Report,
    desk: &Declarations,
    now: Timestamp,
) -> Result<ReportTable, StoreError> {
    store.report(report, desk, now).await
}
