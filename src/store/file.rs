//! Detects whether the database file was deleted or replaced while it was open. SQLite would go on writing to the old
//! file, which is lost when the process ends, and another daemon would find no lease in the new file.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::StoreError;

/// The database file that was opened.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    identity: Option<Identity>,
    /// Whether another file, or none, was ever seen at the path. Some connections may then be to the other file.
    was_replaced: AtomicBool,
}

/// Device and inode number, which are not reused while the file is open.
type Identity = (u64, u64);

impl File {
    /// The file at a path. It must be open, so that its inode number is not reused.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: identity(path).ok().flatten(), was_replaced: AtomicBool::default() }
    }

    /// Fails once another file, or none, was seen at the path.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let Some(opened) = self.identity else { return Ok(()) };
        let is_another = match identity(&self.path) {
            Ok(now) => now != Some(opened),
            // On any other error, the next statement fails with a better message.
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
    // These systems do not allow an open file to be deleted or replaced.
    fs::metadata(path).map(|_| None)
}
