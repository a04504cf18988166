//! Reloads rules when their files, or the commits of their repository, change.
//!
//! Watches directories rather than files: editors write a new file and rename it over the old one, checkouts replace
//! whole trees, and mounted configurations swap a symbolic link. The reaction is always the same: wait until nothing
//! has changed for a moment, load everything with the function that `twite check` uses, and swap in the whole set, or
//! keep the last good one and report the errors.
//!
//! A set without errors may still be an accident, such as an empty directory: see [`lang::lost`].

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::{
    app::{Broken, Live, Notice, Notices, ReloadState, git},
    clock::Clock,
    lang::{self, Follow, Parsed, rules::Rules},
    settings::{Overrides, Settings},
};

/// Default debounce: how long files must be unchanged before they are loaded.
const SETTLE: Duration = Duration::from_secs(1);
/// Maximum debounce while files keep changing, in multiples of the debounce time.
const MAX_SETTLES: u32 = 10;
/// Interval at which the files are checked without an event of the watcher: network file systems send none.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);
/// Interval at which git is asked for the checked-out commit.
const HEAD_EVERY: Duration = Duration::from_secs(2);

/// The source of rules.
#[derive(Debug, Clone)]
pub struct Source {
    /// Files and directories, as given by the user.
    pub paths: Vec<PathBuf>,
    /// `twite.toml`, if given explicitly.
    pub config: Option<PathBuf>,
    /// Whether the files or their committed versions go live.
    pub follow: Follow,
    /// Debounce: how long files must be unchanged before they are loaded.
    pub settle: Duration,
    /// Whether to accept a set that is empty or has lost what the previous set had.
    pub allow_empty: bool,
    /// Settings that override `twite.toml`.
    pub overrides: Overrides,
}

/// Rules and settings loaded without errors.
struct Loaded {
    rules: Rules,
    settings: Settings,
    /// Names of ignored files that resemble those of rule files.
    passed_over: Vec<String>,
}

/// The last rules without errors, and the settings from the same files.
#[derive(Debug)]
pub struct LastGood {
    /// The checked rules.
    pub rules: Rules,
    /// The settings in `twite.toml`.
    pub settings: Settings,
    /// When they went live.
    pub since: Timestamp,
}

impl Source {
    /// A source that follows the files at these paths.
    pub fn new(paths: Vec<PathBuf>, config: Option<PathBuf>) -> Self {
        let overrides = Overrides::default();
        Self { paths, config, follow: Follow::Files, settle: SETTLE, allow_empty: false, overrides }
    }

    /// Loads rules and settings. If they have errors, or have lost what `last` had, returns the number of errors and
    /// the report. What is in `parsed` is not parsed again.
    fn load(&self, last: Option<&Rules>, parsed: &mut Parsed) -> Result<Loaded, (usize, String)> {
        let tree = git::tree(self.follow, &self.paths).map_err(|why| (1, format!("{why}\n")))?;
        let loaded = lang::load_again(&*tree, &self.paths, self.config.as_deref(), parsed);
        let Some(rules) = &loaded.rules else { return Err((loaded.errors(), loaded.report())) };
        if let Some(last) = last.filter(|_| !self.allow_empty) {
            report(&lang::lost(last, &loaded, &*tree))?;
        }
        Ok(Loaded {
            rules: Rules::clone(rules),
            passed_over: loaded.passed_over().iter().map(|path| lang::name(path).to_string()).collect(),
            settings: self.overrides.over(loaded.settings),
        })
    }

    fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new("."), PathBuf::as_path)
    }
}

/// An error with a report of what was lost, unless nothing was.
fn report(lost: &[String]) -> Result<(), (usize, String)> {
    if lost.is_empty() {
        return Ok(());
    }
    let lines: String = lost.iter().map(|lost| format!("{lost}\n")).collect();
    Err((lost.len(), lines + "  help: if this is intended, restart the daemon with `--allow-empty`\n"))
}

/// Keeps the live rules and settings in sync with their files.
#[derive(Clone)]
pub struct Reload {
    live: Live,
    /// The settings at process start.
    started_with: Settings,
    /// State of the files just before they were first loaded.
    first: Arc<Stamps>,
    /// The files of the last load, so that only those that changed since are parsed.
    parsed: Arc<Mutex<Parsed>>,
    source: Source,
}

