//! Fields about how satisfied the requester is.

use super::{Changes, Field, Kind, Scope, Write, name_of, word_of};
use crate::desk::{RatedBy, Satisfaction, Value};

pub(super) const FIELDS: [Field; 5] = [
    Field {
        name: "satisfaction",
        kind: Kind::Words(Satisfaction::WORDS),
        scope: Scope::Ticket,
        doc: "what the requester thinks of the help: good or bad, and offered where asked and not answered; asking while the question is not delivered yet, undelivered if it never was; empty where not asked",
        sql: Some("t.satisfaction"),
        zendesk: Some("satisfaction_score"),
        read: |f| Value::word(f.ticket.satisfaction.map(Satisfaction::as_str)),
        changes: Changes::ByRules(Write {
            set: |t, v, now| t.set_satisfaction(word_of(&v), RatedBy::Rule, now),
            also: &[
                "requester.satisfaction",
                "requester.satisfaction_rated",
                "satisfaction_comment",
                "satisfaction_offered",
                "satisfaction_rated",
                "satisfaction_by",
            ],
        }),
    },
    Field {
        name: "satisfaction_comment",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "what was said with the rating; may be empty, as it is without a rating",
        sql: Some("t.satisfaction_comment"),
        zendesk: None,
        read: |f| Value::text(f.ticket.satisfaction_comment.as_deref()),
        changes: Changes::ByRules(Write::alone(|t, v, _| {
            t.satisfaction_comment = name_of(v).filter(|_| t.satisfaction_rated.is_some());
        })),
    },
    Field {
        name: "satisfaction_offered",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the question was delivered to the requester; unknown while it was not",
        sql: Some("t.satisfaction_offered"),
        zendesk: None,
        read: |f| Value::time(f.ticket.satisfaction_offered),
        changes: Changes::InEvents,
    },
    Field {
        name: "satisfaction_rated",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the ticket was rated; unknown while it is not",
        sql: Some("t.satisfaction_rated"),
        zendesk: None,
        read: |f| Value::time(f.ticket.satisfaction_rated),
        changes: Changes::InEvents,
    },
    Field {
        name: "satisfaction_by",
        kind: Kind::Words(RatedBy::WORDS),
        scope: Scope::Ticket,
        doc: "who rated it: the requester, an agent or a rule; may be empty",
        sql: Some("t.satisfaction_by"),
        zendesk: None,
        read: |f| Value::word(f.ticket.satisfaction_by.map(RatedBy::as_str)),
        changes: Changes::InEvents,
    },
];
