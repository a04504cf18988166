//! Paths to a rule set: the one way that `check`, the daemon's start and its reload all go.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    check::{self, File},
    codes, declarations,
    diagnostic::{Diagnostic, Severity},
    render,
    rules::{Files, Rules, SourceFile, Version},
    sources::{self, Reader, Sources},
};
use crate::desk::Desk;

/// How many findings stand in [`Loaded::report`].
const MAX_REPORTED: usize = 50;

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The rules, unless something is an error.
    pub rules: Option<Arc<Rules>>,
    /// Everything there is to say, file by file.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts it is about.
    pub sources: Sources,
    /// The files that were read.
    pub texts: Files,
    /// Where the files lie, by their names in messages.
    pub paths: BTreeMap<Arc<str>, PathBuf>,
    /// How many files were looked at, `twite.toml` included.
    pub files: usize,
    /// How many of them are rule files.
    pub rule_files: usize,
    /// Files beside them that were passed over, because their names end only nearly as those of rule files do.
    pub passed_over: Vec<PathBuf>,
    /// The `twite.toml` that was read, where there is one.
    pub config: Option<PathBuf>,
}

/// A text that stands for a file, as an editor has it.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// The file; it need not be there.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Loaded {
    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// This and what came of loading another set.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rules = None;
        self.diagnostics.extend(other.diagnostics);
        self.sources.extend(other.sources);
        self.paths.extend(other.paths);
        self.files += other.files;
        self.rule_files += other.rule_files;
        self.passed_over.extend(other.passed_over);
        self
    }

    /// What is said of some files only, and of `twite.toml`, without which nothing could be said of any.
    #[must_use]
    pub fn about(mut self, file: impl Fn(&str) -> bool) -> Self {
        let mut asked: HashMap<Arc<str>, bool> = HashMap::new();
        let config = self.config.as_deref().map(sources::name);
        let mut is_asked = |name: &Arc<str>| {
            Some(name) == config.as_ref() || *asked.entry(Arc::clone(name)).or_insert_with(|| file(name))
        };
        self.diagnostics.retain(|d| is_asked(&d.file));
        self.files = self.sources.names().filter(|name| is_asked(name)).count().max(1);
        self
    }

    /// What there is to say, for people, without colours: the first [`MAX_REPORTED`], errors before warnings, and how many
    /// more there are.
    pub fn report(&self) -> String {
        let mut shown: Vec<_> = self.diagnostics.iter().filter(|d| d.is_error()).take(MAX_REPORTED).cloned().collect();
        let warnings = self.diagnostics.iter().filter(|d| !d.is_error());
        shown.extend(warnings.take(MAX_REPORTED - shown.len()).cloned());
        let mut report = render::human(&shown, &self.sources, render::Style::default());
        let more = self.diagnostics.len() - shown.len();
        if more > 0 {
            report.push_str(&format!("and {more} more, which `twite check` lists\n"));
        }
        report
    }

    /// "3 errors, 1 warning in 4 files"
    pub fn summary(&self) -> String {
        let many = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let mut found = vec![];
        if self.errors() > 0 {
            found.push(many(self.errors(), "error"));
        }
        if self.warnings() > 0 {
            found.push(many(self.warnings(), "warning"));
        }
        let found = if found.is_empty() { "nothing wrong".to_owned() } else { found.join(", ") };
        format!("{found} in {}", many(self.files, "file"))
    }
}

/// Loads the rule files at these paths: files, or directories with everything called `*.twite` below them.
/// `config` names the `twite.toml`; without it, it lies in the first of the directories or the one above.
///
/// Never fails: whatever is wrong is in the diagnostics.
pub fn load(paths: &[PathBuf], config: Option<&Path>) -> Loaded {
    load_with(paths, config, None)
}

