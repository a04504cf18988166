//! Persistent storage: tickets, people, comments, accounts, audit, inbox, outbox, polling cursors, rule sets.
//!
//! Runs the same statements on SQLite and PostgreSQL (`db`), with one connection for writing and several for reading.
//! Write transactions are serialised, also between processes: each takes the write lock when it begins, so it cannot
//! fail half way because it does not get it.
//!
//! Every function that queries the database returns a [`StoreError`] if the query fails. `# Errors` lists only further
//! causes.

mod absence;
mod account;
mod assignment;
mod column;
mod comment;
mod counts;
mod custom;
mod db;
mod decision;
mod failing;
mod field_version;
mod file;
mod firing;
mod forget;
mod hindrance;
mod holding;
mod inbox;
mod intervention;
mod key_rotation;
mod lease;
mod live;
mod lookup;
mod loops;
mod merge;
mod number;
mod outbox;
mod pause;
mod person;
mod polling;
mod post;
mod post_version;
mod previous_ticket;
mod problem;
mod progress;
mod queues;
mod recount;
mod report;
mod rules_version;
mod schedule;
mod seen_person;
mod sign_in;
mod snapshot;
mod switch;
mod ticket;
mod ticket_link;
mod tx_cache;
mod uncaptured;
mod usable;
mod view;
mod volume;
mod write_buffer;

#[cfg(test)]
mod tests;

use std::{str::FromStr, sync::Arc};

use jiff::Timestamp;

pub use self::{
    absence::Absence,
    account::Key,
    comment::{MAX_IMPORTED_COMMENTS, NewComment, Standing},
    counts::Counts,
    decision::{DecisionRecord, Recorded, RecordedRun},
    failing::{Failing, Receiver},
    firing::{AskedFirings, HeldBackLately, LATELY},
    hindrance::Hindrance,
    holding::Holding,
    inbox::{Accepted, InboxItem},
    intervention::{Intervention, NotPossible, Queued},
    key_rotation::{NotRotated, Rotated},
    lease::{Asked, Ended, Holder, Lease, TERM, Watch},
    live::LiveRules,
    loops::StoppedLoop,
    outbox::{DeliveryStatus, EarlierPart, Echo, Next, OutboxItem, Outgoing, RepliesSince},
    pause::{GRANT, Pause, SEND_ACTIONS, SEND_MESSAGES, SEND_POSTS, sending},
    polling::{Acknowledged, Gap, Polling, Stall},
    post::{PutPost, Seen, StoredPost},
    queues::Queues,
    seen_person::{PersonChange, SeenPerson, StoredChange},
    sign_in::{PendingSignIn, SignInState, TakenSignIn},
    snapshot::{SeenTicket, Snapshot},
    ticket::{TicketHead, TicketKey},
    uncaptured::{Uncaptured, UncapturedFilter},
    volume::LastingVolume,
};
use self::{
    db::{Dialect, ErrorClass, Opened, Pool, Query, Transaction, query},
    file::File,
    lease::Fence,
    write_buffer::Buffered,
};
use crate::settings::Address;

/// Removes dead row versions from the PostgreSQL tables that hold content from X.
const VACUUM: &str =
    "VACUUM comment, comment_version, decision, inbox, outbox, person_field, post, ticket, ticket_field";

/// An error of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A statement or a connection failed.
    #[error("the database: {}", db::message_of(.0))]
    Database(#[from] sqlx::Error),
    /// A schema migration failed.
    #[error("the database cannot be brought up to date: {}", db::migration_message_of(.0))]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A stored value cannot be decoded.
    #[error("the database holds something that cannot be read: {0}")]
    Corrupt(String),
    /// The database belongs to another program.
    #[error("it is the database of another program, and is left as it is; name another one")]
    Foreign,
    /// The schema has to be migrated, and a daemon of an earlier version works with it.
    #[error(
        "a daemon of an earlier version (process {} on {}) uses it; stop that daemon, so that this version can change the layout",
        .0.pid, .0.host
    )]
    InUse(Holder),
    /// The encoding of the PostgreSQL database is not UTF-8.
    #[error("the database keeps texts as {0}; make it with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`")]
    Encoding(String),
    /// This process cannot use the file as a database. The message says why and how to fix it.
    #[error("{0}")]
    Unusable(String),
    /// The disk is full or fails, or another process locks the file. The message says which; a retry may succeed.
    #[error("{0}")]
    Busy(String),
    /// The PostgreSQL server does not answer. The message says why and what to check.
    #[error("{0}")]
    Unreachable(String),
    /// The database was opened read-only and has the schema of another version of Twite.
    #[error("it has the layout of another version of Twite; `twite serve` brings it up to date when it starts")]
    Layout,
    /// Another daemon has taken over the lease.
    #[error("another daemon has taken over the work on this database")]
    Superseded,
    /// The database file was deleted or replaced while it was open: further writes would be lost.
    #[error(
        "the database {0} was deleted or replaced by another file while it was in use; put it back where it is still wanted, \
         and start again"
    )]
    Replaced(String),
    /// The encryption key is invalid, tokens cannot be encrypted or decrypted, or no random bytes are available.
    #[error("{0}")]
    Key(String),
}

