//! The switches of accounts: which of them `twite.toml` owns and which the store, and the limits on the sum of both.

use std::fmt;

use jiff::Timestamp;

use super::{Account, AccountState, Accounts, Actor, ConnectedAccount, XId, declarations::Edition, words::words};

words! {
    /// A setting of an account that is on or off. `twite.toml` owns those it writes; all others are kept in the store.
    Switch, ordered: false {
        /// [`Account::capture_mentions`].
        CaptureMentions = "capture_mentions",
        /// [`Account::capture_direct_messages`].
        CaptureDirectMessages = "capture_direct_messages",
        /// [`Account::track_likes`].
        TrackLikes = "track_likes",
        /// [`Account::allow_replies`].
        AllowReplies = "allow_replies",
        /// [`Account::allow_actions`].
        AllowActions = "allow_actions",
        /// [`Account::default`].
        Default = "default",
    }
}

impl Account {
    /// Whether a switch is on.
    pub const fn switch(&self, switch: Switch) -> bool {
        match switch {
            Switch::CaptureMentions => self.capture_mentions,
            Switch::CaptureDirectMessages => self.capture_direct_messages,
            Switch::TrackLikes => self.track_likes,
            Switch::AllowReplies => self.allow_replies,
            Switch::AllowActions => self.allow_actions,
            Switch::Default => self.default,
        }
    }

    /// Turns a switch on or off.
    pub const fn set_switch(&mut self, switch: Switch, on: bool) {
        *match switch {
            Switch::CaptureMentions => &mut self.capture_mentions,
            Switch::CaptureDirectMessages => &mut self.capture_direct_messages,
            Switch::TrackLikes => &mut self.track_likes,
            Switch::AllowReplies => &mut self.allow_replies,
            Switch::AllowActions => &mut self.allow_actions,
            Switch::Default => &mut self.default,
        } = on;
    }

    /// The line of `twite.toml` that owns a switch, from 1; `None` if the store owns it.
    pub fn line_of(&self, switch: Switch) -> Option<usize> {
        self.written.get(switch.as_str()).copied()
    }
}

/// A switch in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSwitch {
    /// The account.
    pub account: XId,
    /// The switch.
    pub switch: Switch,
    /// Whether it is on.
    pub on: bool,
    /// Who set it.
    pub by: Actor,
    /// When it was set.
    pub at: Timestamp,
}

/// What the store says of accounts: who is connected, and their switches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredAccounts {
    /// Every account that was ever connected, oldest first.
    pub connected: Vec<ConnectedAccount>,
    /// Their switches.
    pub switches: Vec<StoredSwitch>,
}

impl StoredAccounts {
    /// The account that `twite.toml` and rules call by this handle, and that was not unlinked.
    pub fn linked(&self, handle: &str) -> Option<&ConnectedAccount> {
        self.called(handle).filter(|account| account.state != AccountState::Unlinked)
    }

    /// The account that `twite.toml` and rules call by this handle.
    pub fn called(&self, handle: &str) -> Option<&ConnectedAccount> {
        self.connected.iter().find(|account| account.handle.eq_ignore_ascii_case(handle))
    }

    /// The stored value of a switch.
    pub fn stored(&self, account: &XId, switch: Switch) -> Option<&StoredSwitch> {
        self.switches.iter().find(|stored| stored.account == *account && stored.switch == switch)
    }

    /// Sets the stored value of a switch. Returns whether it had another value, or none.
    pub fn set(&mut self, set: StoredSwitch) -> bool {
        let place = self.switches.iter_mut().find(|s| s.account == set.account && s.switch == set.switch);
        match place {
            Some(stored) if stored.on == set.on => false,
            Some(stored) => {
                *stored = set;
                true
            }
            None => {
                self.switches.push(set);
                true
            }
        }
    }
}

/// A limit that accounts exceed. Accounts are given by their index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// There are more accounts than the edition allows; this is the first too many.
    TooMany(usize),
    /// The account captures direct messages, and the edition does not.
    DirectMessages(usize),
    /// The default account does not allow replies.
    SilentDefault(usize),
    /// A second default account, and the first one.
    SecondDefault(usize, usize),
}

/// The limits that accounts exceed: those of the edition, and at most one default account, which allows replies.
pub fn breaches<'a>(edition: Edition, accounts: impl IntoIterator<Item = &'a Account>) -> Vec<Breach> {
    let (mut breaches, mut default) = (vec![], None);
    for (index, account) in accounts.into_iter().enumerate() {
        if index == edition.most_accounts() {
            breaches.push(Breach::TooMany(index));
        }
        if edition == Edition::Support && account.capture_direct_messages {
            breaches.push(Breach::DirectMessages(index));
        }
        if account.default && !account.allow_replies {
            breaches.push(Breach::SilentDefault(index));
        }
        match default {
            _ if !account.default => {}
            Some(first) => breaches.push(Breach::SecondDefault(index, first)),
            None => default = Some(index),
        }
    }
    breaches
}

