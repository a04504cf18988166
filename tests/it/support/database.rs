//! A database for each test: of PostgreSQL where `TWITE_TEST_POSTGRES` names a server, else a file of SQLite.
//!
//! The server's user must be allowed to make databases. The first test lays a template out, and each test gets a copy.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of it, and one without a database has failed")]

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;
use twite::store::{Address, Store};

/// The variable that names a server, as `postgres://user@host/database`.
pub const SERVER: &str = "TWITE_TEST_POSTGRES";

/// The server of the tests, where there is one.
pub fn server() -> Option<String> {
    std::env::var(SERVER).ok().filter(|server| !server.is_empty())
}

/// A database that goes with its owner.
pub struct TestDatabase {
    pub address: Address,
    /// What `--database` and `[store] url` take for it.
    pub url: String,
    /// Where it is a file: the directory of it.
    directory: Option<tempfile::TempDir>,
    /// Where it is on a server: its name.
    name: Option<String>,
}

impl TestDatabase {
    /// A new one, without tables on SQLite, and with nothing in them on PostgreSQL.
    pub async fn new() -> Self {
        match server() {
            Some(server) => Self::copied(&server).await,
            None => {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("twite.db");
                let url = path.to_str().unwrap().to_owned();
                Self { address: Address::from(&path), url, directory: Some(directory), name: None }
            }
        }
    }

    /// Opens it, as another process does.
    pub async fn open(&self) -> Store {
        Store::open(&self.address).await.unwrap()
    }

    async fn copied(server: &str) -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        static COPIES: AtomicU32 = AtomicU32::new(0);
        let template = TEMPLATE.get_or_init(|| laid_out(server)).await;
        let name = format!("twite_test_{}_{}", std::process::id(), COPIES.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(server).await.unwrap();
        run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        admin.close().await.unwrap();
        let url = named(server, &name);
        Self { address: url.parse().unwrap(), url, directory: None, name: Some(name) }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (Some(name), Some(server)) = (self.name.take(), server()) else { return };
        // A runtime cannot be waited for from within another one.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&server).await.unwrap();
                run(&mut admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
            });
        });
        // Where that failed, the database is left over: no reason to fail the test.
        let _ = dropped.join();
    }
}

/// The name of a database with all tables and no id of its own yet.
async fn laid_out(server: &str) -> String {
    let name = format!("twite_template_{}", std::process::id());
    let mut admin = PgConnection::connect(server).await.unwrap();
    run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    // A language's order, as many servers have it: nothing may depend on it.
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
