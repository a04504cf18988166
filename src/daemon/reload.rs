//! Rules that follow their files.
//!
//! Directories are watched, not files: editors write a new file and rename it over the old one,
//! checkouts replace whole trees, and a mounted configuration swaps a symbolic link. Whatever happens,
//! the answer is the same: wait until it has been quiet for a moment, load everything through the one
//! function that `twite check` uses, and swap the whole set in, or keep the last good one and say why.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::{Notice, Notices};
use crate::{
    engine::RuleSet,
    lang::{self, rules::Rules},
};

/// How long the files must have been quiet. Long enough for an editor's write and rename, short enough
/// for a change to be live within a second.
const QUIET: Duration = Duration::from_millis(120);
/// The longest a change is put off while files keep changing.
const PATIENCE: Duration = Duration::from_millis(600);
/// How often the files are looked at even without word from the watcher: network file systems send none.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);

/// Where rules come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Files and directories, as given.
    pub paths: Vec<PathBuf>,
    /// `twite.toml`, where it was named.
    pub config: Option<PathBuf>,
}

/// What is done to a checked rule set before it goes live; the demo puts its own accounts in.
pub type Adapt = Arc<dyn Fn(Rules) -> Rules + Send + Sync>;

/// The live rules. Readers take the pointer once for each event and keep it to the end.
#[derive(Clone)]
pub struct Live {
    current: Arc<ArcSwap<RuleSet>>,
    source: Source,
    adapt: Adapt,
}

impl Live {
    /// Loads rules and makes them live.
    ///
    /// # Errors
    /// The rendered report, where they have errors: there is no last good set to fall back on.
    pub fn start(source: Source, adapt: Adapt) -> Result<Self, String> {
        let loaded = lang::load(&source.paths, source.config.as_deref());
        match loaded.rules {
            Some(rules) => {
                let rules = RuleSet::new(adapt(Rules::clone(&rules)));
                Ok(Self { current: Arc::new(ArcSwap::from_pointee(rules)), source, adapt })
            }
            None => Err(loaded.report()),
        }
    }

    /// Has one decision of so many made by both ways, to see that they agree; 0 is none.
    pub fn verify(self, every: u32) -> Self {
        let live = self.rules();
        self.current.store(Arc::new(live.successor(live.rules().clone()).verifying(every)));
        self
    }

