//! Everything that is kept: tickets, people, comments, accounts, audit, inbox, outbox, positions at X, rule sets.
//!
//! On SQLite or PostgreSQL, with the same statements (`db`). One connection writes, several read. Of transactions that write
//! there is one at a time, whoever writes: it takes its lock at the start, so it cannot fail half way for want of one.
//!
//! Every function that asks the database fails with [`StoreError`] when it refuses, is full or is gone. `# Errors` says
//! only what is more.

mod account;
mod address;
mod audit;
mod column;
mod comment;
mod db;
mod due;
mod file;
mod forget;
mod hindrance;
mod inbox;
mod intervention;
mod lease;
mod live;
mod loops;
mod number;
mod outbox;
mod pause;
mod polling;
mod post;
mod queues;
mod recount;
mod report;
mod ticket;
mod tx_cache;
mod usable;
mod version;
mod view;
mod write_buffer;

#[cfg(test)]
mod tests;

use std::{str::FromStr, sync::Arc};

use jiff::Timestamp;

pub use self::{
    account::{AccountState, ConnectedAccount, Key},
    address::{Address, Server},
    audit::{Counts, DecisionRecord, Earlier, Recorded, RecordedRun},
    comment::{NewComment, Standing},
    hindrance::Hindrance,
    inbox::{Accepted, InboxItem, Incoming, IncomingKind},
    intervention::{Intervention, NotPossible, Queued},
    lease::{Asked, Ended, Holder, Lease, TERM, Watch},
    live::LiveRules,
    loops::StoppedLoop,
    outbox::{DeliveryStatus, EarlierPart, Next, OutboxItem, Outgoing, RepliesSince},
    pause::{GRANT, Pause, SEND},
    polling::{Gap, Polling},
    post::{PutPost, Seen, StoredPost},
    queues::Queues,
    ticket::{TicketHead, TicketKey},
};
use self::{
    db::{Dialect, ErrorClass, Opened, Pool, Query, Transaction, query},
    file::File,
    lease::Fence,
    tx_cache::TxCache,
    write_buffer::WriteBuffer,
};

/// Clears the rows of tables that hold texts of X, where they were deleted or written anew.
const VACUUM: &str = "VACUUM comment, comment_version, decision, inbox, outbox, post, ticket, ticket_field";

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
    /// It is a database, and none of Twite.
    #[error("it is the database of another program, and is left as it is; name another one")]
    Foreign,
    /// The database does not keep all characters.
    #[error("the database keeps texts as {0}; make it with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`")]
    Encoding(String),
    /// The file cannot be used as a database by this process, and what to do about it.
    #[error("{0}")]
    Unusable(String),
    /// The database has the layout of another version, and is opened to be read only.
    #[error("it has the layout of another version of Twite; `twite serve` brings it up to date when it starts")]
    Layout,
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
            Self::Corrupt(_) => true,
            Self::Database(error) => db::class_of(error) == ErrorClass::Data,
            _ => false,
        }
    }
}

/// The store. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Pool,
    reader: Pool,
    fence: Arc<Fence>,
    /// The file that was opened, where it is one.
    file: Option<Arc<File>>,
    id: Arc<str>,
}

/// A transaction that writes. Dropped without [`Tx::commit`], it never was.
#[derive(Debug)]
pub struct Tx {
    conn: Transaction,
    cache: TxCache,
    buffer: WriteBuffer,
}

impl Store {
    /// Opens a database and brings it up to date. A file is made where there is none; a database on a server must be there.
    ///
    /// # Errors
    /// When it cannot be opened, is no database, is another program's, or is newer than this version.
    pub async fn open(at: impl Into<Address>) -> Result<Self, StoreError> {
        let (opened, file) = match at.into() {
            Address::File(path) => (db::sqlite::open(&path).await?, Some(Arc::new(File::at(&path)))),
            Address::Server(server) => (db::postgres::open(&server.options).await?, None),
        };
        let Opened { writer, reader, id } = opened;
        Ok(Self { writer, reader, fence: Arc::default(), file, id: id.into() })
    }

    /// Opens a database to read it, also where this process may not write it. `None` where nothing is in it yet.
    ///
    /// # Errors
    /// When it cannot be read, is no database, is another program's, or has another version's layout.
    pub async fn open_to_read(at: impl Into<Address>) -> Result<Option<Self>, StoreError> {
        let (opened, file) = match at.into() {
            Address::File(path) => (db::sqlite::open_to_read(&path).await?, Some(Arc::new(File::at(&path)))),
            Address::Server(server) => (db::postgres::open_to_read(&server.options).await?, None),
        };
        Ok(opened.map(|Opened { writer, reader, id }| Self {
            writer,
            reader,
            fence: Arc::default(),
            file,
            id: id.into(),
        }))
    }

    /// The id of this database, which no other has: 26 lower-case letters and digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Overwrites what was deleted: SQLite empties its log of changes into the file, PostgreSQL clears the rows that were.
    /// Where somebody still reads them, that is left for the next time.
    pub async fn purge(&self) -> Result<(), StoreError> {
        match self.writer.dialect() {
            Dialect::Sqlite => query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?,
            Dialect::Postgres => query(VACUUM).execute(&self.reader).await?,
        };
        Ok(())
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// When another process holds the database for too long, another daemon has taken over, or the file is another one.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.check_file()?;
        let conn = Transaction::writing(&self.writer).await?;
        let mut tx = Tx { conn, cache: TxCache::default(), buffer: WriteBuffer::default() };
        tx.check_fence(&self.fence).await?;
        Ok(tx)
    }

    /// Refuses to go on where the database file is no longer the one that was opened.
    fn check_file(&self) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// Runs one statement that writes, in a transaction of its own.
    async fn write(&self, statement: Query<'_>) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = statement.execute(&mut tx.conn).await?;
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
        Ok(self.conn.commit().await?)
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
