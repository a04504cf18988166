//! Paths to a rule set: the one way that `check`, the daemon's start and its reload all go.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    check::{self, File},
    codes,
    config::{self, Config, Gaps},
    diagnostic::{Diagnostic, Severity},
    git::{self, Commit, Head},
    render,
    rules::{Files, Rules, Version},
    sources::{self, Found, Reader, cannot_read},
    span::{SourceFile, SourceSet},
};
use crate::{
    desk::{Declarations, visible::Visible},
    settings::{Settings, StoreSettings},
};

/// How many findings stand in [`Loaded::report`].
const MAX_REPORTED: usize = 50;

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The rules, unless something is an error.
    pub rules: Option<Arc<Rules>>,
    /// What the process needs, as far as it can be read.
    pub settings: Settings,
    /// Everything there is to say, file by file.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts it is about.
    pub sources: SourceSet,
    /// The files that were read.
    pub texts: Files,
    /// How many files were looked at, `twite.toml` included.
    pub files: usize,
    /// How many of them are rule files.
    pub rule_files: usize,
    /// How many things the rules declare; unknown where something is an error.
    pub declarations: Option<usize>,
    /// What lies beside them and is not read: files with other names, and links that lead nowhere.
    pub unread: Vec<PathBuf>,
    /// The `twite.toml` that was read, where there is one.
    config: Option<PathBuf>,
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

    /// Files that were passed over, because their names end only nearly as those of rule files do.
    pub fn passed_over(&self) -> Vec<PathBuf> {
        sources::passed_over(&self.unread).cloned().collect()
    }

    /// This and what came of loading another set.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rules = None;
        self.declarations = self.declarations.zip(other.declarations).map(|(one, other)| one + other);
        self.diagnostics.extend(other.diagnostics);
        self.sources.extend(other.sources);
        self.files += other.files;
        self.rule_files += other.rule_files;
        self.unread.extend(other.unread);
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
        self.diagnostics.retain(|d| is_asked(d.file()));
        self.files = self.sources.names().filter(|name| is_asked(name)).count().max(1);
        self
    }

    /// What there is to say, for people, without colours: the first `MAX_REPORTED`, errors before warnings, and how many
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
        let found = if found.is_empty() { "no problems".to_owned() } else { found.join(", ") };
        format!("{found} in {}", many(self.files, "file"))
    }
}

/// What goes live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// The files as they are.
    #[default]
    Files,
    /// What the commit has that is checked out.
    Commit,
}

impl Follow {
    /// Where the files at these paths are read from.
    ///
    /// # Errors
    /// Why no commit can be followed there.
    pub fn tree(self, paths: &[PathBuf]) -> Result<Tree, String> {
        if self == Self::Files {
            return Ok(Tree::Disk);
        }
        let path = paths.first().map_or(Path::new("."), PathBuf::as_path);
        let head =
            Head::at(path).map_err(|why| format!("cannot read a Git commit at {}: {why}", sources::name(path)))?;
        Commit::open(path, &head.commit).map(Tree::Commit)
    }
}

/// Where files are read from.
#[derive(Debug)]
pub enum Tree {
    /// The file system.
    Disk,
    /// A commit, whatever the work tree says.
    Commit(Commit),
}

impl Tree {
    fn find(&self, paths: &[PathBuf]) -> Found {
        let Self::Commit(commit) = self else { return sources::find(paths) };
        let mut found = Found::default();
        for path in paths {
            match (commit.is_directory(path), commit.is_file(path)) {
                (true, _) => {
                    let (rules, others) = commit.files(path);
                    found.files.extend(rules);
                    found.unread.extend(others);
                }
                (_, true) => found.files.push(path.clone()),
                _ => found.errors.push(cannot_read(path, &format!("commit {} has no such path", commit.id()))),
            }
        }
        found
    }

    fn read(&self, reader: &mut Reader, path: &Path) -> Result<String, Diagnostic> {
        match self {
            Self::Disk => reader.read(path),
            Self::Commit(commit) => {
                let bytes = commit.read(path, sources::MAX_FILE_BYTES).map_err(|why| cannot_read(path, &why))?;
                reader.take(path, bytes)
            }
        }
    }

