//! The reports that the rules define.

use jiff::Timestamp;

use super::{NoSuchRule, audience};
use crate::{
    desk::{Declarations, Viewer},
    engine::report::ReportTable,
    lang::rules::{Mode, Report, Rules},
    store::{Store, StoreError},
};

/// The reports that are visible to the viewer and not disabled.
pub fn all<'r>(rules: &'r Rules, viewer: Viewer<'r>) -> impl Iterator<Item = &'r Report> + Clone {
    let reports = rules.reports.iter().map(|report| &**report);
    reports.filter(move |report| report.mode != Mode::Disabled && audience::includes(&report.visible_to, viewer))
}

/// The report with this title.
///
/// # Errors
/// When the viewer sees no such report, or it is disabled.
pub fn find<'r>(rules: &'r Rules, viewer: Viewer<'r>, title: &str) -> Result<&'r Report, NoSuchRule> {
    NoSuchRule::find("report", title, all(rules, viewer).map(|report| (&*report.title, report)))
}

/// Computes a report over the tickets that the viewer sees.
pub async fn run(
    store: &Store,
    viewer: Viewer<'_>,
    report: &Report,
    desk: &Declarations,
    now: Timestamp,
) -> Result<ReportTable, StoreError> {
    let mut snapshot = store.snapshot(viewer).await?;
    let table = snapshot.report(report, desk, now).await?;
    snapshot.close().await?;
    Ok(table)
}
