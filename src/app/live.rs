//! The live rules, and the state of their files.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::Configuration;
use crate::{
    desk::{Effective, Overruled, StoredAccounts, effective},
    engine::RuleSet,
    lang::{
        Follow,
        rules::{Rules, Version},
    },
    settings::Settings,
};

/// The live rules and settings. A reader takes a snapshot for each event, so that a reload does not affect it halfway.
#[derive(Clone)]
pub struct Live {
    current: Arc<ArcSwap<Configuration>>,
    accounts: Arc<Mutex<AccountSources>>,
    state: Arc<watch::Sender<ReloadState>>,
    /// Notified to request an immediate reload.
    asked: Arc<Notify>,
    follow: Follow,
}

/// What decides about accounts: `twite.toml` and the store.
struct AccountSources {
    /// The settings of the files.
    declared: Arc<Settings>,
    stored: StoredAccounts,
    /// What in the store has no effect.
    overruled: Vec<Overruled>,
}

/// State of the rule files relative to the live rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadState {
    /// When the live rules went live.
    pub since: Timestamp,
    /// Set while the files cannot go live.
    pub broken: Option<Broken>,
    /// Changed settings that need a restart of the daemon.
    pub restart: Vec<String>,
    /// Files that are ignored because their names only resemble those of rule files.
    pub passed_over: Vec<String>,
}

/// Rule files that cannot go live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// When loading them first failed.
    pub since: Timestamp,
    /// Number of errors.
    pub errors: usize,
    /// The rendered errors.
    pub report: String,
}

impl Live {
    /// Starts with these rules and settings as the live ones.
    pub(crate) fn new(rules: impl Into<Arc<Rules>>, settings: Settings, state: ReloadState, follow: Follow) -> Self {
        let settings = Arc::new(settings);
        let current = Configuration { rules: Arc::new(RuleSet::new(rules)), settings: Arc::clone(&settings) };
        let accounts = AccountSources { declared: settings, stored: StoredAccounts::default(), overruled: vec![] };
        Self {
            current: Arc::new(ArcSwap::from_pointee(current)),
            accounts: Arc::new(Mutex::new(accounts)),
            state: Arc::new(watch::Sender::new(state)),
            asked: Arc::default(),
            follow,
        }
    }

    /// Rules and settings that never change from now on, for commands.
    pub(crate) fn fixed(rules: Arc<Rules>, settings: Settings, now: Timestamp) -> Self {
        let state = ReloadState { since: now, broken: None, restart: vec![], passed_over: vec![] };
        Self::new(rules, settings, state, Follow::default())
    }

    /// The current live rules.
    pub fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.load().rules)
    }

    /// The current live settings: those of the files, with the accounts in effect.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.current.load().settings)
    }

    /// The rules and settings that are live now.
    pub(crate) fn configuration(&self) -> Configuration {
        Configuration::clone(&self.current.load())
    }

    /// The version of the live rules.
    pub fn version(&self) -> Version {
        self.rules().version.clone()
    }

    /// Whether the files or their committed versions go live.
    pub fn follows(&self) -> Follow {
        self.follow
    }

    /// The state of the files, as a watch channel.
    pub fn state(&self) -> watch::Receiver<ReloadState> {
        self.state.subscribe()
    }

    /// Requests a reload now, without waiting for the files to stop changing.
    pub fn reload_now(&self) {
        self.asked.notify_one();
    }

    /// Waits for a call of [`Self::reload_now`].
    pub(crate) async fn reload_asked(&self) {
        self.asked.notified().await;
    }

    /// Replaces the live rules and the settings of the files, both at once.
    pub(crate) fn swap(&self, rules: RuleSet, declared: Arc<Settings>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.declared = declared;
        self.put_in_effect(&mut accounts, Arc::new(rules));
    }

    /// Replaces the index of the live rules.
    pub(crate) fn swap_index(&self, rules: RuleSet) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        self.put_in_effect(&mut accounts, Arc::new(rules));
    }

    /// Puts in effect what the store says of accounts. Returns what it said before.
    pub(crate) fn keep(&self, stored: StoredAccounts) -> StoredAccounts {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = accounts.stored != stored;
        let before = std::mem::replace(&mut accounts.stored, stored);
        if is_new {
            self.put_in_effect(&mut accounts, self.rules());
        }
        before
    }

    /// The settings of the files.
    pub(crate) fn declared(&self) -> Arc<Settings> {
        Arc::clone(&self.accounts.lock().unwrap_or_else(PoisonError::into_inner).declared)
    }

    /// What the store says of accounts, and has no effect.
    pub(crate) fn overruled(&self) -> Vec<Overruled> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).overruled.clone()
    }

    fn put_in_effect(&self, sources: &mut AccountSources, rules: Arc<RuleSet>) {
        let declared = &sources.declared;
        let Effective { accounts, overruled, .. } = effective(&declared.accounts, rules.desk.edition, &sources.stored);
        let settings = match accounts == declared.accounts {
            true => Arc::clone(declared),
            false => Arc::new(Settings { accounts, ..Settings::clone(declared) }),
        };
        sources.overruled = overruled;
        self.current.store(Arc::new(Configuration { rules, settings }));
    }

    /// Changes the state of the files. Watchers are notified if `change` returns `true`.
    pub(crate) fn change_state(&self, change: impl FnOnce(&mut ReloadState) -> bool) {
        self.state.send_if_modified(change);
    }
}