    /// Whether a file holds this text.
    fn holds(&self, path: &Path, text: &str) -> bool {
        let length = match self {
            Self::Disk => fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len()),
            Self::Commit(commit) => commit.length(path),
        };
        length == Some(text.len() as u64) && self.read(&mut Reader::default(), path).is_ok_and(|found| found == text)
    }

    /// The `twite.toml` in the first directory, or the one above it.
    fn beside(&self, paths: &[PathBuf]) -> Option<PathBuf> {
        let first = paths.first()?;
        let is_directory = match self {
            Self::Disk => first.is_dir(),
            Self::Commit(commit) => commit.is_directory(first),
        };
        let directory = if is_directory { first.clone() } else { first.parent()?.to_owned() };
        let above = match directory.parent() {
            // `rules` lies in the directory we are in; `.` and `..` have their parent above them.
            Some(parent) if directory.file_name().is_some() => parent.to_owned(),
            _ => directory.join(".."),
        };
        [directory, above].into_iter().map(|d| d.join("twite.toml")).find(|path| match self {
            Self::Disk => path.exists(),
            Self::Commit(commit) => commit.is_file(path),
        })
    }
}

/// Files as they were read, not checked yet.
struct Read {
    files: Files,
    version: Version,
    diagnostics: Vec<Diagnostic>,
    sources: SourceSet,
    count: usize,
    rule_files: usize,
    unread: Vec<PathBuf>,
    config: Option<PathBuf>,
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
    load_tree(&Tree::Disk, paths, config, buffer)
}

/// [`load`], from a tree.
pub fn load_from(tree: &Tree, paths: &[PathBuf], config: Option<&Path>) -> Loaded {
    load_tree(tree, paths, config, None)
}

fn load_tree(tree: &Tree, paths: &[PathBuf], config: Option<&Path>, buffer: Option<&Buffer>) -> Loaded {
    let Read { files, version, mut diagnostics, sources, count, rule_files, unread: others, config } =
        read(tree, paths, config, buffer);
    let unread = diagnostics.iter().any(Diagnostic::is_error);
    let (rules, found_wrong) = check_files(files.clone(), version);
    diagnostics.extend(found_wrong);
    let directory = config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let settings = settings(&files, directory);
    // What a commit names lies where it is checked out, if it is.
    if let (Tree::Disk, Some(_), Some(declared)) = (tree, &rules, &files.config) {
        diagnostics.extend(config::unusable_paths(&settings, declared, directory));
    }
    let rules = rules.filter(|_| !unread).map(Arc::new);
    let declarations = rules.as_ref().map(|rules| rules.declarations());
    Loaded {
        rules,
        settings,
        declarations,
        diagnostics,
        sources,
        texts: files,
        files: count,
        rule_files,
        unread: others,
        config,
    }
}

/// The hash that [`load_from`] would give these files, without checking them; nothing where one cannot be read.
pub fn hash_at(tree: &Tree, paths: &[PathBuf], config: Option<&Path>) -> Option<String> {
    let read = read(tree, paths, config, None);
    (!read.diagnostics.iter().any(Diagnostic::is_error)).then_some(read.version.hash)
}

fn read(tree: &Tree, paths: &[PathBuf], config: Option<&Path>, buffer: Option<&Buffer>) -> Read {
    let mut reader = Reader::default();
    let mut sources = SourceSet::default();
    let Found { files: mut found, errors: mut diagnostics, unread } = tree.find(paths);
    let is_same = |path: &Path, other: &Path| {
        path == other
            || fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(other).is_ok_and(|other| path == other))
    };
    diagnostics.extend(sources::passed_over(&unread).map(|path| sources::not_read(path)));
    let config = config.map(Path::to_owned).or_else(|| tree.beside(paths));
    if let Some(buffer) = buffer
        && !found.iter().chain(&config).any(|path| is_same(path, &buffer.path))
    {
        found.push(buffer.path.clone());
    }
    let text_of = |reader: &mut Reader, path: &Path| match buffer.filter(|buffer| is_same(path, &buffer.path)) {
        Some(buffer) => Ok(buffer.text.clone()),
        None => tree.read(reader, path),
    };
    let mut read = |path: &Path, diagnostics: &mut Vec<Diagnostic>| match text_of(&mut reader, path) {
        Ok(text) => {
            let file = SourceFile::new(sources::name(path), text);
            sources.insert(file.clone());
            Some(file)
        }
        Err(error) => {
            diagnostics.push(error);
            None
        }
    };
    let declared = config.as_deref().and_then(|path| read(path, &mut diagnostics));
    let named: Vec<_> =
        config.as_deref().zip(declared.as_ref()).into_iter().flat_map(|(c, d)| calendars_of(c, &d.text)).collect();
    let mut calendars = vec![];
    for (name, path) in &named {
        calendars.extend(read(path, &mut diagnostics).map(|file| SourceFile::new(name.as_str(), file.text)));
    }
    let rules: Vec<_> = found.iter().filter_map(|path| read(path, &mut diagnostics)).collect();
    let count = found.len() + usize::from(config.is_some()) + calendars.len();
    let rule_files = found.len();
    let files = Files { config: declared, calendars, rules };
    let commit = match tree {
        Tree::Commit(commit) => Some(commit.id().to_owned()),
        Tree::Disk => {
            let all: Vec<_> = found.into_iter().chain(config.clone()).chain(named.into_iter().map(|n| n.1)).collect();
            git::commit_of(paths, &all)
        }
    };
    let version = Version { hash: hash(&files, paths), commit };
    Read { files, version, diagnostics, sources, count, rule_files, unread, config }
}

