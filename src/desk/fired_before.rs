//! How often rules fired before an event, as far as their caps ask.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Words;

/// Whose firings a cap counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Those on the same ticket.
    Ticket,
    /// Those on tickets of the same requester.
    Requester,
    /// Those on tickets of the same account; tickets without an account count together.
    Account,
    /// All.
    All,
}

impl Per {
    /// Its words in JSON.
    pub(crate) const WORDS: Words = Words { words: &["ticket", "requester", "account", "all"], ordered: false };
}

/// That a rule has fired a number of times since a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredBefore {
    /// The rule's title.
    pub rule: String,
    /// Which of its firings.
    pub per: Per,
    /// How many; at least.
    pub times: u32,
    /// When the first of them was.
    pub since: Timestamp,
}
