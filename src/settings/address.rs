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
    options: Box<PgConnectOptions>,
    shown: String,
    has_password: bool,
}

impl Server {
    /// How to connect to it.
    pub(crate) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

impl Address {
    /// Parses a URL: `sqlite:PATH` or `postgres://…`. Error messages contain no password.
    ///
    /// # Errors
    /// A message that says what is wrong, and one that says what to write.
    pub fn from_url(text: &str) -> Result<Self, (String, &'static str)> {
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        match scheme {
            "sqlite" => Self::from_path(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" => Self::from_server(text),
            "" => Err(("not the URL of a database".to_owned(), BOTH)),
            other => Err((format!("unknown kind of database: `{other}`"), BOTH)),
        }
    }

    fn from_path(path: &str) -> Result<Self, (String, &'static str)> {
        // For SQLite, a name such as `:memory:` is a database in memory, a new one for each connection.
        if path.trim().is_empty() || path.contains('\0') || path.starts_with(':') || path.ends_with(['/', '.']) {
            return Err(("not a valid file name".to_owned(), "write `sqlite:` and the name of a file"));
        }
        if path.contains('?') {
            return Err(("a file has no parameters".to_owned(), "delete everything from `?` on"));
        }
        Ok(Self::File(path.into()))
    }

    fn from_server(text: &str) -> Result<Self, (String, &'static str)> {
        let wrong = |why: String| (format!("not a valid URL of PostgreSQL: {why}"), SERVER);
        let mut shown = Url::parse(text).map_err(|e| wrong(e.to_string()))?;
        let options = PgConnectOptions::from_str(text).map_err(|e| {
            wrong(match e {
                sqlx::Error::Configuration(why) => why.to_string(),
                other => other.to_string(),
            })
        })?;
        let mut has_password = shown.password().is_some();
        // Fails only for URLs without a host, which cannot have a password.
        let _ = shown.set_password(None);
        let (passwords, pairs): (Vec<_>, Vec<_>) =
            shown.query_pairs().into_owned().partition(|(name, _)| name == "password");
        has_password |= !passwords.is_empty();
        shown.set_query(None);
        if !pairs.is_empty() {
            shown.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(Self::Server(Server { options: Box::new(options), shown: shown.into(), has_password }))
    }

    /// Whether its URL contains a password.
    pub const fn has_password(&self) -> bool {
        matches!(self, Self::Server(Server { has_password: true, .. }))
    }

    /// Sets the password of a PostgreSQL database; ignored for a file.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::Server(server) => {
                Self::Server(Server { options: Box::new(server.options.password(password)), ..server })
            }
        }
    }

    /// The address with a relative path of a file taken as relative to a directory.
    #[must_use]
    pub fn relative_to(self, directory: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(directory.join(path)),
            server @ Self::Server(_) => server,
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

/// What to write for any database.
const BOTH: &str = "write `sqlite:FILE` or `postgres://USER@HOST/NAME`";
/// What to write for PostgreSQL.
const SERVER: &str = "write `postgres://USER@HOST:PORT/NAME`";

impl FromStr for Address {
    type Err = String;

    /// Parses a URL as [`Self::from_url`], or a path. Error messages contain no password.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("sqlite:") || text.contains("://") {
            return Self::from_url(text).map_err(|(why, help)| format!("{why}; {help}"));
        }
        Ok(Self::File(text.into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
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
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for (text, why) in [
            ("mysql://desk:hunter2@db/twite", "unknown kind of database: `mysql`; write `sqlite:FILE`"),
            ("postgres://desk:hunter2@db:notaport/twite", "not a valid URL of PostgreSQL: invalid port"),
            ("postgres://desk:hunter2@db/twite?sslmode=never", "not a valid URL of PostgreSQL: "),
            ("sqlite::memory:", "not a valid file name"),
            ("sqlite:twite.db?mode=rwc", "a file has no parameters"),
        ] {
            let said = text.parse::<Address>().unwrap_err();
            assert!(said.starts_with(why) && !said.contains("hunter2"), "{text}: {said}");
        }
        assert!(Address::from_url("twite.db").is_err());
    }
}