/// What is gone from files that have no mistake, and so stays live: nobody empties a desk by accident. One line for each.
/// To have no error is not the same as to be meant: a mount that is missing, a file that is being written and a checkout
/// under way look like this. `tree` is what it was loaded from.
pub fn lost(before: &Rules, loaded: &Loaded, tree: &Tree) -> Vec<String> {
    let Some(after) = &loaded.rules else { return vec![] };
    let old = |name: &str| before.files.rules.iter().chain(&before.files.config).find(|file| *file.name == *name);
    let mut lost = put_aside(before, after, &loaded.unread, tree);
    for file in after.files.config.iter().chain(&after.files.rules).filter(|file| blank(file)) {
        if old(&file.name).is_some_and(|old| !blank(old)) {
            let way =
                if Some(file) == after.files.config.as_ref() { "" } else { "; delete it, or write a comment in it" };
            lost.push(format!("{} has become empty{way}", file.name));
        }
    }
    match (before.files.rules.len(), after.files.rules.len()) {
        (1.., 0) => lost.push("all rule files are gone".to_owned()),
        _ if before.items() > 0 && after.items() == 0 => lost.push("the files contain no rules any more".to_owned()),
        _ => {}
    }
    if before.files.config.is_some() && after.files.config.is_none() {
        lost.push("twite.toml is gone".to_owned());
    } else if !before.desk.accounts.is_empty() && after.desk.accounts.is_empty() {
        lost.push("twite.toml declares no account any more".to_owned());
    }
    lost
}

fn blank(file: &SourceFile) -> bool {
    file.text.trim().is_empty()
}

/// What is said of a rule file that holds nothing.
fn empty(file: &SourceFile) -> Diagnostic {
    let found = Diagnostic::new(&codes::TW0121, file.span(0..0), "empty file");
    found.with_help("delete it, or write a comment in it")
}

/// Rule files that are read no more, and still lie there: under a name that no rule file has, or behind a link that leads
/// nowhere. One line for each.
fn put_aside(before: &Rules, after: &Rules, unread: &[PathBuf], tree: &Tree) -> Vec<String> {
    let now = &after.files.rules;
    let (names, texts): (HashSet<_>, HashSet<_>) = now.iter().map(|file| (&file.name, &file.text)).unzip();
    let gone = before.files.rules.iter().filter(|old| !blank(old));
    gone.filter(|old| !names.contains(&old.name) && !texts.contains(&old.text))
        .filter_map(|old| {
            let name = Path::new(&*old.name);
            let lies = |path: &&PathBuf| {
                name.starts_with(path)
                    || sources::nearly(path).is_some_and(|nearly| nearly == name)
                    || tree.holds(path, &old.text)
            };
            let path = Visible(&sources::name(unread.iter().find(lies)?)).to_string();
            Some(format!(
                "{} is no longer read, but exists as {path}; rename it to end in `.twite`, delete it, or move it out of the \
                 directory",
                Visible(&old.name)
            ))
        })
        .collect()
}

/// What a desk cannot do without, and these files do not have. One line for each.
pub fn missing(rules: &Rules) -> Vec<String> {
    let mut missing = vec![];
    if rules.files.rules.is_empty() {
        missing.push("no rule files found".to_owned());
    } else if rules.items() == 0 {
        missing.push("the files contain no rules".to_owned());
    }
    if rules.files.config.is_none() {
        missing.push("found no twite.toml in the directory of the rules or its parent".to_owned());
    } else if rules.desk.accounts.is_empty() {
        missing.push("twite.toml declares no account".to_owned());
    }
    missing
}

/// Where the `twite.toml` of rules at these paths lies, and where it says that things are kept; nothing where that cannot be told.
pub fn store_settings(tree: &Tree, paths: &[PathBuf], config: Option<&Path>) -> Option<(PathBuf, StoreSettings)> {
    let config = config.map(Path::to_owned).or_else(|| tree.beside(paths))?;
    let text = tree.read(&mut Reader::default(), &config).ok()?;
    config::store_settings(&text).map(|settings| (config, settings))
}

/// The settings in files that were read before, from a `twite.toml` that lay in this directory.
pub fn settings(files: &Files, directory: &Path) -> Settings {
    files.config.as_ref().map(|file| config::read(&file.text, directory).settings).unwrap_or_default()
}