impl Breach {
    /// The breach in words, with the places in `twite.toml` that own what it is about.
    pub fn describe(self, edition: Edition, accounts: &Accounts) -> String {
        let account = |index| accounts.0.get(index).map(|account: &Account| (&*account.handle, account));
        let owned = |index, switch| {
            let line = account(index).and_then(|(_, account)| account.line_of(switch));
            line.map(|line| format!(" (twite.toml:{line})")).unwrap_or_default()
        };
        let handle = |index| account(index).map_or("", |(handle, _)| handle);
        match self {
            Self::TooMany(_) => edition.account_limit().to_owned(),
            Self::DirectMessages(_) => NO_MESSAGES.to_owned(),
            Self::SilentDefault(index) => format!(
                "@{} is the default account{}, which must allow replies{}",
                handle(index),
                owned(index, Switch::Default),
                owned(index, Switch::AllowReplies)
            ),
            Self::SecondDefault(index, first) => format!(
                "at most one account is the default: @{}{} or @{}{}",
                handle(first),
                owned(first, Switch::Default),
                handle(index),
                owned(index, Switch::Default)
            ),
        }
    }
}

/// What the edition `support` does not do.
pub(crate) const NO_MESSAGES: &str = "the edition `support` does not capture direct messages";

/// Something in the store that has no effect, because the sum of `twite.toml` and the store would exceed a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overruled {
    /// The handle of its account.
    pub handle: String,
    /// The switch; `None` for the whole account, which is not used.
    pub switch: Option<Switch>,
    /// Whether the switch is on in the store.
    on: bool,
    /// The limit.
    why: String,
}

impl fmt::Display for Overruled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handle, switch, on, why } = self;
        match switch {
            Some(switch) => write!(f, "`{switch} = {on}` in the store has no effect: {why}"),
            None => write!(f, "@{handle} was added by a command and is not used: {why}"),
        }
    }
}

/// The accounts in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The declared accounts, and then those that were added by a command, with their switches.
    pub accounts: Accounts,
    /// What in the store has an effect.
    pub stored: StoredAccounts,
    /// What in the store has none.
    pub overruled: Vec<Overruled>,
}

impl Effective {
    /// A limit that other accounts exceed, and these do not.
    pub fn new_breach(&self, edition: Edition, accounts: &Accounts) -> Option<Breach> {
        let before = breaches(edition, self.accounts.iter());
        breaches(edition, accounts.iter()).into_iter().find(|breach| !before.contains(breach))
    }
}

/// The sum of `twite.toml` and the store, which may exceed limits. A switch that the file writes is as written.
pub fn sum(declared: &Accounts, edition: Edition, store: &StoredAccounts) -> Accounts {
    let mut accounts = declared.clone();
    let linked = || store.connected.iter().filter(|account| account.state != AccountState::Unlinked);
    for account in linked().filter(|account| account.added && declared.get(&account.handle).is_none()) {
        accounts.0.push(Account::undeclared(&account.handle, edition));
    }
    for account in &mut accounts.0 {
        let Some(known) = linked().find(|known| known.handle.eq_ignore_ascii_case(&account.handle)) else { continue };
        for stored in store.switches.iter().filter(|stored| stored.account == known.id) {
            if account.line_of(stored.switch).is_none() {
                account.set_switch(stored.switch, stored.on);
            }
        }
    }
    accounts
}

/// The accounts in effect: the [`sum`] of `twite.toml` and the store. Where it exceeds a limit, the file wins, and of two
/// default accounts in the store the later one.
pub fn effective(declared: &Accounts, edition: Edition, store: &StoredAccounts) -> Effective {
    let (mut store, mut overruled) = (store.clone(), vec![]);
    loop {
        let accounts = sum(declared, edition, &store);
        // Each round takes something out of the store.
        let found = breaches(edition, accounts.iter()).into_iter().find_map(|breach| {
            let taken = take_out(&mut store, &accounts, declared.0.len(), breach)?;
            Some((taken, breach.describe(edition, &accounts)))
        });
        let Some(((handle, stored), why)) = found else {
            return Effective { accounts, stored: store, overruled };
        };
        let (switch, on) = stored.map(|stored| (stored.switch, stored.on)).unzip();
        overruled.push(Overruled { handle, switch, on: on.unwrap_or_default(), why });
    }
}

