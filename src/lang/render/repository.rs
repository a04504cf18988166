//! File paths relative to the root of their repository, for GitHub and SARIF.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use crate::lang::sources::path_of;

/// The work tree of a repository, and the directory that relative names start from.
pub(super) struct Repository {
    /// The directory that relative names start from.
    directory: PathBuf,
    /// The root of the work tree.
    pub(super) root: PathBuf,
}

impl Repository {
    /// The work tree that contains a directory; if there is none, the directory itself.
    pub(super) fn around(directory: &Path) -> Self {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        let root = directory.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&directory);
        Self { root: root.to_owned(), directory }
    }

    /// The path of a file relative to the root.
    ///
    /// # Errors
    /// The absolute path, if the file is outside the root.
    pub(super) fn below(&self, name: &str) -> Result<PathBuf, PathBuf> {
        let path = without_dots(&self.directory.join(path_of(name)));
        if let Ok(below) = path.strip_prefix(&self.root) {
            return Ok(below.to_owned());
        }
        // The path may lead into the root through a symbolic link: compare the resolved paths.
        let real = |path: &Path| fs::canonicalize(path).ok();
        let directory = path.parent().and_then(real).zip(path.file_name()).map(|(real, name)| real.join(name));
        let below =
            directory.zip(real(&self.root)).and_then(|(path, root)| Some(path.strip_prefix(root).ok()?.to_owned()));
        below.ok_or(path)
    }
}

/// A path without `.` and `..`. Symbolic links are not resolved: the repository knows a file by its own path.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            component => clean.push(component),
        }
    }
    clean
}
