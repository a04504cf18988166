//! Finds and reads rule files, within limits on size and number.

use std::{
    collections::HashSet,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    codes,
    diagnostic::Diagnostic,
    span::{SourceFile, SourceSet, Span},
};

/// Maximum size of a file, in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Maximum number of rule files.
const MAX_FILES: usize = 10_000;
/// The maximum total size of all files, in bytes.
const MAX_TOTAL_BYTES: u64 = 64 * 1024 * 1024;
/// Maximum nesting of directories.
const MAX_DIRECTORY_DEPTH: usize = 32;

/// The files found at paths.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The rule files, sorted within each given path.
    pub(crate) files: Vec<PathBuf>,
    /// Paths that could not be read.
    pub(crate) errors: Vec<Diagnostic>,
    /// Ignored files: those without the extension `.twite` or `.list`, and broken links; except names that start with a dot.
    pub(crate) unread: Vec<PathBuf>,
}

/// The ignored files whose extension is a likely misspelling of `.twite`.
pub(crate) fn passed_over(unread: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    unread.iter().filter(|path| nearly_a_rule_file(path))
}

/// Finds the rule files at these paths.
pub(crate) fn find(paths: &[PathBuf]) -> Found {
    let mut search = Search::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => search.directory(path, 0),
            Ok(meta) => search.add(path.clone(), &meta),
            Err(error) => search.errors.push(unreadable(path, &error)),
        }
    }
    Found { files: search.files, errors: search.errors, unread: search.unread }
}

/// Rule files that were read.
#[derive(Debug, Default)]
pub(crate) struct RuleFiles {
    /// The texts.
    pub(crate) texts: Vec<(PathBuf, String)>,
    /// Errors about the other files.
    pub(crate) errors: Vec<Diagnostic>,
    /// The texts that the errors refer to.
    pub(crate) sources: SourceSet,
    /// The ignored files with a likely misspelled extension.
    pub(crate) passed_over: Vec<PathBuf>,
}

/// Reads the rule files at these paths.
pub(crate) fn read_rule_files(paths: &[PathBuf]) -> RuleFiles {
    let Found { files, errors, unread } = find(paths);
    let passed_over = passed_over(&unread).cloned().collect();
    let mut read = RuleFiles { errors, passed_over, ..RuleFiles::default() };
    let mut reader = Reader::default();
    for path in files {
        match reader.read(&path) {
            Ok(text) => read.texts.push((path, text)),
            Err(NotRead { error, shown }) => {
                read.errors.push(*error);
                shown.into_iter().for_each(|file| read.sources.insert(file));
            }
        }
    }
    read
}

/// The state of a recursive directory search.
#[derive(Default)]
struct Search {
    files: Vec<PathBuf>,
    errors: Vec<Diagnostic>,
    unread: Vec<PathBuf>,
    /// Canonical paths of the directories being searched, to detect cycles of links.
    above: Vec<PathBuf>,
    /// Files found so far: a file with several names, for example through links, is read once, under the first name.
    seen: HashSet<FileId>,
    full: bool,
}

impl Search {
    /// Follows links, because mounted configuration (as in Kubernetes) consists of links. Skips names that start with a
    /// dot, because such mounts keep a second copy of the files there.
    fn directory(&mut self, path: &Path, depth: usize) {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => return self.errors.push(unreadable(path, &error)),
        };
        if self.above.contains(&real) || self.full {
            return;
        }
        if depth > MAX_DIRECTORY_DEPTH {
            let message = format!("nesting too deep: more than {MAX_DIRECTORY_DEPTH} levels of directories");
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
            let rule_file = is_rule_file(&path);
            match fs::metadata(&path) {
                _ if hidden => {}
                // A directory with such a name is most likely a mistake.
                Ok(meta) if meta.is_dir() && rule_file => {
                    self.errors.push(cannot_read(&path, "it is a directory"));
                }
                Ok(meta) if meta.is_dir() => self.directory(&path, depth + 1),
                Ok(meta) if rule_file => self.add(path, &meta),
                // A broken link is an error only if it has the name of a rule file.
                Err(error) if rule_file => self.errors.push(unreadable(&path, &error)),
                _ if self.unread.len() < MAX_FILES => self.unread.push(path),
                _ => {}
            }
        }
        self.above.pop();
    }

    fn add(&mut self, path: PathBuf, meta: &fs::Metadata) {
        if self.full || !self.seen.insert(file_id(&path, meta)) {
            return;
        }
        if self.files.len() >= MAX_FILES {
            self.full = true;
            self.errors.push(about(&path, &codes::TW0109, format!("too many rule files: more than {MAX_FILES}")));
            return;
        }
        self.files.push(path);
    }
}