impl Reload {
    /// Loads rules and makes them live. Unlike [`Self::go_on`], it has no last good set to fall back to.
    ///
    /// # Errors
    /// The rendered report, if the rules have errors.
    pub fn start(source: Source, now: Timestamp) -> Result<Self, String> {
        let (first, mut parsed) = (stamps(&source), Parsed::default());
        match source.load(None, &mut parsed) {
            Ok(loaded) => Ok(Self::with(source, (first, parsed), loaded, now, None)),
            Err((_, report)) => Err(report),
        }
    }

    /// Loads rules and makes them live after a restart. If the files cannot be used, the last good set stays live, with
    /// the time when it first went live.
    ///
    /// # Errors
    /// The rendered report, if the files cannot be used and there is no last good set.
    pub fn go_on(source: Source, last: Option<LastGood>, now: Timestamp) -> Result<Self, String> {
        let (first, mut parsed) = (stamps(&source), Parsed::default());
        let loaded = source.load(last.as_ref().map(|last| &last.rules), &mut parsed).and_then(|loaded| {
            if !source.allow_empty {
                report(&lang::missing(&loaded.rules))?;
            }
            Ok(loaded)
        });
        match (loaded, last) {
            (Ok(loaded), last) => {
                let same = last.filter(|last| last.rules.version.hash == loaded.rules.version.hash);
                Ok(Self::with(source, (first, parsed), loaded, same.map_or(now, |last| last.since), None))
            }
            (Err((errors, report)), Some(LastGood { rules, settings, since })) => {
                let broken = Broken { since: now, errors, report };
                let last = Loaded { rules, settings: source.overrides.over(settings), passed_over: vec![] };
                Ok(Self::with(source, (first, parsed), last, since, Some(broken)))
            }
            (Err((_, report)), None) => Err(report),
        }
    }

    fn with(
        source: Source,
        (first, parsed): (Stamps, Parsed),
        Loaded { rules, settings, passed_over }: Loaded,
        since: Timestamp,
        broken: Option<Broken>,
    ) -> Self {
        let started_with = settings.clone();
        let state = ReloadState { since, broken, restart: vec![], passed_over };
        let live = Live::new(rules, settings, state, source.follow);
        Self { live, started_with, first: Arc::new(first), parsed: Arc::new(Mutex::new(parsed)), source }
    }

    /// The live rules.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Reloads the files and makes them live if they changed and have no errors. Sends a notice if the result is news,
    /// or if the reload was requested.
    fn reload(&self, now: Timestamp, notices: &Notices, asked: bool) {
        let live = self.live.rules();
        let loaded = {
            let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
            self.source.load(Some(&**live), &mut parsed)
        };
        match loaded {
            Ok(Loaded { rules, settings, passed_over }) => {
                let restart = self.needs_restart(&settings);
                let (version, items) = (rules.version.clone(), rules.items());
                let changed = version.hash != live.version.hash;
                let (mut recovered, mut more, mut passes_over) = (false, false, false);
                if version != live.version {
                    // The index is built before the swap, so that messages do not wait for it.
                    self.live.swap(live.successor(Arc::new(rules)), Arc::new(settings));
                }
                self.live.change_state(|state| {
                    recovered = state.broken.take().is_some();
                    more = !restart.is_empty() && state.restart != restart;
                    state.restart.clone_from(&restart);
                    passes_over = !passed_over.is_empty() && (asked || state.passed_over != passed_over);
                    state.passed_over.clone_from(&passed_over);
                    if changed {
                        state.since = now;
                    }
                    true
                });
                if changed || recovered || asked {
                    notices.tell(Notice::Reloaded { version, items });
                }
                if passes_over {
                    notices.tell(Notice::PassedOver { files: passed_over });
                }
                if more {
                    notices.tell(Notice::NeedsRestart { settings: restart });
                }
            }
            Err((errors, report)) => {
                let mut news = false;
                self.live.change_state(|state| {
                    news = state.broken.as_ref().is_none_or(|broken| broken.report != report);
                    if news {
                        let since = state.broken.as_ref().map_or(now, |broken| broken.since);
                        state.broken = Some(Broken { since, errors, report: report.clone() });
                    }
                    news
                });
                if news || asked {
                    notices.tell(Notice::Broken { live: live.version.clone(), errors, report });
                }
            }
        }
    }

