//! Loads a rule set from paths. Shared by `check`, the start of the daemon and its reload.

use std::{
    collections::{HashMap, HashSet},
    fs,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::{
    check::{self, Dated, File, Parsed},
    codes,
    config::{self, Config, Gaps},
    diagnostic::{Diagnostic, Severity},
    levels::Levels,
    render,
    rules::{Files, Rules, Version},
    sources::{self, Found, NotRead, Reader},
    span::{SourceFile, SourceSet, Span},
    syntax,
    tree::{Disk, Entry, Tree},
};
use crate::{
    desk::{Declarations, text::counted, visible::Visible},
    settings::{Settings, StoreSettings},
};

/// Maximum number of diagnostics in [`Loaded::report`].
const MAX_REPORTED: usize = 50;

/// The result of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The rules; `None` if there are errors.
    pub rules: Option<Arc<Rules>>,
    /// The settings of the process, as far as they can be read.
    pub settings: Settings,
    /// All diagnostics, grouped by file.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics refer to.
    pub sources: SourceSet,
    /// The files that were read.
    pub texts: Files,
    /// Number of files, including `twite.toml`.
    pub files: usize,
    /// Number of rule files.
    pub rule_files: usize,
    /// Number of items of any kind in the rules; `None` if there are errors.
    pub declarations: Option<usize>,
    /// Ignored files in the same directories: those without the extension `.twite` or `.list`, and broken links.
    pub unread: Vec<PathBuf>,
    /// The path of `twite.toml`, if there is one.
    config: Option<PathBuf>,
    /// What is reported once a day is over.
    dated: Vec<Dated>,
    levels: Levels,
}

/// Unsaved text of a file, as in an editor. It replaces the file on disk.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// The path, which need not exist.
    pub path: PathBuf,
    /// Its contents.
    pub bytes: Vec<u8>,
}

impl Loaded {
    /// Number of errors.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// Number of warnings.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// Number of notes.
    pub fn notes(&self) -> usize {
        self.count(Severity::Note)
    }

    /// Keeps errors, and what has a label in an item or a line that changed. `changed` gives the changed lines of a file,
    /// from 1.
    #[must_use]
    pub fn in_changed(mut self, changed: impl Fn(&str) -> Vec<RangeInclusive<usize>>) -> Self {
        let mut spans: HashMap<Arc<str>, Vec<Range<usize>>> = HashMap::new();
        let sources = &self.sources;
        self.diagnostics.retain(|found| {
            found.is_error()
                || found.labels().any(|label| {
                    let file = &label.span.file;
                    let changed = spans.entry(Arc::clone(file)).or_insert_with(|| {
                        sources.file(file).map(|source| whole_items(source, &changed(file))).unwrap_or_default()
                    });
                    let span = label.span.range();
                    changed.iter().any(|part| span.start < part.end.max(part.start + 1) && part.start <= span.end)
                })
        });
        self
    }

    /// Reports the suppressions whose last day is before `today`, what they suppressed, and the entries of lists whose last
    /// day is over.
    ///
    /// Only whoever asks is told: the same files always load alike.
    #[must_use]
    pub fn on(mut self, today: Date) -> Self {
        let over = self.dated.iter().filter(|dated| dated.until < today);
        let over: Vec<_> = over.flat_map(|dated| dated.then.iter().cloned()).collect();
        self.add(over);
        self
    }

    /// Reports if the file for the database has other contents. Not for a process that has the database open: reading the
    /// file releases its locks.
    #[must_use]
    pub fn reading_database(mut self) -> Self {
        let found = self.texts.config.as_ref().zip(self.config.as_deref()).and_then(|(file, path)| {
            config::unusable_contents(&self.settings, file, path.parent().unwrap_or(Path::new("")))
        });
        self.add(found.into_iter().filter(|_| self.rules.is_some()).collect());
        self
    }

