//! Whose tags and declared fields are meant: the ticket's or its requester's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{CustomValue, Ticket};

/// What has tags and declared fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The ticket.
    #[default]
    Ticket,
    /// The person who wrote it. What is known of a person is the same on all tickets of the person.
    Requester,
}

impl Owner {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ticket, Self::Requester];

    /// What comes before a field's name in rules.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Ticket => "",
            Self::Requester => "requester.",
        }
    }

    /// The owner of a field, and the field's name without [`Self::prefix`].
    pub fn split(name: &str) -> (Self, &str) {
        match name.strip_prefix(Self::Requester.prefix()) {
            Some(name) => (Self::Requester, name),
            None => (Self::Ticket, name),
        }
    }

    /// The tags on it.
    pub const fn tags_mut(self, ticket: &mut Ticket) -> &mut BTreeSet<String> {
        match self {
            Self::Ticket => &mut ticket.tags,
            Self::Requester => &mut ticket.requester.tags,
        }
    }

    /// The values of its declared fields, by name.
    pub const fn custom(self, ticket: &Ticket) -> &BTreeMap<String, CustomValue> {
        match self {
            Self::Ticket => &ticket.custom,
            Self::Requester => &ticket.requester.custom,
        }
    }

    /// As [`Self::custom`], to be changed.
    pub const fn custom_mut(self, ticket: &mut Ticket) -> &mut BTreeMap<String, CustomValue> {
        match self {
            Self::Ticket => &mut ticket.custom,
            Self::Requester => &mut ticket.requester.custom,
        }
    }
}
