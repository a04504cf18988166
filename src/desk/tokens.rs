//! What lets a program act for an X account.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The OAuth 2 tokens of an account. Never printed: its `Debug` says only what they are good for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Goes with each call.
    pub access: String,
    /// Buys the next pair, once. Without it the account must be connected again when the access token ends.
    pub refresh: Option<String>,
    /// When the access token ends; `None` where X did not say.
    pub expires: Option<Timestamp>,
    /// What the account allowed.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires", &self.expires).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}
