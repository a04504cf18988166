//! An X account that was connected: who it is at X, and whether it may be used.

use jiff::Timestamp;

use super::XId;

/// The state of a connected account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// It works.
    Connected,
    /// X rejects its authorisation: it must be connected again.
    Unauthorised,
    /// Switched off by an admin: no messages, no replies.
    Deactivated,
    /// Removed. Its tickets stay.
    Unlinked,
}

impl AccountState {
    /// The stored name of the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Unauthorised => "unauthorised",
            Self::Deactivated => "deactivated",
            Self::Unlinked => "unlinked",
        }
    }
}

impl std::str::FromStr for AccountState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Connected, Self::Unauthorised, Self::Deactivated, Self::Unlinked]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of an account"))
    }
}

/// A connected account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedAccount {
    /// X's user id, which stays the same when the handle changes.
    pub id: XId,
    /// The handle, which identifies it in `twite.toml`.
    pub handle: String,
    /// Its state.
    pub state: AccountState,
    /// When it was connected.
    pub connected: Timestamp,
    /// Posts made before this time open no ticket.
    pub capture_from: Option<Timestamp>,
    /// The scopes its tokens grant; empty if X did not say.
    pub scopes: Vec<String>,
    /// How often it was connected. It grows when somebody replaces its tokens, not when Twite refreshes them.
    pub times_connected: i64,
}
