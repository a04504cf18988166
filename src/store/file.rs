//! Whether the database file is still the one that was opened. SQLite goes on with a file that was deleted or replaced, and
//! all that is written then is gone with the process; and another daemon would find no lease in the new one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::StoreError;

/// The file that was opened.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    identity: Option<Identity>,
    /// Whether it was another one at some time: then nobody can tell which of them a connection opened.
    was_replaced: AtomicBool,
}

/// Device and number: as long as the file is open, no other one gets these.
type Identity = (u64, u64);

impl File {
    /// The file at a path, which is open.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: identity(path).ok().flatten(), was_replaced: AtomicBool::default() }
    }

    /// Refuses to go on once another file, or none, was at the path.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let Some(opened) = self.identity else { return Ok(()) };
        let is_another = match identity(&self.path) {
            Ok(now) => now != Some(opened),
            // Where that cannot be told, the database itself says what is wrong.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_another || self.was_replaced.load(Ordering::Acquire) {
            self.was_replaced.store(true, Ordering::Release);
            return Err(StoreError::Replaced(self.path.display().to_string()));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path)?;
    Ok(Some((found.dev(), found.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    // Such systems do not let a file go that is open.
    fs::metadata(path).map(|_| None)
}
