//! Actions of rules.

use std::sync::LazyLock;

use super::{Capture, Choosing, Duration, Literal, Span, Template, Texts};
use crate::desk::{FieldRef, Recipient, XAction, field};

/// An action of a rule, with its source span.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// The action itself.
    pub kind: ActionKind,
    /// Its source span.
    pub span: Span,
}

/// An action of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionKind {
    /// `set F to V`, `assign to group "G"`, `assign to agent "A"`, `assign to me`. Texts may contain placeholders.
    Set(FieldRef, SetTo),
    /// `clear F`
    Clear(FieldRef),
    /// `add tags a, b`, `add requester tags a, b`, `add field.topics a, b`, `add watchers me, "A"`
    Add(FieldRef, Vec<Member>),
    /// `remove tags a, b`, `remove requester tags a, b`, `remove field.topics a, b`, `remove watchers me, "A"`
    Remove(FieldRef, Vec<Member>),
    /// `reply "…"`, `reply from "acme_help" "…"`, `reply by language { de "…" otherwise "…" }`
    Reply {
        /// The account to send it from; `None` for the one that was addressed.
        from: Option<String>,
        /// The text, or one for each language.
        texts: Texts,
    },
    /// `message requester "…"`: a direct message, also to somebody who wrote in public.
    Message(Texts),
    /// `ask for satisfaction "…"`: a reply that asks the requester to rate the help, unless it was asked before.
    Ask(Texts),
    /// `note "…"`
    Note(Template),
    /// `notify group "G" { subject "…" body "…" }`
    Notify {
        /// The recipients.
        to: Vec<Recipient>,
        /// The subject.
        subject: Texts,
        /// The body.
        body: Texts,
    },
    /// `remind group "G" in 2 hours { subject "…" body "…" }`: a delayed notification.
    Remind {
        /// The recipients.
        to: Vec<Recipient>,
        /// The delay.
        after: Duration,
        /// The subject; `None` for the default subject of reminders.
        subject: Option<Texts>,
        /// The body.
        body: Option<Texts>,
    },
    /// `assign to next agent of group "G"`, `assign to least busy agent of group "G"`
    Assign {
        /// The group. The ticket is assigned to it immediately.
        group: String,
        /// How the agent is chosen when the action is executed.
        choosing: Choosing,
        /// `last agent of requester or`: who comes first, if of the group.
        last: Option<PreferLast>,
        /// `with under 20 unsolved tickets`: who can be chosen at all.
        under: Option<u32>,
    },
    /// `snooze for 2 hours`: puts the ticket on hold for this duration.
    Snooze(Duration),
    /// `merge into earlier ticket`
    Merge,
    /// `like the post`, `hide the post`, `mute requester`, …
    AtX(XAction),
    /// `webhook "W"`, `webhook "W" { body """…""" }`
    Webhook {
        /// The declared name of the webhook.
        name: String,
        /// A JSON document. Placeholders are inside JSON strings, and their values are escaped accordingly.
        body: Option<Template>,
    },
    /// `stop`: ends the run after this trigger.
    Stop,
}

impl ActionKind {
    /// The text that it answers the requester with, in the format of the ticket.
    pub fn reply(&self) -> Option<&Texts> {
        match self {
            Self::Reply { texts, .. } | Self::Ask(texts) => Some(texts),
            _ => None,
        }
    }

    /// The text that it says to the requester at X.
    pub fn said(&self) -> Option<&Texts> {
        match self {
            Self::Message(texts) => Some(texts),
            _ => self.reply(),
        }
    }

    /// The fields that it sets, or asks to be set. Setting them can change others: [`FieldRef::also_changes`].
    pub fn sets(&self) -> &[FieldRef] {
        static SATISFACTION: LazyLock<Vec<FieldRef>> = LazyLock::new(|| known(&["satisfaction"]));
        static STATUS: LazyLock<Vec<FieldRef>> = LazyLock::new(|| known(&["status"]));
        static ASSIGNED: LazyLock<Vec<FieldRef>> = LazyLock::new(|| known(&["group", "assignee"]));
        fn known(names: &[&str]) -> Vec<FieldRef> {
            names.iter().filter_map(|name| field::known(name)).map(FieldRef::Known).collect()
        }
        match self {
            Self::Set(field, _) | Self::Clear(field) | Self::Add(field, _) | Self::Remove(field, _) => {
                std::slice::from_ref(field)
            }
            Self::Assign { .. } => &ASSIGNED,
            Self::Snooze(_) => &STATUS,
            Self::Ask(_) => &SATISFACTION,
            Self::Reply { .. }
            | Self::Message(_)
            | Self::Note(_)
            | Self::Notify { .. }
            | Self::Remind { .. }
            | Self::Merge
            | Self::AtX(_)
            | Self::Webhook { .. }
            | Self::Stop => &[],
        }
    }
}

/// A member that is added to a set, or removed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A tag, a choice or the name of an agent.
    Named(String),
    /// `me`: the agent who acts.
    Me,
}

impl From<&str> for Member {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

/// `last agent of requester within 30 days or`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreferLast {
    /// How long ago the assignment may be; `None` is ever.
    pub within: Option<Duration>,
}

/// The new value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum SetTo {
    /// A value.
    Literal(Literal),
    /// A text with placeholders.
    Template(Template),
    /// A part of a text. Without a match, the field keeps its value.
    Match {
        /// The pattern, with one group.
        capture: Capture,
        /// The text.
        from: FieldRef,
    },
    /// The value of a field of the same kind, and a number added to it.
    Field {
        /// The field that is read.
        from: FieldRef,
        /// What is added to its value: a whole number, the units of a decimal number, or days. An unknown number counts as
        /// zero, an unknown date stays unknown. The result stays within the bounds of the kind.
        plus: i64,
    },
}