    /// Adds diagnostics at their places.
    fn add(&mut self, found: Vec<Diagnostic>) {
        if !found.is_empty() {
            self.diagnostics.extend(found);
            self.levels.apply(&mut self.diagnostics);
            let names = std::iter::once(self.config.as_deref().map(sources::name));
            let names = names.flatten().chain(self.texts.rules.iter().map(|file| Arc::clone(&file.name)));
            let order: HashMap<Arc<str>, usize> = names.zip(0..).collect();
            self.diagnostics.sort_by_cached_key(|d| (order.get(d.file()).copied(), d.span().start, d.code.id));
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Ignored files whose extension is a likely misspelling of `.twite`.
    pub fn passed_over(&self) -> Vec<PathBuf> {
        sources::passed_over(&self.unread).cloned().collect()
    }

    /// Merges the result of loading another rule set. The merged result has no rules.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rules = None;
        self.declarations = self.declarations.zip(other.declarations).map(|(one, other)| one + other);
        self.diagnostics.extend(other.diagnostics);
        self.sources.extend(other.sources);
        self.files += other.files;
        self.rule_files += other.rule_files;
        self.unread.extend(other.unread);
        self.dated.extend(other.dated);
        self
    }

    /// Keeps only the diagnostics with a label in a file that `file` accepts by name, or in `twite.toml`.
    #[must_use]
    pub fn about(mut self, file: impl Fn(&str) -> bool) -> Self {
        let mut asked: HashMap<Arc<str>, bool> = HashMap::new();
        let config = self.config.as_deref().map(sources::name);
        let mut is_asked = |name: &Arc<str>| {
            Some(name) == config.as_ref() || *asked.entry(Arc::clone(name)).or_insert_with(|| file(name))
        };
        self.diagnostics.retain(|d| d.labels().any(|label| is_asked(&label.span.file)));
        self.files = self.sources.names().filter(|name| is_asked(name)).count().max(1);
        self
    }

    /// The diagnostics as plain text: the first `MAX_REPORTED`, errors before warnings, and the number of the rest.
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

    /// A summary, such as "3 errors, 1 warning in 4 files".
    pub fn summary(&self) -> String {
        let mut found = vec![];
        if self.errors() > 0 {
            found.push(counted(self.errors(), "error"));
        }
        if self.warnings() > 0 {
            found.push(counted(self.warnings(), "warning"));
        }
        if self.notes() > 0 {
            found.push(counted(self.notes(), "note"));
        }
        let found = if found.is_empty() { "no problems".to_owned() } else { found.join(", ") };
        format!("{found} in {}", counted(self.files, "file"))
    }
}

/// The ranges of these lines (from 1), and of the items that they are in.
fn whole_items(source: &SourceFile, lines: &[RangeInclusive<usize>]) -> Vec<Range<usize>> {
    let index = source.lines();
    let start = |line: usize| index.range(&source.text, line.saturating_sub(1)).start;
    let mut spans: Vec<_> = lines.iter().map(|lines| start(*lines.start())..start(lines.end() + 1)).collect();
    if lines.is_empty() || !sources::is_rule_file(Path::new(&*source.name)) {
        return spans;
    }
    let items = syntax::parse(&source.text).tree().children().map(|item| Range::<usize>::from(item.text_range()));
    let touched = items.filter(|item| spans.iter().any(|span| span.start < item.end && item.start < span.end));
    let touched: Vec<_> = touched.collect();
    spans.extend(touched);
    spans
}

/// Which version of the rule files goes live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// The files on disk.
    #[default]
    Files,
    /// The files of the checked-out commit.
    Commit,
}

/// Reads a file as UTF-8.
fn read_text(tree: &dyn Tree, reader: &mut Reader, path: &Path) -> Result<String, NotRead> {
    reader.take(path, tree.read(path)?)
}

