//! Transactions that return their connection to the pool only after a successful `COMMIT` or `ROLLBACK`.
//!
//! After a failed statement the state of a connection is uncertain: SQLite rolls back the transaction by itself on
//! some errors (disk full, I/O error, out of memory) but not on others. So in all other cases the connection is
//! closed, which rolls back, and the pool opens a new one.

use std::ops::{Deref, DerefMut};

use sqlx::Error;

use super::{Connection, Dialect, Pool, postgres::BEGIN_WRITING, query};

/// A connection inside a transaction. If it is dropped before the transaction ended, the connection is closed.
#[derive(Debug)]
pub(in crate::store) struct Transaction {
    connection: Connection,
    ended: bool,
}

impl Transaction {
    /// Begins a write transaction. Takes the write lock at once, so that it cannot fail half way because of it.
    pub(in crate::store) async fn writing(pool: &Pool) -> Result<Self, Error> {
        let begin = match pool.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => BEGIN_WRITING,
        };
        Self::begin(pool, begin).await
    }

    /// Begins a read transaction, which sees one consistent snapshot.
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
            // The raw protocol sends both statements in one round trip.
            Connection::Postgres(connection) => {
                sqlx::raw_sql(begin).execute(&mut **connection).await?;
            }
        }
        Ok(transaction)
    }

    /// Commits, and returns the connection to its pool.
    pub(in crate::store) async fn commit(self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    /// Rolls back, and returns the connection to its pool.
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
