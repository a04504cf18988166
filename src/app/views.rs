//! Lists of tickets: views that the rules define, and ad-hoc lists.

use std::sync::Arc;

use jiff::Timestamp;

use super::{NoSuchRule, audience};
use crate::{
    desk::{Declarations, Ticket, Viewer},
    lang::{
        Diagnostic, SourceSet, described,
        rules::{Mode, Rules, View},
        syntax::LonePart,
    },
    store::{Store, StoreError},
};

/// A slice of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Maximum number of tickets.
    pub limit: u32,
    /// Number of tickets to skip.
    pub offset: u32,
}

/// One page of a view.
#[derive(Debug)]
pub struct TicketList<'v> {
    /// The view.
    pub view: &'v View,
    /// The time as of which it is evaluated.
    pub now: Timestamp,
    /// The slice of the list.
    pub page: Page,
    /// The tickets, in the view's order.
    pub tickets: Vec<Ticket>,
    /// Number of tickets in the whole list.
    pub count: u64,
}

/// The parts of an ad-hoc list as text, in the syntax of a view.
#[derive(Debug, Clone, Copy)]
pub struct Description<'d> {
    /// What follows `where`.
    pub filter: &'d str,
    /// What follows `columns`.
    pub columns: &'d str,
    /// What follows `sort by`.
    pub sort: &'d str,
}

/// The views that are visible to the viewer and not disabled.
fn seen<'r>(rules: &'r Rules, viewer: Viewer<'r>) -> impl Iterator<Item = &'r Arc<View>> + Clone {
    rules.views.iter().filter(move |view| view.mode != Mode::Disabled && audience::includes(&view.visible_to, viewer))
}

/// The views that are visible to the viewer and not disabled, each with its number of tickets.
pub async fn counts(
    store: &Store,
    rules: &Rules,
    viewer: Viewer<'_>,
    now: Timestamp,
) -> Result<Vec<(Arc<View>, u64)>, StoreError> {
    let (mut snapshot, mut counts) = (store.snapshot(viewer).await?, vec![]);
    for view in seen(rules, viewer) {
        counts.push((Arc::clone(view), snapshot.count(&view.filter, &rules.desk, now).await?));
    }
    snapshot.close().await?;
    Ok(counts)
}

/// The view with this title.
///
/// # Errors
/// When the viewer sees no such view, or it is disabled.
pub fn find<'r>(rules: &'r Rules, viewer: Viewer<'r>, title: &str) -> Result<&'r View, NoSuchRule> {
    NoSuchRule::find("view", title, seen(rules, viewer).map(|view| (&*view.title, &**view)))
}

/// One page of a view's tickets, as far as the viewer sees them.
pub async fn list<'v>(
    store: &Store,
    viewer: Viewer<'_>,
    view: &'v View,
    desk: &Declarations,
    now: Timestamp,
    page: Page,
) -> Result<TicketList<'v>, StoreError> {
    let mut snapshot = store.snapshot(viewer).await?;
    let tickets = snapshot.view(view, desk, now, page.limit, page.offset).await?;
    let count = snapshot.count(&view.filter, desk, now).await?;
    snapshot.close().await?;
    Ok(TicketList { view, now, page, tickets, count })
}

impl Description<'_> {
    /// Parses and checks the view as if it were in a file of these rules.
    ///
    /// # Errors
    /// The diagnostics, with `name` as the name of their source, which has each part on a line of its own.
    pub fn view(&self, name: &str, rules: &Rules) -> Result<View, (Vec<Diagnostic>, SourceSet)> {
        let parts = [
            (LonePart::Where, format!("where {}", self.filter)),
            (LonePart::Columns, format!("columns {}", self.columns)),
            (LonePart::Sort, format!("sort by {}", self.sort)),
        ];
        let named = described::named(rules, self.filter);
        described::check(name, "view \"tickets\" {", &parts, &rules.desk, &named, |mut rules| {
            rules.views.pop().and_then(Arc::into_inner)
        })
    }
}
