//! Opens the desk a command works on: its rules, its database and its key.

use std::{
    io::Write as _,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use clap::{
    Args,
    builder::{PathBufValueParser, TypedValueParser as _},
};

use super::{
    CliError,
    source::{Shown, file_or_gone, rule_file_name, set_of_path, unusable},
    terminal,
};
use crate::{
    app::{
        accounts,
        agent::find_agent,
        git,
        live_set::{Compared, LiveSet, RuleFiles},
    },
    desk::{Declarations, Viewer, visible::visible},
    lang::{
        self, Disk, Follow,
        rules::{Rules, Version},
    },
    settings::{Address, Settings, StoreSettings, is_variable_name},
    store::{Key, Store, StoreError, Watch},
};

/// The desk a command works on.
#[derive(Debug, Args)]
pub(super) struct DeskArgs {
    /// The directory of the rules and `twite.toml`.
    #[arg(long, global = true, value_name = "DIRECTORY", default_value = "rules", value_parser = PathBufValueParser::new().map(set_of_path))]
    rules: PathBuf,
    /// The configuration file. Default: `twite.toml` in the directory of the rules or its parent.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database: a file of SQLite, or `postgres://user@host/name`. Default: `url` of `[store]` in `twite.toml`.
    #[arg(long, global = true, value_name = "FILE|URL", env = "TWITE_DATABASE", hide_env_values = true)]
    database: Option<PathBuf>,
}

/// On whose behalf a command reads and acts.
#[derive(Debug, Args)]
pub(super) struct AsAgent {
    /// Read and act as this agent, who may see fewer tickets and rules. Without this, it is whoever owns this machine,
    /// who sees all.
    #[arg(long = "as", global = true, value_name = "AGENT")]
    agent: Option<String>,
}

impl AsAgent {
    /// The viewer: the agent given with `--as`, who must be declared, or else the owner of the machine.
    pub(super) fn viewer<'d>(&self, desk: &'d Declarations) -> Result<Viewer<'d>, CliError> {
        self.agent.as_ref().map_or(Ok(Viewer::Owner), |name| find_agent(desk, name).map_err(CliError::Usage))
    }

    /// Prints a note if what the owner reads asks for `me`, who is an agent.
    pub(super) fn note_me(viewer: Viewer<'_>, asks_me: bool) -> Result<(), CliError> {
        if asks_me && viewer == Viewer::Owner {
            let note = "note: `me` and `my groups` are those of an agent, and you read as none: give `--as AGENT`";
            writeln!(terminal::remarks(), "{note}")?;
        }
        Ok(())
    }
}

/// How a command accesses the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Read-only; works without write permission.
    Read,
    /// Read and write.
    Write,
}

/// An open desk: its rules, and its database if one exists.
#[derive(Debug)]
pub(super) struct OpenDesk {
    /// The live rules; if no daemon ran yet, the rules of the files.
    pub(super) rules: Arc<Rules>,
    /// The settings of `twite.toml` that belong to the rules, with the accounts in effect.
    pub(super) settings: Settings,
    pub(super) place: Paths,
    /// `None` if the database does not exist yet.
    pub(super) store: Option<Store>,
}

impl OpenDesk {
    /// The database; an error if it does not exist.
    pub(super) fn store(&self) -> Result<&Store, CliError> {
        self.store.as_ref().ok_or_else(|| CliError::Usage(self.place.no_database()))
    }
}

impl DeskArgs {
    /// Opens the desk. Prints a note if the rule files differ from the live rules.
    pub(super) async fn open(&self, access: Access) -> Result<OpenDesk, CliError> {
        let place = self.place()?;
        let store = place.open_existing(access).await?;
        let live = match &store {
            Some(store) => LiveSet::read(store).await?,
            None => None,
        };
        let rules = match live {
            Some(live) => {
                if let Some(note) = beside(&live, self.rule_files()) {
                    writeln!(terminal::remarks(), "note: {note}")?;
                }
                Arc::new(live.rules)
            }
            None => match self.load() {
                // The database was not found at the default path: that error is more useful than the broken files.
                Err(_) if place.guessed && store.is_none() => return Err(CliError::Usage(place.no_database())),
                loaded => loaded?,
            },
        };
        let settings = accounts::settings(store.as_ref(), rules.desk.edition, place.settings(&rules)).await?;
        Ok(OpenDesk { settings, rules, place, store })
    }

    /// Loads the rules from the files.
    pub(super) fn load(&self) -> Result<Arc<Rules>, CliError> {
        let loaded = git::load(std::slice::from_ref(&self.rules), self.config.as_deref());
        loaded.rules.clone().ok_or_else(|| unusable(loaded.report() + &loaded.summary()))
    }

    /// The locations of the desk's database and key.
    pub(super) fn place(&self) -> Result<Paths, CliError> {
        Paths::named(std::slice::from_ref(&self.rules), self.config.as_deref(), self.database.as_deref())
    }