    /// The rules that are live now.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.current.load_full()
    }

    /// Loads the files again and, where they are in order and different, makes them live.
    fn reload(&self, broken: &mut Option<String>, notices: &Notices) {
        let loaded = lang::load(&self.source.paths, self.source.config.as_deref());
        let live = self.rules();
        match &loaded.rules {
            Some(rules) => {
                let recovered = broken.take().is_some();
                if rules.version.hash != live.version.hash || recovered {
                    let rules = (self.adapt)(Rules::clone(rules));
                    let (version, items) = (rules.version.clone(), rules.items());
                    // Filed before it is live, and off the path of messages.
                    self.current.store(Arc::new(live.successor(Arc::new(rules))));
                    notices.tell(Notice::Reloaded { version, items });
                }
            }
            None => {
                let report = loaded.report();
                if broken.as_ref() != Some(&report) {
                    notices.tell(Notice::Broken {
                        live: live.version.clone(),
                        errors: loaded.errors(),
                        report: report.clone(),
                    });
                    *broken = Some(report);
                }
            }
        }
    }

    /// Files the live rules anew where tickets are other than they were.
    fn file_anew(&self) {
        let live = self.rules();
        if live.has_drifted() {
            tracing::debug!("rules {} are filed anew, by what is rare among recent tickets", live.version);
            self.current.store(Arc::new(live.successor(live.rules().clone())));
        }
    }

    /// Follows the files until the task is dropped.
    ///
    /// # Errors
    /// When the system offers no way to watch files at all.
    pub async fn follow(self, notices: Notices) -> Result<(), notify::Error> {
        let (changed, mut changes) = mpsc::channel::<()>(1);
        let mut watcher = notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
            // Reading rules is no change of them. A full channel already says what there is to say.
            if event.as_ref().map_or(true, |e| !e.kind.is_access() && e.paths.iter().any(|p| matters(p))) {
                let _ = changed.try_send(());
            }
        })?;
        let mut watched = BTreeSet::new();
        let mut broken = None;
        let mut seen = None;
        let mut told = true;
        loop {
            self.watch(&mut watcher, &mut watched, &notices);
            // Looked at after the watches are set, so that nothing falls between the two.
            let (live, notices) = (self.clone(), notices.clone());
            let look = move || {
                let stamps = live.stamps();
                if told || seen.as_ref() != Some(&stamps) {
                    live.reload(&mut broken, &notices);
                }
                live.file_anew();
                (broken, Some(stamps))
            };
            (broken, seen) = tokio::task::spawn_blocking(look).await.unwrap_or_default();
            told = match tokio::time::timeout(LOOK_ANYWAY, changes.recv()).await {
                Ok(Some(())) => true,
                Ok(None) => return Ok(()),
                Err(_) => false,
            };
            if !told {
                continue;
            }
            let patience = tokio::time::Instant::now() + PATIENCE;
            while tokio::time::Instant::now() < patience
                && tokio::time::timeout(QUIET, changes.recv()).await.is_ok_and(|more| more.is_some())
            {}
        }
    }

    /// What tells cheaply whether files changed: their names, lengths, and when they were last written.
    fn stamps(&self) -> Vec<(PathBuf, Option<(u64, SystemTime)>)> {
        let stamp = |path: PathBuf| {
            let written = std::fs::metadata(&path).and_then(|meta| Ok((meta.len(), meta.modified()?)));
            (path, written.ok())
        };
        lang::files_at(&self.source.paths, self.source.config.as_deref()).into_iter().map(stamp).collect()
    }

    /// Watches every directory whose change can change the rules: those that hold them, those they are
    /// linked from, and the one above each given path, where the path itself may be replaced.
    fn watch(&self, watcher: &mut RecommendedWatcher, watched: &mut BTreeSet<PathBuf>, notices: &Notices) {
        let mut wanted = BTreeSet::new();
        for path in self.source.paths.iter().chain(&self.source.config) {
            directories(path, &mut wanted, 0);
        }
        for gone in watched.difference(&wanted).cloned().collect::<Vec<_>>() {
            // A directory that is gone has taken its watch with it.
            let _ = watcher.unwatch(&gone);
            watched.remove(&gone);
        }
        for directory in wanted {
            if watched.contains(&directory) && directory.exists() {
                // The same name may be another directory by now; watching again costs nothing.
                let _ = watcher.unwatch(&directory);
            }
            match watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    watched.insert(directory);
                }
                Err(error) => {
                    watched.remove(&directory);
                    if directory.exists() {
                        notices.tell(Notice::Trouble {
                            message: format!(
                                "{} cannot be watched ({error}); its changes are noticed within {} seconds",
                                directory.display(),
                                LOOK_ANYWAY.as_secs()
                            ),
                        });
                    }
                }
            }
        }
    }
}

/// Whether a change of what has this name can change the rules: a rule file, the declarations, and whatever may
/// be a directory or a link to one. The database may lie beside the rules, and changes all the time.
fn matters(path: &Path) -> bool {
    path.extension().is_none_or(|e| e == "twite" || e == "toml" || path.is_dir() || path.is_symlink())
}

/// The most directories that are watched, and how deep.
const MOST_DIRECTORIES: usize = 2_000;
const DEEPEST: usize = 16;

/// Collects the directories around and below a path, following symbolic links by their names, so that
/// both the link's directory and what it points to are among them.
fn directories(path: &Path, into: &mut BTreeSet<PathBuf>, depth: usize) {
    if into.len() >= MOST_DIRECTORIES || depth > DEEPEST {
        return;
    }
    let above = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Some(Path::new(".")),
        other => other,
    };
    into.extend(above.map(Path::to_path_buf));
    if let Ok(target) = path.read_link() {
        let target = above.unwrap_or(Path::new(".")).join(target);
        directories(&target, into, depth + 1);
    }
    if path.is_dir() {
        // By its real place as well: a link may lead through others.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        if !into.insert(real.clone()) && depth > 0 {
            return;
        }
        into.insert(path.to_path_buf());
        for entry in std::fs::read_dir(&real).into_iter().flatten().flatten() {
            let child = entry.path();
            if child.is_dir() || child.is_symlink() {
                directories(&child, into, depth + 1);
            }
        }
    }
}
