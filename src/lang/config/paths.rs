//! TW0413: paths in `twite.toml` that cannot be used on this machine.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::place_of;
use crate::{
    lang::{codes, diagnostic::Diagnostic, span::SourceFile},
    settings::{Address, Settings},
};

/// The first bytes of an SQLite database file.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Warnings about unusable paths in the settings read from `read_from`, a file in `directory`. Opens no file.
pub(crate) fn check(settings: &Settings, read_from: &SourceFile, directory: &Path) -> Vec<Diagnostic> {
    let database = database(settings).and_then(|path| {
        let why = no_database(&directory.join(&path))?;
        Some(warning(read_from, "store", "url", &path, &why))
    });
    let mail = settings.mail.as_ref().and_then(|mail| mail.directory.as_ref());
    let mail = mail.and_then(|mail| Some(warning(read_from, "mail", "directory", mail, &no_directory(mail)?)));
    database.into_iter().chain(mail).collect()
}

/// The warning that the file for the database has other contents.
///
/// It is opened for that, so the process must not have it open as a database: whoever closes any handle of a file releases
/// all locks that the process holds on it, and another program would then take the log of the database away.
pub(crate) fn check_contents(settings: &Settings, read_from: &SourceFile, directory: &Path) -> Option<Diagnostic> {
    let path = database(settings)?;
    let file = directory.join(&path);
    if no_database(&file).is_some() || !file.is_file() {
        return None;
    }
    let mut start = vec![];
    let why = match fs::File::open(&file).and_then(|file| file.take(SQLITE.len() as u64).read_to_end(&mut start)) {
        // SQLite turns an empty file into a database.
        Ok(_) if start.is_empty() || start == SQLITE => return None,
        Ok(_) => "not an SQLite database".to_owned(),
        Err(error) => error.kind().to_string(),
    };
    Some(warning(read_from, "store", "url", &path, &why))
}

fn warning(read_from: &SourceFile, table: &str, key: &str, path: &Path, why: &str) -> Diagnostic {
    let span = place_of(&read_from.text, table, key).unwrap_or(0..0);
    let message = format!("`{}` cannot be used: {why}", path.display());
    Diagnostic::new(&codes::TW0413, read_from.span(span), message)
}

/// The path of the database, if it is a file.
fn database(settings: &Settings) -> Option<PathBuf> {
    match Address::from_url(&settings.store.url) {
        Ok(Address::File(path)) => Some(path),
        _ => None,
    }
}

/// Why a path cannot be used for the database; `None` if it can.
fn no_database(path: &Path) -> Option<String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::metadata(parent) {
                Ok(parent) if parent.is_dir() => None,
                Ok(_) => Some(format!("{} is not a directory", parent.display())),
                Err(_) => Some(format!("no such directory: {}", parent.display())),
            };
        }
        Err(error) => return Some(error.kind().to_string()),
    };
    if !found.is_file() {
        return Some(if found.is_dir() { "it is a directory" } else { "not a regular file" }.to_owned());
    }
    if found.permissions().readonly() {
        return Some("permission denied".to_owned());
    }
    None
}

/// Why a path cannot be used as a directory; `None` if it is one, or if the first existing path above it is one.
fn no_directory(path: &Path) -> Option<String> {
    let there = path.ancestors().find(|path| path.exists())?;
    (!there.is_dir()).then(|| format!("{} is not a directory", there.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::config::read;

    #[test]
    fn paths_are_looked_for_beside_the_declarations() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("taken"), "").unwrap();
        for (named, found) in [("taken", 1), ("taken/below", 1), ("free", 0)] {
            let text = format!("[mail]\nfrom = \"desk@acme.example\"\ndirectory = {named:?}\n");
            let settings = read(&text, directory.path()).settings;
            let file = SourceFile::new("twite.toml", text);
            assert_eq!(check(&settings, &file, directory.path()).len(), found, "{named}");
        }
    }
}