/// Identity of a file independent of its name: device and inode.
#[cfg(unix)]
type FileId = (u64, u64);
/// Identity of a file independent of its name: its canonical path.
#[cfg(not(unix))]
type FileId = PathBuf;

#[cfg(unix)]
fn file_id(_: &Path, meta: &fs::Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn file_id(path: &Path, _: &fs::Metadata) -> FileId {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a file is read: a rule file, or a list.
pub(crate) fn is_rule_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "twite" || extension == "list")
}

/// Whether a file is a list, by its name.
pub(crate) fn is_list(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "list")
}

/// Whether the extension is that of a rule file, or a likely misspelling: `.TWITE`, `.twit`, `.twite.txt`, `.LIST`.
pub(crate) fn nearly_a_rule_file(path: &Path) -> bool {
    nearly(path).is_some()
}

/// The path with a misspelled extension corrected: `people.twite` for `people.TWITE` and `people.twit.txt`, `vip.list` for
/// `vip.LIST`.
pub(crate) fn nearly(path: &Path) -> Option<PathBuf> {
    let extension = |path: &Path| path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    // `a.twite~` is an editor's backup file, not a misspelling.
    let near = |path: &Path| match extension(path).as_str() {
        "list" | "lists" => Some("list"),
        extension if strsim::osa_distance(extension, "twite") <= 1 && !extension.ends_with('~') => Some("twite"),
        _ => None,
    };
    let bare = if extension(path) == "txt" { path.with_extension("") } else { path.to_owned() };
    [path, &bare].into_iter().find_map(|path| Some(path.with_extension(near(path)?)))
}

/// Why a file was not read.
#[derive(Debug)]
pub(crate) struct NotRead {
    pub(crate) error: Box<Diagnostic>,
    /// The text that the error refers to, with `?` for each invalid byte, so that the offsets are those of the file.
    pub(crate) shown: Option<SourceFile>,
}

impl From<Diagnostic> for NotRead {
    fn from(error: Diagnostic) -> Self {
        Self { error: Box::new(error), shown: None }
    }
}

/// Reads files, with limits on the size of each file and on their total size.
#[derive(Default)]
pub(crate) struct Reader {
    total: u64,
}

impl Reader {
    /// Reads a file as UTF-8.
    pub(crate) fn read(&mut self, path: &Path) -> Result<String, NotRead> {
        self.take(path, read(path)?)
    }

    /// Decodes bytes that were already read, and counts them towards the total limit.
    pub(crate) fn take(&mut self, path: &Path, bytes: Vec<u8>) -> Result<String, NotRead> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(too_large(path).into());
        }
        self.total += bytes.len() as u64;
        if self.total > MAX_TOTAL_BYTES {
            let message = format!("files too large: more than {} MiB in all", MAX_TOTAL_BYTES / 1024 / 1024);
            return Err(about(path, &codes::TW0109, message).into());
        }
        String::from_utf8(bytes).map_err(|e| {
            let mut shown = String::new();
            for chunk in e.as_bytes().utf8_chunks() {
                shown.push_str(chunk.valid());
                shown.extend(chunk.invalid().iter().map(|_| '?'));
            }
            let (file, at) = (SourceFile::new(name(path), shown), e.utf8_error().valid_up_to());
            let byte = e.as_bytes().get(at).copied().unwrap_or_default();
            let message = format!("not valid UTF-8: invalid byte 0x{byte:02X}");
            let error = Diagnostic::new(&codes::TW0110, file.span(at..at + 1), message);
            NotRead { error: Box::new(error.with_help("save the file as UTF-8")), shown: Some(file) }
        })
    }
}

/// Error for a file of more than [`MAX_FILE_BYTES`].
pub(crate) fn too_large(path: &Path) -> Diagnostic {
    let message = format!("file too large: more than {} KiB", MAX_FILE_BYTES / 1024);
    about(path, &codes::TW0109, message).with_help("split it; all files of a directory are checked together")
}

