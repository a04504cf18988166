//! Rules that follow their files, or the commits of their repository.
//!
//! Directories are watched, not files: editors write a new file and rename it over the old one,
//! checkouts replace whole trees, and a mounted configuration swaps a symbolic link. Whatever happens,
//! the answer is the same: wait until nothing has changed for a moment, load everything through the one
//! function that `twite check` uses, and swap the whole set in, or keep the last good one and say why.
//!
//! A set without a mistake may still be none that anybody meant: see [`lang::lost`].

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::{
    app::{Broken, Live, Notice, Notices, ReloadState},
    clock::Clock,
    lang::{self, Follow, git::Head, rules::Rules},
    settings::{Overrides, Settings, StoreSettings},
};

/// How long nothing must have changed before files are loaded, unless told otherwise.
const SETTLE: Duration = Duration::from_secs(1);
/// How many times that a change is put off at most while files keep changing.
const MAX_SETTLES: u32 = 10;
/// How often the files are looked at even without word from the watcher: network file systems send none.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);
/// How often git is asked which commit is checked out.
const HEAD_EVERY: Duration = Duration::from_secs(2);

/// Where rules come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Files and directories, as given.
    pub paths: Vec<PathBuf>,
    /// `twite.toml`, where it was named.
    pub config: Option<PathBuf>,
    /// What goes live.
    pub follow: Follow,
    /// How long nothing must have changed before files are loaded.
    pub settle: Duration,
    /// Whether a set that lost what it had, or has nothing, is meant.
    pub allow_empty: bool,
    /// What holds whatever `twite.toml` says.
    pub overrides: Overrides,
}

/// What was loaded, and is in order.
struct Loaded {
    rules: Rules,
    settings: Settings,
    /// The names of files that were passed over.
    passed_over: Vec<String>,
}

/// The last rules that were in order, and the settings of the same files.
#[derive(Debug)]
pub struct LastGood {
    /// The rules.
    pub rules: Rules,
    /// The settings.
    pub settings: Settings,
    /// Since when they are live.
    pub since: Timestamp,
}

impl Source {
    /// Files as they are at these paths.
    pub fn new(paths: Vec<PathBuf>, config: Option<PathBuf>) -> Self {
        let overrides = Overrides::default();
        Self { paths, config, follow: Follow::Files, settle: SETTLE, allow_empty: false, overrides }
    }

