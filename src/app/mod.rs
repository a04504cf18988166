//! What the desk does, whoever asks: the daemon, a command or a page.
//!
//! What fails with [`StoreError`] changed nothing, unless its `# Errors` says more.

pub mod accounts;
pub mod agent;
mod apply;
mod automation;
mod configuration;
mod gates;
pub mod health;
mod inbox;
mod intake;
mod live;
pub mod live_set;
mod message;
mod no_such_rule;
mod notice;
pub mod outbox;
pub mod replay;
pub mod reports;
pub mod ticket;
mod unit_of_work;
mod viewer;
pub mod views;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

pub(crate) use automation::{Recheck, automations_fingerprint};
use configuration::Configuration;
pub use gates::{Gates, Held};
use intake::Intake;
pub use live::{Broken, Live, ReloadState};
pub use no_such_rule::NoSuchRule;
pub use notice::{Notice, Notices, Outcome, log_report};
pub(crate) use unit_of_work::UnitOfWork;
pub use viewer::Viewer;

use crate::{
    clock::Clock,
    engine::{Decider, RuleSet},
    lang::rules::Rules,
    settings::Settings,
    store::{Store, StoreError},
};

/// A desk at work: its store, live rules and clock, and whom to tell. Cheap to clone.
#[derive(Clone)]
pub struct App {
    store: Store,
    live: Live,
    decider: Decider,
    clock: Clock,
    notices: Notices,
    wake: Arc<Wake>,
    /// The hash of the rules whose files are known to be in the store.
    recorded: Arc<Mutex<Option<String>>>,
}

/// Wakes the daemon's loops, where one runs in this process.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Something is in the inbox.
    pub(crate) inbox: Arc<Notify>,
    /// Something is in the outbox.
    pub(crate) outbox: Arc<Notify>,
    /// Something is on a ticket whose surroundings may not be known.
    pub(crate) lookups: Arc<Notify>,
}

impl App {
    /// A desk that decides by the index.
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

    /// A desk whose rules and settings stay as they are.
    pub(crate) fn with_rules(store: Store, rules: Arc<Rules>, settings: Settings, clock: Clock) -> Self {
        Self::new(store, Live::fixed(rules, settings), clock)
    }

    /// Decides otherwise than by the index alone.
    pub fn deciding(self, decider: Decider) -> Self {
        Self { decider, ..self }
    }

    /// Where everything is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The live rules, and how their files stand.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The rules that are live now.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.live.rules()
    }

    /// The settings that hold now.
    pub fn settings(&self) -> Arc<Settings> {
        self.live.settings()
    }

    /// What time it is here.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What there is to tell.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    pub(crate) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Begins a unit of work by the rules of the moment. Their files are stored before they first decide, so that what they
    /// decide can always be explained.
    pub(crate) async fn begin(&self) -> Result<UnitOfWork<'_>, StoreError> {
        let Configuration { rules, settings } = self.live.configuration();
        let is_recorded = |hash: &String| *hash == rules.version.hash;
        if !self.recorded.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_recorded) {
            self.store.remember_version(&rules, self.clock.now()).await?;
            *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = Some(rules.version.hash.clone());
        }
        Ok(UnitOfWork { app: self, tx: self.store.begin().await?, rules, settings, notices: vec![] })
    }

    /// Forgets what was true of the store while nobody else worked on it.
    pub(crate) fn forget(&self) {
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
