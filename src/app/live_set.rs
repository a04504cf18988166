//! The live rules as stored in the database, for commands that run beside the daemon, and their comparison with files.

use std::path::{Path, PathBuf};

use crate::{
    app::git,
    lang::{
        self, Follow, Loaded,
        rules::{Rules, Version},
    },
    store::{LiveRules, Store, StoreError},
};

/// The live rules; without a running daemon, those of the last one.
#[derive(Debug)]
pub struct LiveSet {
    /// The checked rules.
    pub rules: Rules,
    /// Their version, when they went live, and the state of their files.
    pub live: LiveRules,
}

/// Locations of rule files.
#[derive(Debug, Clone, Copy)]
pub struct RuleFiles<'a> {
    /// Files, or directories of files.
    pub paths: &'a [PathBuf],
    /// `twite.toml`, if it is neither beside the rules nor one directory above.
    pub config: Option<&'a Path>,
}

/// How rule files compare with the live rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// The files equal the live rules.
    Same,
    /// The files differ from the live rules, and could go live.
    Other,
    /// The files have errors and cannot go live.
    Broken {
        /// The reason, in one line.
        summary: String,
        /// The full report.
        report: String,
    },
}

impl LiveSet {
    /// The live rules. `None` if no daemon has run yet, or if this version of Twite cannot check the rules of the one
    /// that did.
    pub async fn read(store: &Store) -> Result<Option<Self>, StoreError> {
        let live = store.live_files().await?;
        Ok(live.and_then(|(live, files)| {
            let rules = lang::check_files(files, live.version.clone()).0?;
            Some(Self { rules, live })
        }))
    }

    /// Whether this is the live version.
    pub fn is(&self, version: &Version) -> bool {
        self.live.version.hash == version.hash
    }
}

impl RuleFiles<'_> {
    /// Compares the files, or their committed versions if those go live, with the live rules. Unchanged files are not
    /// checked.
    pub fn compare(self, live: &LiveSet) -> Compared {
        let tree = match git::tree(live.live.follow, self.paths) {
            Ok(tree) => tree,
            Err(why) => return Compared::Broken { summary: why.clone(), report: why },
        };
        if lang::hash_at(&*tree, self.paths, self.config).is_some_and(|hash| hash == live.live.version.hash) {
            return Compared::Same;
        }
        self.judge(&lang::load_from(&*tree, self.paths, self.config), &*tree, Some(live))
    }

    /// Loads the files and compares them. Without live rules, files that could go live are [`Compared::Other`].
    pub(super) fn load(self, live: Option<&LiveSet>) -> (Option<Loaded>, Compared) {
        let follow = live.map_or(Follow::default(), |set| set.live.follow);
        match git::tree(follow, self.paths) {
            Err(why) => (None, Compared::Broken { summary: why.clone(), report: why }),
            Ok(tree) => {
                let loaded = lang::load_from(&*tree, self.paths, self.config);
                let compared = self.judge(&loaded, &*tree, live);
                (Some(loaded), compared)
            }
        }
    }

    fn judge(self, loaded: &Loaded, tree: &dyn lang::Tree, live: Option<&LiveSet>) -> Compared {
        let Some(rules) = &loaded.rules else {
            let summary = match loaded.diagnostics.first() {
                // No file was read, so there is no number of errors to report.
                Some(error) if loaded.files == 0 => error.message.clone(),
                _ => loaded.summary(),
            };
            return Compared::Broken { summary, report: loaded.report() };
        };
        let lacks = match live {
            Some(live) => lang::lost(&live.rules, loaded, tree),
            None => lang::missing(rules),
        };
        match lacks.first() {
            Some(first) => Compared::Broken { summary: first.clone(), report: lacks.join("\n") },
            None if live.is_some_and(|live| live.is(&rules.version)) => Compared::Same,
            None => Compared::Other,
        }
    }
}
