//! The destination of an effect.

use std::{fmt, str::FromStr};

use super::{Account, Channel, Effect, Ticket};

/// The destination of an effect. Each has a queue of its own in the outbox, so that a slow one delays no other. Posts
/// and direct messages of an account are separate destinations because X limits them separately.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// Public posts from the account with this handle.
    Posts(String),
    /// Direct messages from the account with this handle.
    Messages(String),
    /// What is done at X besides by the account with this handle. X limits it separately too.
    Actions(String),
    /// The mail server.
    Mail,
    /// The declared webhook with this name.
    Webhook(String),
    /// The desk itself: the effect was applied when it was decided, nothing is sent.
    Desk,
}

impl Destination {
    /// The destination of an effect of a ticket. `account` is the one from which a reply is sent; a reply that no account
    /// may send is queued with those of the account that was addressed, and refused there.
    pub fn of(effect: &Effect, ticket: &Ticket, account: Option<&Account>) -> Self {
        match effect {
            Effect::Reply { .. } => {
                let addressed = ticket.account.as_deref().unwrap_or_default();
                let handle = account.map_or(addressed, |account| &account.handle);
                match ticket.channel {
                    Channel::TwitterDm => Self::Messages(handle.to_lowercase()),
                    _ => Self::Posts(handle.to_lowercase()),
                }
            }
            Effect::Message { .. } => Self::Messages(ticket.account.as_deref().unwrap_or_default().to_lowercase()),
            Effect::AtX { .. } => Self::Actions(ticket.account.as_deref().unwrap_or_default().to_lowercase()),
            Effect::Notify { .. } | Effect::Remind { .. } => Self::Mail,
            Effect::Webhook { name, .. } => Self::Webhook(name.clone()),
            Effect::Note { .. } | Effect::Assign { .. } | Effect::Merge | Effect::Incident { .. } => Self::Desk,
        }
    }

    /// The handle of the sending account, if the destination is X.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Posts(handle) | Self::Messages(handle) | Self::Actions(handle) => Some(handle),
            Self::Mail | Self::Webhook(_) | Self::Desk => None,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Posts(handle) => write!(f, "posts/{handle}"),
            Self::Messages(handle) => write!(f, "messages/{handle}"),
            Self::Actions(handle) => write!(f, "actions/{handle}"),
            Self::Mail => f.write_str("mail"),
            Self::Webhook(name) => write!(f, "webhook/{name}"),
            Self::Desk => f.write_str("desk"),
        }
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some(("posts", handle)) => Ok(Self::Posts(handle.to_owned())),
            Some(("messages", handle)) => Ok(Self::Messages(handle.to_owned())),
            Some(("actions", handle)) => Ok(Self::Actions(handle.to_owned())),
            Some(("webhook", name)) => Ok(Self::Webhook(name.to_owned())),
            None if text == "mail" => Ok(Self::Mail),
            None if text == "desk" => Ok(Self::Desk),
            _ => Err(format!("unknown destination `{text}`")),
        }
    }
}
