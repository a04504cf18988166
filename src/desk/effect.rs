//! What a decision leaves behind: net changes of the ticket, and effects for others to carry out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Value;

/// One field that is different after the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field's name, as in rules.
    pub field: Cow<'static, str>,
    /// Its value before the run.
    pub from: Value<'static>,
    /// Its value after the run.
    pub to: Value<'static>,
}

/// Something to carry out. Texts are rendered: no placeholders are left in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Answer the requester's latest comment, in its own format.
    Reply {
        /// What to say.
        text: String,
    },
    /// Leave a private note on the ticket.
    Note {
        /// What it says.
        text: String,
    },
    /// Send an email.
    Notify {
        /// To whom.
        to: Recipient,
        /// Its subject.
        subject: String,
        /// Its body, plain text.
        body: String,
    },
    /// Send an email later, unless the ticket is solved by then.
    Remind {
        /// To whom.
        to: Recipient,
        /// When.
        at: jiff::Timestamp,
        /// Its subject.
        subject: String,
        /// Its body, plain text.
        body: String,
    },
    /// Assign the ticket to an agent of its group.
    Assign {
        /// The group.
        group: String,
        /// How the agent is chosen.
        choosing: Choosing,
    },
    /// Merge the ticket into the requester's latest earlier ticket that is not closed, if there is one of the same account
    /// and channel.
    Merge,
    /// Call a declared webhook.
    Webhook {
        /// Its declared name.
        name: String,
        /// The JSON to send; `None` sends the ticket itself.
        body: Option<String>,
    },
}

/// How an agent of a group is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choosing {
    /// Each in turn: the one who has waited longest since the last time.
    Next,
    /// The one with the fewest tickets that are not solved.
    LeastBusy,
}

/// Who gets a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Every member of a declared group.
    Group(String),
    /// A declared agent.
    Agent(String),
    /// The agent the ticket is assigned to when the effect is carried out.
    Assignee,
    /// The requester, where an email address is known.
    Requester,
}