/// Whether the file has exactly this text.
fn holds(tree: &dyn Tree, path: &Path, text: &str) -> bool {
    tree.entry(path) == Some(Entry::File(text.len() as u64))
        && tree.read(path).is_ok_and(|read| read == text.as_bytes())
}

/// A file as messages show it, which are logged and stored: `twite.toml` without its secrets.
fn without_secrets(file: SourceFile) -> SourceFile {
    match sources::is_rule_file(Path::new(&*file.name)) {
        true => file,
        false => SourceFile::new(file.name, config::without_secrets(&file.text)),
    }
}

/// Finds `twite.toml` in the first directory or its parent.
fn beside(tree: &dyn Tree, paths: &[PathBuf]) -> Option<PathBuf> {
    let first = paths.first()?;
    let directory = match tree.entry(first) {
        Some(Entry::Directory) => first.clone(),
        _ => first.parent()?.to_owned(),
    };
    let above = match directory.parent() {
        // The parent of `rules` is the current directory; that of `.` and `..` is found by appending `..`.
        Some(parent) if directory.file_name().is_some() => parent.to_owned(),
        _ => directory.join(".."),
    };
    [directory, above].into_iter().map(|d| d.join("twite.toml")).find(|path| tree.exists(path))
}

/// Files that were read and are not yet checked.
struct Read {
    files: Files,
    /// The hash of the files.
    hash: String,
    /// The paths of the files.
    paths: Vec<PathBuf>,
    diagnostics: Vec<Diagnostic>,
    sources: SourceSet,
    count: usize,
    rule_files: usize,
    unread: Vec<PathBuf>,
    config: Option<PathBuf>,
}

/// Loads the rule files at these paths: files, or directories, which are searched recursively for `*.twite` and
/// `*.list`.
/// `config` is the path of `twite.toml`; by default it is searched in the first directory and its parent.
///
/// Never fails: all problems are in the diagnostics.
pub fn load(paths: &[PathBuf], config: Option<&Path>) -> Loaded {
    load_with(paths, config, None)
}

/// [`load`], with a buffer that replaces one of the files or is added to them.
pub fn load_with(paths: &[PathBuf], config: Option<&Path>, buffer: Option<&Buffer>) -> Loaded {
    load_tree(&Disk, paths, config, buffer, &mut Parsed::default())
}

/// [`load`], from the files of a tree.
pub(crate) fn load_from(tree: &dyn Tree, paths: &[PathBuf], config: Option<&Path>) -> Loaded {
    load_again(tree, paths, config, &mut Parsed::default())
}

/// [`load_from`], without parsing again what is in `parsed`, which then holds the files of this load.
pub(crate) fn load_again(tree: &dyn Tree, paths: &[PathBuf], config: Option<&Path>, parsed: &mut Parsed) -> Loaded {
    load_tree(tree, paths, config, None, parsed)
}

fn load_tree(
    tree: &dyn Tree,
    paths: &[PathBuf],
    config: Option<&Path>,
    buffer: Option<&Buffer>,
    parsed: &mut Parsed,
) -> Loaded {
    let read = read(tree, paths, config, buffer);
    let version = Version { hash: read.hash, commit: tree.commit(paths, &read.paths) };
    let (files, config, mut diagnostics) = (read.files, read.config, read.diagnostics);
    let (rules, found_wrong, dated) = check_all(files.clone(), version, parsed);
    diagnostics.extend(found_wrong);
    let directory = config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let Config { settings, levels, .. } =
        files.config.as_ref().map(|file| config::read(&file.text, directory)).unwrap_or_default();
    // A commit may not be checked out, so the paths named in its `twite.toml` are not checked.
    if let (true, Some(_), Some(declared)) = (tree.is_on_disk(), &rules, &files.config) {
        diagnostics.extend(config::unusable_paths(&settings, declared, directory));
    }
    levels.apply(&mut diagnostics);
    let rules = rules.filter(|_| !diagnostics.iter().any(Diagnostic::is_error)).map(Arc::new);
    let declarations = rules.as_ref().map(|rules| rules.declarations());
    Loaded {
        rules,
        settings,
        declarations,
        diagnostics,
        sources: read.sources,
        texts: files,
        files: read.count,
        rule_files: read.rule_files,
        unread: read.unread,
        config,
        dated,
        levels,
    }
}

