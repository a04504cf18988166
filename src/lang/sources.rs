//! Files as texts, found and read within limits.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use super::{
    codes,
    diagnostic::Diagnostic,
    lines::{LineColumn, LineIndex},
};

/// How long one file may be, in bytes.
pub const MOST_FILE: u64 = 1024 * 1024;
/// How many files there may be.
const MOST_FILES: usize = 10_000;
/// How long all files may be together, in bytes.
const MOST_TOTAL: u64 = 64 * 1024 * 1024;
/// How deep directories may nest.
const MOST_DIRECTORIES: usize = 32;

/// The texts that were checked together, by name. Diagnostics are rendered with them.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    texts: BTreeMap<Arc<str>, Source>,
}

/// A text, and its lines once somebody asks for a place in it.
#[derive(Debug, Clone)]
struct Source {
    text: Arc<str>,
    lines: OnceLock<LineIndex>,
}

impl Sources {
    /// The text of a file with its lines.
    pub fn lines(&self, name: &str) -> Option<(&str, &LineIndex)> {
        let source = self.texts.get(name)?;
        Some((&source.text, source.lines.get_or_init(|| LineIndex::new(&source.text))))
    }

    /// Where an offset into a file stands; the first place of a file whose text is not there.
    pub fn line_column(&self, name: &str, offset: usize) -> LineColumn {
        self.lines(name).map_or(LineColumn { line: 1, column: 1 }, |(text, lines)| lines.line_column(text, offset))
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.texts.keys()
    }

    /// Adds the texts of others.
    pub fn extend(&mut self, others: Self) {
        self.texts.extend(others.texts);
    }

    /// Adds a text.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) {
        self.texts.insert(name.into(), Source { text: text.into(), lines: OnceLock::new() });
    }
}

/// What was found at paths.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The rule files, each path's in order.
    pub(crate) files: Vec<PathBuf>,
    /// What could not be looked at.
    pub(crate) errors: Vec<Diagnostic>,
    /// Files whose names end nearly as rule files do.
    pub(crate) passed_over: Vec<PathBuf>,
}

/// The rule files at these paths.
pub(crate) fn find(paths: &[PathBuf]) -> Found {
    let mut search = Search::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => search.directory(path, 0),
            Ok(_) => search.add(path.clone()),
            Err(error) => search.errors.push(unreadable(path, &error)),
        }
    }
    Found { files: search.files, errors: search.errors, passed_over: search.passed_over }
}

/// The rule files at these paths with their texts, and what could not be read.
pub(crate) fn read_rule_files(paths: &[PathBuf]) -> (Vec<(PathBuf, String)>, Vec<Diagnostic>, Sources) {
    let Found { files, mut errors, .. } = find(paths);
    let mut reader = Reader::default();
    let mut texts = vec![];
    for path in files {
        match reader.read(&path) {
            Ok(text) => texts.push((path, text)),
            Err(error) => errors.push(error),
        }
    }
    (texts, errors, Sources::default())
}

/// A search through directories.
#[derive(Default)]
struct Search {
    files: Vec<PathBuf>,
    errors: Vec<Diagnostic>,
    passed_over: Vec<PathBuf>,
    /// The real directories above the one we are in: to meet one again is a circle of links.
    above: Vec<PathBuf>,
    seen: std::collections::HashSet<PathBuf>,
    full: bool,
}

impl Search {
    /// Follows links, because mounted configuration is made of them; passes over names that start with a
    /// dot, because that is where the same files lie a second time.
    fn directory(&mut self, path: &Path, depth: usize) {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => return self.errors.push(unreadable(path, &error)),
        };
        if self.above.contains(&real) || self.full {
            return;
        }
        if depth > MOST_DIRECTORIES {
            let message = format!("directories nest more than {MOST_DIRECTORIES} deep");
            return self.errors.push(about(path, &codes::TW0109, message));
        }
        let entries = match fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return self.errors.push(unreadable(path, &error)),
        };
        let mut paths: Vec<PathBuf> = entries.iter().map(|e| e.path()).collect();
        paths.sort();
        self.above.push(real);
        for path in paths {
            let hidden = path.file_name().is_none_or(|n| n.as_encoded_bytes().starts_with(b"."));
            let rule_file = path.extension().is_some_and(|e| e == "twite");
            match fs::metadata(&path) {
                _ if hidden => {}
                // It held rules, or was meant to.
                Ok(meta) if meta.is_dir() && rule_file => {
                    self.errors.push(cannot_read(&path, "it is a directory, with the name of a rule file"));
                }
                Ok(meta) if meta.is_dir() => self.directory(&path, depth + 1),
                Ok(_) if rule_file => self.add(path),
                Ok(_) if nearly_a_rule_file(&path) => self.passed_over.push(path),
                // A link that leads nowhere is no rule file, unless it says so.
                Err(error) if rule_file => self.errors.push(unreadable(&path, &error)),
                _ => {}
            }
        }
        self.above.pop();
    }

    fn add(&mut self, path: PathBuf) {
        if self.full || !self.seen.insert(path.clone()) {
            return;
        }
        if self.files.len() >= MOST_FILES {
            self.full = true;
            self.errors.push(about(&path, &codes::TW0109, format!("there are more than {MOST_FILES} rule files")));
            return;
        }
        self.files.push(path);
    }
}

