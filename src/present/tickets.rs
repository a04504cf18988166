//! Lists of tickets, and the list of views.

use std::{fmt::Write as _, sync::Arc};

use serde::{Serialize, ser::SerializeMap as _};

use super::table::{cell, first_line, plain};
use crate::{
    app::views::{Page, TicketList},
    desk::{Declarations, Facts, FieldRef, Ticket, Value, visible::visible},
    lang::rules::View,
};

/// An entry of the list of views.
#[derive(Debug, Serialize)]
pub(crate) struct ListedView<'r> {
    title: &'r str,
    tickets: u64,
    doc: Option<&'r str>,
}

impl<'r> From<&'r (Arc<View>, u64)> for ListedView<'r> {
    fn from((view, tickets): &'r (Arc<View>, u64)) -> Self {
        Self { title: &view.title, tickets: *tickets, doc: view.doc.as_deref() }
    }
}

/// The list of views as text.
pub(crate) fn views(views: &[ListedView<'_>]) -> String {
    if views.is_empty() {
        return "the rules define no views\n".to_owned();
    }
    let mut table = plain();
    table.set_header(["tickets", "view", ""]);
    for ListedView { title, tickets, doc } in views {
        table.add_row([&*tickets.to_string(), &visible(title), &visible(first_line(*doc))]);
    }
    format!("{}\n", table.trim_fmt())
}

/// A ticket as a row: the view's columns with their values. Serialized as a map by column name.
#[derive(Debug)]
pub(crate) struct TicketRow<'v>(Vec<(&'v FieldRef, Value<'v>)>);

impl Serialize for TicketRow<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (column, value) in &self.0 {
            map.serialize_entry(&column.name(), value)?;
        }
        map.end()
    }
}

/// The tickets of a list as rows.
pub(crate) fn rows<'v>(list: &'v TicketList<'v>, desk: &'v Declarations) -> Vec<TicketRow<'v>> {
    let row = |ticket: &'v Ticket| {
        let facts = Facts { ticket, event: None, now: list.now, desk };
        TicketRow(list.view.columns.iter().map(|column| (column, column.read(facts))).collect())
    };
    list.tickets.iter().map(row).collect()
}

/// A page of a ticket list as text: one table, or one per group.
pub(crate) fn text(list: &TicketList<'_>, desk: &Declarations) -> String {
    let mut text = String::new();
    let group_of = |ticket: &Ticket| match &list.view.group_by {
        Some(group) => group.by.read(Facts { ticket, event: None, now: list.now, desk }).to_string(),
        None => String::new(),
    };
    let rows = rows(list, desk);
    let grouped: Vec<_> = list.tickets.iter().map(group_of).zip(&rows).collect();
    for group in grouped.chunk_by(|(one, _), (next, _)| one == next) {
        let mut table = plain();
        table.set_header(list.view.columns.iter().map(|column| column.name().to_string()));
        for (_, TicketRow(cells)) in group {
            table.add_row(cells.iter().map(|(_, value)| cell(value)));
        }
        // Writing to a string does not fail.
        if let (Some(by), Some((title, _))) = (&list.view.group_by, group.first()) {
            let _ = writeln!(text, "{}: {}", by.by.name(), visible(title));
        }
        let _ = writeln!(text, "{}\n", table.trim_fmt());
    }
    text + &position(list) + "\n"
}

/// The position of the page in the list, such as `51–100 of 240 tickets`.
fn position(TicketList { page: Page { limit, offset }, tickets, count, .. }: &TicketList<'_>) -> String {
    let shown = tickets.len() as u64;
    let (offset, tickets) = (u64::from(*offset), if *count == 1 { "ticket" } else { "tickets" });
    match shown {
        _ if shown == *count => format!("{count} {tickets}"),
        0 if *limit == 0 => format!("none shown of {count} {tickets}, as --limit is 0"),
        0 => format!("none of {count} {tickets}; --offset {offset} is beyond the last"),
        _ => {
            let end = offset + shown;
            let next = if end < *count { format!("; --offset {end} shows the next") } else { String::new() };
            format!("{}–{end} of {count} {tickets}{next}", offset + 1)
        }
    }
}