/// The files that [`load`] would read, in its order, and what lies beside them and is not read.
pub fn files_at(paths: &[PathBuf], config: Option<&Path>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let config = config.map(Path::to_owned).or_else(|| Tree::Disk.beside(paths));
    let text = config.as_deref().and_then(|path| Some((path, Reader::default().read(path).ok()?)));
    let calendars = text.map(|(path, text)| calendars_of(path, &text).into_iter().map(|(_, path)| path));
    let calendars: Vec<_> = calendars.into_iter().flatten().collect();
    let Found { files, unread, .. } = sources::find(paths);
    (config.into_iter().chain(calendars).chain(files).collect(), unread)
}

/// The calendar files that declarations name: by that name, and where they lie.
fn calendars_of(config: &Path, declared: &str) -> Vec<(String, PathBuf)> {
    let directory = config.parent().unwrap_or(Path::new(""));
    let Some(desk) = config::read(declared, directory).declarations else { return vec![] };
    desk.calendars().into_iter().map(|name| (name.to_owned(), directory.join(name))).collect()
}

/// Checks files that were read before, as [`load`] does.
pub fn check_files(files: Files, version: Version) -> (Option<Rules>, Vec<Diagnostic>) {
    let mut diagnostics: Vec<_> = files.rules.iter().filter(|file| blank(file)).map(empty).collect();
    let Some(config) = &files.config else {
        let (rules, found) = check_against(files, Arc::default(), None, version);
        diagnostics.extend(found);
        return (rules, diagnostics);
    };
    let Config { declarations, gaps, diagnostics: errors, .. } = config::read(&config.text, Path::new(""));
    diagnostics.extend(errors.into_iter().map(|e| e.in_file(config)));
    let (rules, found) = match declarations {
        Some(mut desk) => {
            diagnostics.extend(add_calendars(&mut desk, &files));
            check_against(files, Arc::new(desk), Some(&gaps), version)
        }
        // Without its declarations hardly a rule would be right: only what is written wrongly is reported.
        None => (None, only_syntax(&files)),
    };
    let sound = !diagnostics.iter().any(Diagnostic::is_error);
    diagnostics.extend(found);
    (rules.filter(|_| sound), diagnostics)
}

/// Checks texts from memory, in this order, against a desk.
pub fn check_sources(
    files: impl IntoIterator<Item = (impl Into<Arc<str>>, impl Into<Arc<str>>)>,
    desk: impl Into<Arc<Declarations>>,
) -> (Option<Rules>, Vec<Diagnostic>) {
    let rules = files.into_iter().map(|(name, text)| SourceFile::new(name, text)).collect();
    let files = Files { config: None, calendars: vec![], rules };
    let version = Version { hash: hash(&files, &[]), commit: None };
    check_against(files, desk.into(), Some(&Gaps::default()), version)
}

/// Checks rules against declarations, and what could not be read of them; nothing where nothing declares anything.
fn check_against(
    files: Files,
    desk: Arc<Declarations>,
    gaps: Option<&Gaps>,
    version: Version,
) -> (Option<Rules>, Vec<Diagnostic>) {
    let parsed: Vec<File> = files.rules.iter().map(File::new).collect();
    let (rules, diagnostics) = check::check(&parsed, &desk, gaps, version);
    (rules.map(|rules| Rules { files: Arc::new(files), ..rules }), diagnostics)
}

/// Adds the events of calendar files to the holidays.
fn add_calendars(desk: &mut Declarations, files: &Files) -> Vec<Diagnostic> {
    let mut wrong = vec![];
    for hours in desk.all_hours_mut() {
        for name in &hours.calendars {
            // One that could not be read has been reported.
            let Some(file) = files.calendars.iter().find(|file| *file.name == **name) else { continue };
            if let Err(error) = hours.holidays.add_calendar(&file.text) {
                let message = format!("{name}: {error}");
                let place = files.config.as_ref().and_then(|c| Some((c, c.text.find(name.as_str())?)));
                if let Some((config, at)) = place {
                    wrong.push(Diagnostic::new(&codes::TW0503, config.span(at..at + name.len()), message));
                }
            }
        }
    }
    wrong
}

fn only_syntax(files: &Files) -> Vec<Diagnostic> {
    let errors = |file: &SourceFile| {
        super::syntax::parse(&file.text).errors.into_iter().map(|e| e.in_file(file)).collect::<Vec<_>>()
    };
    files.rules.iter().flat_map(errors).collect()
}

/// SHA-256 over names and contents. Names count from the directory they were found in, so that the same
/// rules have the same hash wherever they lie.
fn hash(files: &Files, paths: &[PathBuf]) -> String {
    let mut sha = Sha256::new();
    for SourceFile { name, text, .. } in files.config.iter().chain(&files.calendars).chain(&files.rules) {
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
