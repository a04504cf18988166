//! Opens SQLite databases: one connection for writing, several for reading.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _,
    migrate::Migrator,
    sqlite::{
        SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use tokio::time::Instant;

use super::{Dialect, Opened, Pool, Row, is_behind};
use crate::store::{StoreError, Watch, lease, random_id, usable};

/// The busy timeout: how long a statement waits for a lock held by another process.
const BUSY: Duration = Duration::from_secs(10);
/// The number of prepared statements cached per connection; greater than the number of statements in the program.
const STATEMENTS: usize = 300;
/// The number of connections for reading.
pub(in crate::store) const READERS: u32 = 4;
/// SQLite's `application_id`, which marks a file as a database of Twite: `twit` in ASCII.
const APPLICATION_ID: i64 = 0x7477_6974;

/// The schema migrations.
static LAYOUTS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Opens a database file, creating it if it is missing, and migrates its schema.
pub(in crate::store) async fn open(path: &Path, watch: &mut Watch) -> Result<Opened, StoreError> {
    usable::check(path)?;
    make(path, watch).await.map_err(|error| usable::explain(path, error))
}

async fn make(path: &Path, watch: &mut Watch) -> Result<Opened, StoreError> {
    // Prefixed with `.`, so that `:memory:` and `file:…` are treated as ordinary paths.
    let options = SqliteConnectOptions::new().filename(Path::new(".").join(path));
    refuse_foreign(&options).await?;
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An outbox claim must survive a power failure before the effect is sent.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Deleted data is overwritten, not just unlinked.
        .pragma("secure_delete", "on")
        // Cache of 16 MB, enough for a transaction of a hundred messages; statement journals stay in memory.
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
        .busy_timeout(BUSY)
        .statement_cache_capacity(STATEMENTS)
        .with_regexp();
    let deadline = Instant::now() + BUSY;
    let writer = loop {
        match pool().max_connections(1).connect_with(options.clone()).await {
            // The busy timeout does not apply while another process creates the database and sets its journal mode.
            Err(error) if is_busy(&error) && Instant::now() < deadline => tokio::time::sleep(BUSY / 200).await,
            connected => break connected?,
        }
    };
    // Several processes may open a new database at once: one creates the schema while the others wait.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    refuse_in_use(&mut tx, watch).await?;
    // Same as `run`, whose signature does not compile here.
    LAYOUTS.run_direct(None, &mut *tx, false).await?;
    let known: Option<String> = sqlx::query_scalar("SELECT id FROM identity").fetch_optional(&mut *tx).await?;
    let id = match known {
        Some(id) => id,
        None => {
            let id = random_id()?;
            let mark = sqlx::AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}"));
            sqlx::query(mark).execute(&mut *tx).await?;
            sqlx::query("INSERT INTO identity (id) VALUES ($1)").bind(&id).execute(&mut *tx).await?;
            id
        }
    };
    tx.commit().await?;
    let reader = pool().max_connections(READERS).connect_with(options.create_if_missing(false)).await?;
    Ok(Opened { writer: Pool::Sqlite(writer), reader: Pool::Sqlite(reader), id })
}

/// Opens a database file read-only, without migrating it or creating files beside it. `None` if it has no tables yet.
pub(in crate::store) async fn open_to_read(path: &Path) -> Result<Option<Opened>, StoreError> {
    usable::check(path)?;
    let opened = match read(path, Sharing::Shared).await {
        // No process has it open, because shared memory would exist then. On a full disk, SQLite can read it alone.
        Err(error) if usable::lacks_shared_memory(&error) => read(path, Sharing::Alone).await,
        opened => opened,
    };
    opened.map_err(|error| usable::explain(path, error))
}

/// How a database is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// Beside other processes.
    Shared,
    /// Without locks and shared memory.
    Alone,
}

async fn read(path: &Path, sharing: Sharing) -> Result<Option<Opened>, StoreError> {
    let mut options = SqliteConnectOptions::new()
        .filename(Path::new(".").join(path))
        .read_only(true)
        // No write-ahead log means no writer, so the file can be opened as immutable, which keeps SQLite from leaving a
        // new log behind.
        .immutable(!usable::log(path).exists())
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
        .busy_timeout(BUSY)
        .statement_cache_capacity(STATEMENTS)
        .with_regexp();
    if sharing == Sharing::Alone {
        options = options.vfs("unix-none").locking_mode(SqliteLockingMode::Exclusive);
    }
    let pool = pool().max_connections(READERS).connect_with(options).await?;
    let (mark, tables): (i64, i64) = sqlx::query_as(MARK_AND_TABLES).fetch_one(&pool).await?;
    match (mark, tables) {
        (0 | APPLICATION_ID, 0) => return Ok(None),
        (APPLICATION_ID, _) => {}
        _ => return Err(StoreError::Foreign),
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version").fetch_all(&pool).await?;
    let known = LAYOUTS.iter().map(|layout| (layout.version, layout.checksum.to_vec()));
    if !known.eq(applied) {
        return Err(StoreError::Layout);
    }
    let id = sqlx::query_scalar("SELECT id FROM identity").fetch_one(&pool).await?;
    Ok(Some(Opened { writer: Pool::Sqlite(pool.clone()), reader: Pool::Sqlite(pool), id }))
}

/// The options of a connection pool. Connections to a file do not break, so they are kept and not tested before use.
///
/// Without a maximum lifetime or idle timeout, the pool runs no reaper task. The one of sqlx 0.9.0 has a race in its
/// count of idle connections and can spin forever.
fn pool() -> SqlitePoolOptions {
    SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None)
}

/// Reads the `application_id` and the number of schema objects.
const MARK_AND_TABLES: &str =
    "SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_master)";

/// Fails if another program created the database, before anything is written to it. A file that cannot be read passes;
/// opening it fails later.
async fn refuse_foreign(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let reading = options.clone().read_only(true).busy_timeout(BUSY);
    let Ok(mut file) = reading.connect().await else { return Ok(()) };
    let found: Result<(i64, i64), _> = sqlx::query_as(MARK_AND_TABLES).fetch_one(&mut file).await;
    file.close().await?;
    match found {
        Ok((mark, tables)) if mark != APPLICATION_ID && (mark != 0 || tables > 0) => Err(StoreError::Foreign),
        _ => Ok(()),
    }
}

/// Fails if the schema has to be migrated while a daemon may work with it.
async fn refuse_in_use(connection: &mut SqliteConnection, watch: &mut Watch) -> Result<(), StoreError> {
    let (_, tables): (i64, i64) = sqlx::query_as(MARK_AND_TABLES).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(());
    }
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations").fetch_all(&mut *connection).await?;
    if !is_behind(&LAYOUTS, &applied) {
        return Ok(());
    }
    let lease = sqlx::query(lease::READ).fetch_optional(connection).await?;
    lease::refuse_held(lease.map(Row::Sqlite), Dialect::Sqlite, watch)
}

/// Whether another connection holds the database: SQLITE_BUSY, in any of its extended forms.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
