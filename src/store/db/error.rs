//! What errors of either database are about.

use sqlx::{Error, error::ErrorKind};

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum ErrorClass {
    /// What was to be stored: it fails each time.
    Data,
    /// Another transaction: the same may work at once.
    Conflict,
    /// The database: it is gone, full, or cannot be written to for the time being.
    Unavailable,
}

/// What an error is about.
pub(in crate::store) fn class_of(error: &Error) -> ErrorClass {
    let error = match error {
        Error::Decode(_) | Error::ColumnDecode { .. } => return ErrorClass::Data,
        Error::Database(error) => error,
        _ => return ErrorClass::Unavailable,
    };
    let code = error.code().unwrap_or_default();
    match (error.kind(), &*code) {
        (ErrorKind::Other, "40001" | "40P01" | "55P03") => ErrorClass::Conflict,
        // Codes of PostgreSQL have five characters. Its class 22 is about values.
        (ErrorKind::Other, code) if code.len() == 5 && code.starts_with("22") => ErrorClass::Data,
        // SQLITE_BUSY, in any of its extended forms.
        (ErrorKind::Other, code) if code.parse::<u32>().is_ok_and(|code| code < 10_000 && code & 0xff == 5) => {
            ErrorClass::Conflict
        }
        (ErrorKind::Other, _) => ErrorClass::Unavailable,
        // A constraint.
        _ => ErrorClass::Data,
    }
}
