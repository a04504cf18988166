//! Where a desk keeps its things: what `twite.toml` says, relative to where it stands.

use std::{
    io::Write as _,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{
    CliError, broke,
    source::{Shown, is_no_directory, rule_file_name},
    terminal,
};
use crate::{
    desk::{Desk, config::MailSettings, visible::visible},
    lang::{
        self, Follow, Tree,
        rules::{Rules, Version},
    },
    store::{Key, LiveRules, Store},
};

/// The desk a command works on.
#[derive(Debug, Args)]
pub(super) struct DeskArgs {
    /// Where the rules and their `twite.toml` are.
    #[arg(long, global = true, value_name = "DIRECTORY", default_value = "rules")]
    rules: PathBuf,
    /// The desk's declarations. Default: `twite.toml` beside the rules, or one directory above.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database. Default: where `twite.toml` says.
    #[arg(long, global = true, value_name = "FILE")]
    database: Option<PathBuf>,
}

impl DeskArgs {
    /// The rules that are live, and where the desk keeps its things. Says in a line where the files are others. Where no
    /// daemon ran yet, the rules are those of the files.
    pub(super) fn load(&self) -> Result<(Arc<Rules>, Paths), CliError> {
        let place = self.place()?;
        let Some(live) = place.live_now()? else {
            let files = self.files();
            // Without it nothing can be shown, whatever is wrong with the files.
            return match (place.guessed && !place.database.is_file(), files) {
                (true, Err(_)) => Err(CliError::Usage(place.no_database())),
                (_, files) => Ok((files?, place)),
            };
        };
        if let Some(note) = live.beside(&self.paths(), self.config.as_deref()) {
            writeln!(terminal::remarks(), "note: {note}")?;
        }
        Ok((Arc::new(live.rules), place))
    }

    /// The rules of the files.
    pub(super) fn files(&self) -> Result<Arc<Rules>, CliError> {
        let loaded = lang::load(&self.paths(), self.config.as_deref());
        let unusable =
            || CliError::Report(format!("the rules cannot be used\n\n{}{}", loaded.report(), loaded.summary()));
        loaded.rules.clone().ok_or_else(unusable)
    }

    /// Where the desk keeps its things.
    pub(super) fn place(&self) -> Result<Paths, CliError> {
        Paths::named(&self.paths(), self.config.as_deref(), self.database.as_deref())
    }

    pub(super) fn paths(&self) -> [PathBuf; 1] {
        [self.rules.clone()]
    }

    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

/// The rules that are live, by the database.
#[derive(Debug)]
pub(super) struct LiveSet {
    pub(super) rules: Rules,
    pub(super) live: LiveRules,
}

impl LiveSet {
    /// What there is to say of these rules where files with another version are shown.
    pub(super) fn beside_listed(&self, paths: &[PathBuf], version: &Version) -> Option<String> {
        let at = paths.iter().map(|path| Shown(path).to_string()).collect::<Vec<_>>().join(" ");
        (*version.hash != self.live.version.hash).then(|| {
            format!("these are the files at {at}; live are rules {} since {:.0}", self.live.version, self.live.since)
        })
    }

    /// What there is to say of the files beside them: nothing where they are the same.
    pub(super) fn beside(&self, paths: &[PathBuf], config: Option<&Path>) -> Option<String> {
        let mut at = paths.iter().map(|path| Shown(path).to_string()).collect::<Vec<_>>().join(" ");
        if self.live.follow == Follow::Commit {
            at.push_str(", as committed,");
        }
        let broken = match self.live.follow.tree(paths) {
            Err(why) => Some(why),
            Ok(tree) => {
                if lang::hash_at(&tree, paths, config).is_some_and(|hash| hash == self.live.version.hash) {
                    return None;
                }
                let loaded = lang::load_from(&tree, paths, config);
                match &loaded.rules {
                    None => Some(match loaded.diagnostics.first() {
                        Some(error) if loaded.files == 0 => error.message.clone(),
                        _ => loaded.summary(),
                    }),
                    Some(_) => lang::lost(&self.rules, &loaded, &tree).first().cloned(),
                }
            }
        };
        let how = match broken {
            Some(why) => format!("the files at {at} are broken: {why}"),
            None => format!("the files at {at} are not what is live"),
        };
        Some(format!("{how}; this is by rules {}, live since {:.0}", self.live.version, self.live.since))
    }
}

/// Where a desk keeps its things.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// Where `twite.toml` lies: what it names is relative to that.
    directory: PathBuf,
    database: PathBuf,
    key_env: String,
    /// Whether the database is a guess, as no `twite.toml` says where it is.
    guessed: bool,
}

impl Paths {
    /// [`Self::of`], where somebody named files: of each the right kind, should it be there.
    pub(super) fn named(paths: &[PathBuf], config: Option<&Path>, database: Option<&Path>) -> Result<Self, CliError> {
        config.into_iter().chain(database).try_for_each(is_no_directory)?;
        paths.iter().filter(|path| path.is_file()).try_for_each(|path| rule_file_name(path))?;
        Ok(Self::of(paths, config, database))
    }

    /// The place of a desk whose rules are at these paths, be they broken: where `twite.toml` says; where that cannot be read,
    /// or is gone for the moment, where it says so in the commit that is checked out; else the usual place, if a database is there.
    pub(super) fn of(paths: &[PathBuf], config: Option<&Path>, database: Option<&Path>) -> Self {
        let committed = || lang::store_settings(&Follow::Commit.tree(paths).ok()?, paths, config);
        let said = lang::store_settings(&Tree::Disk, paths, config).or_else(committed);
        let guessed = said.is_none() && database.is_none();
        let (toml, settings) = said.unzip();
        let directory = toml.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let settings = settings.unwrap_or_default();
        let beside = |directory: &Path| directory.join(&settings.path);
        let database = match (database, toml.as_deref().and_then(Path::parent)) {
            (Some(named), _) => named.to_owned(),
            (None, Some(directory)) => beside(directory),
            (None, None) => paths
                .iter()
                .flat_map(|path| [Some(path.as_path()), path.parent()])
                .flatten()
                .map(beside)
                .find(|path| path.is_file())
                .unwrap_or_else(|| beside(Path::new(""))),
        };
        Self { directory, database: without_detours(database), key_env: settings.key_env, guessed }
    }

    /// Rules whose desk names directories by paths that hold wherever the process was started.
    pub(super) fn with_paths(&self, mut rules: Rules) -> Rules {
        if let Some(directory) = rules.desk.mail.as_ref().and_then(|mail| mail.directory.as_deref()) {
            let directory = self.directory.join(directory).to_string_lossy().into_owned();
            let mut desk = Desk::clone(&rules.desk);
            desk.mail = desk.mail.map(|mail| MailSettings { directory: Some(directory), ..mail });
            rules.desk = Arc::new(desk);
        }
        rules
    }

    /// Why nothing is known to be live.
    pub(super) fn no_database(&self) -> String {
        if self.database.is_file() {
            return format!("no daemon has run on {}", Shown(&self.database));
        }
        if self.guessed {
            return "no `twite.toml` can be read that says where the database is: name it with `--database`".to_owned();
        }
        format!("there is no database at {}: `twite serve` makes it when it first runs", Shown(&self.database))
    }

    /// The rules that are live; nothing where no daemon ran yet, or another version of Twite did that knew other rules.
    pub(super) async fn live(&self) -> Result<Option<LiveSet>, CliError> {
        if !self.database.is_file() {
            return Ok(None);
        }
        let store = self.open().await?;
        let live = store.live_files().await.map_err(broke)?;
        store.close().await;
        Ok(live.and_then(|(live, files)| {
            let rules = lang::check_files(files, live.version.clone()).0?;
            Some(LiveSet { rules, live })
        }))
    }

    /// As [`Self::live`], outside of a runtime.
    pub(super) fn live_now(&self) -> Result<Option<LiveSet>, CliError> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(self.live())
    }

    /// The database file.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// Opens the store, and makes it where there is none.
    pub(super) async fn open(&self) -> Result<Store, CliError> {
        Store::open(&self.database)
            .await
            .map_err(|e| CliError::Usage(format!("cannot open {}: {e}", Shown(&self.database))))
    }

    /// Opens the store of a desk that has run before.
    pub(super) async fn open_existing(&self) -> Result<Store, CliError> {
        if !self.database.is_file() {
            return Err(CliError::Usage(self.no_database()));
        }
        self.open().await
    }

    /// The key that seals tokens, from the environment.
    pub(super) fn key(&self) -> Result<Key, CliError> {
        let variable = &self.key_env;
        let key = std::env::var(variable).map_err(|_| {
            let variable = visible(variable);
            CliError::Report(format!(
                "the environment variable `{variable}` with the key that encrypts X tokens is not set\n  \
                 make one with: export {variable}=$(head -c 32 /dev/urandom | base64)"
            ))
        })?;
        Key::from_base64(&key).map_err(|e| CliError::Usage(format!("`{variable}`: {e}")))
    }
}

