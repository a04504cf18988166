//! Lists of tickets: the views of the rules, and lists that somebody describes.

use std::sync::Arc;

use jiff::Timestamp;

use super::{NoSuchRule, Viewer};
use crate::{
    desk::{Declarations, Ticket},
    lang::{
        Diagnostic, SourceFile, SourceSet, check_sources,
        rules::{Mode, Rules, View},
    },
    store::{Store, StoreError},
};

/// Which tickets of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// At most so many.
    pub limit: u32,
    /// Without so many from the start.
    pub offset: u32,
}

/// A page of a list.
#[derive(Debug)]
pub struct TicketList<'v> {
    /// What is listed, and how.
    pub view: &'v View,
    /// As of when.
    pub now: Timestamp,
    /// Which page.
    pub page: Page,
    /// Its tickets, in the view's order.
    pub tickets: Vec<Ticket>,
    /// How many the whole list has.
    pub count: u64,
}

/// A list as somebody describes it: each part as a view says it.
#[derive(Debug, Clone, Copy)]
pub struct Description<'d> {
    /// What follows `where`.
    pub filter: &'d str,
    /// What follows `columns`.
    pub columns: &'d str,
    /// What follows `sort by`.
    pub sort: &'d str,
}

/// The views that somebody sees and that are not disabled.
fn seen<'r>(rules: &'r Rules, viewer: Viewer<'r>) -> impl Iterator<Item = &'r Arc<View>> + Clone {
    rules.views.iter().filter(move |view| view.mode != Mode::Disabled && viewer.is_among(&view.visible_to))
}

/// The views that somebody sees and that are not disabled, each with how many tickets it has.
pub async fn counts(
    store: &Store,
    rules: &Rules,
    viewer: Viewer<'_>,
    now: Timestamp,
) -> Result<Vec<(Arc<View>, u64)>, StoreError> {
    let mut counts = vec![];
    for view in seen(rules, viewer) {
        counts.push((Arc::clone(view), store.count(&view.filter, &rules.desk, now).await?));
    }
    Ok(counts)
}

/// The view with this title.
///
/// # Errors
/// When there is none that somebody sees, or it is disabled.
pub fn find<'r>(rules: &'r Rules, viewer: Viewer<'r>, title: &str) -> Result<&'r View, NoSuchRule> {
    NoSuchRule::find("view", title, seen(rules, viewer).map(|view| (&*view.title, &**view)))
}

/// A page of a view's tickets.
pub async fn list<'v>(
    store: &Store,
    view: &'v View,
    desk: &Declarations,
    now: Timestamp,
    page: Page,
) -> Result<TicketList<'v>, StoreError> {
    let tickets = store.view(view, desk, now, page.limit, page.offset).await?;
    let count = store.count(&view.filter, desk, now).await?;
    Ok(TicketList { view, now, page, tickets, count })
}

impl Description<'_> {
    /// The view that it describes, checked as one in a rule file is.
    ///
    /// # Errors
    /// What is wrong with it, in the source `name`.
    pub fn view(&self, name: &str, desk: &Declarations) -> Result<View, (Vec<Diagnostic>, SourceSet)> {
        let Self { filter, columns, sort } = self;
        let text = format!("view \"tickets\" {{\n  where {filter}\n  columns {columns}\n  sort by {sort}\n}}\n");
        let (rules, found) = check_sources([(name, text.clone())], desk.clone());
        let mut views = rules.map(|rules| rules.views).unwrap_or_default();
        match (views.pop().and_then(Arc::into_inner), views.pop()) {
            (Some(view), None) => Ok(view),
            // Text that closes the view and begins another item describes no list.
            _ => {
                let mut sources = SourceSet::default();
                sources.insert(SourceFile::new(name, text));
                Err((found, sources))
            }
        }
    }
}
