//! The live rules as the database has them, for those that run beside the daemon; and how files compare with them.

use std::path::{Path, PathBuf};

use crate::{
    lang::{
        self, Follow, Loaded,
        rules::{Rules, Version},
    },
    store::{LiveRules, Store, StoreError},
};

/// The live rules, or those that were live when the last daemon ended.
#[derive(Debug)]
pub struct LiveSet {
    /// The rules.
    pub rules: Rules,
    /// Which version they are, since when, and how their files stood.
    pub live: LiveRules,
}

/// Where rule files are.
#[derive(Debug, Clone, Copy)]
pub struct RuleFiles<'a> {
    /// Files, or directories of files.
    pub paths: &'a [PathBuf],
    /// `twite.toml`, where it does not lie beside the rules or one directory above.
    pub config: Option<&'a Path>,
}

/// How files compare with the live rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// They are what is live.
    Same,
    /// They could go live.
    Other,
    /// They cannot go live.
    Broken {
        /// Why, in a line.
        summary: String,
        /// Why, in full.
        report: String,
    },
}

impl LiveSet {
    /// The live rules; nothing where no daemon ran yet, or only one of another version of Twite, whose rules this one cannot
    /// check.
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
    /// Compares files, or what is committed of them where that goes live, with the live rules. Files that are the same are
    /// not checked.
    pub fn compare(self, live: &LiveSet) -> Compared {
        let tree = match live.live.follow.tree(self.paths) {
            Ok(tree) => tree,
            Err(why) => return Compared::Broken { summary: why.clone(), report: why },
        };
        if lang::hash_at(&tree, self.paths, self.config).is_some_and(|hash| hash == live.live.version.hash) {
            return Compared::Same;
        }
        self.judge(&lang::load_from(&tree, self.paths, self.config), &tree, Some(live))
    }

    /// What is at the paths, and how it compares. Without live rules, files that could go live are [`Compared::Other`].
    pub(super) fn load(self, live: Option<&LiveSet>) -> (Option<Loaded>, Compared) {
        let follow = live.map_or(Follow::default(), |set| set.live.follow);
        match follow.tree(self.paths) {
            Err(why) => (None, Compared::Broken { summary: why.clone(), report: why }),
            Ok(tree) => {
                let loaded = lang::load_from(&tree, self.paths, self.config);
                let compared = self.judge(&loaded, &tree, live);
                (Some(loaded), compared)
            }
        }
    }

    fn judge(self, loaded: &Loaded, tree: &lang::Tree, live: Option<&LiveSet>) -> Compared {
        let Some(rules) = &loaded.rules else {
            let summary = match loaded.diagnostics.first() {
                // There is nothing to count.
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