/// A path whose way to it cannot be gone, as `rules/../twite.db` where `rules` is missing, without the steps back.
fn without_detours(path: PathBuf) -> PathBuf {
    if path.parent().is_none_or(|directory| directory.as_os_str().is_empty() || directory.is_dir()) {
        return path;
    }
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if matches!(straight.components().next_back(), Some(Component::Normal(_))) => {
                straight.pop();
            }
            part => straight.push(part),
        }
    }
    straight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_twite_toml_names_is_relative_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let rules = directory.path().join("rules");
        std::fs::create_dir(&rules).unwrap();
        for (directory_named, wanted) in [("mail", directory.path().join("mail")), ("/var/mail", "/var/mail".into())] {
            let toml = format!("[mail]\ndirectory = \"{directory_named}\"\nfrom = \"a@b.example\"\n");
            std::fs::write(directory.path().join("twite.toml"), toml).unwrap();
            std::fs::write(rules.join("a.twite"), "trigger \"A\" {\n  on created\n  then add tags a\n}\n").unwrap();
            let paths = [rules.clone()];
            let place = Paths::of(&paths, None, None);
            let loaded = lang::load(&paths, None);
            let rules = place.with_paths(Rules::clone(&loaded.rules.unwrap()));
            assert_eq!(rules.desk.mail.as_ref().unwrap().directory.as_deref(), wanted.to_str());
            assert_eq!(place.database(), directory.path().join("twite.db"));
        }
    }
}
