//! Rows of either database.

use sqlx::{ColumnIndex, Decode, Error, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};

/// What both databases give for a column.
pub(in crate::store) trait Decoded<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>> Decoded<'r> for T {}

/// A row.
#[derive(Debug)]
pub(in crate::store) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, by its name or its place from 0.
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