/// [`load`], where a buffer stands for one of the files, or is one more.
pub fn load_with(paths: &[PathBuf], config: Option<&Path>, buffer: Option<&Buffer>) -> Loaded {
    let mut reader = Reader::default();
    let mut sources = Sources::default();
    let mut paths_read = BTreeMap::new();
    let sources::Found { files: mut found, errors: mut diagnostics, passed_over } = sources::find(paths);
    let is_same = |path: &Path, other: &Path| {
        path == other
            || fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(other).is_ok_and(|other| path == other))
    };
    diagnostics.extend(passed_over.iter().map(|path| sources::passed_over(path)));
    let config = config.map(Path::to_owned).or_else(|| beside(paths));
    if let Some(buffer) = buffer
        && !found.iter().chain(&config).any(|path| is_same(path, &buffer.path))
    {
        found.push(buffer.path.clone());
    }
    let text_of = |reader: &mut Reader, path: &Path| match buffer.filter(|buffer| is_same(path, &buffer.path)) {
        Some(buffer) => Ok(buffer.text.clone()),
        None => reader.read(path),
    };
    let mut read = |path: &Path, diagnostics: &mut Vec<Diagnostic>| match text_of(&mut reader, path) {
        Ok(text) => {
            let (name, text) = (sources::name(path), Arc::<str>::from(text));
            sources.insert(Arc::clone(&name), Arc::clone(&text));
            paths_read.insert(Arc::clone(&name), path.to_owned());
            Some(SourceFile { name, text })
        }
        Err(error) => {
            diagnostics.push(error);
            None
        }
    };
    let declared = config.as_deref().and_then(|path| read(path, &mut diagnostics));
    let mut calendars = vec![];
    for (name, path) in config.as_deref().zip(declared.as_ref()).into_iter().flat_map(|(c, d)| calendars_of(c, d)) {
        calendars.extend(read(&path, &mut diagnostics).map(|file| SourceFile { name: name.into(), ..file }));
    }
    let rules: Vec<_> = found.iter().filter_map(|path| read(path, &mut diagnostics)).collect();
    let unread = diagnostics.iter().any(Diagnostic::is_error);
    let read = Files { config: declared, calendars, rules };
    let files_named = read.calendars.len();
    let version = Version { hash: hash(&read, paths), commit: paths.first().and_then(|path| commit(path)) };
    let (rules, found_wrong) = check_files(read.clone(), version);
    diagnostics.extend(found_wrong);
    let files = found.len() + usize::from(config.is_some()) + files_named;
    Loaded {
        rules: rules.filter(|_| !unread).map(Arc::new),
        diagnostics,
        sources,
        texts: read,
        paths: paths_read,
        files,
        rule_files: found.len(),
        passed_over,
        config,
    }
}

/// The files that [`load`] would read, in its order.
pub fn files_at(paths: &[PathBuf], config: Option<&Path>) -> Vec<PathBuf> {
    let config = config.map(Path::to_owned).or_else(|| beside(paths));
    let text = config.as_deref().and_then(|path| Some((path, Reader::default().read(path).ok()?)));
    let calendars = text.map(|(path, text)| {
        calendars_of(path, &SourceFile { name: "".into(), text: text.into() }).into_iter().map(|(_, path)| path)
    });
    let calendars: Vec<_> = calendars.into_iter().flatten().collect();
    config.into_iter().chain(calendars).chain(sources::find(paths).files).collect()
}

/// The calendar files that declarations name: by that name, and where they lie.
fn calendars_of(config: &Path, declared: &SourceFile) -> Vec<(String, PathBuf)> {
    let Some(desk) = declarations::read(&declared.text).0 else { return vec![] };
    let directory = config.parent().unwrap_or(Path::new(""));
    desk.calendars().into_iter().map(|name| (name.to_owned(), directory.join(name))).collect()
}

/// Checks files that were read before, as [`load`] does.
pub fn check_files(files: Files, version: Version) -> (Option<Rules>, Vec<Diagnostic>) {
    let Some(config) = &files.config else { return check_against(files, Arc::default(), false, version) };
    let (desk, errors) = declarations::read(&config.text);
    let mut diagnostics: Vec<_> = errors.into_iter().map(|e| e.in_file(&config.name)).collect();
    let sound = diagnostics.is_empty();
    let (rules, found) = match desk {
        Some(mut desk) => {
            diagnostics.extend(add_calendars(&mut desk, &files));
            let sound = diagnostics.is_empty();
            let (rules, found) = check_against(files, Arc::new(desk), true, version);
            (rules.filter(|_| sound), found)
        }
        // Without its declarations hardly a rule would be right: only what is written wrongly is reported.
        None => (None, only_syntax(&files)),
    };
    diagnostics.extend(found);
    (rules.filter(|_| sound), diagnostics)
}

