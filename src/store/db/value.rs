//! Parameter values, and their conversion for either driver.

use std::borrow::Cow;

use sqlx::{Arguments as _, Error, postgres::PgArguments, sqlite::SqliteArguments};

/// A parameter value. NULL is typed, as PostgreSQL requires.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) enum Value<'q> {
    Number(Option<i64>),
    Text(Option<Cow<'q, str>>),
    Bytes(Cow<'q, [u8]>),
    YesNo(bool),
    /// A list is one parameter, so that the statement does not depend on its length.
    Numbers(&'q [i64]),
    Texts(Vec<&'q str>),
}

macro_rules! values {
    ($($from:ty => |$value:ident| $into:expr,)*) => {
        $(impl<'q> From<$from> for Value<'q> {
            fn from($value: $from) -> Self {
                $into
            }
        })*
    };
}

values! {
    i64 => |number| Value::Number(Some(number)),
    Option<i64> => |number| Value::Number(number),
    bool => |yes| Value::YesNo(yes),
    &'q str => |text| Value::Text(Some(Cow::Borrowed(text))),
    &'q String => |text| Value::Text(Some(Cow::Borrowed(text))),
    String => |text| Value::Text(Some(Cow::Owned(text))),
    Option<&'q str> => |text| Value::Text(text.map(Cow::Borrowed)),
    Option<&'q String> => |text| Value::Text(text.map(|text| Cow::Borrowed(text.as_str()))),
    &'q Option<String> => |text| Value::Text(text.as_deref().map(Cow::Borrowed)),
    Option<String> => |text| Value::Text(text.map(Cow::Owned)),
    &'q [u8] => |bytes| Value::Bytes(Cow::Borrowed(bytes)),
    Vec<u8> => |bytes| Value::Bytes(Cow::Owned(bytes)),
    &'q [i64] => |numbers| Value::Numbers(numbers),
    Vec<&'q str> => |texts| Value::Texts(texts),
}

/// Replaces U+0000, which PostgreSQL does not accept in texts, by U+FFFD.
fn clean(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text }
}

/// Converts parameters for SQLite; lists become JSON.
pub(super) fn for_sqlite(values: Vec<Value<'_>>) -> Result<SqliteArguments, Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text.map(|text| clean(text).into_owned())),
            Value::Bytes(bytes) => arguments.add(bytes.into_owned()),
            Value::YesNo(yes) => arguments.add(yes),
            Value::Numbers(numbers) => arguments.add(json(numbers)?),
            Value::Texts(texts) => arguments.add(json(&texts)?),
        }
        .map_err(Error::Encode)?;
    }
    Ok(arguments)
}

fn json<T: serde::Serialize>(list: &[T]) -> Result<String, Error> {
    serde_json::to_string(list).map_err(|e| Error::Encode(e.into()))
}

/// Converts parameters for PostgreSQL; lists become arrays.
pub(super) fn for_postgres(values: Vec<Value<'_>>) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text.map(clean)),
            Value::Bytes(bytes) => arguments.add(&*bytes),
            Value::YesNo(yes) => arguments.add(yes),
            Value::Numbers(numbers) => arguments.add(numbers),
            Value::Texts(texts) => arguments.add(texts),
        }
        .map_err(Error::Encode)?;
    }
    Ok(arguments)
}
