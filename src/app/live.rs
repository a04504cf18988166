//! The live rules, and the state of their files.

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

/// The live rules and settings. A reader takes a snapshot for each event, so that a reload does not affect it halfway.
#[derive(Clone)]
pub struct Live {
    current: Arc<ArcSwap<Configuration>>,
    state: Arc<watch::Sender<ReloadState>>,
    /// Notified to request an immediate reload.
    asked: Arc<Notify>,
    follow: Follow,
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
        let current = Configuration { rules: Arc::new(RuleSet::new(rules)), settings: Arc::new(settings) };
        Self {
            current: Arc::new(ArcSwap::from_pointee(current)),
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

    /// The current live settings.
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

    /// Replaces the live rules and settings, both at once.
    pub(crate) fn swap(&self, rules: RuleSet, settings: Arc<Settings>) {
        self.current.store(Arc::new(Configuration { rules: Arc::new(rules), settings }));
    }

    /// Changes the state of the files. Watchers are notified if `change` returns `true`.
    pub(crate) fn change_state(&self, change: impl FnOnce(&mut ReloadState) -> bool) {
        self.state.send_if_modified(change);
    }
}
