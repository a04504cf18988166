//! A transaction that gives its connection back only when it ended as it should.
//!
//! After a failed statement nobody can tell what state a connection is in: SQLite undoes a transaction by itself on a full
//! disk, on an I/O error and out of memory, and not on others. So a connection goes back to its pool after a `COMMIT` or
//! `ROLLBACK` that worked, and is closed in every other case, which undoes whatever it held; the next one is opened anew.

use std::ops::{Deref, DerefMut};

use sqlx::Error;

use super::{Connection, Dialect, Pool, postgres::BEGIN_WRITING, query};

/// A connection inside a transaction. Dropped before it ended, it is closed.
#[derive(Debug)]
pub(in crate::store) struct Transaction {
    connection: Connection,
    ended: bool,
}

impl Transaction {
    /// Begins one that writes. It takes the lock of a writer at once, so that it cannot fail half way for want of it.
    pub(in crate::store) async fn writing(pool: &Pool) -> Result<Self, Error> {
        let begin = match pool.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => BEGIN_WRITING,
        };
        Self::begin(pool, begin).await
    }

    /// Begins one that reads: all it reads is of one moment.
    pub(in crate::store) async fn reading(pool: &Pool) -> Result<Self, Error> {
        let begin = match pool.dialect() {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Self::begin(pool, begin).await
    }

    async fn begin(pool: &Pool, begin: &'static str) -> Result<Self, Error> {
        let mut transaction = Self { connection: pool.acquire().await?, ended: false };
        match &mut transaction.connection {
            Connection::Sqlite(connection) => {
                sqlx::query(begin).execute(&mut **connection).await?;
            }
            // Two statements on one way there and back.
            Connection::Postgres(connection) => {
                sqlx::raw_sql(begin).execute(&mut **connection).await?;
            }
        }
        Ok(transaction)
    }

    /// Makes everything in it durable, at once.
    pub(in crate::store) async fn commit(self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    /// Undoes everything in it, and keeps the connection.
    pub(in crate::store) async fn rollback(self) -> Result<(), Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, end: &'static str) -> Result<(), Error> {
        query(end).execute(&mut self).await?;
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
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
