//! The X accounts of a desk: their status, connecting them, and changing them.

mod change;
mod connect;
mod sign_in;

use jiff::Timestamp;
use serde::Serialize;

pub(crate) use self::connect::stored_accounts;
pub use self::{
    change::{Changed, NotChanged, Revoked, activate, deactivate, set, unlink},
    connect::{Connected, Connecting, NotConnected, Wanted},
    sign_in::{Arrived, CALLBACK, SignIn, SignInOutcome, begin_sign_in, complete_sign_in},
};
use super::gates::stopped;
use crate::{
    desk::{
        Account, AccountState, Accounts, Actor, ConnectedAccount, Effective, Overruled, StoredAccounts, StoredSwitch,
        Switch, XId, declarations::Edition, effective,
    },
    settings::Settings,
    store::{Acknowledged, Gap, Hindrance, Store, StoreError},
    x::oauth,
};

/// Status of an account.
#[derive(Debug, Serialize)]
pub struct AccountStatus {
    /// The handle by which `twite.toml` and rules call it.
    pub handle: String,
    /// The handle that X shows, if it differs.
    pub handle_at_x: Option<String>,
    /// Whether `twite.toml` declares it. If not, a command added it, and rules cannot name it.
    pub declared: bool,
    /// Its id at X, if it was ever connected.
    pub id: Option<XId>,
    /// Its state; `None` if it was never connected.
    #[serde(serialize_with = "state_word")]
    pub state: Option<AccountState>,
    /// Who brought it into its state, if that was done by a command or page, and when.
    pub state_by: Option<Actor>,
    /// See `state_by`.
    pub state_at: Option<Timestamp>,
    /// When it was connected.
    pub connected: Option<Timestamp>,
    /// The scopes its tokens grant; empty if X did not say.
    pub scopes: Vec<String>,
    /// The scopes that its switches need and its tokens do not grant.
    pub missing_scopes: Vec<&'static str>,
    /// Its switches.
    pub switches: Vec<SwitchStatus>,
    /// Its current problems, and the gaps that nobody has acknowledged.
    pub hindrances: Vec<Hindrance>,
    /// The acknowledged gaps.
    pub acknowledged: Vec<AcknowledgedGap>,
}

/// A switch of an account, and who owns it.
#[derive(Debug, Serialize)]
pub struct SwitchStatus {
    /// The switch.
    pub key: Switch,
    /// Whether it is on.
    pub value: bool,
    /// Where the value is from.
    #[serde(flatten)]
    pub owner: SwitchOwner,
}

