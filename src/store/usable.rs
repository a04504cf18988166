//! Explains to users why a file cannot be used as a database.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::StoreError;

/// Fails if the path is neither a regular file nor a new file in an existing directory.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(found) if found.is_dir() => unusable("it is a directory; name a file in it"),
        // Opening a pipe would block until another process writes to it.
        Ok(_) => unusable("it is a pipe, a socket or a device; name a file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match directory(path) {
            directory if directory.is_dir() => Ok(()),
            directory => unusable(&format!(
                "there is no directory `{}`; make it, or name a file in another one",
                directory.display()
            )),
        },
        Err(error) => unusable(&error.kind().to_string()),
    }
}

/// Replaces an error from opening a database with the missing file permission, if that is the cause.
///
/// The file must not be open in this process: closing it here would release the locks of other handles.
pub(super) fn explain(path: &Path, error: StoreError) -> StoreError {
    // CANTOPEN, READONLY, PERM and AUTH, in any of their extended forms.
    if !primary_code(&error).is_some_and(|code| matches!(code, 3 | 8 | 14 | 23)) {
        return error;
    }
    let denied = |opened: io::Result<fs::File>| {
        opened.is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        })
    };
    let beside = directory(path);
    let directory = beside.display();
    let as_owner = "run the command as the user whom it belongs to";
    StoreError::Unusable(if denied(fs::File::open(path)) {
        format!("this user may not read it; {as_owner}")
    } else if path.exists() && denied(fs::OpenOptions::new().write(true).open(path)) {
        let log = log(path);
        match log.exists() {
            true if denied(fs::File::open(&log)) => format!("this user may not read `{}`; {as_owner}", log.display()),
            // Left by a killed process; SQLite must first apply it to the database.
            true => format!("`{}` is to be read into it first, and this user may not write; {as_owner}", log.display()),
            false => format!("this user may not write it; {as_owner}"),
        }
    } else {
        format!("this user can make no file beside it: the directory `{directory}` must be writable")
    })
}

fn unusable(why: &str) -> Result<(), StoreError> {
    Err(StoreError::Unusable(why.to_owned()))
}

/// SQLite's primary result code: the low byte of the extended code.
fn primary_code(error: &StoreError) -> Option<u32> {
    match error {
        StoreError::Database(error) => Some(error.as_database_error()?.code()?.parse::<u32>().ok()? & 0xff),
        StoreError::Migrate(sqlx::migrate::MigrateError::Execute(error)) => {
            Some(error.as_database_error()?.code()?.parse::<u32>().ok()? & 0xff)
        }
        _ => None,
    }
}

/// The path of the write-ahead log, which exists while the database is open.
pub(super) fn log(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
