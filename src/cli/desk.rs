//! Where a desk keeps its things: what `twite.toml` says, relative to where it stands.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::CliError;
use crate::{
    desk::Desk,
    lang::{self, rules::Rules},
    store::{Key, Store},
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
    /// Its rules, and where it keeps its things.
    pub(super) fn load(&self) -> Result<(Arc<Rules>, Place), CliError> {
        let paths = [self.rules.clone()];
        let loaded = lang::load(&paths, self.config.as_deref());
        match &loaded.rules {
            Some(rules) => {
                let mut place = Place::of(&rules.desk, &paths, self.config.as_deref());
                place.database = self.database.clone().unwrap_or(place.database);
                Ok((Arc::clone(rules), place))
            }
            None => {
                Err(CliError::Usage(format!("the rules cannot be used\n\n{}{}", loaded.report(), loaded.summary())))
            }
        }
    }
}

/// Where a desk keeps its things.
#[derive(Debug, Clone)]
pub(super) struct Place {
    database: PathBuf,
    key_env: String,
}

impl Place {
    /// The place of a desk whose rules were loaded from these paths.
    pub(super) fn of(desk: &Desk, paths: &[PathBuf], config: Option<&Path>) -> Self {
        let toml = config.map(Path::to_path_buf).or_else(|| paths.first().and_then(|path| declared_at(path)));
        let beside = toml.as_deref().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
        Self { database: beside.join(&desk.store.path), key_env: desk.store.key_env.clone() }
    }

    /// The database file.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// Opens the store, and makes it where there is none.
    pub(super) async fn open(&self) -> Result<Store, CliError> {
        Store::open(&self.database)
            .await
            .map_err(|e| CliError::Usage(format!("cannot open {}: {e}", self.database.display())))
    }

    /// Opens the store of a desk that has run before.
    pub(super) async fn open_existing(&self) -> Result<Store, CliError> {
        if !self.database.is_file() {
            return Err(CliError::Usage(format!(
                "there is no database at {}: `twite serve` makes it when it first runs",
                self.database.display()
            )));
        }
        self.open().await
    }

    /// The key that seals tokens, from the environment.
    pub(super) fn key(&self) -> Result<Key, CliError> {
        let variable = &self.key_env;
        let key = std::env::var(variable).map_err(|_| {
            CliError::Usage(format!(
                "the environment variable `{variable}` with the key that encrypts X tokens is not set\n  \
                 make one with: export {variable}=$(head -c 32 /dev/urandom | base64)"
            ))
        })?;
        Key::from_base64(&key).map_err(|e| CliError::Usage(format!("`{variable}`: {e}")))
    }
}

/// The `twite.toml` of rules at a path: beside them, or one directory above.
fn declared_at(path: &Path) -> Option<PathBuf> {
    let directory = if path.is_dir() { Some(path) } else { path.parent() }?;
    [Some(directory), directory.parent()]
        .into_iter()
        .flatten()
        .map(|d| if d.as_os_str().is_empty() { PathBuf::from(".") } else { d.to_path_buf() })
        .map(|d| d.join("twite.toml"))
        .find(|toml| toml.is_file())
}
