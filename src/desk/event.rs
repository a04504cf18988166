//! An event: one thing that happened to one ticket.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Author, FieldRef, FiredBefore, MediaKind, PostFacts, Ticket, Value, Via, VolumeAt, normalize};

/// The event that starts a run of the rules. It does not change during the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whether the ticket was created or updated.
    pub kind: EventKind,
    /// The channel of the update.
    pub via: Via,
    /// Who caused it.
    #[serde(default)]
    pub actor: Actor,
    /// The comment that the event added, if any.
    pub comment: Option<EventComment>,
    /// The cause, if it was not a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How often rules with a cap fired before. A rule that is not in it has not fired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fired_before: Vec<FiredBefore>,
    /// The volumes that last, and those for which it counts its ticket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<VolumeAt>,
}

/// The cause of an event that was not a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An agent applied the macro with this title.
    Macro(String),
    /// The ticket's snooze time is over.
    Unsnoozed,
    /// The volume with this title ends.
    VolumeEnds(String),
}

/// Whether the ticket was created or updated, or only time passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The ticket is new.
    Created,
    /// The ticket was changed. The `changed` operator compares it with `before`.
    Updated {
        /// The ticket before the event.
        before: Box<Ticket>,
    },
    /// Time passed: automations are evaluated, and those that are already active do not fire again.
    Due {
        /// Titles of the automations whose conditions held at the last evaluation.
        active: BTreeSet<String>,
        /// How often those that repeat have fired since their conditions came to hold, by title.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        repeats: BTreeMap<String, Repeat>,
    },
}

/// How often an automation has fired since its condition came to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// How often it fired, without those times that a cap held it back.
    pub times: u32,
    /// When it last fired or was held back.
    pub last: Timestamp,
}

/// A comment as rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventComment {
    /// The whole text.
    pub text: String,
    /// Whether the requester can see it.
    pub public: bool,
    /// The author's role.
    pub author: Author,
    /// What its text does not say.
    #[serde(flatten)]
    pub facts: MessageFacts,
}

/// What is known of a message besides its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageFacts {
    /// What it shows, as far as that is known.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub media: BTreeSet<MediaKind>,
    /// Whether it is a post that quotes another.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_quote: bool,
    /// Its language tag, if X gave it one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl MessageFacts {
    /// Sets a fact by the name of its field; see [`FieldRef::is_given_with_comment`].
    pub fn give(&mut self, field: &FieldRef, value: Value<'_>) {
        match (&*field.name(), value) {
            ("comment.media", Value::Set(kinds)) => {
                self.media = kinds.iter().filter_map(|kind| kind.parse().ok()).collect();
            }
            ("comment.is_quote", Value::YesNo(is_quote)) => self.is_quote = is_quote,
            ("comment.language", Value::Text(language)) => {
                self.language = Some(normalize::language(&language).into_owned());
            }
            _ => {}
        }
    }
}

impl EventComment {
    /// A comment of which only the text is known.
    pub fn new(author: Author, public: bool, text: impl Into<String>) -> Self {
        Self { text: text.into(), public, author, facts: MessageFacts::default() }
    }
}

impl Ticket {
    /// What is known of the message that opened it.
    pub fn message_facts(&self) -> MessageFacts {
        let PostFacts { media, is_quote, .. } = &self.post;
        MessageFacts { media: media.clone(), is_quote: *is_quote, language: self.language.clone() }
    }
}

impl Event {
    /// That time passed. `active` are the automations whose conditions held at the last evaluation, `repeats` how often
    /// those that repeat have fired since.
    pub fn due(active: BTreeSet<String>, repeats: BTreeMap<String, Repeat>) -> Self {
        Self {
            kind: EventKind::Due { active, repeats },
            via: Via::Rule,
            actor: Actor::System,
            comment: None,
            cause: None,
            fired_before: vec![],
            volumes: vec![],
        }
    }

    /// Whether only time caused it.
    pub fn is_by_time(&self) -> bool {
        matches!(self.kind, EventKind::Due { .. })
            || matches!(self.cause, Some(Cause::Unsnoozed | Cause::VolumeEnds(_)))
    }

    /// The ticket before the event, if this is an update.
    pub fn before(&self) -> Option<&Ticket> {
        match &self.kind {
            EventKind::Created | EventKind::Due { .. } => None,
            EventKind::Updated { before } => Some(before),
        }
    }
}
