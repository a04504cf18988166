//! The trait through which the client stores the OAuth tokens of an account; the application implements it.

use std::{fmt, pin::Pin};

use crate::desk::Tokens;

/// A call to a [`TokenStore`] in progress.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, TokenError>> + Send + 'a>>;

/// The stored tokens of one account.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The tokens as last stored; `None` if the account was never connected.
    fn load(&self) -> Asked<'_, Option<Tokens>>;

    /// Stores tokens durably. As a refresh token works only once, new tokens are not used before this returns.
    fn save<'a>(&'a self, tokens: &'a Tokens) -> Asked<'a, ()>;

    /// Checks that this process still works for the account. A refresh token is not used otherwise, because the process
    /// that took over needs it.
    fn check_lease(&self) -> Asked<'_, ()>;
}

/// Why tokens cannot be loaded, stored or refreshed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Another process works for the account now.
    #[error("another process works for the account now")]
    Superseded,
    /// They cannot be encrypted or decrypted with this key.
    #[error("{0}")]
    Key(String),
    /// The storage failed; a retry may succeed.
    #[error("{0}")]
    Storage(String),
}
