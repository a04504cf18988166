//! TW0413: paths in `twite.toml` that cannot be used on this machine.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use super::{codes, declarations, diagnostic::Diagnostic, span::SourceFile};
use crate::desk::Desk;

/// The first bytes of a database.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What is wrong with the paths that a desk names, which was declared at a path.
pub(super) fn check(desk: &Desk, declared: &SourceFile, at: &Path) -> Vec<Diagnostic> {
    let directory = at.parent().unwrap_or(Path::new(""));
    let database = no_database(&directory.join(&desk.store.path)).map(|why| ("store", "path", &desk.store.path, why));
    let mail = desk.mail.as_ref().and_then(|mail| mail.directory.as_ref());
    let mail = mail.and_then(|mail| Some(("mail", "directory", mail, no_directory(&directory.join(mail))?)));
    let warn = |(table, key, path, why): (&str, &str, &String, String)| {
        let span = declarations::place_of(&declared.text, table, key).unwrap_or(0..0);
        Diagnostic::new(&codes::TW0413, declared.span(span), format!("`{path}` cannot be used: {why}"))
    };
    database.into_iter().chain(mail).map(warn).collect()
}

/// Why a path is no place for a database.
fn no_database(path: &Path) -> Option<String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::metadata(parent) {
                Ok(parent) if parent.is_dir() => None,
                Ok(_) => Some(format!("{} is no directory", parent.display())),
                Err(_) => Some(format!("there is no directory {}", parent.display())),
            };
        }
        Err(error) => return Some(error.to_string()),
    };
    if !found.is_file() {
        return Some(if found.is_dir() { "it is a directory" } else { "it is no file" }.to_owned());
    }
    if found.permissions().readonly() {
        return Some("it may not be written".to_owned());
    }
    let mut start = vec![];
    match fs::File::open(path).and_then(|file| file.take(SQLITE.len() as u64).read_to_end(&mut start)) {
        // An empty file becomes a database.
        Ok(_) if start.is_empty() || start == SQLITE => None,
        Ok(_) => Some("it is a file of another kind".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Why a path is no directory, and cannot become one.
fn no_directory(path: &Path) -> Option<String> {
    let there = path.ancestors().find(|path| path.exists())?;
    (!there.is_dir()).then(|| format!("{} is no directory", there.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::config::MailSettings;

    #[test]
    fn paths_are_looked_for_beside_the_declarations() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join("twite.toml");
        fs::write(directory.path().join("taken"), "").unwrap();
        let text = "[mail]\ndirectory = \"taken\"\n";
        let declared = SourceFile::new("twite.toml", text);
        let mail: MailSettings = toml::from_str("from = \"desk@acme.example\"").unwrap();
        let mut desk = Desk { mail: Some(mail), ..Desk::default() };
        for (named, found) in [("taken", 1), ("taken/below", 1), ("free", 0)] {
            desk.mail.as_mut().unwrap().directory = Some(named.to_owned());
            assert_eq!(check(&desk, &declared, &at).len(), found, "{named}");
        }
    }
}