/// The hash that [`load_from`] would give these files, without checking them; `None` if a file cannot be read.
pub(crate) fn hash_at(tree: &dyn Tree, paths: &[PathBuf], config: Option<&Path>) -> Option<String> {
    let read = read(tree, paths, config, None);
    (!read.diagnostics.iter().any(Diagnostic::is_error)).then_some(read.hash)
}

fn read(tree: &dyn Tree, paths: &[PathBuf], config: Option<&Path>, buffer: Option<&Buffer>) -> Read {
    let mut reader = Reader::default();
    let mut sources = SourceSet::default();
    let Found { files: mut found, errors: mut diagnostics, unread } = tree.find(paths);
    let is_same = |path: &Path, other: &Path| {
        path == other
            || fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(other).is_ok_and(|other| path == other))
    };
    diagnostics.extend(sources::passed_over(&unread).map(|path| sources::not_read(path)));
    let config = config.map(Path::to_owned).or_else(|| beside(tree, paths));
    if let Some(buffer) = buffer
        && !found.iter().chain(&config).any(|path| is_same(path, &buffer.path))
    {
        found.push(buffer.path.clone());
    }
    let text_of = |reader: &mut Reader, path: &Path| match buffer.filter(|buffer| is_same(path, &buffer.path)) {
        Some(buffer) => reader.take(path, buffer.bytes.clone()),
        None => read_text(tree, reader, path),
    };
    let mut read = |path: &Path, diagnostics: &mut Vec<Diagnostic>| match text_of(&mut reader, path) {
        Ok(text) => {
            let file = SourceFile::new(sources::name(path), text);
            sources.insert(file.clone());
            Some(file)
        }
        Err(NotRead { error, shown }) => {
            diagnostics.push(*error);
            shown.into_iter().for_each(|file| sources.insert(without_secrets(file)));
            None
        }
    };
    let declared = config.as_deref().and_then(|path| read(path, &mut diagnostics));
    let shown = declared.clone().map(without_secrets);
    let named: Vec<_> =
        config.as_deref().zip(declared.as_ref()).into_iter().flat_map(|(c, d)| calendars_of(c, &d.text)).collect();
    let mut calendars = vec![];
    for (name, path) in &named {
        let before = diagnostics.len();
        calendars.extend(read(path, &mut diagnostics).map(|file| SourceFile::new(name.as_str(), file.text)));
        // The mistake may be in either file, but only `twite.toml` is sure to exist.
        for (error, config) in diagnostics.iter_mut().skip(before).zip(&declared) {
            error.message = format!("{name}: {}", error.message);
            error.primary.span = calendar_span(config, name);
        }
    }
    let rules: Vec<_> = found.iter().filter_map(|path| read(path, &mut diagnostics)).collect();
    shown.into_iter().for_each(|file| sources.insert(file));
    let count = found.len() + usize::from(config.is_some()) + calendars.len();
    let rule_files = found.len();
    let files = Files { config: declared, calendars, rules };
    let paths_read = found.into_iter().chain(config.clone()).chain(named.into_iter().map(|(_, path)| path)).collect();
    let hash = hash(&files, paths);
    Read { files, hash, paths: paths_read, diagnostics, sources, count, rule_files, unread, config }
}

/// What a reload would lose although the new files have no errors: a rule file became empty or was renamed, all rules
/// are gone, `twite.toml` is gone or declares no account. One message each. This happens with a missing mount, a file
/// that is being written or a checkout in progress. `tree` is the source that `loaded` was read from.
pub(crate) fn lost(before: &Rules, loaded: &Loaded, tree: &dyn Tree) -> Vec<String> {
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
    } else if !before.desk.accounts.0.is_empty() && after.desk.accounts.0.is_empty() {
        lost.push("twite.toml declares no account any more".to_owned());
    }
    lost
}

