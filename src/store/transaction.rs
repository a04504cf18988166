//! A transaction that gives its connection back only when it ended as it should.
//!
//! After a failed statement nobody can tell what state a connection is in: SQLite undoes a transaction by itself on a full
//! disk, on an I/O error and out of memory, and not on others. So a connection goes back to its pool after a `COMMIT` or
//! `ROLLBACK` that worked, and is closed in every other case, which undoes whatever it held; the next one is opened anew.

use std::ops::{Deref, DerefMut};

use sqlx::{Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

/// A connection inside a transaction. Dropped before it ended, it is closed.
#[derive(Debug)]
pub(super) struct Transaction {
    connection: PoolConnection<Sqlite>,
    ended: bool,
}

impl Transaction {
    /// Begins one that writes. It takes the lock of a writer at once, so that it cannot fail half way for want of it.
    pub(super) async fn writing(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        Self::begin(pool, "BEGIN IMMEDIATE").await
    }

    /// Begins one that reads: all it reads is of one moment.
    pub(super) async fn reading(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        Self::begin(pool, "BEGIN").await
    }

    async fn begin(pool: &SqlitePool, begin: &'static str) -> Result<Self, sqlx::Error> {
        let mut transaction = Self { connection: pool.acquire().await?, ended: false };
        sqlx::query(begin).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// Makes everything in it durable, at once.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    /// Undoes everything in it, and keeps the connection.
    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, end: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(end).execute(&mut *self).await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