impl StoreError {
    /// Whether the error is permanent because it is caused by the data: retrying will not help.
    pub fn is_about_data(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::Database(error) => db::class_of(error) == ErrorClass::Data,
            _ => false,
        }
    }
}

/// The database. Cheap to clone; all clones share the same connections.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Pool,
    reader: Pool,
    fence: Arc<Fence>,
    /// The file that was opened; `None` on PostgreSQL.
    file: Option<Arc<File>>,
    id: Arc<str>,
}

/// A write transaction. Rolled back if it is dropped without [`Tx::commit`].
#[derive(Debug)]
pub struct Tx {
    conn: Buffered,
    /// Whether the rules that time fires ask for the counts of a person's tickets: if one changes, the other tickets are
    /// evaluated.
    pub counts_matter: bool,
}

impl Store {
    /// Opens a database for writing and migrates its schema. A missing SQLite file is created; a PostgreSQL database
    /// must exist.
    ///
    /// # Errors
    /// If it cannot be opened, is not a database, belongs to another program, has a newer schema, or has an older one
    /// that a daemon may still use.
    pub async fn open(at: impl Into<Address>) -> Result<Self, StoreError> {
        Self::open_watching(at, &mut Watch::default()).await
    }

    /// As [`Self::open`], repeatedly: after [`StoreError::InUse`], a later call with the same watch succeeds once the
    /// daemon has not renewed its lease for [`TERM`].
    pub async fn open_watching(at: impl Into<Address>, watch: &mut Watch) -> Result<Self, StoreError> {
        let (opened, file) = match at.into() {
            Address::File(path) => (db::sqlite::open(&path, watch).await?, Some(Arc::new(File::at(&path)))),
            Address::Server(server) => (db::postgres::open(&server, watch).await?, None),
        };
        let Opened { writer, reader, id } = opened;
        Ok(Self { writer, reader, fence: Arc::default(), file, id: id.into() })
    }

    /// Opens a database read-only, which needs no write permission. `None` if it has no tables yet.
    ///
    /// # Errors
    /// If it cannot be read, is not a database, belongs to another program, or has the schema of another version.
    pub async fn open_to_read(at: impl Into<Address>) -> Result<Option<Self>, StoreError> {
        let (opened, file) = match at.into() {
            Address::File(path) => (db::sqlite::open_to_read(&path).await?, Some(Arc::new(File::at(&path)))),
            Address::Server(server) => (db::postgres::open_to_read(&server).await?, None),
        };
        Ok(opened.map(|Opened { writer, reader, id }| Self {
            writer,
            reader,
            fence: Arc::default(),
            file,
            id: id.into(),
        }))
    }

    /// The unique id of this database: 26 lower-case letters and digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Erases deleted data physically: checkpoints and truncates the write-ahead log of SQLite, or vacuums PostgreSQL.
    /// Data that a reader still uses is left for the next call.
    pub async fn purge(&self) -> Result<(), StoreError> {
        match self.writer.dialect() {
            Dialect::Sqlite => query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?,
            Dialect::Postgres => query(VACUUM).execute(&self.reader).await?,
        };
        Ok(())
    }

    /// Begins a write transaction.
    ///
    /// # Errors
    /// If another process holds the write lock for too long, another daemon has taken over, or the file was replaced.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.check_file()?;
        let conn = Transaction::writing(&self.writer).await?;
        let mut tx = Tx { conn: Buffered::new(conn), counts_matter: true };
        tx.check_fence(&self.fence).await?;
        Ok(tx)
    }

    /// Fails if the database file is no longer the one that was opened.
    fn check_file(&self) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// Runs one statement in its own write transaction. Returns the number of rows affected.
    async fn write(&self, statement: Query<'_>) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = statement.execute(&mut tx.conn).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Closes all connections after their running statements have finished.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl Tx {
    /// Writes the buffered rows and commits.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.conn.commit().await?)
    }

    /// Undoes everything.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.conn.rollback().await?)
    }
}

/// A random 128-bit id as 26 base-32 digits.
fn random_id() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Key(e.to_string()))?;
    let mut bits = u128::from_le_bytes(bytes);
    let mut id = String::with_capacity(26);
    for _ in 0..26 {
        // Five bits make one digit in base 32.
        id.extend(char::from_digit((bits & 31) as u32, 32));
        bits >>= 5;
    }
    Ok(id)
}

fn time(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|e| StoreError::Corrupt(format!("the time {millis}: {e}")))
}

/// Whether to cache a prepared statement whose text depends on its number of rows. Only for few rows, so that the
/// variants do not fill the cache.
fn comes_again(rows: usize) -> bool {
    rows <= 4
}

/// A time rounded to whole milliseconds, as the database stores it.
fn stored(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn times(millis: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    millis.map(time).transpose()
}

/// Parses a stored keyword or id.
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