fn blank(file: &SourceFile) -> bool {
    file.text.trim().is_empty()
}

/// Warning about an empty rule file.
fn empty(file: &SourceFile) -> Diagnostic {
    let found = Diagnostic::new(&codes::TW0121, file.span(0..0), "empty file");
    found.with_help("delete it, or write a comment in it")
}

/// Rule files that are no longer read but still exist, under a name without the extension `.twite` or as a broken link.
/// One message each.
fn put_aside(before: &Rules, after: &Rules, unread: &[PathBuf], tree: &dyn Tree) -> Vec<String> {
    let now = &after.files.rules;
    let (names, texts): (HashSet<_>, HashSet<_>) = now.iter().map(|file| (&file.name, &file.text)).unzip();
    let gone = before.files.rules.iter().filter(|old| !blank(old));
    gone.filter(|old| !names.contains(&old.name) && !texts.contains(&old.text))
        .filter_map(|old| {
            let name = Path::new(&*old.name);
            let lies = |path: &&PathBuf| {
                name.starts_with(path)
                    || sources::nearly(path).is_some_and(|nearly| nearly == name)
                    || holds(tree, path, &old.text)
            };
            let path = Visible(&sources::name(unread.iter().find(lies)?)).to_string();
            Some(format!(
                "{} is no longer read, but exists as {path}; rename it to end in `.{}`, delete it, or move it out of the \
                 directory",
                Visible(&old.name),
                if sources::is_list(&old.name) { "list" } else { "twite" }
            ))
        })
        .collect()
}

/// What these files lack to run a desk: rules, `twite.toml` or an account. One message each.
pub fn missing(rules: &Rules) -> Vec<String> {
    let mut missing = vec![];
    if rules.files.rules.is_empty() {
        missing.push("no rule files found".to_owned());
    } else if rules.items() == 0 {
        missing.push("the files contain no rules".to_owned());
    }
    if rules.files.config.is_none() {
        missing.push("found no twite.toml in the directory of the rules or its parent".to_owned());
    } else if rules.desk.accounts.0.is_empty() {
        missing.push("twite.toml declares no account".to_owned());
    }
    missing
}

/// The path of `twite.toml` for rules at these paths, and the storage settings in it; `None` if it cannot be read.
pub(crate) fn store_settings(
    tree: &dyn Tree,
    paths: &[PathBuf],
    config: Option<&Path>,
) -> Option<(PathBuf, StoreSettings)> {
    let config = config.map(Path::to_owned).or_else(|| beside(tree, paths))?;
    let text = read_text(tree, &mut Reader::default(), &config).ok()?;
    config::store_settings(&text).map(|settings| (config, settings))
}

/// The settings in files that were already read. `directory` is that of `twite.toml`.
pub fn settings(files: &Files, directory: &Path) -> Settings {
    files.config.as_ref().map(|file| config::read(&file.text, directory).settings).unwrap_or_default()
}

/// The files that [`load`] would read, in the same order, and the ignored files in the same directories.
pub fn files_at(paths: &[PathBuf], config: Option<&Path>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let config = config.map(Path::to_owned).or_else(|| beside(&Disk, paths));
    let text = config.as_deref().and_then(|path| Some((path, Reader::default().read(path).ok()?)));
    let calendars = text.map(|(path, text)| calendars_of(path, &text).into_iter().map(|(_, path)| path));
    let calendars: Vec<_> = calendars.into_iter().flatten().collect();
    let Found { files, unread, .. } = sources::find(paths);
    (config.into_iter().chain(calendars).chain(files).collect(), unread)
}

