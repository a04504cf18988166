//! The address of a database: a SQLite file or a PostgreSQL URL.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::postgres::PgConnectOptions;
use url::Url;

/// The address of a database. Its `Display` and `Debug` output contains no password.
#[derive(Debug, Clone)]
pub enum Address {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Server(Server),
}

/// A PostgreSQL database.
#[derive(Clone)]
pub struct Server {
    pub(super) options: Box<PgConnectOptions>,
    shown: String,
}

impl Address {
    /// Sets the password of a PostgreSQL database; ignored for a file.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::Server(Server { options, shown }) => {
                Self::Server(Server { options: Box::new(options.password(password)), shown })
            }
        }
    }

    /// Parses the value of `--database`: a URL or a path.
    ///
    /// # Errors
    /// As [`Self::from_str`].
    pub fn named(name: &Path) -> Result<Self, String> {
        // A path that is not valid UTF-8 cannot be a URL.
        name.to_str().map_or_else(|| Ok(Self::File(name.to_owned())), str::parse)
    }

    /// The path of a SQLite file; `None` for PostgreSQL.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = String;

    /// Parses `sqlite:PATH`, `postgres://…`, or a path. Error messages contain no password.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Self::File(path.strip_prefix("//").unwrap_or(path).into()));
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Ok(Self::File(text.into()));
        }
        let unusable = |why: String| format!("it is no address of a database on PostgreSQL: {why}");
        let mut shown = Url::parse(text).map_err(|e| unusable(e.to_string()))?;
        let options = PgConnectOptions::from_str(text).map_err(|e| unusable(e.to_string()))?;
        // Fails only for URLs without a host, which cannot have a password.
        let _ = shown.set_password(None);
        let pairs: Vec<_> = shown.query_pairs().into_owned().filter(|(name, _)| name != "password").collect();
        shown.set_query(None);
        if !pairs.is_empty() {
            shown.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(Self::Server(Server { options: Box::new(options), shown: shown.into() }))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => f.write_str(&server.shown),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Address {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Self> for Address {
    fn from(address: &Address) -> Self {
        address.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_their_passwords() {
        for (text, shown) in [
            ("twite.db", "twite.db"),
            ("sqlite:data/twite.db", "data/twite.db"),
            ("sqlite:///var/lib/twite.db", "/var/lib/twite.db"),
            ("postgres://desk:hunter2@db.acme.example/twite", "postgres://desk@db.acme.example/twite"),
            (
                "postgresql:///twite?host=/run/postgresql&password=hunter2",
                "postgresql:///twite?host=%2Frun%2Fpostgresql",
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            let address = address.with_password("hunter3");
            assert!(!format!("{address:?} {address}").contains("hunter"), "{address:?}");
        }
        let wrong = "postgres://desk:hunter2@db:notaport/twite".parse::<Address>().unwrap_err();
        assert!(!wrong.contains("hunter2") && wrong.contains("port"), "{wrong}");
    }
}
