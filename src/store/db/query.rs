//! Statements with bound parameters.

use std::marker::PhantomData;

use sqlx::{
    AssertSqlSafe, Error, Postgres, SqlSafeStr, SqlStr, Sqlite, postgres::PgArguments, query::Query as DriverQuery,
    sqlite::SqliteArguments,
};

use super::{
    Driver, Executor,
    row::{Decoded, Row},
    value::{Value, for_postgres, for_sqlite},
};

/// A statement with its bound parameters.
#[derive(Debug)]
pub(in crate::store) struct Query<'q> {
    pub(super) sql: Sql,
    pub(super) values: Vec<Value<'q>>,
    pub(super) persistent: bool,
    /// The alias of the table whose rows are locked, see [`Query::skip_locked`].
    pub(super) skip_locked: Option<&'static str>,
}

/// The text of a statement.
#[derive(Debug)]
pub(in crate::store) enum Sql {
    /// Part of the program.
    Static(&'static str),
    /// Made at run time.
    Made(String),
}

impl Sql {
    fn as_str(&self) -> &str {
        match self {
            Self::Static(sql) => sql,
            Self::Made(sql) => sql,
        }
    }
}

impl SqlSafeStr for Sql {
    fn into_sql_str(self) -> SqlStr {
        match self {
            Self::Static(sql) => sql.into_sql_str(),
            Self::Made(sql) => AssertSqlSafe(sql).into_sql_str(),
        }
    }
}

/// A statement with parameters `$1`, `$2` and so on.
pub(in crate::store) fn query<'q>(sql: &'static str) -> Query<'q> {
    Query { sql: Sql::Static(sql), values: vec![], persistent: true, skip_locked: None }
}

/// A statement that returns only the first column of each row.
pub(in crate::store) fn query_scalar<'q, T>(sql: &'static str) -> Scalar<'q, T> {
    Scalar(query(sql), PhantomData)
}

/// The result from either driver.
enum Answer<S, P> {
    Sqlite(S),
    Postgres(P),
}

macro_rules! run {
    ($query:expr, $executor:expr, $method:ident) => {
        match $executor.into().ready_for(&$query.sql).await? {
            Driver::SqlitePool(pool) => Answer::Sqlite($query.for_sqlite()?.$method(pool).await?),
            Driver::Sqlite(connection) => Answer::Sqlite($query.for_sqlite()?.$method(connection).await?),
            Driver::PostgresPool(pool) => Answer::Postgres($query.for_postgres()?.$method(pool).await?),
            Driver::Postgres(connection) => Answer::Postgres($query.for_postgres()?.$method(connection).await?),
        }
    };
}

impl<'q> Query<'q> {
    /// Binds the next parameter.
    pub(in crate::store) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Sets whether the prepared statement is cached by the connection; true by default.
    pub(in crate::store) fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Adds `FOR UPDATE OF table SKIP LOCKED` on PostgreSQL. On SQLite there is no other write transaction.
    pub(in crate::store) fn skip_locked(mut self, table: &'static str) -> Self {
        self.skip_locked = Some(table);
        self
    }

    fn for_sqlite(self) -> Result<DriverQuery<'static, Sqlite, SqliteArguments>, Error> {
        Ok(sqlx::query_with(self.sql, for_sqlite(self.values)?).persistent(self.persistent))
    }

    fn for_postgres(self) -> Result<DriverQuery<'static, Postgres, PgArguments>, Error> {
        let sql = match self.skip_locked {
            None => self.sql,
            Some(table) => Sql::Made(format!("{} FOR UPDATE OF {table} SKIP LOCKED", self.sql.as_str())),
        };
        Ok(sqlx::query_with(sql, for_postgres(self.values)?).persistent(self.persistent))
    }

    /// Runs the statement and returns how many rows it changed.
    pub(in crate::store) async fn execute(self, on: impl Into<Executor<'_>>) -> Result<u64, Error> {
        Ok(match run!(self, on, execute) {
            Answer::Sqlite(done) => done.rows_affected(),
            Answer::Postgres(done) => done.rows_affected(),
        })
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Into<Executor<'_>>) -> Result<Vec<Row>, Error> {
        Ok(match run!(self, on, fetch_all) {
            Answer::Sqlite(rows) => rows.into_iter().map(Row::Sqlite).collect(),
            Answer::Postgres(rows) => rows.into_iter().map(Row::Postgres).collect(),
        })
    }

    pub(in crate::store) async fn fetch_one(self, on: impl Into<Executor<'_>>) -> Result<Row, Error> {
        Ok(match run!(self, on, fetch_one) {
            Answer::Sqlite(row) => Row::Sqlite(row),
            Answer::Postgres(row) => Row::Postgres(row),
        })
    }

    pub(in crate::store) async fn fetch_optional(self, on: impl Into<Executor<'_>>) -> Result<Option<Row>, Error> {
        Ok(match run!(self, on, fetch_optional) {
            Answer::Sqlite(row) => row.map(Row::Sqlite),
            Answer::Postgres(row) => row.map(Row::Postgres),
        })
    }
}

/// A statement that returns only the first column of each row.
#[derive(Debug)]
pub(in crate::store) struct Scalar<'q, T>(pub(super) Query<'q>, pub(super) PhantomData<fn() -> T>);

impl<'q, T: for<'r> Decoded<'r>> Scalar<'q, T> {
    /// Binds the next parameter.
    pub(in crate::store) fn bind(self, value: impl Into<Value<'q>>) -> Self {
        Self(self.0.bind(value), PhantomData)
    }

    /// As [`Query::skip_locked`].
    pub(in crate::store) fn skip_locked(self, table: &'static str) -> Self {
        Self(self.0.skip_locked(table), PhantomData)
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Into<Executor<'_>>) -> Result<Vec<T>, Error> {
        self.0.fetch_all(on).await?.iter().map(|row| row.try_get(0)).collect()
    }

    pub(in crate::store) async fn fetch_one(self, on: impl Into<Executor<'_>>) -> Result<T, Error> {
        self.0.fetch_one(on).await?.try_get(0)
    }

    pub(in crate::store) async fn fetch_optional(self, on: impl Into<Executor<'_>>) -> Result<Option<T>, Error> {
        self.0.fetch_optional(on).await?.map(|row| row.try_get(0)).transpose()
    }
}
