//! Everything that is kept: tickets, people, comments, accounts, audit, inbox, outbox, positions at X, rule sets.
//!
//! sqlx on SQLite, with statements that PostgreSQL understands as well. One connection writes, several
//! read; a writer's transaction takes its lock at the start, so it cannot fail half way for want of one.
//!
//! Every function that asks the database fails with [`StoreError`] when it refuses, is full or is gone. `# Errors` says
//! only what is more.

mod account;
mod audit;
mod comment;
mod due;
mod file;
mod forget;
mod hindrance;
mod inbox;
mod intervention;
mod lease;
mod live;
mod loops;
mod outbox;
mod pause;
mod polling;
mod post;
mod queues;
mod recount;
mod report;
mod ticket;
mod transaction;
mod tx_cache;
mod version;
mod view;
mod write_buffer;

#[cfg(test)]
mod tests;

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use jiff::Timestamp;
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqlitePool,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult,
        SqliteSynchronous,
    },
};

pub use self::{
    account::{AccountState, ConnectedAccount, Key},
    audit::{Counts, DecisionRecord, Recorded, RecordedRun},
    comment::{NewComment, Standing},
    hindrance::Hindrance,
    inbox::{Accepted, InboxItem, Incoming, IncomingKind},
    intervention::{Intervention, NotPossible, Queued},
    lease::{Asked, Ended, Holder, Lease, TERM, Watch},
    live::LiveRules,
    loops::StoppedLoop,
    outbox::{EarlierPart, Next, OutboxItem, Outgoing, RepliesSince},
    pause::{GRANT, Pause, SEND},
    polling::{Gap, Polling},
    post::{PutPost, Seen, StoredPost},
    queues::Queues,
    ticket::{TicketHead, TicketKey},
};
use tokio::time::Instant;

use self::{file::File, lease::Fence, transaction::Transaction, tx_cache::TxCache, write_buffer::WriteBuffer};

/// How long a statement waits for another process that holds the database.
const BUSY: Duration = Duration::from_secs(10);
/// How many statements each connection keeps prepared: more than there are.
const STATEMENTS: usize = 300;
/// How many connections read at once.
const READERS: u32 = 4;
/// What marks a database as one of Twite, in the header of its file: `twit`.
const APPLICATION_ID: i64 = 0x7477_6974;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database said no.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database could not be brought to this version's layout.
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Something in the database is not what this version writes there.
    #[error("the database holds something that cannot be read: {0}")]
    Corrupt(String),
    /// The file is a database, and none of Twite.
    #[error("it is the database of another program, and is left as it is; name another file")]
    Foreign,
    /// Another daemon has taken over.
    #[error("another daemon has taken over the work on this database")]
    Superseded,
    /// The file was deleted or replaced while it was in use: what is written now, nobody would find again.
    #[error(
        "the database {0} was deleted or replaced by another file while it was in use; put it back where it is still wanted, \
         and start again"
    )]
    Replaced(String),
    /// Tokens cannot be sealed or opened.
    #[error("{0}")]
    Key(String),
}

impl StoreError {
    /// Whether it is about what was to be stored, and not about the moment: trying again will not help.
    pub fn is_about_data(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Database(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => true,
            // A constraint: everything else the database says may be otherwise later.
            Self::Database(sqlx::Error::Database(error)) => !matches!(error.kind(), sqlx::error::ErrorKind::Other),
            _ => false,
        }
    }
}

/// The store. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
    fence: Arc<Fence>,
    file: Arc<File>,
    id: Arc<str>,
}

/// A transaction that writes. Dropped without [`Tx::commit`], it never was.
#[derive(Debug)]
pub struct Tx(Transaction, TxCache, WriteBuffer);

impl Store {
    /// Opens a database file, makes it where there is none, and brings it up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, is another program's, or is newer than this version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
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
        // A file does not hang up: asking a connection whether it is still there would only cost time.
        let pool = || SqlitePoolOptions::new().test_before_acquire(false);
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
        sqlx::migrate!().run_direct(None, &mut *tx, false).await?;
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
        Ok(Self { writer, reader, fence: Arc::default(), file: Arc::new(File::at(path)), id: id.into() })
    }

    /// The id of this database, which no other has: 26 lower-case letters and digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Empties the log of changes into the database, so that what was deleted is in neither. Where somebody is still
    /// reading, that is left for the next time.
    pub async fn empty_log(&self) -> Result<(), StoreError> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?;
        Ok(())
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// When another process holds the database for too long, another daemon has taken over, or the file is another one.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.file.check()?;
        let transaction = Transaction::writing(&self.writer).await?;
        let mut tx = Tx(transaction, TxCache::default(), WriteBuffer::default());
        tx.check_fence(&self.fence).await?;
        Ok(tx)
    }

    /// Runs one statement that writes, in a transaction of its own.
    async fn write(&self, statement: Query<'_, Sqlite, SqliteArguments>) -> Result<SqliteQueryResult, StoreError> {
        let mut tx = self.begin().await?;
        let done = statement.execute(&mut *tx.0).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Begins a transaction that reads.
    async fn snapshot(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction::reading(&self.reader).await?)
    }

    /// Closes every connection, after what is under way.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl Tx {
    /// Makes everything in this transaction durable, at once.
    ///
    /// # Errors
    /// When the store fails: nothing was done then.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.flush().await?;
        Ok(self.0.commit().await?)
    }
}

/// Refuses a database that another program made, before anything is written to it. What cannot be read is left to whoever
/// opens it.
async fn refuse_foreign(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let reading = options.clone().read_only(true).busy_timeout(BUSY);
    let Ok(mut file) = reading.connect().await else { return Ok(()) };
    let found: Result<(i64, i64), _> = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_master)",
    )
    .fetch_one(&mut file)
    .await;
    file.close().await?;
    match found {
        Ok((mark, tables)) if mark != APPLICATION_ID && (mark != 0 || tables > 0) => Err(StoreError::Foreign),
        _ => Ok(()),
    }
}

/// 128 random bits, five in a character.
fn random_id() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Key(e.to_string()))?;
    let mut bits = u128::from_le_bytes(bytes);
    let mut id = String::with_capacity(26);
    for _ in 0..26 {
        // Five bits are a digit of base 32.
        id.extend(char::from_digit((bits & 31) as u32, 32));
        bits >>= 5;
    }
    Ok(id)
}

/// Whether another connection holds the database: SQLITE_BUSY, in any of its extended forms.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

fn time(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|e| StoreError::Corrupt(format!("the time {millis}: {e}")))
}

/// Whether to keep a statement prepared whose text depends on a number of rows: not where each number would fill the cache
/// with another one.
fn comes_again(rows: usize) -> bool {
    rows <= 4
}

/// A time as it reads when it comes back: whole milliseconds.
fn stored(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn times(millis: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    millis.map(time).transpose()
}

/// A stored word as what it stands for.
fn word<T: FromStr>(text: &str) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e| StoreError::Corrupt(format!("{e}")))
}

fn words<T: FromStr>(text: Option<&str>) -> Result<Option<T>, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.map(word).transpose()
}
