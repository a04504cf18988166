//! Abstraction over SQLite and PostgreSQL: a statement is written once, with parameters `$1`, `$2`, and runs on both.
//! Code that must differ matches on [`Dialect`].

mod builder;
mod error;
pub(super) mod postgres;
mod query;
mod row;
pub(super) mod sqlite;
mod transaction;
mod value;

use sqlx::{
    Error, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, migrate::Migrator,
    pool::PoolConnection,
};

pub(super) use self::{
    builder::Builder,
    error::{ErrorClass, class_of, message_of, migration_message_of},
    query::{Query, Sql, query, query_scalar},
    row::Row,
    transaction::Transaction,
    value::Value,
};
use super::write_buffer::Buffered;

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// A connection pool.
#[derive(Debug, Clone)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(super) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn acquire(&self) -> Result<Connection, Error> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// Closes all connections after their running statements have finished.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Whether a database with these schema migrations lacks some of this version.
fn is_behind(layouts: &Migrator, applied: &[i64]) -> bool {
    layouts.iter().any(|layout| !applied.contains(&layout.version))
}

/// An open database.
#[derive(Debug)]
pub(super) struct Opened {
    /// The connection for write transactions.
    pub(super) writer: Pool,
    /// The connections for reading.
    pub(super) reader: Pool,
    /// The unique id of the database.
    pub(super) id: String,
}

/// A connection of a pool.
#[derive(Debug)]
pub(super) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Connection {
    pub(super) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Makes the connection close when it is dropped, instead of returning to its pool.
    fn close_on_drop(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }
}

/// What a statement runs on: a pool, a connection or a write transaction.
pub(super) enum Executor<'c> {
    Driver(Driver<'c>),
    /// Buffered rows may have to be inserted first, and cached ones forgotten.
    Buffered {
        connection: &'c mut Buffered,
        keeps_cache: bool,
    },
}

/// A pool or connection of a driver.
pub(super) enum Driver<'c> {
    SqlitePool(&'c SqlitePool),
    Sqlite(&'c mut SqliteConnection),
    PostgresPool(&'c PgPool),
    Postgres(&'c mut PgConnection),
}

impl<'c> Executor<'c> {
    /// The pool or connection for a statement, after what [`Buffered::ready_for`] does.
    async fn ready_for(self, sql: &Sql) -> Result<Driver<'c>, Error> {
        Ok(match self {
            Self::Driver(driver) => driver,
            Self::Buffered { connection, keeps_cache } => connection.ready_for(sql, keeps_cache).await?.into(),
        })
    }
}

impl<'c> From<&'c Pool> for Executor<'c> {
    fn from(pool: &'c Pool) -> Self {
        Self::Driver(match pool {
            Pool::Sqlite(pool) => Driver::SqlitePool(pool),
            Pool::Postgres(pool) => Driver::PostgresPool(pool),
        })
    }
}

impl<'c> From<&'c mut Connection> for Driver<'c> {
    fn from(connection: &'c mut Connection) -> Self {
        match connection {
            Connection::Sqlite(connection) => Self::Sqlite(connection),
            Connection::Postgres(connection) => Self::Postgres(connection),
        }
    }
}

impl<'c> From<&'c mut Connection> for Executor<'c> {
    fn from(connection: &'c mut Connection) -> Self {
        Self::Driver(connection.into())
    }
}

impl<'c> From<&'c mut Transaction> for Executor<'c> {
    fn from(transaction: &'c mut Transaction) -> Self {
        Self::from(&mut **transaction)
    }
}

impl<'c> From<&'c mut Buffered> for Executor<'c> {
    fn from(buffered: &'c mut Buffered) -> Self {
        Self::Buffered { connection: buffered, keeps_cache: false }
    }
}