    /// The locations of the desk's rule files.
    pub(super) fn rule_files(&self) -> RuleFiles<'_> {
        RuleFiles { paths: std::slice::from_ref(&self.rules), config: self.config.as_deref() }
    }
}

/// A note that the files at these paths are used and differ from the live rules; `None` if their version is live.
pub(super) fn beside_listed(live: &LiveSet, paths: &[PathBuf], version: &Version) -> Option<String> {
    (!live.is(version)).then(|| {
        format!(
            "this uses the files at {}; the live rules are {} since {:.0}",
            joined(paths),
            live.live.version,
            live.live.since
        )
    })
}

/// A note that the live rules are used and the files differ from them or have errors; `None` if they are the same.
fn beside(live: &LiveSet, files: RuleFiles<'_>) -> Option<String> {
    let how = match files.compare(live) {
        Compared::Same => return None,
        Compared::Other => "differ from the live rules".to_owned(),
        Compared::Broken { summary, .. } => format!("have errors: {summary}"),
    };
    let committed = if live.live.follow == Follow::Commit { ", as committed," } else { "" };
    Some(format!(
        "the files at {}{committed} {how}; this uses the live rules {}, since {:.0}",
        joined(files.paths),
        live.live.version,
        live.live.since
    ))
}

fn joined(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| Shown(path).to_string()).collect::<Vec<_>>().join(" ")
}

/// The locations of a desk's database and key, from `twite.toml` or options.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// The directory of `twite.toml`, to which the paths in it are relative.
    directory: PathBuf,
    database: Address,
    /// The environment variable with the password of the database.
    password_env: Option<String>,
    key_env: String,
    /// Whether the database's path is the default one, because no `twite.toml` could be read.
    guessed: bool,
}

impl Paths {
    /// [`Self::of`] for paths from the command line. Those that exist must be files of the right kind.
    pub(super) fn named(paths: &[PathBuf], config: Option<&Path>, database: Option<&Path>) -> Result<Self, CliError> {
        let unusable = |why| CliError::Usage(format!("the database that was named cannot be used: {why}"));
        let database = database.map(Address::named).transpose().map_err(unusable)?;
        config.into_iter().try_for_each(file_or_gone)?;
        paths.iter().filter(|path| path.is_file()).try_for_each(|path| rule_file_name(path))?;
        Ok(Self::of(paths, config, database))
    }

    /// The locations for the rules at these paths, which may have errors. They are read from `twite.toml`; if it cannot
    /// be read, from its version in the checked-out commit; else they are the defaults.
    pub(super) fn of(paths: &[PathBuf], config: Option<&Path>, database: Option<Address>) -> Self {
        let committed = || lang::store_settings(&*git::tree(Follow::Commit, paths).ok()?, paths, config);
        let said = lang::store_settings(&Disk, paths, config).or_else(committed);
        let guessed = said.is_none() && database.is_none();
        let (toml, settings) = said.unzip();
        let directory = toml.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let settings = settings.unwrap_or_default();
        let StoreSettings { url, password_env, key_env, .. } = settings;
        // A URL that is not valid is not among the settings.
        let declared = Address::from_url(&url).unwrap_or_else(|_| Address::File(url.into()));
        let beside = |directory: &Path| declared.clone().relative_to(directory);
        let found = || match toml.as_deref().and_then(Path::parent) {
            Some(directory) => beside(directory),
            None => paths
                .iter()
                .flat_map(|path| [Some(path.as_path()), path.parent()])
                .flatten()
                .map(beside)
                .find(|address| address.file().is_some_and(Path::is_file))
                .unwrap_or_else(|| beside(Path::new(""))),
        };
        // The password is that of the declared database, not of one given on the command line.
        let password_env = password_env.filter(|_| database.is_none());
        let database = match database.unwrap_or_else(found) {
            Address::File(path) => Address::File(without_detours(path)),
            server @ Address::Server(_) => server,
        };
        Self { directory, database, password_env, key_env, guessed }
    }

    /// The settings that belong to these rules.
    pub(super) fn settings(&self, rules: &Rules) -> Settings {
        lang::settings(&rules.files, &self.directory)
    }

    /// The message that there are no live rules, with the reason and what to do.
    pub(super) fn no_database(&self) -> String {
        if self.may_exist() {
            return format!("no daemon has run with {}", self.database());
        }
        if self.guessed {
            return "cannot read `twite.toml` to find the database; pass `--database`".to_owned();
        }
        format!("no database at {}; `twite serve` creates it", self.database())
    }

    /// The live rules; `None` if no daemon ran yet.
    pub(super) async fn live(&self) -> Result<Option<LiveSet>, CliError> {
        Self::live_in(self.open_existing(Access::Read).await?).await
    }

    /// As [`Self::live`], after migrating the schema; see [`Self::open_watching`].
    pub(super) async fn live_watching(&self, watch: &mut Watch) -> Result<Option<LiveSet>, CliError> {
        let store = if self.may_exist() { Some(self.open_watching(watch).await?) } else { None };
        Self::live_in(store).await
    }

