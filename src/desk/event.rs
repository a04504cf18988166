//! One thing that happened to one ticket.

use serde::{Deserialize, Serialize};

use super::{Actor, Author, Ticket, Via};

/// What a run of the rules is about: its facts stay as they are during the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whether the ticket was created or updated.
    pub kind: EventKind,
    /// The way this update came in.
    pub via: Via,
    /// Who made it happen.
    #[serde(default)]
    pub actor: Actor,
    /// The comment that came with it.
    pub comment: Option<EventComment>,
    /// What made it happen, where that was no message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// What made an event happen, where that was no message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An agent applied the macro of this title.
    Macro(String),
    /// The time it was put off for was over.
    Unsnoozed,
    /// Another ticket was merged into it.
    Merged(super::TicketId),
}

/// Created, or updated from an earlier state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The ticket did not exist before.
    Created,
    /// The ticket existed, and looked like this. `changed` compares with it.
    Updated {
        /// The ticket before the event.
        before: Box<Ticket>,
    },
    /// Time passed: what this is about are the automations, and those that hold already do not fire again.
    Due {
        /// The titles of the automations whose conditions held when the ticket was last looked at.
        active: std::collections::BTreeSet<String>,
    },
}

/// A comment as rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventComment {
    /// The whole text.
    pub text: String,
    /// Whether the requester can see it.
    pub public: bool,
    /// Who said it.
    pub author: Author,
}

impl Event {
    /// The ticket before the event, where there was one.
    pub fn before(&self) -> Option<&Ticket> {
        match &self.kind {
            EventKind::Created | EventKind::Due { .. } => None,
            EventKind::Updated { before } => Some(before),
        }
    }
}
