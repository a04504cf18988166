//! A database for each test: on the PostgreSQL server that `TWITE_TEST_POSTGRES` names, else a SQLite file.
//!
//! The server's user needs the right to create databases. The first test creates a template, and each test gets a copy,
//! which is dropped after its directory is deleted; the last copies and the template are left to whoever started the
//! server.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use tokio::sync::{Mutex, OnceCell};
use twite::{settings::Address, store::Store};

/// Environment variable with the server's URL: `postgres://user@host/database`.
pub const SERVER: &str = "TWITE_TEST_POSTGRES";

/// The URL of the test server, if there is one.
pub fn server() -> Option<String> {
    std::env::var(SERVER).ok().filter(|server| !server.is_empty())
}

/// A database that is deleted on drop: a file in a temporary directory, or a copy on the server.
pub struct TestDatabase {
    pub address: Address,
    _directory: tempfile::TempDir,
}

impl TestDatabase {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = at(&directory.path().join("twite.db")).await;
        Self { address, _directory: directory }
    }

    /// Opens the store, as another process would.
    pub async fn open(&self) -> Store {
        Store::open(&self.address).await.unwrap()
    }
}

/// The database for a path: the file, or a database on the server for as long as the path's directory exists.
pub async fn at(path: &Path) -> Address {
    url_at(path).await.parse().unwrap()
}

/// The address of [`at`] in the form of `--database`.
pub async fn url_at(path: &Path) -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    static COPIES: Mutex<BTreeMap<PathBuf, String>> = Mutex::const_new(BTreeMap::new());
    let Some(server) = server() else { return path.to_str().unwrap().to_owned() };
    let template = TEMPLATE.get_or_init(|| laid_out(&server)).await;
    let mut copies = COPIES.lock().await;
    if let Some(name) = copies.get(path) {
        return named(&server, name);
    }
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let gone: Vec<_> = copies.keys().filter(|path| !path.parent().unwrap().exists()).cloned().collect();
    for name in gone.iter().filter_map(|path| copies.remove(path)) {
        run(&mut admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
    let name = format!("twite_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    admin.close().await.unwrap();
    let url = named(&server, &name);
    copies.insert(path.to_owned(), name);
    url
}

/// [`url_at`], as an argument of a command.
pub async fn path_at(path: &Path) -> PathBuf {
    url_at(path).await.into()
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Creates the template: all tables, and no identity yet. Returns its name.
async fn laid_out(server: &str) -> String {
    let name = format!("twite_template_{}", std::process::id());
    let mut admin = PgConnection::connect(server).await.unwrap();
    run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    // An ICU locale, as many servers have one: no sort order may depend on it.
    let language = "LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE' LOCALE 'C' ENCODING 'UTF8'";
    run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE template0 {language}")).await;
    let url = named(server, &name);
    Store::open(url.parse::<Address>().unwrap()).await.unwrap().close().await;
    let mut template = PgConnection::connect(&url).await.unwrap();
    run(&mut template, "DELETE FROM identity".to_owned()).await;
    template.close().await.unwrap();
    name
}

async fn run(connection: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.unwrap();
}

/// The URL of another database on the same server.
fn named(server: &str, database: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(database);
    url.into()
}

/// A direct connection to the database, without the store.
pub enum DirectConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl DirectConnection {
    /// Connects to the database for a path, see [`at`].
    pub async fn at(path: &Path) -> Self {
        let url = url_at(path).await;
        match server() {
            Some(_) => Self::Postgres(PgConnection::connect(&url).await.unwrap()),
            None => {
                let file = SqliteConnectOptions::new().filename(&url).busy_timeout(Duration::from_secs(10));
                Self::Sqlite(file.connect().await.unwrap())
            }
        }
    }

    /// The first column of the result, as texts.
    pub async fn texts(&mut self, statement: impl Into<String>) -> Vec<String> {
        let statement = AssertSqlSafe(statement.into());
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(statement).fetch_all(connection).await.unwrap();
                // Bytes cast to text may be invalid UTF-8.
                rows.iter().map(|row| String::from_utf8_lossy(row.get_unchecked(0)).into_owned()).collect()
            }
            Self::Postgres(connection) => sqlx::query_scalar(statement).fetch_all(connection).await.unwrap(),
        }
    }

    /// All columns of all tables, as table and column.
    pub async fn columns(&mut self) -> Vec<(String, String)> {
        let columns = match self {
            Self::Sqlite(_) => {
                "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
            }
            Self::Postgres(_) => {
                "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            }
        };
        let found = self.texts(columns).await;
        found.iter().map(|name| name.split_once('.').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }
}
