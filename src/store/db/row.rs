//! Result rows of either database.

use sqlx::{ColumnIndex, Decode, Error, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};

/// A type that can be decoded from a column of both databases.
pub(in crate::store) trait Decoded<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>> Decoded<'r> for T {}

/// A result row.
#[derive(Debug)]
pub(in crate::store) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, by name or 0-based index.
    pub(in crate::store) fn try_get<'r, T, I>(&'r self, column: I) -> Result<T, Error>
    where
        T: Decoded<'r>,
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}
