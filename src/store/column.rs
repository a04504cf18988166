//! Declarative column lists: each column is declared once with its conversion, and statements are generated from it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{
    StoreError,
    db::{Query, Row, Value},
    stored, time, times, word, words,
};
use crate::desk::{
    Channel, Priority, RatedBy, Rating, Satisfaction, SourceId, Status, TicketId, TicketType, VerifiedType, text::fold,
};

/// A column of a table whose rows map to `T`.
pub(super) struct Column<T> {
    pub(super) name: &'static str,
    /// Whether a second column `…_folded` holds the case-folded text for comparisons.
    pub(super) folded: bool,
    pub(super) write: for<'t> fn(&'t T) -> Value<'t>,
    pub(super) read: fn(&mut T, &Row, usize) -> Result<(), StoreError>,
    /// Rounds the value to the precision of the database.
    pub(super) round: fn(&mut T),
}

/// Declares columns with the struct fields that they store:
/// `columns! { Ticket: "group_name" group; "subject" subject folded; }`
macro_rules! columns {
    (@folded) => { false };
    (@folded folded) => { true };
    ($row:ty: $($name:literal $($path:ident).+ $($folded:ident)?;)+) => {
        &[$($crate::store::column::Column {
            name: $name,
            folded: $crate::store::column::columns!(@folded $($folded)?),
            write: |row: &$row| $crate::store::column::Kept::value(&row.$($path).+),
            read: |row: &mut $row, from, at| {
                row.$($path).+ = $crate::store::column::Kept::read(from, at)?;
                Ok(())
            },
            round: |row: &mut $row| $crate::store::column::Kept::round(&mut row.$($path).+),
        }),+]
    };
}
pub(super) use columns;

/// All column names, including the `…_folded` ones.
pub(super) fn names<T>(columns: &[Column<T>]) -> Vec<String> {
    let mut names = vec![];
    for column in columns {
        names.push(column.name.to_owned());
        if column.folded {
            names.push(format!("{}_folded", column.name));
        }
    }
    names
}

/// `INSERT INTO table (…) VALUES ($1, …)`
pub(super) fn insert(table: &str, names: &[String]) -> String {
    let values: Vec<_> = (1..=names.len()).map(|n| format!("${n}")).collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))
}

/// `name = $from, …`
pub(super) fn assignments(names: &[String], from: usize) -> String {
    let assigned: Vec<_> = names.iter().zip(from..).map(|(name, n)| format!("{name} = ${n}")).collect();
    assigned.join(", ")
}

/// The select list `table.name, …` that [`read`] expects; without the `…_folded` columns.
pub(super) fn selected<T>(columns: &[Column<T>], table: &str) -> String {
    let mut selected = String::new();
    for column in columns {
        let comma = if selected.is_empty() { "" } else { ", " };
        // Writing to a `String` cannot fail.
        let _ = write!(selected, "{comma}{table}.{}", column.name);
    }
    selected
}

/// Binds the values of all columns, in the order of [`names`].
pub(super) fn bind<'q, T>(mut query: Query<'q>, columns: &[Column<T>], row: &'q T) -> Query<'q> {
    for column in columns {
        let value = (column.write)(row);
        let folded = column.folded.then(|| match &value {
            Value::Text(Some(text)) => Some(fold(text).into_owned()),
            _ => None,
        });
        query = query.bind(value);
        if let Some(folded) = folded {
            query = query.bind(folded);
        }
    }
    query
}

/// Reads consecutive columns of a row, starting at index `from`. Returns the index after the last one.
pub(super) fn read<T>(columns: &[Column<T>], into: &mut T, row: &Row, from: usize) -> Result<usize, StoreError> {
    for (column, at) in columns.iter().zip(from..) {
        (column.read)(into, row, at)?;
    }
    Ok(from + columns.len())
}

/// Rounds all values of a row to the precision of the database.
pub(super) fn round<T>(columns: &[Column<T>], row: &mut T) {
    for column in columns {
        (column.round)(row);
    }
}

/// A type that can be stored in a column.
pub(super) trait Kept: Sized {
    fn value(&self) -> Value<'_>;

    fn read(row: &Row, at: usize) -> Result<Self, StoreError>;

    fn round(&mut self) {}
}

impl Kept for String {
    fn value(&self) -> Value<'_> {
        self.into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(row.try_get(at)?)
    }
}

impl Kept for Option<String> {
    fn value(&self) -> Value<'_> {
        self.into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(row.try_get(at)?)
    }
}

impl Kept for i64 {
    fn value(&self) -> Value<'_> {
        (*self).into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(row.try_get(at)?)
    }
}

impl Kept for Option<i64> {
    fn value(&self) -> Value<'_> {
        (*self).into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(row.try_get(at)?)
    }
}

impl Kept for TicketId {
    fn value(&self) -> Value<'_> {
        self.0.into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(Self(row.try_get(at)?))
    }
}

impl Kept for Option<TicketId> {
    fn value(&self) -> Value<'_> {
        self.map(|id| id.0).into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(at)?.map(TicketId))
    }
}

/// Stored as 1 or 0.
impl Kept for bool {
    fn value(&self) -> Value<'_> {
        i64::from(*self).into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(row.try_get::<i64, _>(at)? != 0)
    }
}

impl Kept for Option<bool> {
    fn value(&self) -> Value<'_> {
        self.map(i64::from).into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(at)?.map(|yes| yes != 0))
    }
}

impl Kept for Timestamp {
    fn value(&self) -> Value<'_> {
        self.as_millisecond().into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        time(row.try_get(at)?)
    }

    fn round(&mut self) {
        *self = stored(*self);
    }
}

impl Kept for Option<Timestamp> {
    fn value(&self) -> Value<'_> {
        self.map(Timestamp::as_millisecond).into()
    }

    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        times(row.try_get(at)?)
    }

    fn round(&mut self) {
        *self = self.map(stored);
    }
}

/// Implements [`Kept`] for types that are stored as text, via `as_str` and `FromStr`.
macro_rules! words {
    ($($word:ty)+) => {
        $(impl Kept for $word {
            fn value(&self) -> Value<'_> {
                self.as_str().into()
            }

            fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
                word(row.try_get(at)?)
            }
        }

        impl Kept for Option<$word> {
            fn value(&self) -> Value<'_> {
                self.as_ref().map(|word| word.as_str()).into()
            }

            fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
                words(row.try_get(at)?)
            }
        })+
    };
}

words! { Channel Priority RatedBy Rating Satisfaction SourceId Status TicketType VerifiedType }
