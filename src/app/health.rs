//! How a desk does: what is live, whether its files could be, who works, and what waits.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    accounts::{self, AccountStatus},
    live_set::{Compared, LiveSet, RuleFiles},
};
use crate::{
    lang::{self, Follow, rules::Version},
    store::{Lease, Queues, StoppedLoop, Store, StoreError},
};

/// How a desk does.
#[derive(Debug, Serialize)]
pub struct Health {
    /// Where its database is looked for.
    pub database: String,
    /// What is live; nothing before the first daemon.
    pub rules: Option<LiveVersion>,
    /// What goes live.
    pub follow: Follow,
    /// How the files compare with what is live.
    pub files: FilesState,
    /// What is wrong with the files.
    pub broken: Option<BrokenFiles>,
    /// Files whose names end only nearly as those of rule files do, so that their rules are not read.
    pub unread: Vec<String>,
    /// Settings that changed and are used when the daemon starts again.
    pub restart: Vec<String>,
    /// The daemon that works, or worked last; nothing before the first.
    pub daemon: Option<DaemonStatus>,
    /// What waits.
    pub queues: Queues,
    /// The declared accounts.
    pub accounts: Vec<AccountStatus>,
    /// The admins whom no mail reaches when an account cannot work any more.
    pub admins: Vec<UnreachableAdmin>,
    /// The tickets on which automations were stopped, as they went in circles.
    pub loops: Vec<StoppedLoop>,
}

/// The version that is live.
#[derive(Debug, Serialize)]
pub struct LiveVersion {
    /// Which.
    #[serde(flatten)]
    pub version: Version,
    /// Since when.
    pub since: Timestamp,
}

/// How the files compare with what is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FilesState {
    /// They are what is live.
    Same,
    /// They are others, and could go live.
    Newer,
    /// They cannot go live.
    Broken,
    /// Nothing is live yet.
    Unknown,
}

/// Files that cannot go live.
#[derive(Debug, Serialize)]
pub struct BrokenFiles {
    /// Since when, where a daemon has said so.
    pub since: Option<Timestamp>,
    /// Why.
    pub report: String,
}

/// A daemon.
#[derive(Debug, Serialize)]
pub struct DaemonStatus {
    /// Whether it works, as far as can be told from outside.
    pub running: bool,
    /// Its process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// Since when it works.
    pub since: Timestamp,
    /// When it was heard of last.
    pub renewed: Timestamp,
}

/// An admin whom no mail reaches.
#[derive(Debug, Serialize)]
pub struct UnreachableAdmin {
    /// Who.
    pub name: String,
    /// Why.
    pub why: &'static str,
}

impl Health {
    /// How the desk does that keeps its things in `store`, if there is one yet, and whose rules are `files`.
    pub async fn read(
        database: String,
        store: Option<&Store>,
        files: RuleFiles<'_>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let live = match store {
            Some(store) => LiveSet::read(store).await?,
            None => None,
        };
        let (lease, queues, loops) = match store {
            Some(store) => (store.lease().await?, store.queues().await?, store.stopped_loops().await?),
            None => (None, Queues::default(), vec![]),
        };
        let daemon = lease.map(|lease| DaemonStatus::of(lease, now));
        let running = daemon.as_ref().is_some_and(|daemon| daemon.running);
        let (loaded, compared) = files.load(live.as_ref());
        // A daemon that works says since when, and may know what cannot be seen from here.
        let told = live.as_ref().and_then(|set| set.live.broken.clone()).filter(|_| running);
        let broken = match (told, &compared) {
            (Some((since, report)), _) => Some(BrokenFiles { since: Some(since), report }),
            (None, Compared::Broken { report, .. }) => Some(BrokenFiles { since: None, report: report.clone() }),
            (None, Compared::Same | Compared::Other) => None,
        };
        let declared = loaded.as_ref().and_then(|loaded| loaded.rules.as_deref());
        let rules = live.as_ref().map(|set| &set.rules).or(declared);
        // Nothing of them that is shown depends on where `twite.toml` lies.
        let settings = rules.map(|rules| lang::settings(&rules.files, Path::new(""))).unwrap_or_default();
        let accounts = accounts::list(store, &settings.accounts).await?;
        let admins = rules.into_iter().flat_map(|rules| rules.desk.unreachable_admins(settings.mail.is_some()));
        let admins = admins.map(|(name, why)| UnreachableAdmin { name: name.to_owned(), why }).collect();
        let unread = loaded.iter().flat_map(|loaded| loaded.passed_over());
        Ok(Self {
            database,
            follow: live.as_ref().map(|set| set.live.follow).unwrap_or_default(),
            files: match compared {
                _ if broken.is_some() => FilesState::Broken,
                _ if live.is_none() => FilesState::Unknown,
                Compared::Same => FilesState::Same,
                Compared::Other | Compared::Broken { .. } => FilesState::Newer,
            },
            broken,
            unread: unread.map(|path| lang::name(&path).to_string()).collect(),
            restart: live.as_ref().filter(|_| running).map(|set| set.live.restart.clone()).unwrap_or_default(),
            daemon,
            queues,
            accounts,
            admins,
            loops,
            rules: live.map(|set| LiveVersion { version: set.live.version, since: set.live.since }),
        })
    }

    /// Whether a daemon works, every declared account is connected, and nothing of one stands still.
    pub fn works(&self) -> bool {
        self.daemon.as_ref().is_some_and(|daemon| daemon.running) && self.accounts.iter().all(AccountStatus::works)
    }
}

impl DaemonStatus {
    fn of(lease: Lease, now: Timestamp) -> Self {
        Self {
            running: lease.is_held(now),
            pid: lease.holder.pid,
            host: lease.holder.host,
            since: lease.since,
            renewed: lease.renewed,
        }
    }
}