/// Checks texts from memory, in this order, against a desk.
pub fn check_sources(
    files: impl IntoIterator<Item = (impl Into<Arc<str>>, impl Into<Arc<str>>)>,
    desk: impl Into<Arc<Desk>>,
) -> (Option<Rules>, Vec<Diagnostic>) {
    let rules = files.into_iter().map(|(name, text)| SourceFile { name: name.into(), text: text.into() }).collect();
    let files = Files { config: None, calendars: vec![], rules };
    let version = Version { hash: hash(&files, &[]), commit: None };
    check_against(files, desk.into(), true, version)
}

/// Checks rules against a desk; whether anything declares it.
fn check_against(files: Files, desk: Arc<Desk>, declared: bool, version: Version) -> (Option<Rules>, Vec<Diagnostic>) {
    let parsed: Vec<File> = files.rules.iter().map(|f| File::new(Arc::clone(&f.name), Arc::clone(&f.text))).collect();
    let (rules, diagnostics) = check::check(&parsed, &desk, declared, version);
    (rules.map(|rules| Rules { files: Arc::new(files), ..rules }), diagnostics)
}

/// Adds the events of calendar files to the holidays.
fn add_calendars(desk: &mut Desk, files: &Files) -> Vec<Diagnostic> {
    let mut wrong = vec![];
    for hours in desk.all_hours_mut() {
        for name in &hours.calendars {
            // One that could not be read has been reported.
            let Some(file) = files.calendars.iter().find(|file| *file.name == **name) else { continue };
            if let Err(error) = hours.holidays.add_calendar(&file.text) {
                let message = format!("{name}: {error}");
                let place = files.config.as_ref().and_then(|c| Some((&c.name, c.text.find(name.as_str())?)));
                if let Some((config, at)) = place {
                    wrong.push(Diagnostic::new(&codes::TW0503, at..at + name.len(), message).in_file(config));
                }
            }
        }
    }
    wrong
}

fn only_syntax(files: &Files) -> Vec<Diagnostic> {
    let errors = |file: &SourceFile| {
        super::syntax::parse(&file.text).errors.into_iter().map(|e| e.in_file(&file.name)).collect::<Vec<_>>()
    };
    files.rules.iter().flat_map(errors).collect()
}

/// The `twite.toml` in the first directory, or the one above it.
fn beside(paths: &[PathBuf]) -> Option<PathBuf> {
    let first = paths.first()?;
    let directory = if first.is_dir() { first.clone() } else { first.parent()?.to_owned() };
    let above = match directory.parent() {
        // `rules` lies in the directory we are in; `.` and `..` have their parent above them.
        Some(parent) if directory.file_name().is_some() => parent.to_owned(),
        _ => directory.join(".."),
    };
    [directory, above].into_iter().map(|d| d.join("twite.toml")).find(|path| path.exists())
}

/// SHA-256 over names and contents. Names count from the directory they were found in, so that the same
/// rules have the same hash wherever they lie.
fn hash(files: &Files, paths: &[PathBuf]) -> String {
    let mut sha = Sha256::new();
    for SourceFile { name, text } in files.config.iter().chain(&files.calendars).chain(&files.rules) {
        let path = Path::new(&**name);
        let below = paths.iter().find_map(|given| path.strip_prefix(given).ok());
        let name = match below.filter(|b| !b.as_os_str().is_empty()) {
            Some(below) => below.to_string_lossy(),
            None => path.file_name().map_or_else(|| (&**name).into(), |n| n.to_string_lossy()),
        };
        // Lengths keep the end of a name and the start of a text apart.
        for piece in [name.as_bytes(), text.as_bytes()] {
            sha.update((piece.len() as u64).to_be_bytes());
            sha.update(piece);
        }
    }
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The commit of the repository a path lies in, with `+` where something below the path differs from it.
fn commit(path: &Path) -> Option<String> {
    let directory = if path.is_dir() { path } else { path.parent()? };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(directory)
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let head = git(&["rev-parse", "--verify", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", "."])?;
    Some(if changed.is_empty() { head } else { head + "+" })
}
