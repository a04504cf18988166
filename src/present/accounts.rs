//! Accounts with their connection state, switches and hindrances.

use std::fmt::Write as _;

use crate::{
    app::accounts::{AccountStatus, SwitchOwner, word},
    desk::visible::visible,
};

/// The accounts as text: one line per account, its hindrances indented below.
pub(crate) fn list(accounts: &[AccountStatus]) -> String {
    if accounts.is_empty() {
        return "no accounts; add an `[[account]]` to twite.toml, or run `twite accounts add`\n".to_owned();
    }
    accounts.iter().map(line).collect()
}

fn line(account: &AccountStatus) -> String {
    let (mut text, state) = (String::new(), word(account.state));
    // Writing to a string does not fail.
    let _ = match account.connected {
        Some(since) => writeln!(text, "@{:<16} {state:<14} since {since}", visible(&account.handle)),
        None => writeln!(text, "@{:<16} {state}", visible(&account.handle)),
    };
    for hindrance in &account.hindrances {
        let _ = writeln!(text, "  {}", visible(&hindrance.line()));
    }
    text
}

/// An account as text: its line, and below it what is known of it.
pub(crate) fn account(account: &AccountStatus) -> String {
    let mut text = line(account);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<24} {}", visible(value));
    };
    row("id", account.id.as_ref().map_or("none", |id| id.as_str()));
    if let (Some(by), Some(at)) = (&account.state_by, account.state_at) {
        row("state set by", &format!("{by}, {at:.0}"));
    }
    if !account.declared {
        row("declared", "no: a command added it, and rules cannot name it");
    }
    if account.id.is_some() {
        let or = |words: String, otherwise: &str| if words.is_empty() { otherwise.to_owned() } else { words };
        row("scopes", &or(account.scopes.join(" "), "unknown"));
        row("missing scopes", &or(account.missing_scopes.join(" "), "none"));
    }
    for switch in &account.switches {
        let owner = match &switch.owner {
            SwitchOwner::File { line } => format!("twite.toml:{line}"),
            SwitchOwner::Store { by, at } => format!("set by {by}, {at:.0}"),
            SwitchOwner::Default => "default".to_owned(),
        };
        row(switch.key.as_str(), &format!("{:<5}  {owner}", switch.value));
    }
    text
}
