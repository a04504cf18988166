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

/// Replaces an error from opening a database with its cause: a missing file permission, a lock, or the disk.
///
/// It opens no file: closing it would release the locks of other handles on it.
pub(super) fn explain(path: &Path, error: StoreError) -> StoreError {
    match extended_code(&error) {
        Some(code) if matches!(code & 0xff, BUSY | LOCKED) => {
            return StoreError::Busy("another process has locked it; try again when that has finished".to_owned());
        }
        Some(FULL | IOERR_SHMSIZE) => return StoreError::Busy("the disk is full; make room on it".to_owned()),
        Some(code) if code & 0xff == IOERR => return StoreError::Busy(format!("the disk fails: {error}")),
        _ => {}
    }
    // CANTOPEN, READONLY, PERM and AUTH, in any of their extended forms.
    if !extended_code(&error).is_some_and(|code| matches!(code & 0xff, 3 | 8 | 14 | 23)) {
        return error;
    }
    let beside = directory(path);
    let directory = beside.display();
    let as_owner = "run the command as the user whom it belongs to";
    StoreError::Unusable(if is_read_only(path) {
        format!("the file system of `{directory}` is read-only; mount it for writing, or name a file elsewhere")
    } else if denied(path, For::Reading) {
        format!("this user may not read it; {as_owner}")
    } else if path.exists() && denied(path, For::Writing) {
        let log = log(path);
        match log.exists() {
            true if denied(&log, For::Reading) => format!("this user may not read `{}`; {as_owner}", log.display()),
            // Left by a killed process; SQLite must first apply it to the database.
            true => format!("`{}` is to be read into it first, and this user may not write; {as_owner}", log.display()),
            false => format!("this user may not write it; {as_owner}"),
        }
    } else {
        format!("this user can make no file beside it: the directory `{directory}` must be writable")
    })
}

/// What a file is opened for.
#[derive(Clone, Copy)]
enum For {
    Reading,
    Writing,
}

/// Whether this user may not open a file for this.
#[cfg(unix)]
fn denied(path: &Path, what: For) -> bool {
    use rustix::{fs::Access, io::Errno};
    let access = if matches!(what, For::Reading) { Access::READ_OK } else { Access::WRITE_OK };
    rustix::fs::access(path, access) == Err(Errno::ACCESS)
}

#[cfg(not(unix))]
fn denied(path: &Path, what: For) -> bool {
    matches!(what, For::Writing) && fs::metadata(path).is_ok_and(|found| found.permissions().readonly())
}

/// Whether the file system of a path cannot be written.
#[cfg(unix)]
fn is_read_only(path: &Path) -> bool {
    rustix::fs::access(directory(path), rustix::fs::Access::WRITE_OK) == Err(rustix::io::Errno::ROFS)
}

#[cfg(not(unix))]
fn is_read_only(_: &Path) -> bool {
    false
}

fn unusable(why: &str) -> Result<(), StoreError> {
    Err(StoreError::Unusable(why.to_owned()))
}

/// Result codes of SQLite.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const IOERR: u32 = 10;
const FULL: u32 = 13;
/// The file of shared memory cannot be enlarged.
const IOERR_SHMSIZE: u32 = 4874;

/// SQLite's extended result code. Its low byte is the primary code.
fn extended_code(error: &StoreError) -> Option<u32> {
    match error {
        StoreError::Database(error) | StoreError::Migrate(sqlx::migrate::MigrateError::Execute(error)) => {
            error.as_database_error()?.code()?.parse().ok()
        }
        _ => None,
    }
}

/// Whether SQLite could not make the shared memory that a database with a write-ahead log needs, as on a full disk.
pub(super) fn lacks_shared_memory(error: &StoreError) -> bool {
    extended_code(error) == Some(IOERR_SHMSIZE)
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

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

    use super::*;

    #[tokio::test]
    async fn a_lock_of_another_process_is_for_now() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let options =
            SqliteConnectOptions::new().filename(&path).create_if_missing(true).busy_timeout(std::time::Duration::ZERO);
        let (mut one, mut other) = (options.connect().await.unwrap(), options.connect().await.unwrap());
        sqlx::query("BEGIN IMMEDIATE").execute(&mut one).await.unwrap();
        let error = sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap_err();
        let explained = explain(&path, error.into());
        assert!(matches!(&explained, StoreError::Busy(why) if why.contains("locked")), "{explained}");
    }
}