/// The calendar files that `twite.toml` refers to: their names as written, and their paths.
fn calendars_of(config: &Path, declared: &str) -> Vec<(String, PathBuf)> {
    let directory = config.parent().unwrap_or(Path::new(""));
    let Some(desk) = config::read(declared, directory).declarations else { return vec![] };
    desk.calendars().into_iter().map(|name| (name.to_owned(), directory.join(name))).collect()
}

/// Checks files that were already read, as [`load`] does.
pub fn check_files(files: Files, version: Version) -> (Option<Rules>, Vec<Diagnostic>) {
    let (rules, diagnostics, _) = check_all(files, version, &mut Parsed::default());
    (rules, diagnostics)
}

fn check_all(files: Files, version: Version, known: &mut Parsed) -> (Option<Rules>, Vec<Diagnostic>, Vec<Dated>) {
    let parsed: Vec<File> = File::all(&files.rules, known);
    *known = parsed.iter().cloned().collect();
    let mut diagnostics: Vec<_> =
        files.rules.iter().filter(|file| blank(file) && !sources::is_list(&file.name)).map(empty).collect();
    let (declarations, gaps, levels) = match &files.config {
        None => (Some(Declarations::default()), None, Levels::default()),
        Some(config) => {
            let Config { declarations, gaps, unused_schedules, levels, diagnostics: mut errors, .. } =
                config::read(&config.text, Path::new(""));
            let is_used = |name: &String| check::may_ask_for_schedule(&parsed, name);
            for (_, span) in unused_schedules.iter().filter(|(name, _)| is_used(name)) {
                errors.retain(|error| error.code != &codes::TW0503 || error.span() != span);
            }
            diagnostics.extend(errors.into_iter().map(|e| e.in_file(config)));
            (declarations, Some(gaps), levels)
        }
    };
    let (rules, found, dated) = match declarations {
        Some(mut desk) => {
            diagnostics.extend(add_calendars(&mut desk, &files));
            check::check(&parsed, &Arc::new(desk), gaps.as_ref(), version)
        }
        // Without the declarations most rules would have errors, so only syntax errors are reported.
        None => (None, check::only_syntax(&parsed), vec![]),
    };
    diagnostics.extend(found);
    levels.apply(&mut diagnostics);
    let sound = !diagnostics.iter().any(Diagnostic::is_error);
    (rules.filter(|_| sound).map(|rules| Rules { files: Arc::new(files), ..rules }), diagnostics, dated)
}

/// Checks texts from memory, in this order, against the declarations of a desk.
pub fn check_sources(
    files: impl IntoIterator<Item = (impl Into<Arc<str>>, impl Into<Arc<str>>)>,
    desk: impl Into<Arc<Declarations>>,
) -> (Option<Rules>, Vec<Diagnostic>) {
    let rules = files.into_iter().map(|(name, text)| SourceFile::new(name, text)).collect();
    let files = Files { config: None, calendars: vec![], rules };
    let parsed: Vec<File> = File::all(&files.rules, &Parsed::default());
    let version = Version { hash: hash(&files, &[]), commit: None };
    let (rules, diagnostics, _) = check::check(&parsed, &desk.into(), Some(&Gaps::default()), version);
    (rules.map(|rules| Rules { files: Arc::new(files), ..rules }), diagnostics)
}

/// Adds the events of calendar files to the holidays.
fn add_calendars(desk: &mut Declarations, files: &Files) -> Vec<Diagnostic> {
    let mut wrong = vec![];
    for hours in desk.all_hours_mut() {
        for name in &hours.calendars {
            // A calendar that could not be read has already been reported.
            let Some(file) = files.calendars.iter().find(|file| *file.name == **name) else { continue };
            if let Err(error) = hours.holidays.add_calendar(&file.text) {
                let message = format!("{name}: {error}");
                let span = files.config.as_ref().map(|config| calendar_span(config, name));
                wrong.extend(span.map(|span| Diagnostic::new(&codes::TW0503, span, message)));
            }
        }
    }
    wrong
}

