//! An X account that was connected: who it is at X, and whether it may be used.

use jiff::Timestamp;

use super::{Actor, XId, words::words};

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
    /// The handle by which `twite.toml`, rules and tickets call it. X may show another one: see [`Self::handle_at_x`].
    pub handle: String,
    /// The handle that X last showed, if it differs from [`Self::handle`] because the account was renamed at X.
    pub handle_at_x: Option<String>,
    /// Whether a command added it while `twite.toml` did not declare it: it is used nevertheless.
    pub added: bool,
    /// Its state.
    pub state: AccountState,
    /// Who brought it into its state, and when, if somebody did: by a command or page.
    pub state_set: Option<(Actor, Timestamp)>,
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
            handle_at_x: None,
            added: false,
            state_set: None,
            state: AccountState::Connected,
            connected,
            capture_from: None,
            scopes: vec![],
            times_connected: 0,
        }
    }
}
