//! What files are called in the repository that they lie in, which is how forges know them.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use crate::lang::sources::path_of;

/// A repository, seen from a directory.
pub(super) struct Repository {
    /// Where relative names start.
    directory: PathBuf,
    /// The root of the work tree.
    pub(super) root: PathBuf,
}

impl Repository {
    /// The work tree that holds a directory; without one, the directory itself.
    pub(super) fn around(directory: &Path) -> Self {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        let root = directory.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&directory);
        Self { root: root.to_owned(), directory }
    }

    /// The path of a file from the root.
    ///
    /// # Errors
    /// The absolute path of one that lies elsewhere.
    pub(super) fn below(&self, name: &str) -> Result<PathBuf, PathBuf> {
        let path = without_dots(&self.directory.join(path_of(name)));
        if let Ok(below) = path.strip_prefix(&self.root) {
            return Ok(below.to_owned());
        }
        // By another way than ours, as through a link to the work tree.
        let real = |path: &Path| fs::canonicalize(path).ok();
        let directory = path.parent().and_then(real).zip(path.file_name()).map(|(real, name)| real.join(name));
        let below =
            directory.zip(real(&self.root)).and_then(|(path, root)| Some(path.strip_prefix(root).ok()?.to_owned()));
        below.ok_or(path)
    }
}

/// A path without `.` and `..`. Links stay: the repository knows a file by the name it has there.
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
