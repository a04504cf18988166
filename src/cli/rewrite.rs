//! Replaces a file atomically. Concurrent edits are not overwritten; owner, permissions, extended attributes and
//! symbolic links are kept.

use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
};

use crate::desk::visible::Visible;

/// Why a file was not written. The file is unchanged.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWritten {
    #[error("the file changed in the meantime and was not overwritten; run the command again")]
    Changed,
    #[error("the file is read-only")]
    ReadOnly,
    #[error("the file has {0}, which replacing it would break; make them symbolic links")]
    Linked(HardLinks),
    #[error("the file belongs to another user, and replacing it would change its owner")]
    Owner,
    #[error("cannot preserve the file's attributes or access control lists: {0}")]
    Attributes(io::Error),
    #[error("{}", why(.0))]
    Io(#[from] io::Error),
}

/// The other names of a file.
#[derive(Debug)]
pub(super) struct HardLinks {
    /// The names in its directory, in order.
    here: Vec<String>,
    /// The number of names in other directories.
    elsewhere: u64,
}

impl fmt::Display for HardLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hard links besides this name", self.here.len() as u64 + self.elsewhere)?;
        let here = self.here.iter().map(|name| format!("`{}`", Visible(name)));
        let elsewhere = (self.elsewhere > 0).then(|| format!("{} in other directories", self.elsewhere));
        write!(f, " ({})", here.chain(elsewhere).collect::<Vec<_>>().join(", "))
    }
}

/// Replaces the content of a file atomically, if it still equals `before`.
///
/// A symbolic link is followed: its target is replaced.
pub(super) fn rewrite(path: &Path, before: &str, after: &str) -> Result<(), NotWritten> {
    #[cfg(unix)]
    let _uninterrupted = super::signals::Uninterrupted::begin();
    let path = fs::canonicalize(path)?;
    let meta = fs::metadata(&path)?;
    if meta.permissions().readonly() {
        return Err(NotWritten::ReadOnly);
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    #[cfg(unix)]
    if let Some(links) = hard_links(&path, directory, &meta) {
        return Err(NotWritten::Linked(links));
    }
    // A hidden name, so that the temporary file is not mistaken for a rule file.
    let mut fresh = tempfile::Builder::new().prefix(".twite-").tempfile_in(directory)?;
    fresh.write_all(after.as_bytes())?;
    keep_owner(fresh.as_file(), &meta)?;
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    attributes::keep(&path, fresh.as_file()).map_err(NotWritten::Attributes)?;
    fresh.as_file().set_permissions(meta.permissions())?;
    if fs::read(&path)? != before.as_bytes() {
        return Err(NotWritten::Changed);
    }
    fresh.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// The other hard links of a file in a directory; `None` if it has no others.
#[cfg(unix)]
fn hard_links(path: &Path, directory: &Path, meta: &fs::Metadata) -> Option<HardLinks> {
    use std::os::unix::fs::MetadataExt as _;
    let others = meta.nlink().saturating_sub(1);
    if others == 0 {
        return None;
    }
    let is_same = |entry: &fs::DirEntry| {
        // Not through symbolic links: those are kept.
        entry.path() != path
            && entry.metadata().is_ok_and(|other| (other.dev(), other.ino()) == (meta.dev(), meta.ino()))
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut here: Vec<_> =
        entries.filter(is_same).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    here.sort();
    let elsewhere = others.saturating_sub(here.len() as u64);
    Some(HardLinks { here, elsewhere })
}

/// Gives a new file the owner of the old one.
#[cfg(unix)]
fn keep_owner(fresh: &fs::File, old: &fs::Metadata) -> Result<(), NotWritten> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = fresh.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(fresh, Some(old.uid()), Some(old.gid())).map_err(|_| NotWritten::Owner)
}

#[cfg(not(unix))]
fn keep_owner(_: &fs::File, _: &fs::Metadata) -> Result<(), NotWritten> {
    Ok(())
}

/// Extended attributes, which include access control lists.
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod attributes {
    use std::{ffi::CString, fs, io, path::Path};

    use rustix::{
        fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr},
        io::Errno,
    };

    /// Maximum size of an attribute's value, and of the list of names, on Linux, in bytes.
    const MAX_ATTRIBUTE: usize = 64 * 1024;

    /// Gives a new file exactly the attributes of the old one.
    pub(super) fn keep(old: &Path, fresh: &fs::File) -> io::Result<()> {
        let old = fs::File::open(old)?;
        let (wanted, inherited) = (names(&old)?, names(fresh)?);
        for name in inherited.iter().filter(|name| !wanted.contains(name)) {
            fremovexattr(fresh, name.as_c_str())?;
        }
        for name in &wanted {
            let mut value = vec![0; MAX_ATTRIBUTE];
            let length = fgetxattr(&old, name.as_c_str(), value.as_mut_slice())?;
            value.truncate(length);
            fsetxattr(fresh, name.as_c_str(), &value, XattrFlags::empty())?;
        }
        Ok(())
    }

    /// The names of a file's attributes, without `security.*` and `trusted.*`, which the system assigns.
    fn names(file: &fs::File) -> io::Result<Vec<CString>> {
        let mut list = vec![0; MAX_ATTRIBUTE];
        let length = match flistxattr(file, list.as_mut_slice()) {
            Ok(length) => length,
            // The file system does not support attributes.
            Err(Errno::NOTSUP) => 0,
            Err(error) => return Err(error.into()),
        };
        let names = list.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty());
        let own =
            names.filter(|name| ![b"security.".as_slice(), b"trusted."].iter().any(|label| name.starts_with(label)));
        own.map(|name| CString::new(name).map_err(io::Error::other)).collect()
    }
}

/// The message of an I/O error, without the name of the temporary file.
fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied: cannot create the new file in the directory".into(),
        io::ErrorKind::ResourceBusy => "the file is a mount point and cannot be replaced".into(),
        _ => error
            .raw_os_error()
            .map_or_else(|| error.to_string(), |code| io::Error::from_raw_os_error(code).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_made_meanwhile_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.twite");
        fs::write(&path, "before\nand more\n").unwrap();
        assert!(matches!(rewrite(&path, "before\n", "after\n"), Err(NotWritten::Changed)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\nand more\n");
        assert!(rewrite(&path, "before\nand more\n", "after\n").is_ok());
        assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
        fs::remove_file(&path).unwrap();
        assert!(matches!(rewrite(&path, "after\n", "x"), Err(NotWritten::Io(_))));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
