//! Fields of the comment of the event.

use std::collections::BTreeSet;

use super::{Changes, Facts, Field, Kind, Members, Scope};
use crate::desk::{
    Author, EventComment, MediaKind, Value,
    post_text::{link_count, mention_count, weighted_length},
};

pub(super) const FIELDS: [Field; 10] = [
    Field {
        name: "comment.text",
        kind: Kind::Text,
        scope: Scope::Event,
        doc: "the comment of this event; empty where it has none",
        sql: None,
        zendesk: Some("comment_includes_word"),
        read: |f| Value::text(f.event.and_then(|e| e.comment.as_ref()).map(|c| c.text.as_str())),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.public",
        kind: Kind::YesNo,
        scope: Scope::Event,
        doc: "whether the event has a comment that its requester can see",
        sql: None,
        zendesk: Some("comment_is_public"),
        read: |f| comment_is(f, |c| c.public),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.by_requester",
        kind: Kind::YesNo,
        scope: Scope::Event,
        doc: "whether the event has a comment by the requester",
        sql: None,
        zendesk: None,
        read: |f| comment_is(f, |c| c.author == Author::Requester),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.by_agent",
        kind: Kind::YesNo,
        scope: Scope::Event,
        doc: "whether the event has a comment by an agent",
        sql: None,
        zendesk: None,
        read: |f| comment_is(f, |c| c.author == Author::Agent),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.links",
        kind: Kind::Number,
        scope: Scope::Event,
        doc: "links in the comment of this event, without those to its own pictures and to the post it quotes; unknown where it has none",
        sql: None,
        zendesk: None,
        read: |f| number(f, |c| link_count(&c.text, c.facts.is_quote)),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.mentions",
        kind: Kind::Number,
        scope: Scope::Event,
        doc: "handles that the comment of this event mentions, each once; unknown where it has none",
        sql: None,
        zendesk: None,
        read: |f| number(f, |c| mention_count(&c.text)),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.length",
        kind: Kind::Number,
        scope: Scope::Event,
        doc: "the length of the comment of this event, counted as X counts: a link is 23, an emoji 2; unknown where it has none",
        sql: None,
        zendesk: None,
        read: |f| number(f, |c| weighted_length(&c.text)),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.is_quote",
        kind: Kind::YesNo,
        scope: Scope::Event,
        doc: "whether the comment of this event is a post that quotes another",
        sql: None,
        zendesk: None,
        read: |f| comment_is(f, |c| c.facts.is_quote),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.media",
        kind: Kind::Set(Members::Words(MediaKind::WORDS)),
        scope: Scope::Event,
        doc: "what the comment of this event shows",
        sql: None,
        zendesk: None,
        read: |f| match f.event.and_then(|e| e.comment.as_ref()) {
            Some(comment) => Value::media(&comment.facts.media),
            None => Value::media(&BTreeSet::new()),
        },
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.language",
        kind: Kind::Text,
        scope: Scope::Event,
        doc: "the language tag X gave the post that is the comment of this event; may be empty",
        sql: None,
        zendesk: None,
        read: |f| Value::text(f.event.and_then(|e| e.comment.as_ref()).and_then(|c| c.facts.language.as_deref())),
        changes: Changes::InEvents,
    },
];

/// A number of the comment; unknown without one.
fn number(facts: Facts<'_>, count: impl Fn(&EventComment) -> usize) -> Value<'_> {
    let comment = facts.event.and_then(|event| event.comment.as_ref());
    Value::number(comment.map(|comment| i64::try_from(count(comment)).unwrap_or(i64::MAX)))
}

fn comment_is(facts: Facts<'_>, ask: impl Fn(&EventComment) -> bool) -> Value<'_> {
    Value::YesNo(facts.event.and_then(|e| e.comment.as_ref()).is_some_and(ask))
}
