//! Views evaluated in memory: the reference for views in SQL.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::evaluate;
use crate::{
    desk::{Declarations, Facts, Ticket},
    lang::rules::{Sort, View},
};

/// The tickets of a view, ordered by `group by`, then `sort by`, then id.
///
/// Keywords are ordered by rank, names by code point, texts by their folded form, `no` before `yes`, sets as sorted
/// lists. Empty values come last in both directions.
pub fn view<'a>(
    view: &View,
    tickets: impl IntoIterator<Item = &'a Ticket>,
    desk: &Declarations,
    now: Timestamp,
) -> Vec<&'a Ticket> {
    let facts = |ticket| Facts { ticket, event: None, now, desk };
    let mut shown: Vec<&Ticket> = tickets.into_iter().filter(|t| evaluate::holds(&view.filter, facts(t))).collect();
    let by = |sort: &Option<Sort>, a, b| sort.as_ref().map_or(Ordering::Equal, |s| compare(s, facts(a), facts(b)));
    shown.sort_by(|a, b| by(&view.group_by, a, b).then_with(|| by(&view.sort_by, a, b)).then(a.id.cmp(&b.id)));
    shown
}

fn compare(sort: &Sort, a: Facts<'_>, b: Facts<'_>) -> Ordering {
    let (a, b) = (sort.by.read(a), sort.by.read(b));
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (false, false) => {
            let ordering = evaluate::ordering(&a, &b, &sort.by.kind());
            if sort.descending { ordering.reverse() } else { ordering }
        }
        (a_empty, b_empty) => a_empty.cmp(&b_empty),
    }
}
