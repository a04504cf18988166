//! The live rules, and how their files stand beside them.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::Configuration;
use crate::{
    engine::RuleSet,
    lang::{
        Follow,
        rules::{Rules, Version},
    },
    settings::Settings,
};

/// The live rules and settings. Readers take them once for each event and keep them to the end.
#[derive(Clone)]
pub struct Live {
    current: Arc<ArcSwap<Configuration>>,
    state: Arc<watch::Sender<ReloadState>>,
    /// Somebody asks for the files to be loaded now.
    asked: Arc<Notify>,
    follow: Follow,
}

/// How the files stand beside the live rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadState {
    /// Since when the live rules are.
    pub since: Timestamp,
    /// That the files cannot go live.
    pub broken: Option<Broken>,
    /// The settings that changed and are used when the daemon starts again.
    pub restart: Vec<String>,
    /// The files that were passed over, because their names end only nearly as those of rule files do.
    pub passed_over: Vec<String>,
}

/// Files that cannot go live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Since when.
    pub since: Timestamp,
    /// How many errors.
    pub errors: usize,
    /// The errors, for a person.
    pub report: String,
}

impl Live {
    /// Makes rules and settings live.
    pub(crate) fn new(rules: Rules, settings: Settings, state: ReloadState, follow: Follow) -> Self {
        let current = Configuration { rules: Arc::new(RuleSet::new(rules)), settings: Arc::new(settings) };
        Self {
            current: Arc::new(ArcSwap::from_pointee(current)),
            state: Arc::new(watch::Sender::new(state)),
            asked: Arc::default(),
            follow,
        }
    }

    /// Rules and settings that stay as they are, as a command uses them.
    pub(crate) fn fixed(rules: Arc<Rules>, settings: Settings) -> Self {
        let current = Configuration { rules: Arc::new(RuleSet::new(rules)), settings: Arc::new(settings) };
        let state = ReloadState { since: Timestamp::UNIX_EPOCH, broken: None, restart: vec![], passed_over: vec![] };
        Self {
            current: Arc::new(ArcSwap::from_pointee(current)),
            state: Arc::new(watch::Sender::new(state)),
            asked: Arc::default(),
            follow: Follow::default(),
        }
    }

    /// The rules that are live now.
    pub fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.load().rules)
    }

    /// The settings that hold now.
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

    /// What goes live: the files, or what is committed.
    pub fn follows(&self) -> Follow {
        self.follow
    }

    /// How the files stand, now and from now on.
    pub fn state(&self) -> watch::Receiver<ReloadState> {
        self.state.subscribe()
    }

    /// Asks for the files to be loaded now, without waiting until they have settled.
    pub fn reload_now(&self) {
        self.asked.notify_one();
    }

    /// Ends when somebody has asked for the files to be loaded now.
    pub(crate) async fn reload_asked(&self) {
        self.asked.notified().await;
    }

    /// Replaces the live rules and settings, both at once.
    pub(crate) fn swap(&self, rules: RuleSet, settings: Arc<Settings>) {
        self.current.store(Arc::new(Configuration { rules: Arc::new(rules), settings }));
    }

    /// Changes how the files stand. Who watches is told where `change` returns `true`.
    pub(crate) fn change_state(&self, change: impl FnOnce(&mut ReloadState) -> bool) {
        self.state.send_if_modified(change);
    }
}
