//! Fields that are only shown, in columns and placeholders.

use std::borrow::Cow;

use super::{Changes, Field, Kind, Scope};
use crate::desk::Value;

pub(super) const FIELDS: [Field; 5] = [
    Field {
        name: "id",
        kind: Kind::Number,
        scope: Scope::Shown,
        doc: "the ticket's number",
        sql: Some("t.id"),
        zendesk: None,
        read: |f| Value::Number(f.ticket.id.0),
        changes: Changes::Never,
    },
    Field {
        name: "requester",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the requester's name, or handle",
        sql: Some("coalesce(p.name, p.handle)"),
        zendesk: None,
        read: |f| Value::text(Some(f.ticket.requester.label())),
        changes: Changes::InEvents,
    },
    Field {
        name: "latest_comment",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the text of the latest comment",
        sql: Some("t.latest_comment"),
        zendesk: None,
        read: |f| Value::text(f.ticket.latest_comment.as_deref()),
        changes: Changes::InEvents,
    },
    Field {
        name: "latest_public_comment",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the text of the latest comment its requester can see",
        sql: Some("t.latest_public_comment"),
        zendesk: None,
        read: |f| Value::text(f.ticket.latest_public_comment.as_deref()),
        changes: Changes::InEvents,
    },
    Field {
        name: "link",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the address of the ticket's page, where `url` is declared",
        sql: None,
        zendesk: None,
        read: |f| match &f.desk.url {
            Some(url) => Value::Text(Cow::Owned(format!("{}/tickets/{}", url.trim_end_matches('/'), f.ticket.id))),
            None => Value::Text(Cow::Owned(format!("ticket #{}", f.ticket.id))),
        },
        changes: Changes::InEvents,
    },
];