    /// Loads rules and settings; where they cannot be used, or have lost what the last ones had, how many errors there are, and
    /// what they are.
    fn load(&self, last: Option<&Rules>) -> Result<Loaded, (usize, String)> {
        let tree = self.follow.tree(&self.paths).map_err(|why| (1, format!("{why}\n")))?;
        let loaded = lang::load_from(&tree, &self.paths, self.config.as_deref());
        let Some(rules) = &loaded.rules else { return Err((loaded.errors(), loaded.report())) };
        if let Some(last) = last.filter(|_| !self.allow_empty) {
            report(&lang::lost(last, &loaded, &tree))?;
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

/// What is gone, as a report.
fn report(lost: &[String]) -> Result<(), (usize, String)> {
    if lost.is_empty() {
        return Ok(());
    }
    let lines: String = lost.iter().map(|lost| format!("{lost}\n")).collect();
    Err((lost.len(), lines + "  help: if this is intended, restart the daemon with `--allow-empty`\n"))
}

/// Keeps the live rules and settings those of their files.
#[derive(Clone)]
pub struct Reload {
    live: Live,
    /// What the process was started with.
    started_with: StoreSettings,
    /// How the files were just before they were loaded first.
    first: Arc<Stamps>,
    source: Source,
}

impl Reload {
    /// Loads rules and makes them live.
    ///
    /// # Errors
    /// The rendered report, where they have errors: there is no last good set to fall back on.
    pub fn start(source: Source, now: Timestamp) -> Result<Self, String> {
        let first = stamps(&source);
        match source.load(None) {
            Ok(loaded) => Ok(Self::with(source, first, loaded, now, None)),
            Err((_, report)) => Err(report),
        }
    }

    /// Goes on after an earlier life: loads rules and makes them live, or the last good ones with the moment since when they are,
    /// where the files cannot be used.
    ///
    /// # Errors
    /// The rendered report, where the files cannot be used and there is no last good set.
    pub fn go_on(source: Source, last: Option<LastGood>, now: Timestamp) -> Result<Self, String> {
        let first = stamps(&source);
        let loaded = source.load(last.as_ref().map(|last| &last.rules)).and_then(|loaded| {
            if !source.allow_empty {
                report(&lang::missing(&loaded.rules))?;
            }
            Ok(loaded)
        });
        match (loaded, last) {
            (Ok(loaded), last) => {
                let same = last.filter(|last| last.rules.version.hash == loaded.rules.version.hash);
                Ok(Self::with(source, first, loaded, same.map_or(now, |last| last.since), None))
            }
            (Err((errors, report)), Some(LastGood { rules, settings, since })) => {
                let broken = Broken { since: now, errors, report };
                let last = Loaded { rules, settings: source.overrides.over(settings), passed_over: vec![] };
                Ok(Self::with(source, first, last, since, Some(broken)))
            }
            (Err((_, report)), None) => Err(report),
        }
    }

    fn with(
        source: Source,
        first: Stamps,
        Loaded { rules, settings, passed_over }: Loaded,
        since: Timestamp,
        broken: Option<Broken>,
    ) -> Self {
        let started_with = settings.store.clone();
        let state = ReloadState { since, broken, restart: vec![], passed_over };
        let live = Live::new(rules, settings, state, source.follow);
        Self { live, started_with, first: Arc::new(first), source }
    }

    /// The live rules.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Loads the files again and, where they are in order and different, makes them live. Says what came of it where that is
    /// news, or somebody asked.
    fn reload(&self, now: Timestamp, notices: &Notices, asked: bool) {
        let live = self.live.rules();
        match self.source.load(Some(&**live)) {
            Ok(Loaded { rules, settings, passed_over }) => {
                let restart = self.needs_restart(&settings.store);
                let (version, items) = (rules.version.clone(), rules.items());
                let changed = version.hash != live.version.hash;
                let (mut recovered, mut more, mut passes_over) = (false, false, false);
                if version != live.version {
                    // Built before it is live, and off the path of messages.
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

    /// The settings that are used only when the process starts, and are other than they were then.
    fn needs_restart(&self, now: &StoreSettings) -> Vec<String> {
        let then = &self.started_with;
        let settings = [("[store] path", then.path != now.path), ("[store] key_env", then.key_env != now.key_env)];
        settings.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned()).collect()
    }

    /// Files the live rules anew where tickets are other than they were.
    fn file_anew(&self) {
        let live = self.live.rules();
        if live.has_drifted() {
            tracing::debug!("rebuilt the index of rules {} with selectivity of recent tickets", live.version);
            self.live.swap(live.successor(live.rules().clone()), self.live.settings());
        }
    }

    /// Follows the files, or the commits, until the task is dropped.
    ///
    /// # Errors
    /// When the system offers no way to watch files at all.
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
            // Reading rules is no change of them. A full channel already says what there is to say.
            if event.as_ref().map_or(true, |e| !e.kind.is_access() && e.paths.iter().any(|p| matters(p))) {
                let _ = changed.try_send(());
            }
        })?;
        let mut watched = BTreeSet::new();
        // Files may have changed since the start, when nobody watched yet.
        let (mut seen, mut asked, mut told) = (Stamps::clone(&self.first), false, false);
        loop {
            // What is looked at after the watches are set cannot fall between the two.
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

    /// Waits until nothing has changed for a while, also where no word comes of it, or until somebody asks. Returns how the files
    /// are then, and whether somebody asked.
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
                // Many changes at once are one.
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
            let head = tokio::task::spawn_blocking(move || Head::at(&at)).await.ok();
            match &head {
                // A commit on the way to another one is passed by.
                Some(Ok(head)) if head.under_way => {}
                Some(head) if loaded.as_ref() == Some(head) => {}
                // Twice the same: nobody goes from one commit to the next just now.
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
        // It is a mistake in Twite if it panics; the last good rules stay live.
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

    /// Watches every directory whose change can change the rules: those that hold them, those they are
    /// linked from, and the one above each given path, where the path itself may be replaced. Each is watched under its
    /// real name: two watches of one directory are one to the system, and taking the first away takes the other as well.
    fn watch(&self, watcher: &mut RecommendedWatcher, watched: &mut BTreeSet<PathBuf>, notices: &Notices) {
        let mut wanted = BTreeSet::new();
        for path in self.source.paths.iter().chain(&self.source.config) {
            directories(path, &mut wanted, 0);
        }
        let wanted: BTreeSet<_> = wanted.into_iter().filter_map(|directory| directory.canonicalize().ok()).collect();
        for gone in watched.difference(&wanted).cloned().collect::<Vec<_>>() {
            // A directory that was removed has taken its watch with it.
            if gone.exists() {
                let _ = watcher.unwatch(&gone);
            }
            watched.remove(&gone);
        }
        for directory in wanted {
            // The same name may be another directory by now; watching again costs nothing.
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

/// The names of files, their lengths, and when they were last written.
type Stamps = Vec<(PathBuf, Option<(u64, SystemTime)>)>;

/// What tells cheaply whether files changed. Of those that are not read, only the names matter: one may be what became of a rule file.
fn stamps(source: &Source) -> Stamps {
    let stamp = |path: PathBuf| {
        let written = std::fs::metadata(&path).and_then(|meta| Ok((meta.len(), meta.modified()?)));
        (path, written.ok())
    };
    let (files, unread) = lang::files_at(&source.paths, source.config.as_deref());
    files.into_iter().map(stamp).chain(unread.into_iter().map(|path| (path, None))).collect()
}

/// Whether a change of what has this name can change the rules: a rule file, the declarations, and whatever may
/// be a directory or a link to one. The database may lie beside the rules, and changes all the time.
fn matters(path: &Path) -> bool {
    path.extension().is_none_or(|e| e == "toml" || path.is_dir() || path.is_symlink()) || lang::nearly_a_rule_file(path)
}

/// The most directories that are watched, and how deep.
const MAX_DIRECTORIES: usize = 2_000;
const MAX_DEPTH: usize = 16;

/// Collects the directories around and below a path, following symbolic links by their names, so that
/// both the link's directory and what it points to are among them.
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
