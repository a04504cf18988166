//! OAuth 2 tokens of X accounts.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The OAuth 2 tokens of an account. `Debug` omits the secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// The access token, sent with each call.
    pub access: String,
    /// The refresh token, valid for one refresh. If `None`, the account must be connected again once the access token
    /// has expired.
    pub refresh: Option<String>,
    /// When the access token expires; `None` if X did not say.
    pub expires: Option<Timestamp>,
    /// The granted scopes.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires", &self.expires).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}