    /// Settings that changed since the process started, but are read only at its start.
    fn needs_restart(&self, now: &Settings) -> Vec<String> {
        let then = &self.started_with;
        let settings = [
            ("[store] url", then.store.url != now.store.url),
            ("[store] password_env", then.store.password_env != now.store.password_env),
            ("[store] key_env", then.store.key_env != now.store.key_env),
            ("[web] listen", then.web.listen != now.web.listen),
        ];
        settings.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned()).collect()
    }

    /// Rebuilds the rule index if the distribution of tickets has drifted.
    fn file_anew(&self) {
        let live = self.live.rules();
        if live.has_drifted() {
            tracing::debug!("rebuilt the index of rules {} with selectivity of recent tickets", live.version);
            self.live.swap_index(live.successor(live.rules().clone()));
        }
    }

    /// Watches the files or the commits, and reloads them on change, until the task is dropped.
    ///
    /// # Errors
    /// When the system cannot watch files at all.
    pub async fn follow(self, clock: Clock, notices: Notices) -> Result<(), notify::Error> {
        match self.source.follow {
            Follow::Files => self.follow_files(&clock, notices).await,
            Follow::Commit => {
                self.follow_commits(&clock, notices).await;
                Ok(())
            }
        }
    }

    async fn follow_files(self, clock: &Clock, notices: Notices) -> Result<(), notify::Error> {
        let (changed, mut changes) = mpsc::channel::<()>(1);
        let mut watcher = notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
            // Reads do not change rules. If the channel is full, a change is already signalled.
            if event.as_ref().map_or(true, |e| !e.kind.is_access() && e.paths.iter().any(|p| matters(p))) {
                let _ = changed.try_send(());
            }
        })?;
        let mut watched = BTreeSet::new();
        // Compares with the state before the first load, because files may have changed before the watch began.
        let (mut seen, mut asked, mut told) = (Stamps::clone(&self.first), false, false);
        loop {
            // The state is read after the watches are set, so no change is missed in between.
            self.watch(&mut watcher, &mut watched, &notices);
            let mut stamps = self.stamps().await;
            if told || asked || seen != stamps {
                if !asked {
                    (stamps, asked) = self.settled(stamps, &mut changes).await;
                    self.watch(&mut watcher, &mut watched, &notices);
                }
                self.reload_blocking(clock, &notices, asked).await;
                seen = stamps;
            }
            self.rebuild_where_drifted().await;
            (asked, told) = tokio::select! {
                changed = changes.recv() => match changed {
                    Some(()) => (false, true),
                    None => return Ok(()),
                },
                () = self.live.reload_asked() => (true, false),
                () = tokio::time::sleep(LOOK_ANYWAY) => (false, false),
            };
        }
    }

    /// Waits until the files have been unchanged for the debounce time, even without watcher events, or until a reload
    /// is requested. Returns the state of the files, and whether a reload was requested.
    async fn settled(&self, mut before: Stamps, changes: &mut mpsc::Receiver<()>) -> (Stamps, bool) {
        let patience = tokio::time::Instant::now() + self.source.settle * MAX_SETTLES;
        while tokio::time::Instant::now() < patience {
            let quiet = tokio::select! {
                biased;
                () = self.live.reload_asked() => return (self.stamps().await, true),
                heard = tokio::time::timeout(self.source.settle, changes.recv()) => heard.is_err(),
            };
            let now = self.stamps().await;
            if quiet && now == before {
                break;
            }
            if !quiet {
                // Coalesces a burst of events.
                tokio::time::sleep(self.source.settle / 10).await;
            }
            before = now;
        }
        (before, false)
    }

    async fn follow_commits(self, clock: &Clock, notices: Notices) {
        let path = self.source.path().to_path_buf();
        let mut loaded = None;
        let mut before = None;
        loop {
            let at = path.clone();
            let head = tokio::task::spawn_blocking(move || git::Head::at(&at)).await.ok();
            match &head {
                // Intermediate commits, as during a rebase, are skipped.
                Some(Ok(head)) if head.under_way => {}
                Some(head) if loaded.as_ref() == Some(head) => {}
                // The same commit on two checks: no sequence of checkouts is in progress.
                Some(head) if before.as_ref() == Some(head) => {
                    self.reload_blocking(clock, &notices, false).await;
                    loaded = Some(head.clone());
                }
                _ => {}
            }
            let known = loaded.is_some() && loaded == head;
            before = head;
            self.rebuild_where_drifted().await;
            tokio::select! {
                () = self.live.reload_asked() => {
                    self.reload_blocking(clock, &notices, true).await;
                    loaded.clone_from(&before);
                }
                () = tokio::time::sleep(if known { HEAD_EVERY } else { self.source.settle }) => {}
            }
        }
    }

    async fn reload_blocking(&self, clock: &Clock, notices: &Notices, asked: bool) {
        let (live, now, notices) = (self.clone(), clock.now(), notices.clone());
        // A panic would be a bug in Twite; the last good rules stay live.
        let _ = tokio::task::spawn_blocking(move || live.reload(now, &notices, asked)).await;
    }

    async fn rebuild_where_drifted(&self) {
        let live = self.clone();
        let _ = tokio::task::spawn_blocking(move || live.file_anew()).await;
    }

    async fn stamps(&self) -> Stamps {
        let source = self.source.clone();
        tokio::task::spawn_blocking(move || stamps(&source)).await.unwrap_or_default()
    }

    /// Watches every directory whose change can affect the rules: those that contain them, those that contain links to
    /// them, and the parent of each given path, because the path itself may be replaced. Directories are watched by
    /// their canonical path: the system treats two watches of a directory as one, so removing one would remove both.
    fn watch(&self, watcher: &mut RecommendedWatcher, watched: &mut BTreeSet<PathBuf>, notices: &Notices) {
        let mut wanted = BTreeSet::new();
        for path in self.source.paths.iter().chain(&self.source.config) {
            directories(path, &mut wanted, 0);
        }
        let wanted: BTreeSet<_> = wanted.into_iter().filter_map(|directory| directory.canonicalize().ok()).collect();
        for gone in watched.difference(&wanted).cloned().collect::<Vec<_>>() {
            // The watch of a removed directory is gone as well.
            if gone.exists() {
                let _ = watcher.unwatch(&gone);
            }
            watched.remove(&gone);
        }
        for directory in wanted {
            // Always watched anew, because the name may refer to a different directory now.
            match watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    watched.insert(directory);
                }
                Err(error) => {
                    let was = watched.remove(&directory);
                    if directory.exists() && was {
                        notices.tell(Notice::Trouble {
                            message: format!(
                                "cannot watch {} ({error}); polling it every {} seconds",
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

/// Path, length and modification time of each file.
type Stamps = Vec<(PathBuf, Option<(u64, SystemTime)>)>;

/// Cheap change detection. For files that are not read only the name is compared; one may be a renamed rule file.
fn stamps(source: &Source) -> Stamps {
    let stamp = |path: PathBuf| {
        let written = std::fs::metadata(&path).and_then(|meta| Ok((meta.len(), meta.modified()?)));
        (path, written.ok())
    };
    let (files, unread) = lang::files_at(&source.paths, source.config.as_deref());
    files.into_iter().map(stamp).chain(unread.into_iter().map(|path| (path, None))).collect()
}

/// Whether a change of this path can affect the rules: a rule file, a TOML file, a directory, a symbolic link, or a
/// path without an extension. Excludes the database, which may be in the same directory and changes all the time.
fn matters(path: &Path) -> bool {
    path.extension().is_none_or(|e| e == "toml" || path.is_dir() || path.is_symlink()) || lang::nearly_a_rule_file(path)
}

/// Maximum number and depth of watched directories.
const MAX_DIRECTORIES: usize = 2_000;
const MAX_DEPTH: usize = 16;

/// Collects the directories around and below a path. Symbolic links are followed step by step, so that both the
/// directory of a link and its target are included.
fn directories(path: &Path, into: &mut BTreeSet<PathBuf>, depth: usize) {
    if into.len() >= MAX_DIRECTORIES || depth > MAX_DEPTH {
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
        // The canonical path as well, because a link may lead through other links.
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
