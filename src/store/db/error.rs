//! Classification of database errors.

use std::io;

use sqlx::{Error, error::ErrorKind, migrate::MigrateError};

/// The cause of a database error, which determines whether a retry can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum ErrorClass {
    /// The data to be stored: a retry fails again.
    Data,
    /// A conflict with another transaction: a retry may succeed at once.
    Conflict,
    /// The database is unreachable, full, or not writable at present.
    Unavailable,
}

/// Classifies a database error.
pub(in crate::store) fn class_of(error: &Error) -> ErrorClass {
    let error = match error {
        Error::Decode(_) | Error::ColumnDecode { .. } => return ErrorClass::Data,
        Error::Database(error) => error,
        _ => return ErrorClass::Unavailable,
    };
    let code = error.code().unwrap_or_default();
    match (error.kind(), &*code) {
        (ErrorKind::Other, "40001" | "40P01" | "55P03") => ErrorClass::Conflict,
        // PostgreSQL's codes have five characters; class 22 is data exceptions.
        (ErrorKind::Other, code) if code.len() == 5 && code.starts_with("22") => ErrorClass::Data,
        // SQLITE_BUSY, in any of its extended forms.
        (ErrorKind::Other, code) if code.parse::<u32>().is_ok_and(|code| code < 10_000 && code & 0xff == 5) => {
            ErrorClass::Conflict
        }
        (ErrorKind::Other, _) => ErrorClass::Unavailable,
        // Anything else, such as a violated constraint.
        _ => ErrorClass::Data,
    }
}

/// The message of a database error for users, without the driver's own words around it.
pub(in crate::store) fn message_of(error: &Error) -> String {
    match error {
        Error::Database(error) => error.message().to_owned(),
        Error::Io(error) => io_message_of(error),
        Error::Configuration(error) => error.to_string(),
        Error::PoolTimedOut => "no connection became free in time".to_owned(),
        Error::PoolClosed => "it was closed".to_owned(),
        Error::WorkerCrashed => "its thread ended".to_owned(),
        other => other.to_string(),
    }
}

/// As [`message_of`], for an error of a migration.
pub(in crate::store) fn migration_message_of(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => message_of(error),
        other => other.to_string(),
    }
}

/// The message of an I/O error, without the number of the operating system.
pub(super) fn io_message_of(error: &io::Error) -> String {
    let message = error.to_string();
    let end = message.find(" (os error").unwrap_or(message.len());
    message.get(..end).unwrap_or_default().to_owned()
}