    async fn live_in(store: Option<Store>) -> Result<Option<LiveSet>, CliError> {
        let Some(store) = store else { return Ok(None) };
        let live = LiveSet::read(&store).await?;
        store.close().await;
        Ok(live)
    }

    /// The name of the database for messages.
    pub(super) fn database(&self) -> String {
        match &self.database {
            Address::File(path) => Shown(path).to_string(),
            server => visible(&server.to_string()).into_owned(),
        }
    }

    /// Whether a database may exist: for a file, whether it exists; always true for a server, which is not contacted.
    fn may_exist(&self) -> bool {
        self.database.file().is_none_or(Path::exists)
    }

    /// The address of the database, with its password.
    fn address(&self) -> Result<Address, CliError> {
        let Some(variable) = &self.password_env else { return Ok(self.database.clone()) };
        let what = format!("the password of {}", self.database());
        let password =
            secret(variable, "password_env", &what)?.map_err(|unset| CliError::Usage(format!("{unset} is not set")))?;
        Ok(self.database.clone().with_password(&password))
    }

    /// Opens the database; creates it if it does not exist.
    pub(super) async fn open(&self) -> Result<Store, CliError> {
        self.open_watching(&mut Watch::default()).await
    }

    /// As [`Self::open`], see [`Store::open_watching`].
    pub(super) async fn open_watching(&self, watch: &mut Watch) -> Result<Store, CliError> {
        Store::open_watching(self.address()?, watch).await.map_err(|error| cannot_open(&self.database(), error))
    }

    /// Opens the database if it exists.
    pub(super) async fn open_existing(&self, access: Access) -> Result<Option<Store>, CliError> {
        match access {
            _ if !self.may_exist() => Ok(None),
            Access::Write => self.open().await.map(Some),
            Access::Read => {
                Store::open_to_read(self.address()?).await.map_err(|error| cannot_open(&self.database(), error))
            }
        }
    }

    /// The key that encrypts tokens, from the environment.
    pub(super) fn key(&self) -> Result<Key, CliError> {
        let variable = &self.key_env;
        let key = secret(variable, "key_env", "the key that encrypts X tokens")?.map_err(|unset| {
            CliError::Report(format!(
                "{unset} is not set\n  make one with: export {variable}=$(head -c 32 /dev/urandom | base64)"
            ))
        })?;
        Key::from_base64(&key).map_err(|e| CliError::Usage(format!("`{variable}`: {e}")))
    }
}

impl Paths {
    /// The environment variable with the key that encrypts tokens.
    pub(super) fn key_variable(&self) -> &str {
        &self.key_env
    }

    /// A new key that is to encrypt tokens, from the environment variable that `--new-key-env` names.
    pub(super) fn new_key(variable: &str) -> Result<Key, CliError> {
        if !is_variable_name(variable) {
            // It may be the key itself.
            let message = "`--new-key-env` takes the name of an environment variable, in capitals, not the key itself";
            return Err(CliError::Usage(message.to_owned()));
        }
        let key = std::env::var(variable).map_err(|_| {
            CliError::Report(format!(
                "the environment variable `{variable}` with the new key is not set\n  make one with: export \
                 {variable}=$(head -c 32 /dev/urandom | base64)"
            ))
        })?;
        Key::from_base64(&key).map_err(|e| CliError::Usage(format!("`{variable}`: {e}")))
    }
}

/// The value of the environment variable that a key of `[store]` names. The inner error describes a variable that is
/// not set.
///
/// # Errors
/// If `variable` is not a valid name. It may be the secret itself, so the message does not contain it.
fn secret(variable: &str, key: &str, what: &str) -> Result<Result<String, String>, CliError> {
    if !is_variable_name(variable) {
        let message = format!("`{key}` of `[store]` is not the name of an environment variable with {what}");
        return Err(CliError::Usage(message));
    }
    Ok(std::env::var(variable).map_err(|_| format!("the environment variable `{variable}` with {what}")))
}

/// The error that a database cannot be opened.
pub(super) fn cannot_open(database: &str, error: StoreError) -> CliError {
    let message = format!("cannot open the database {database}: {error}");
    match error {
        StoreError::Busy(_) | StoreError::InUse(_) => CliError::Broke(Box::new(DatabaseBusy(message))),
        StoreError::Unreachable(_) => CliError::Broke(message.into()),
        _ => CliError::Usage(message),
    }
}

/// The error that a database is locked, its disk full, or its layout in use by a daemon of an earlier version.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct DatabaseBusy(String);

/// Resolves `..` in a path whose directory does not exist: `rules/../twite.db` becomes `twite.db` if `rules` is
/// missing.
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
            for settings in [place.settings(&loaded.rules.unwrap()), loaded.settings] {
                assert_eq!(settings.mail.unwrap().directory.as_ref(), Some(&wanted));
            }
            assert_eq!(place.database(), directory.path().join("twite.db").to_str().unwrap());
        }
    }
}
