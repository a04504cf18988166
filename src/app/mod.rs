//! Operations of the desk, shared by the daemon, the commands and the web pages.
//!
//! An operation that fails with [`StoreError`] has changed nothing, unless its `# Errors` says otherwise.

pub mod accounts;
mod admins;
pub mod agent;
pub mod agents;
mod apply;
mod assign;
mod audience;
mod automation;
pub(crate) mod changes;
mod configuration;
mod firings;
mod gates;
pub mod git;
pub mod health;
mod inbox;
pub mod incoming;
mod intake;
mod live;
pub mod live_set;
mod message;
mod no_such_rule;
mod notice;
pub mod outbox;
pub mod people;
pub mod replay;
pub mod reports;
pub mod ticket;
mod tokens;
pub mod undeclared;
mod unit_of_work;
pub mod views;
mod volumes;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

pub(crate) use admins::mail_admins;
pub(crate) use automation::{Recheck, automations_fingerprint};
use configuration::Configuration;
pub use gates::{Gates, Held};
use intake::Intake;
pub use live::{Broken, Live, ReloadState};
pub use no_such_rule::NoSuchRule;
pub use notice::{Notice, Notices, Outcome, log_report};
pub use tokens::StoredTokens;
pub(crate) use unit_of_work::UnitOfWork;

use crate::{
    clock::Clock,
    desk::{StoredAccounts, Switch},
    engine::{Decider, RuleSet},
    lang::rules::Rules,
    settings::Settings,
    store::{Store, StoreError},
};

/// The application: store, live rules, clock and notices. Cheap to clone.
#[derive(Clone)]
pub struct App {
    store: Store,
    live: Live,
    decider: Decider,
    clock: Clock,
    notices: Notices,
    wake: Arc<Wake>,
    /// Hash of the rules whose files are known to be stored.
    recorded: Arc<Mutex<Option<String>>>,
}

/// Wakes the daemon's loops, if a daemon runs in this process.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// The inbox has new items.
    pub(crate) inbox: Arc<Notify>,
    /// The outbox has new items.
    pub(crate) outbox: Arc<Notify>,
    /// A post on a ticket may have an unknown parent.
    pub(crate) lookups: Arc<Notify>,
}

impl App {
    /// Creates an application that decides with the index.
    pub fn new(store: Store, live: Live, clock: Clock) -> Self {
        Self {
            store,
            live,
            decider: Decider::default(),
            clock,
            notices: Notices::default(),
            wake: Arc::default(),
            recorded: Arc::default(),
        }
    }

    /// Creates an application with fixed rules and settings.
    pub(crate) fn with_rules(store: Store, rules: Arc<Rules>, settings: Settings, clock: Clock) -> Self {
        let live = Live::fixed(rules, settings, clock.now());
        Self::new(store, live, clock)
    }

    /// Replaces the decider, for example to compare the index with the plain evaluator.
    pub fn deciding(self, decider: Decider) -> Self {
        Self { decider, ..self }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The live rules, and the state of their files.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The current live rules.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.live.rules()
    }

    /// The current live settings.
    pub fn settings(&self) -> Arc<Settings> {
        self.live.settings()
    }

    /// Reads from the store what it says of accounts, so that it is in effect from now on.
    pub(crate) async fn refresh_accounts(&self) -> Result<StoredAccounts, StoreError> {
        let stored = accounts::stored_accounts(&self.store, &self.live.declared().accounts).await?;
        let before = self.settings();
        let known = self.live.keep(stored.clone());
        for account in &stored.connected {
            if known.called(&account.handle).is_some_and(|known| known.state != account.state) {
                tracing::info!("@{}: {} from now on", account.handle, account.state);
            }
        }
        for account in self.settings().accounts.iter() {
            let Some(was) = before.accounts.get(&account.handle) else { continue };
            for switch in Switch::ALL.iter().filter(|switch| was.switch(**switch) != account.switch(**switch)) {
                tracing::info!("@{}: {switch} = {} from now on", account.handle, account.switch(*switch));
            }
        }
        Ok(stored)
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The channel for notices.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    pub(crate) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Begins a unit of work with the current rules. The rule files are stored before their first decision, so that
    /// every decision can be explained later.
    pub(crate) async fn begin(&self) -> Result<UnitOfWork<'_>, StoreError> {
        let Configuration { rules, settings } = self.live.configuration();
        let is_recorded = |hash: &String| *hash == rules.version.hash;
        if !self.recorded.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_recorded) {
            self.store.remember_version(&rules, self.clock.now()).await?;
            *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = Some(rules.version.hash.clone());
        }
        let mut tx = self.store.begin().await?;
        tx.counts_matter = rules.asks_for_counts();
        Ok(UnitOfWork { app: self, tx, rules, settings, notices: vec![] })
    }

    /// Drops cached knowledge of the store, which holds only while no other daemon writes to it.
    pub(crate) fn forget(&self) {
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