/// Takes what causes a breach out of the store: the handle of its account, and the switch, or `None` for the account itself.
/// `None` if the file alone causes it.
fn take_out(
    store: &mut StoredAccounts,
    accounts: &Accounts,
    declared: usize,
    breach: Breach,
) -> Option<(String, Option<StoredSwitch>)> {
    // A switch that the file writes is not from the store.
    let find = |store: &StoredAccounts, index: usize, switch: Switch| {
        let account = accounts.0.get(index).filter(|account| account.line_of(switch).is_none())?;
        let id = &store.linked(&account.handle)?.id;
        let place = store.switches.iter().position(|stored| stored.account == *id && stored.switch == switch)?;
        Some((place, account.handle.clone(), store.switches.get(place)?.at))
    };
    let (place, handle) = match breach {
        Breach::TooMany(index) => {
            let handle = accounts.0.get(index).filter(|_| index >= declared)?.handle.clone();
            store.connected.retain(|account| !account.handle.eq_ignore_ascii_case(&handle));
            return Some((handle, None));
        }
        Breach::DirectMessages(index) => find(store, index, Switch::CaptureDirectMessages).map(|(p, h, _)| (p, h))?,
        Breach::SilentDefault(index) => {
            let found = find(store, index, Switch::Default).or_else(|| find(store, index, Switch::AllowReplies));
            found.map(|(place, handle, _)| (place, handle))?
        }
        Breach::SecondDefault(index, first) => {
            let both = [find(store, index, Switch::Default), find(store, first, Switch::Default)];
            let earliest = both.into_iter().flatten().min_by_key(|(.., at)| *at);
            earliest.map(|(place, handle, _)| (place, handle))?
        }
    };
    Some((handle, Some(store.switches.remove(place))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(handle: &str, written: &[(Switch, bool)]) -> Account {
        let mut account = Account::new(handle);
        for (line, (switch, on)) in written.iter().enumerate() {
            account.set_switch(*switch, *on);
            account.written.insert(switch.as_str().to_owned(), line + 1);
        }
        account
    }

    fn stored(added: &[&str], switches: &[(&str, Switch, bool)]) -> StoredAccounts {
        let at = |n: usize| Timestamp::from_second(i64::try_from(n).unwrap()).unwrap();
        let id = |handle: &str| handle.len().to_string().parse::<XId>().unwrap();
        let connected = ["a", "bb", "ccc"].map(|handle| ConnectedAccount {
            added: added.contains(&handle),
            ..ConnectedAccount::new(id(handle), handle, at(0))
        });
        let set = |(n, (handle, switch, on)): (usize, &(&str, Switch, bool))| StoredSwitch {
            account: id(handle),
            switch: *switch,
            on: *on,
            by: Actor::Owner,
            at: at(n),
        };
        StoredAccounts { connected: connected.into(), switches: switches.iter().enumerate().map(set).collect() }
    }

    #[test]
    fn the_file_owns_what_it_writes_and_wins_where_the_sum_exceeds_a_limit() {
        use Switch::{AllowReplies, CaptureDirectMessages, Default, TrackLikes};
        let suite = Edition::Suite;
        for (edition, file, store, in_effect, overruled) in [
            // The store's, and the file's.
            (suite, vec![("a", vec![])], (vec![], vec![("a", TrackLikes, true)]), "a:likes", vec![]),
            (suite, vec![("a", vec![(TrackLikes, false)])], (vec![], vec![("a", TrackLikes, true)]), "a", vec![]),
            // An account that the file does not declare is used only if a command added it.
            (suite, vec![("a", vec![])], (vec!["bb"], vec![("ccc", TrackLikes, true)]), "a bb", vec![]),
            (
                Edition::Support,
                vec![("a", vec![(CaptureDirectMessages, false)])],
                (vec!["bb"], vec![]),
                "a",
                vec!["@bb was added by a command and is not used: the edition `support` allows one account"],
            ),
            (
                Edition::Support,
                vec![],
                (vec!["bb"], vec![("bb", CaptureDirectMessages, true)]),
                "bb",
                vec![
                    "`capture_direct_messages = true` in the store has no effect: the edition `support` does not capture direct messages",
                ],
            ),
            // Two defaults: the file's, or the later one.
            (
                suite,
                vec![("a", vec![(Default, true)]), ("bb", vec![])],
                (vec![], vec![("bb", Default, true)]),
                "a:default bb",
                vec![
                    "`default = true` in the store has no effect: at most one account is the default: @a (twite.toml:1) or @bb",
                ],
            ),
            (
                suite,
                vec![("a", vec![]), ("bb", vec![])],
                (vec![], vec![("bb", Default, true), ("a", Default, true)]),
                "a:default bb",
                vec!["`default = true` in the store has no effect: at most one account is the default: @a or @bb"],
            ),
            // A default account that does not reply.
            (
                suite,
                vec![("a", vec![(Default, true)])],
                (vec![], vec![("a", AllowReplies, false)]),
                "a:default",
                vec![
                    "`allow_replies = false` in the store has no effect: @a is the default account (twite.toml:1), which must allow replies",
                ],
            ),
            (
                suite,
                vec![("a", vec![(AllowReplies, false)])],
                (vec![], vec![("a", Default, true)]),
                "a:silent",
                vec![
                    "`default = true` in the store has no effect: @a is the default account, which must allow replies (twite.toml:1)",
                ],
            ),
        ] {
            let file = Accounts(file.into_iter().map(|(handle, written)| declared(handle, &written)).collect());
            let found = effective(&file, edition, &stored(&store.0, &store.1));
            let words = |account: &Account| {
                let likes = if account.track_likes { ":likes" } else { "" };
                let default = if account.default { ":default" } else { "" };
                let silent = if account.allow_replies { "" } else { ":silent" };
                format!("{}{likes}{default}{silent}", account.handle)
            };
            assert_eq!(found.accounts.iter().map(words).collect::<Vec<_>>().join(" "), in_effect);
            assert_eq!(found.overruled.iter().map(ToString::to_string).collect::<Vec<_>>(), overruled);
        }
    }
}
