//! An X account that was connected: who it is at X, and whether it may be used.

use jiff::Timestamp;

use super::{XId, words::words};

words! {
    /// The state of a connected account.
    AccountState, ordered: false {
        /// It works.
        Connected = "connected",
        /// X rejects its authorisation: it must be connected again.
        Unauthorised = "unauthorised",
        /// Switched off by an admin: no messages, no replies.
        Deactivated = "deactivated",
        /// Removed. Its tickets stay.
        Unlinked = "unlinked",
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

impl ConnectedAccount {
    /// An account that was just connected, from whose beginning posts are captured.
    pub fn new(id: XId, handle: impl Into<String>, connected: Timestamp) -> Self {
        Self {
            id,
            handle: handle.into(),
            state: AccountState::Connected,
            connected,
            capture_from: None,
            scopes: vec![],
            times_connected: 0,
        }
    }
}
