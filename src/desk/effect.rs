//! The outcome of a decision: net changes of the ticket, and effects to carry out.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Recipient, TicketId, Value, XAction};

/// A field whose value differs after the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field's name, as in rules.
    pub field: Cow<'static, str>,
    /// Its value before the run.
    pub from: Value<'static>,
    /// Its value after the run.
    pub to: Value<'static>,
}

/// An action to carry out. Its texts are rendered: no placeholders are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Reply to the requester's latest comment, by post or direct message as that comment was.
    Reply {
        /// The text to send.
        text: String,
        /// Whether it asks the requester to rate the help.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        asks: bool,
        /// The handle of the account to send it from; `None` for the one that was addressed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
    /// Send the requester a direct message, from the account that was addressed.
    Message {
        /// The text to send.
        text: String,
    },
    /// Leave a private note on the ticket.
    Note {
        /// The text of the note.
        text: String,
    },
    /// Send an email.
    Notify {
        /// The recipients: one mail to all of them.
        to: Vec<Recipient>,
        /// Its subject.
        subject: String,
        /// Its body, plain text.
        body: String,
        /// Whether the ticket's conversation follows the body, as it is when the mail is sent. It contains private notes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        conversation: bool,
    },
    /// Send an email later, unless the ticket is solved by then.
    Remind {
        /// The recipients: one mail to all of them.
        to: Vec<Recipient>,
        /// When to send it.
        at: Timestamp,
        /// Its subject.
        subject: String,
        /// Its body, plain text.
        body: String,
        /// As for [`Self::Notify`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        conversation: bool,
    },
    /// Assign the ticket to an agent of its group.
    Assign {
        /// The group.
        group: String,
        /// How the agent is chosen.
        choosing: Choosing,
        /// If set, the agent who had the requester last comes first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<LastAgent>,
        /// If set, only agents with fewer unsolved tickets are chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        under: Option<u32>,
    },
    /// Merge the ticket into the requester's latest earlier ticket of the same account and channel that is not closed,
    /// if there is one.
    Merge,
    /// Make the ticket an incident of a problem. Rules do so by setting a field; this is only what became of one that
    /// could not be made so.
    Incident {
        /// The number that a rule set.
        problem: TicketId,
    },
    /// Do something at X, from the account that was addressed.
    AtX {
        /// What is done.
        what: XAction,
    },
    /// Call a declared webhook.
    Webhook {
        /// Its declared name.
        name: String,
        /// The JSON to send; `None` sends the ticket itself.
        body: Option<String>,
    },
}

impl Effect {
    /// What it says to the requester at X.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Reply { text, .. } | Self::Message { text } => Some(text),
            _ => None,
        }
    }

    /// The handle of the account that a reply names.
    pub fn named_account(&self) -> Option<&str> {
        match self {
            Self::Reply { from, .. } => from.as_deref(),
            _ => None,
        }
    }

    /// Whether it asks the requester to rate the help.
    pub const fn asks(&self) -> bool {
        matches!(self, Self::Reply { asks: true, .. })
    }
}

/// The agent of the requester's other ticket that was assigned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAgent {
    /// Only if it was assigned at this time or later.
    pub since: Option<Timestamp>,
}

/// How an agent of a group is chosen for a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choosing {
    /// Round robin: the agent whose last turn is longest ago. A ticket that goes to the requester's last agent is a turn too.
    Next,
    /// The agent with the fewest unsolved tickets.
    LeastBusy,
}