/// Whether a name ends nearly as those of rule files do: `.TWITE`, `.twit`, `.twite.txt`.
fn nearly_a_rule_file(path: &Path) -> bool {
    let extension = |path: &Path| path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let near = |extension: &str| strsim::osa_distance(extension, "twite") <= 1;
    near(&extension(path))
        || (extension(path) == "txt" && path.file_stem().is_some_and(|stem| near(&extension(Path::new(stem)))))
}

/// Reads files, within limits.
#[derive(Default)]
pub(crate) struct Reader {
    total: u64,
}

impl Reader {
    /// The text of a file.
    pub(crate) fn read(&mut self, path: &Path) -> Result<String, Diagnostic> {
        let too_long = || {
            let message = format!("this file is longer than {} KiB", MOST_FILE / 1024);
            about(path, &codes::TW0109, message).with_help("divide it; files of a directory are checked together")
        };
        let open = || -> std::io::Result<(u64, fs::File)> {
            let file = fs::File::open(path)?;
            let meta = file.metadata()?;
            if !meta.is_file() {
                return Err(std::io::Error::other("it is no file"));
            }
            Ok((meta.len(), file))
        };
        // A pipe would block on opening; ask first.
        if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
            return Err(cannot_read(path, "it is no file"));
        }
        let (length, file) = open().map_err(|e| unreadable(path, &e))?;
        if length > MOST_FILE {
            return Err(too_long());
        }
        let mut bytes = vec![];
        // Files grow while they are read.
        file.take(MOST_FILE + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
        if bytes.len() as u64 > MOST_FILE {
            return Err(too_long());
        }
        self.take(path, bytes)
    }

    /// Bytes that were read already, as text.
    pub(crate) fn take(&mut self, path: &Path, bytes: Vec<u8>) -> Result<String, Diagnostic> {
        self.total += bytes.len() as u64;
        if self.total > MOST_TOTAL {
            let message = format!("the files are longer than {} MiB together", MOST_TOTAL / 1024 / 1024);
            return Err(about(path, &codes::TW0109, message));
        }
        String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(e.as_bytes().get(..at).unwrap_or_default());
            let LineColumn { line, column } = LineIndex::new(&before).line_column(&before, before.len());
            let message =
                format!("this file is not UTF-8: the byte in line {line}, column {column} belongs to no character");
            about(path, &codes::TW0110, message).with_help("save it as UTF-8")
        })
    }
}

/// The name of a file in messages. Bytes that are no UTF-8 are written `\xFF`, so that no two files share a name.
pub(crate) fn name(path: &Path) -> Arc<str> {
    let mut name = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        name.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| name.push_str(&format!("\\x{byte:02X}")));
    }
    name.into()
}

fn about(path: &Path, code: &'static codes::Code, message: String) -> Diagnostic {
    Diagnostic::new(code, 0..0, message).in_file(&name(path))
}

/// A file that is most likely meant to be a rule file.
pub(crate) fn passed_over(path: &Path) -> Diagnostic {
    let message = format!("`{}` does not end in `.twite`, and its rules are not read", path.display());
    about(path, &codes::TW0117, message).with_help("rename it; or call it something else, where it is no rule file")
}

/// A path that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    cannot_read(path, &why)
}

/// A path that cannot be read, and why.
pub(crate) fn cannot_read(path: &Path, why: &str) -> Diagnostic {
    about(path, &codes::TW0111, format!("cannot read `{}`: {why}", path.display()))
}