/// Where the value of a switch is from.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "owner", rename_all = "snake_case")]
pub enum SwitchOwner {
    /// `twite.toml`.
    File {
        /// The line, from 1.
        line: usize,
    },
    /// The store.
    Store {
        /// Who set it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Nobody: it has its default.
    Default,
}

/// A gap in the messages of an account, and who acknowledged it.
#[derive(Debug, Clone, Serialize)]
pub struct AcknowledgedGap {
    /// The endpoint.
    pub what: String,
    /// The gap, in words.
    pub reason: String,
    /// When it was acknowledged, and by whom.
    #[serde(flatten)]
    pub acknowledged: Acknowledged,
}

/// Status of the accounts of a desk: those that `twite.toml` declares, and then those that a command added. Without a
/// store, none is connected.
pub async fn list(
    store: Option<&Store>,
    (declared, edition): (&Accounts, Edition),
    now: Timestamp,
) -> Result<Vec<AccountStatus>, StoreError> {
    let (stored, mut hindrances, gaps, lease) = match store {
        Some(store) => {
            (store.stored_accounts().await?, store.hindrances().await?, store.gaps().await?, store.lease().await?)
        }
        None => (StoredAccounts::default(), vec![], vec![], None),
    };
    // Without a daemon, nothing is tried again, and what is being tried now has no next time yet.
    let is_running = lease.is_some_and(|lease| lease.is_held(now));
    for hindrance in &mut hindrances {
        hindrance.next = hindrance.next.filter(|next| is_running && *next > now);
    }
    let Effective { accounts: in_effect, overruled, .. } = effective(declared, edition, &stored);
    // Those that are left out are listed too.
    let left_out = overruled.iter().filter(|overruled| overruled.switch.is_none());
    let left_out: Vec<_> = left_out.map(|overruled| Account::undeclared(&overruled.handle, edition)).collect();
    let status = |account: &Account| {
        let connected = stored.called(&account.handle);
        let is_its = |id: &XId| connected.is_some_and(|connected| connected.id == *id);
        let acknowledged = gaps.iter().filter(|gap| is_its(&gap.account)).filter_map(|gap| {
            let acknowledged = gap.acknowledged.clone()?;
            Some(AcknowledgedGap { what: gap.endpoint.clone(), reason: gap.line(), acknowledged })
        });
        let (state_by, state_at) = connected.and_then(|connected| connected.state_set.clone()).unzip();
        let scopes = connected.map(|connected| connected.scopes.clone()).unwrap_or_default();
        let missing = oauth::missing_scopes(account, &scopes);
        AccountStatus {
            handle: account.handle.clone(),
            handle_at_x: connected.and_then(|connected| connected.handle_at_x.clone()),
            declared: declared.get(&account.handle).is_some(),
            id: connected.map(|connected| connected.id.clone()),
            state: connected.map(|connected| connected.state),
            state_by,
            state_at,
            connected: connected.map(|connected| connected.connected),
            scopes,
            missing_scopes: missing.iter().map(|missing| missing.scope).collect(),
            switches: switches_of(account, &stored, &overruled),
            hindrances: connected
                .map_or(vec![], |connected| hindrances_of(connected, account, &overruled, &hindrances)),
            acknowledged: acknowledged.collect(),
        }
    };
    Ok(in_effect.iter().chain(&left_out).map(status).collect())
}

fn switches_of(account: &Account, stored: &StoredAccounts, overruled: &[Overruled]) -> Vec<SwitchStatus> {
    let linked = stored.linked(&account.handle);
    let is_overruled = |switch| {
        overruled.iter().any(|one| one.switch == Some(switch) && one.handle.eq_ignore_ascii_case(&account.handle))
    };
    let status = |switch: Switch| {
        let stored = linked.and_then(|linked| stored.stored(&linked.id, switch)).filter(|_| !is_overruled(switch));
        let owner = match (account.line_of(switch), stored) {
            (Some(line), _) => SwitchOwner::File { line },
            (None, Some(StoredSwitch { by, at, .. })) => SwitchOwner::Store { by: by.clone(), at: *at },
            (None, None) => SwitchOwner::Default,
        };
        SwitchStatus { key: switch, value: account.switch(switch), owner }
    };
    Switch::ALL.iter().copied().map(status).collect()
}

/// The problems of an account, with those that follow from its name, the scopes of its tokens, and limits.
fn hindrances_of(
    account: &ConnectedAccount,
    settings: &Account,
    overruled: &[Overruled],
    all: &[Hindrance],
) -> Vec<Hindrance> {
    let mut found: Vec<_> = all.iter().filter(|hindrance| hindrance.account == account.id).cloned().collect();
    let lasting = |what: &str, reason: String, is_gap| Hindrance {
        account: account.id.clone(),
        what: what.to_owned(),
        reason,
        since: None,
        next: None,
        throttled: false,
        is_gap,
    };
    if account.state == AccountState::Connected {
        for missing in oauth::missing_scopes(settings, &account.scopes) {
            let what = stopped(&missing);
            found.retain(|hindrance| hindrance.what != what || hindrance.is_gap);
            let reason = format!("{missing}; run `twite accounts reauthorise {}`", settings.handle);
            found.push(lasting(what, reason, false));
        }
    }
    for one in overruled.iter().filter(|one| one.handle.eq_ignore_ascii_case(&account.handle)) {
        found.push(lasting(one.switch.map_or("account", Switch::as_str), one.to_string(), false));
    }
    if let Some(at_x) = account.handle_at_x.as_ref().filter(|_| account.state != AccountState::Unlinked) {
        // It works: what X sends names its id.
        found.push(lasting("handle", renamed(&account.handle, at_x), true));
    }
    found
}

/// What to do about an account that was renamed at X.
pub(crate) fn renamed(handle: &str, at_x: &str) -> String {
    format!("X calls it @{at_x} now; write that instead of `{handle}` in twite.toml and rules")
}

impl AccountStatus {
    /// Whether it is connected and works as it should, or somebody switched it off.
    pub fn works(&self, now: Timestamp) -> bool {
        match self.state {
            Some(AccountState::Deactivated) => true,
            Some(AccountState::Connected) => !self.hindrances.iter().any(|hindrance| hindrance.is_fault(now)),
            Some(AccountState::Unauthorised | AccountState::Unlinked) | None => false,
        }
    }
}

/// There is no such account.
#[derive(Debug, thiserror::Error)]
#[error("no account `{handle}`; accounts: {known}")]
pub struct NoSuchAccount {
    /// The requested handle.
    handle: String,
    /// The handles of the accounts.
    known: String,
}

impl NoSuchAccount {
    fn new<'a>(handle: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<_> = known.into_iter().map(|handle| format!("`{handle}`")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Self { handle: handle.to_owned(), known }
    }
}

/// The account with this handle, as `twite.toml` or X call it, with or without `@`.
///
/// # Errors
/// [`NoSuchAccount`]
pub fn find<'a>(accounts: &'a [AccountStatus], handle: &str) -> Result<&'a AccountStatus, NoSuchAccount> {
    let bare = handle.trim_start_matches('@');
    let is = |named: &str| named.eq_ignore_ascii_case(bare);
    let at_x = || accounts.iter().find(|account| account.handle_at_x.as_deref().is_some_and(is));
    let found = accounts.iter().find(|account| is(&account.handle)).or_else(at_x);
    found.ok_or_else(|| NoSuchAccount::new(handle, accounts.iter().map(|account| &*account.handle)))
}

/// The settings of a desk: those of its files, with the accounts in effect.
pub async fn settings(store: Option<&Store>, edition: Edition, declared: Settings) -> Result<Settings, StoreError> {
    let Some(store) = store else { return Ok(declared) };
    let stored = store.stored_accounts().await?;
    Ok(Settings { accounts: effective(&declared.accounts, edition, &stored).accounts, ..declared })
}

/// Acknowledges the gaps of an account, so that they are no longer listed as hindrances. Returns those that were not
/// acknowledged before, one sentence each.
///
/// # Errors
/// When the store fails; then nothing has changed.
pub async fn acknowledge(store: &Store, account: &XId, by: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let open = |gap: &Gap| gap.account == *account && gap.acknowledged.is_none();
    let gaps: Vec<_> = store.gaps().await?.into_iter().filter(open).collect();
    store.acknowledge_gaps(account, by, now).await?;
    Ok(gaps.iter().map(|gap| format!("{}: {}", gap.endpoint, gap.line())).collect())
}

/// The state as a word; `not connected` for `None`.
pub(crate) fn word(state: Option<AccountState>) -> &'static str {
    state.map_or("not connected", AccountState::as_str)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn state_word<S: serde::Serializer>(state: &Option<AccountState>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*state))
}
