//! Fields that follow from the service level agreement of the ticket.

use super::{Changes, Declared, Field, Kind, Scope};
use crate::desk::Value;

pub(super) const FIELDS: [Field; 6] = [
    Field {
        name: "sla",
        kind: Kind::Declared(Declared::Sla),
        scope: Scope::Ticket,
        doc: "the service level agreement that applies to the ticket; may be empty",
        sql: Some("t.sla"),
        zendesk: None,
        read: |f| Value::word(f.ticket.sla.as_deref()),
        changes: Changes::InEvents,
    },
    Field {
        name: "breach",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the next target of the `sla` is due; unknown if none is, and while its clock stands still",
        sql: Some("t.breach"),
        zendesk: None,
        read: |f| Value::time(f.ticket.breach),
        changes: Changes::InEvents,
    },
    Field {
        name: "first_reply_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the first reply is due by the `sla`, or was",
        sql: Some("t.first_reply_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.first_reply_due),
        changes: Changes::InEvents,
    },
    Field {
        name: "next_reply_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the reply to what the requester wrote is due by the `sla`, after the first reply",
        sql: Some("t.next_reply_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.next_reply_due),
        changes: Changes::InEvents,
    },
    Field {
        name: "update_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the next public answer is due by the `sla`, whether or not the requester wrote",
        sql: Some("t.update_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.update_due),
        changes: Changes::InEvents,
    },
    Field {
        name: "solve_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the solution is due by the `sla`, or was",
        sql: Some("t.solve_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.solve_due),
        changes: Changes::InEvents,
    },
];
