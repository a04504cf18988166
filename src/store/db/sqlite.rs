//! Opening a database of SQLite: one connection writes, several read.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::Instant;

use super::{Opened, Pool};
use crate::store::{StoreError, random_id, usable};

/// How long a statement waits for another process that holds the database.
const BUSY: Duration = Duration::from_secs(10);
/// How many statements each connection keeps prepared: more than there are.
const STATEMENTS: usize = 300;
/// How many connections read at once.
pub(in crate::store) const READERS: u32 = 4;
/// What marks a database as one of Twite, in the header of its file: `twit`.
const APPLICATION_ID: i64 = 0x7477_6974;

/// The layouts of a database, up to this version's.
static LAYOUTS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Opens a database file, makes it where there is none, and brings it up to date.
pub(in crate::store) async fn open(path: &Path) -> Result<Opened, StoreError> {
    usable::check(path)?;
    make(path).await.map_err(|error| usable::explain(path, error))
}

async fn make(path: &Path) -> Result<Opened, StoreError> {
    // `:memory:` and `file:…` are paths like any other.
    let options = SqliteConnectOptions::new().filename(Path::new(".").join(path));
    refuse_foreign(&options).await?;
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was told to be sent must be on disk before it is sent, also when the power goes.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is deleted is overwritten, not only let go.
        .pragma("secure_delete", "on")
        // A transaction of a hundred messages fits, and what it takes to undo a statement stays in memory.
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
        .busy_timeout(BUSY)
        .statement_cache_capacity(STATEMENTS)
        .with_regexp();
    let deadline = Instant::now() + BUSY;
    let writer = loop {
        match pool().max_connections(1).connect_with(options.clone()).await {
            // SQLite does not wait by itself for another process that makes the database and sets its journal mode.
            Err(error) if is_busy(&error) && Instant::now() < deadline => tokio::time::sleep(BUSY / 200).await,
            connected => break connected?,
        }
    };
    // Several processes may open a new database at once: one lays it out, and the others wait for that.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    // As `run` does, whose signature the compiler does not take here.
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

/// Opens a database file to read it, whoever may write it: nothing is brought up to date, and no file is made beside it.
/// `None` where nothing is in it yet.
pub(in crate::store) async fn open_to_read(path: &Path) -> Result<Option<Opened>, StoreError> {
    usable::check(path)?;
    read(path).await.map_err(|error| usable::explain(path, error))
}

async fn read(path: &Path) -> Result<Option<Opened>, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(Path::new(".").join(path))
        .read_only(true)
        // Without a log nobody has it open, or nobody has written. A reader would make one, and leave it behind.
        .immutable(!usable::log(path).exists())
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
        .busy_timeout(BUSY)
        .statement_cache_capacity(STATEMENTS)
        .with_regexp();
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

/// Connections to a file, which does not hang up: they are kept, and used without asking whether they still stand.
///
/// Without a lifetime, the pool runs no task that looks for old connections. That task of sqlx 0.9.0 counts the idle ones while
/// others take them, and can spin for ever where the count falls below zero for a moment.
fn pool() -> SqlitePoolOptions {
    SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None)
}

/// What marks a database, and how many tables it has.
const MARK_AND_TABLES: &str =
    "SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_master)";

/// Refuses a database that another program made, before anything is written to it. What cannot be read is left to whoever
/// opens it.
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

/// Whether another connection holds the database: SQLITE_BUSY, in any of its extended forms.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
