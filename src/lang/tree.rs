//! Trees of files that rules are read from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    diagnostic::Diagnostic,
    sources::{self, Found},
};

/// What is at a path of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A directory.
    Directory,
    /// A regular file, with its size in bytes.
    File(u64),
}

/// A tree of files, such as the file system or a commit.
pub(crate) trait Tree {
    /// What is at a path, after following links; `None` if there is no file or directory.
    fn entry(&self, path: &Path) -> Option<Entry>;

    /// Whether there is anything at a path.
    fn exists(&self, path: &Path) -> bool {
        self.entry(path).is_some()
    }

    /// Finds the rule files at these paths: files, or directories, which are searched recursively.
    fn find(&self, paths: &[PathBuf]) -> Found;

    /// The contents of a file of at most [`sources::MAX_FILE_BYTES`].
    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic>;

    /// The commit of the rules at these paths, which consist of these files. It ends in `+` if a file differs from the
    /// commit. `None` outside version control.
    fn commit(&self, paths: &[PathBuf], files: &[PathBuf]) -> Option<String>;

    /// Whether the paths in its `twite.toml` are on the file system.
    fn is_on_disk(&self) -> bool;
}

/// The file system, without version control.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk;

impl Tree for Disk {
    fn entry(&self, path: &Path) -> Option<Entry> {
        match fs::metadata(path).ok()? {
            meta if meta.is_dir() => Some(Entry::Directory),
            meta if meta.is_file() => Some(Entry::File(meta.len())),
            _ => None,
        }
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn find(&self, paths: &[PathBuf]) -> Found {
        sources::find(paths)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        sources::read(path)
    }

    fn commit(&self, _: &[PathBuf], _: &[PathBuf]) -> Option<String> {
        None
    }

    fn is_on_disk(&self) -> bool {
        true
    }
}