/// The contents of a file of at most [`MAX_FILE_BYTES`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let open = || -> std::io::Result<(u64, fs::File)> {
        let file = fs::File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(std::io::Error::other("not a regular file"));
        }
        Ok((meta.len(), file))
    };
    // Opening a pipe would block, so check the file type first.
    if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return Err(cannot_read(path, "not a regular file"));
    }
    let (length, file) = open().map_err(|e| unreadable(path, &e))?;
    if length > MAX_FILE_BYTES {
        return Err(too_large(path));
    }
    let mut bytes = vec![];
    // The file may grow while it is read, so limit the read as well.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(path));
    }
    Ok(bytes)
}

/// The name of a file in messages: its path, with bytes that are not valid UTF-8 escaped as `\xFF`. [`path_of`] is the
/// inverse, so names are unique.
pub(crate) fn name(path: &Path) -> Arc<str> {
    let mut name = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find('\\') {
            let (before, from) = rest.split_at(at);
            let (backslash, behind) = from.split_at(1);
            name.push_str(before);
            name.push_str(if escaped_byte(from).is_some() { "\\x5C" } else { backslash });
            rest = behind;
        }
        name.push_str(rest);
        chunk.invalid().iter().for_each(|byte| name.push_str(&format!("\\x{byte:02X}")));
    }
    name.into()
}

/// The path with this name: the inverse of [`name`].
pub(crate) fn path_of(name: &str) -> PathBuf {
    #[cfg(unix)]
    {
        use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};
        let (mut bytes, mut rest) = (vec![], name);
        while let Some(at) = rest.find('\\') {
            let (before, from) = rest.split_at(at);
            bytes.extend_from_slice(before.as_bytes());
            let (byte, length) = escaped_byte(from).map_or((b'\\', 1), |byte| (byte, 4));
            bytes.push(byte);
            rest = from.get(length..).unwrap_or_default();
        }
        bytes.extend_from_slice(rest.as_bytes());
        OsString::from_vec(bytes).into()
    }
    #[cfg(not(unix))]
    PathBuf::from(name)
}

/// Decodes an escape such as `\xFF` at the start of a text. On Unix only: elsewhere a backslash separates directories.
fn escaped_byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("\\x").and_then(|digits| digits.get(..2)).filter(|_| cfg!(unix))?;
    let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| *byte >= 0x80 || *byte == b'\\')?;
    (format!("{byte:02X}") == digits).then_some(byte)
}

fn about(path: &Path, code: &'static codes::Code, message: String) -> Diagnostic {
    Diagnostic::new(code, Span::of_file(name(path)), message)
}

/// Warning about an ignored file whose extension is most likely misspelled.
pub(crate) fn not_read(path: &Path) -> Diagnostic {
    let meant = nearly(path).filter(|meant| is_list(&name(meant))).map_or("twite", |_| "list");
    let message = format!("file ignored: `{}` does not end in `.{meant}`", name(path));
    about(path, &codes::TW0117, message).with_help("rename it; if it is not a rule file, give it another extension")
}

/// Error for a path that cannot be read, from an I/O error.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    cannot_read(path, &why)
}

/// Error for a path that cannot be read, with a reason.
pub(crate) fn cannot_read(path: &Path, why: &str) -> Diagnostic {
    about(path, &codes::TW0111, format!("cannot read `{}`: {why}", name(path)))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_show_bytes_that_are_no_text() {
        for (path, shown) in [
            (b"rules/a.twite".as_slice(), "rules/a.twite"),
            (b"r\xff.twite", "r\\xFF.twite"),
            (b"r\\xFF.twite", "r\\x5CxFF.twite"),
            (b"r\\x5CxFF", "r\\x5Cx5CxFF"),
            (b"a\\b\\x41\\xff", "a\\b\\x41\\xff"),
        ] {
            let path = Path::new(OsStr::from_bytes(path));
            assert_eq!(&*name(path), shown);
            assert_eq!(path_of(shown), path);
        }
    }

    proptest! {
        #[test]
        fn a_name_leads_back_to_its_path(pieces in prop::collection::vec(prop_oneof![
            Just(b"\\".to_vec()), Just(b"x".to_vec()), Just(b"5C".to_vec()), Just(b"\\xFF".to_vec()), any::<Vec<u8>>()
        ], 0..8)) {
            let bytes = pieces.concat();
            let path = Path::new(OsStr::from_bytes(&bytes));
            prop_assert_eq!(path_of(&name(path)), path);
        }
    }
}