/// Where `twite.toml` names a calendar.
fn calendar_span(config: &SourceFile, name: &str) -> Span {
    const KEY: &str = "calendars";
    let key = config.text.find(KEY).unwrap_or_default();
    let named = config.text.match_indices(name).find(|(at, _)| !name.is_empty() && *at >= key + KEY.len());
    let (at, text) = named.unwrap_or((key, KEY));
    config.span(at..(at + text.len()).min(config.text.len()))
}

/// SHA-256 over names and contents. Names are relative to the given paths, so that the hash does not depend on
/// where the rules are stored.
fn hash(files: &Files, paths: &[PathBuf]) -> String {
    let mut sha = Sha256::new();
    for SourceFile { name, text, .. } in files.config.iter().chain(&files.calendars).chain(&files.rules) {
        let path = Path::new(&**name);
        let below = paths.iter().find_map(|given| path.strip_prefix(given).ok());
        let name = match below.filter(|b| !b.as_os_str().is_empty()) {
            Some(below) => below.to_string_lossy(),
            None => path.file_name().map_or_else(|| (&**name).into(), |n| n.to_string_lossy()),
        };
        // The length prefix separates names from texts.
        for piece in [name.as_bytes(), text.as_bytes()] {
            sha.update((piece.len() as u64).to_be_bytes());
            sha.update(piece);
        }
    }
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample};

    use super::*;

    /// What a load comes to, as text.
    fn told(loaded: &Loaded) -> String {
        let Loaded { rules, diagnostics, dated, declarations, .. } = loaded;
        let rules = rules.as_ref().map(|rules| Rules { files: Arc::default(), ..Rules::clone(rules) });
        format!("{rules:#?}\n{diagnostics:#?}\n{dated:#?}\n{declarations:?}")
    }

    /// Texts of rule files: sound ones, and such with mistakes.
    fn texts() -> Vec<String> {
        let files = ["rules", "tests/it/lang/cases"].map(|directory| fs::read_dir(directory).unwrap());
        let paths = files.into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "twite")).collect();
        paths.sort();
        paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    /// An edit of a set: the number of a file, its name among a few, and its new text; `None` if it is deleted.
    fn edit() -> impl Strategy<Value = (usize, Option<String>)> {
        let text = prop_oneof![
            6 => sample::select(texts()),
            1 => (sample::select(texts()), any::<sample::Index>()).prop_map(|(text, at)| {
                let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                text.get(..*at.get(&ends)).unwrap_or_default().to_owned()
            }),
            1 => Just("let vip = tags has vip\nlist words = (\"a\", \"b\")\n".to_owned()),
            1 => Just("trigger \"T\" {\n  on created\n  when vip and description contains any of words\n  then stop\n}\n".to_owned()),
            1 => Just(String::new()),
        ];
        (0..5_usize, proptest::option::weighted(0.8, text))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// A load that parses only what changed comes to the same as one that parses everything.
        #[test]
        fn a_load_after_another_is_like_a_first_one(edits in proptest::collection::vec(edit(), 1..8)) {
            const NAMES: [&str; 5] = ["a.twite", "b.twite", "c.twite", "words.list", "twite.toml"];
            let directory = tempfile::tempdir().unwrap();
            let paths = [directory.path().to_owned()];
            let mut parsed = Parsed::default();
            for (file, text) in edits {
                let path = directory.path().join(NAMES[file]);
                match text {
                    Some(_) if file == 4 => fs::write(&path, "[[group]]\nname = \"Social\"\n").unwrap(),
                    Some(text) => fs::write(&path, text).unwrap(),
                    None => fs::remove_file(&path).unwrap_or_default(),
                }
                let again = load_again(&Disk, &paths, None, &mut parsed);
                prop_assert_eq!(told(&again), told(&load(&paths, None)));
            }
        }
    }
}
