//! The list of declared accounts, with their connection state and hindrances.

use std::fmt::Write as _;

use crate::{
    app::accounts::{AccountStatus, word},
    desk::visible::visible,
};

/// The accounts as text: one line per account, its hindrances indented below.
pub(crate) fn list(accounts: &[AccountStatus]) -> String {
    if accounts.is_empty() {
        return "no accounts declared; add an `[[account]]` to twite.toml\n".to_owned();
    }
    let mut text = String::new();
    for account in accounts {
        let state = word(account.state);
        // Writing to a string does not fail.
        let _ = match account.connected {
            Some(since) => writeln!(text, "@{:<16} {state:<14} since {since}", visible(&account.handle)),
            None => writeln!(text, "@{:<16} {state}", visible(&account.handle)),
        };
        for hindrance in &account.hindrances {
            let _ = writeln!(text, "  {}", visible(&hindrance.line()));
        }
    }
    text
}
