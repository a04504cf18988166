//! One person: what is known, the tickets, and what agents changed by hand.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::table::{cell, minute, plain};
use crate::{
    app::people::{ChangedPerson, PersonSheet},
    desk::{
        Change, Declarations, Facts, FieldRef, Owner, Person, Status, Ticket, TicketId, Value,
        field::{FIELDS, Scope},
        visible::{visible, visible_lines},
    },
    engine::change_line,
    store::{PersonChange, StoredChange},
};

/// A person as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct PersonJson<'s> {
    /// To be given as `--expect-version`.
    version: i64,
    person: &'s Person,
    tickets: Vec<TicketLine<'s>>,
    changes: &'s [PersonChange],
}

#[derive(Debug, Serialize)]
struct TicketLine<'s> {
    id: TicketId,
    status: Status,
    created: Timestamp,
    subject: &'s str,
}

impl<'s> From<&'s PersonSheet> for PersonJson<'s> {
    fn from(sheet: &'s PersonSheet) -> Self {
        let line = |ticket: &'s Ticket| TicketLine {
            id: ticket.id,
            status: ticket.status,
            created: ticket.created,
            subject: &ticket.subject,
        };
        let tickets = sheet.tickets.iter().map(line).collect();
        Self { version: sheet.version, person: &sheet.person, tickets, changes: &sheet.changes }
    }
}

/// A person as text.
pub(crate) fn sheet(sheet: &PersonSheet, desk: &Declarations, now: Timestamp) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_sheet(&mut text, sheet, desk, now);
    text
}

fn write_sheet(text: &mut String, sheet: &PersonSheet, desk: &Declarations, now: Timestamp) -> fmt::Result {
    let ticket = Ticket { requester: sheet.person.clone(), ..Ticket::default() };
    let facts = Facts { ticket: &ticket, event: None, now, desk };
    let mut table = plain();
    if let Some(id) = &sheet.person.id {
        table.add_row(["id", &visible(id.as_str())]);
    }
    let known = FIELDS.iter().filter(|field| field.scope == Scope::Ticket).map(FieldRef::Known);
    let custom = desk.fields.iter().filter_map(|field| FieldRef::find(&field.full_name(), desk));
    for field in known.chain(custom) {
        let name = field.name();
        let (Owner::Requester, name) = Owner::split(&name) else { continue };
        let value = field.read(facts);
        // In full below.
        if !value.is_empty() && name != "note" {
            table.add_row([name.to_owned(), cell(&value)]);
        }
    }
    writeln!(text, "{}", table.trim_fmt())?;
    if let Some(note) = &sheet.person.note {
        writeln!(text, "\n{}", visible_lines(note))?;
    }
    if !sheet.tickets.is_empty() {
        let mut table = plain();
        for ticket in &sheet.tickets {
            let subject = cell(&Value::text(Some(&ticket.subject)));
            table.add_row([ticket.id.to_string(), ticket.status.to_string(), minute(ticket.created), subject]);
        }
        writeln!(text, "\n{}", table.trim_fmt())?;
    }
    for change in &sheet.changes {
        writeln!(text, "\n{}  {}", minute(change.made), visible(&change.actor))?;
        for StoredChange { field, from, to } in &change.changes {
            writeln!(text, "    {}", visible(&format!("{field}: {} → {}", value(from), value(to))))?;
        }
    }
    Ok(())
}

/// A stored value as text.
fn value(json: &Json) -> String {
    match json {
        Json::Null => "empty".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(tags) if tags.is_empty() => "empty".to_owned(),
        Json::Array(tags) => tags.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A change of a person as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ChangedJson<'c> {
    version: i64,
    person: &'c Person,
    changes: &'c [Change],
}

impl<'c> From<&'c ChangedPerson> for ChangedJson<'c> {
    fn from(changed: &'c ChangedPerson) -> Self {
        Self { version: changed.version, person: &changed.person, changes: &changed.changes }
    }
}

/// A change of a person as text.
pub(crate) fn changed(changed: &ChangedPerson, dry_run: bool) -> String {
    let who = match &changed.person.handle {
        Some(handle) => format!("@{handle}"),
        None => changed.person.label().to_owned(),
    };
    let mut text = format!("{}{}\n", visible(&who), if dry_run { ", if it were applied" } else { "" });
    for change in &changed.changes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {}", change_line(change));
    }
    if changed.changes.is_empty() {
        text.push_str("  nothing changes\n");
    }
    text
}
