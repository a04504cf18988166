//! Health of a desk: live rules, state of the rule files, daemon, queues and accounts.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    accounts::{self, AccountStatus},
    live_set::{Compared, LiveSet, RuleFiles},
    undeclared::{Undeclared, undeclared},
};
use crate::{
    desk::{Destination, Viewer},
    lang::{self, Follow, rules::Version},
    store::{Failing, HeldBackLately, LastingVolume, Lease, Queued, Queues, StoppedLoop, Store, StoreError},
};

/// Health of a desk.
#[derive(Debug, Serialize)]
pub struct Health {
    /// Location of the database.
    pub database: String,
    /// The live rules; `None` before the first daemon.
    pub rules: Option<LiveVersion>,
    /// Whether the files or their committed versions go live.
    pub follow: Follow,
    /// How the rule files compare with the live rules.
    pub files: FilesState,
    /// Why the rule files cannot go live.
    pub broken: Option<BrokenFiles>,
    /// Files that are ignored because their names only resemble those of rule files.
    pub unread: Vec<String>,
    /// Changed settings that need a restart of the daemon.
    pub restart: Vec<String>,
    /// The running daemon or the last one; `None` before the first.
    pub daemon: Option<DaemonStatus>,
    /// Lengths and due times of the queues.
    pub queues: Queues,
    /// Where nothing can be sent now.
    pub failing: Vec<FailingDestination>,
    /// The accounts.
    pub accounts: Vec<AccountStatus>,
    /// Admins who cannot be mailed when an account stops working.
    pub admins: Vec<UnreachableAdmin>,
    /// Groups and agents that are not declared but have open tickets.
    pub undeclared: Vec<Undeclared>,
    /// Tickets on which automations were stopped because they looped.
    pub loops: Vec<StoppedLoop>,
    /// The rules that a cap held back within the last day.
    pub held_back: Vec<HeldBackLately>,
    /// The volumes that last.
    pub volumes: Vec<LastingVolume>,
}

/// The live version of the rules.
#[derive(Debug, Serialize)]
pub struct LiveVersion {
    /// The version.
    #[serde(flatten)]
    pub version: Version,
    /// When it went live.
    pub since: Timestamp,
}

/// How the rule files compare with the live rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FilesState {
    /// The files equal the live rules.
    Same,
    /// The files differ from the live rules, and could go live.
    Newer,
    /// The files have errors and cannot go live.
    Broken,
    /// There are no live rules yet.
    Unknown,
}

/// Rule files that cannot go live.
#[derive(Debug, Serialize)]
pub struct BrokenFiles {
    /// When a daemon first saw them so, if one did.
    pub since: Option<Timestamp>,
    /// The errors.
    pub report: String,
}

/// Status of a daemon.
#[derive(Debug, Serialize)]
pub struct DaemonStatus {
    /// Whether it is running, judged by its process or its lease.
    pub running: bool,
    /// Whether it is running, and yet has written nothing to the database for a while.
    pub stuck: bool,
    /// Its process id.
    pub pid: u32,
    /// The name of its machine.
    pub host: String,
    /// When it took the lease.
    pub since: Timestamp,
    /// When it last renewed the lease.
    pub renewed: Timestamp,
}

/// A destination of the outbox at which the last attempt failed, and for which something waits.
#[derive(Debug, Serialize)]
pub struct FailingDestination {
    /// `mail`, the webhook, or what an account sends.
    pub destination: String,
    /// The number of effects that wait for it.
    pub waiting: usize,
    /// When the first attempt failed.
    pub since: Timestamp,
    /// The number of attempts that failed since.
    pub failures: i64,
    /// When the next attempt is made.
    pub next: Timestamp,
    /// Why the last attempt failed.
    pub reason: String,
}

/// An admin who cannot be mailed.
#[derive(Debug, Serialize)]
pub struct UnreachableAdmin {
    /// The admin's name.
    pub name: String,
    /// The reason.
    pub why: &'static str,
}

impl Health {
    /// Collects the health of the desk with this store, if there is one yet, and these rule files.
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
        let (lease, queues, loops, failing, held_back, volumes, undeclared) = match store {
            Some(store) => {
                // The health of a desk is for those who run it.
                let mut snapshot = store.snapshot(Viewer::Owner).await?;
                let (loops, queued) = (snapshot.stopped_loops().await?, snapshot.queued().await?);
                let held_back = snapshot.held_back_lately(now).await?;
                let volumes = snapshot.lasting_volumes().await?;
                let undeclared = match &live {
                    Some(set) => undeclared(&mut snapshot, &set.rules.desk).await?,
                    None => vec![],
                };
                snapshot.close().await?;
                let failing = failing(store.failing().await?, &queued);
                (store.lease().await?, store.queues().await?, loops, failing, held_back, volumes, undeclared)
            }
            None => (None, Queues::default(), vec![], vec![], vec![], vec![], vec![]),
        };
        let daemon = lease.map(|lease| DaemonStatus::of(lease, now));
        let running = daemon.as_ref().is_some_and(|daemon| daemon.running);
        let (loaded, compared) = files.load(live.as_ref());
        // A running daemon knows since when the files are broken, and may know errors that are not visible from here.
        let told = live.as_ref().and_then(|set| set.live.broken.clone()).filter(|_| running);
        let broken = match (told, &compared) {
            (Some((since, report)), _) => Some(BrokenFiles { since: Some(since), report }),
            (None, Compared::Broken { report, .. }) => Some(BrokenFiles { since: None, report: report.clone() }),
            (None, Compared::Same | Compared::Other) => None,
        };
        let declared = loaded.as_ref().and_then(|loaded| loaded.rules.as_deref());
        let rules = live.as_ref().map(|set| &set.rules).or(declared);
        // The settings read here do not depend on the directory of `twite.toml`.
        let settings = rules.map(|rules| lang::settings(&rules.files, Path::new(""))).unwrap_or_default();
        let edition = rules.map(|rules| rules.desk.edition).unwrap_or_default();
        let accounts = accounts::list(store, (&settings.accounts, edition), now).await?;
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
            failing,
            accounts,
            admins,
            undeclared,
            loops,
            held_back,
            volumes,
            rules: live.map(|set| LiveVersion { version: set.live.version, since: set.live.since }),
        })
    }

    /// Whether a daemon is running and can write, and every declared account works.
    pub fn works(&self, now: Timestamp) -> bool {
        self.daemon.as_ref().is_some_and(|daemon| daemon.running && !daemon.stuck)
            && self.accounts.iter().all(|account| account.works(now))
    }
}

/// The failing destinations for which some of these items wait.
fn failing(failing: Vec<Failing>, queued: &[Queued]) -> Vec<FailingDestination> {
    let waits_for = |destination: &Destination| {
        queued.iter().filter(|item| item.state == "waiting" && item.destination == *destination).count()
    };
    let failing = failing.into_iter().map(|Failing { destination, reason, since, failures, retry_at: next }| {
        let waiting = waits_for(&destination);
        FailingDestination { destination: destination.to_string(), waiting, since, failures, next, reason }
    });
    failing.filter(|failing| failing.waiting > 0).collect()
}

impl DaemonStatus {
    fn of(lease: Lease, now: Timestamp) -> Self {
        Self {
            running: lease.is_held(now),
            stuck: lease.is_held(now) && lease.is_silent(now),
            pid: lease.holder.pid,
            host: lease.holder.host,
            since: lease.since,
            renewed: lease.renewed,
        }
    }
}
