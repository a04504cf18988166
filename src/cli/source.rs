//! Resolves the paths on a command line to rule sets.

use std::{
    collections::BTreeSet,
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{CliError, terminal};
use crate::{
    app::git,
    desk::visible::Visible,
    lang::{self, Disk, Loaded, Tree as _, is_rule_file, rules::Rules},
};

/// The rules a command works with.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// Rule files, or directories of rule files.
    #[arg(default_value = "rules")]
    pub(super) paths: Vec<PathBuf>,
    /// The configuration file. Default: `twite.toml` in the directory of the rules or its parent.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Accept a rule set without rules.
    #[arg(long)]
    pub(super) allow_empty: bool,
}

/// The rule sets to load, and the files in them that the command line names.
pub(super) struct Chosen {
    /// The paths of each set.
    pub(super) sets: Vec<Vec<PathBuf>>,
    /// The files by their [`identity`]; `None` for all.
    files: Option<BTreeSet<PathBuf>>,
}

impl Chosen {
    /// Whether all files of the sets were chosen.
    pub(super) fn is_everything(&self) -> bool {
        self.files.is_none()
    }

    /// Whether the file with this name was chosen.
    pub(super) fn is_about(&self, file: &str) -> bool {
        self.files.as_ref().is_none_or(|files| files.contains(&identity(&lang::path_of(file))))
    }
}

impl Source {
    /// Resolves the paths: directories together are one rule set, a file is part of the set that contains it.
    ///
    /// # Errors
    /// [`CliError::Usage`] if a path cannot be read or is not a rule file.
    pub(super) fn choose(&self) -> Result<Chosen, CliError> {
        rule_paths(&self.paths)?;
        self.sets()
    }

    /// [`Self::choose`], but the paths may include `twite.toml`.
    pub(super) fn choose_with_declarations(&self) -> Result<Chosen, CliError> {
        let (declarations, rules): (Vec<_>, Vec<_>) = self.paths.iter().partition(|path| is_declarations(path));
        rule_paths(rules)?;
        readable_files(declarations)?;
        self.sets()
    }

    fn sets(&self) -> Result<Chosen, CliError> {
        readable_files(&self.config)?;
        if self.paths.iter().any(|path| path.is_dir()) {
            // The `twite.toml` of a directory is read with it.
            let directories = self.paths.iter().filter(|path| path.is_dir());
            let read: Vec<_> = directories
                .flat_map(|path| ["twite.toml", "../twite.toml"].map(|name| identity(&path.join(name))))
                .collect();
            let (declarations, rules): (Vec<_>, Vec<_>) =
                self.paths.iter().cloned().partition(|path| is_declarations(path));
            let others: Vec<_> = declarations.into_iter().filter(|path| !read.contains(&identity(path))).collect();
            let sets = std::iter::once(rules).chain(sets_around(&others)).collect();
            return Ok(Chosen { sets, files: None });
        }
        Ok(Chosen {
            sets: sets_around(&self.paths),
            files: Some(self.paths.iter().map(|path| identity(path)).collect()),
        })
    }

    /// Loads the chosen rule set, which must be a single one.
    ///
    /// # Errors
    /// All diagnostics, if the rules have errors.
    pub(super) fn load_chosen(&self, chosen: &Chosen) -> Result<Arc<Rules>, CliError> {
        let [paths] = chosen.sets.as_slice() else {
            return Err(several_sets());
        };
        let loaded = git::load(paths, self.config.as_deref());
        self.refuse_empty(&loaded)?;
        match &loaded.rules {
            Some(rules) => {
                note_passed_over(&loaded.passed_over())?;
                Ok(Arc::clone(rules))
            }
            None => Err(unusable(loaded.report() + &loaded.summary())),
        }
    }

    /// Refuses a set without rules, unless `--allow-empty` is given: a check of nothing should not succeed.
    pub(super) fn refuse_empty(&self, loaded: &Loaded) -> Result<(), CliError> {
        match (loaded.rule_files, loaded.declarations) {
            _ if self.allow_empty => Ok(()),
            (0, _) => Err(nothing_in(&self.paths, &loaded.passed_over())),
            (_, Some(0)) => Err(CliError::Usage(format!(
                "no rules in {} (pass `--allow-empty` to accept this)",
                shown(&self.paths)
            ))),
            _ => Ok(()),
        }
    }
}

/// The error for a command that needs rules without errors.
pub(in crate::cli) fn unusable(report: String) -> CliError {
    CliError::Report(format!("the rules have errors\n\n{report}"))
}

/// Refuses paths that cannot be read, or are neither directories nor `*.twite` files.
pub(super) fn rule_paths<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), CliError> {
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => drop(fs::read_dir(path).map_err(|error| unreadable(path, &error))?),
            Ok(_) => {
                rule_file_name(path)?;
                readable_files([path])?;
            }
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Ok(())
}

/// Refuses a file whose name does not end in `.twite` or `.list`.
pub(super) fn rule_file_name(path: &Path) -> Result<(), CliError> {
    match is_rule_file(path) {
        true => Ok(()),
        false => Err(CliError::Usage(format!(
            "`{}` is not a rule file: its name ends neither in `.twite` nor in `.list`",
            Shown(path)
        ))),
    }
}

/// Whether a path is a `twite.toml`.
pub(super) fn is_declarations(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "twite.toml")
}

/// Refuses paths that are not regular files or cannot be read.
pub(super) fn readable_files<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<(), CliError> {
    for path in paths {
        let path = path.as_ref();
        // Checked before opening, because opening a named pipe blocks until there is a writer.
        let found = fs::metadata(path).and_then(|meta| match meta.is_file() {
            true => fs::File::open(path).map(drop),
            false if meta.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            false => Err(io::Error::other("not a regular file")),
        });
        found.map_err(|error| unreadable(path, &error))?;
    }
    Ok(())
}

/// Refuses a path that exists and is not a readable regular file. A missing file is accepted.
pub(super) fn file_or_gone(path: &Path) -> Result<(), CliError> {
    if path.exists() { readable_files([path]) } else { Ok(()) }
}

fn unreadable(path: &Path, error: &io::Error) -> CliError {
    CliError::Usage(lang::unreadable(path, error).message)
}

/// Opens a data file.
pub(in crate::cli) fn open(path: &Path) -> Result<fs::File, CliError> {
    let file = fs::File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    file.map_err(|error| CliError::Usage(format!("cannot read {}: {error}", Shown(path))))
}

/// Prints notes on ignored files whose extension is similar to `.twite`.
pub(super) fn note_passed_over(files: &[PathBuf]) -> io::Result<()> {
    files.iter().try_for_each(|path| {
        let file = Visible(&lang::name(path)).to_string();
        writeln!(terminal::remarks(), "note: file ignored: `{file}` does not end in `.twite`")
    })
}

/// A list of paths for a message.
fn shown(paths: &[PathBuf]) -> String {
    let shown = paths.iter().map(|path| format!("`{}`", Shown(path)));
    shown.collect::<Vec<_>>().join(", ")
}

/// The error that no rule file was found.
pub(super) fn nothing_in(paths: &[PathBuf], passed_over: &[PathBuf]) -> CliError {
    let passed_over = passed_over.get(..5).unwrap_or(passed_over);
    let near = match passed_over {
        [] => String::new(),
        [_] => format!("; {} does not end in `.twite`", shown(passed_over)),
        several => format!("; {} do not end in `.twite`", shown(several)),
    };
    CliError::Usage(format!("no rule files in {}{near} (pass `--allow-empty` to accept this)", shown(paths)))
}

/// The paths of the rule set for a command that uses whole sets: a file is replaced with the paths of its set. If not
/// all paths are rule files, they are returned unchanged.
pub(super) fn set_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    if !paths.iter().all(|path| path.is_file() && rule_file_name(path).is_ok()) {
        return Ok(paths.to_vec());
    }
    let sets = sets_around(paths);
    if sets.len() > 1 { Err(several_sets()) } else { Ok(sets.concat()) }
}

/// The directory of [`set_of`] for one path.
pub(super) fn set_of_path(path: PathBuf) -> PathBuf {
    let set = set_of(std::slice::from_ref(&path)).ok();
    set.and_then(|set| set.into_iter().next()).unwrap_or(path)
}

fn several_sets() -> CliError {
    CliError::Usage("these files belong to different rule sets; pass files of one set".to_owned())
}

/// The paths of the sets that contain these files, without duplicates: the directory of each, and those of the files
/// that a search of it skips, such as hidden ones.
fn sets_around(files: &[PathBuf]) -> Vec<Vec<PathBuf>> {
    let mut sets: Vec<Vec<PathBuf>> = vec![];
    for file in files {
        let set = set_around(file);
        let rule_file = rule_file_name(file).is_ok().then(|| file.clone());
        match sets.iter_mut().find(|other| other.first().is_some_and(|other| identity(other) == identity(&set))) {
            Some(paths) => paths.extend(rule_file),
            None => sets.push(std::iter::once(set).chain(rule_file).collect()),
        }
    }
    for paths in &mut sets {
        let searched = Disk.find(paths.get(..1).unwrap_or_default()).files.len();
        let skipped = Disk.find(paths).files.split_off(searched);
        paths.truncate(1);
        paths.extend(skipped);
    }
    sets
}

/// The directory of the set that contains a file, found by its `twite.toml` in the file's directory or a parent.
pub(super) fn set_around(file: &Path) -> PathBuf {
    let own = match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => return file.to_owned(),
    };
    let holds_rules = |directory: &Path| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).any(|path| is_rule_file(&path) && path.is_file())
    };
    let depth = std::path::absolute(&own).map_or(0, |absolute| absolute.ancestors().count());
    let (mut below, mut directory) = (own.clone(), own.clone());
    for _ in 0..depth {
        if directory.join("twite.toml").is_file() {
            // If `twite.toml` has rule files beside it, its directory is the set, else the subdirectory on the way.
            return if directory == own || holds_rules(&directory) { directory } else { below };
        }
        // Relative paths stay relative, so that messages name files as the user did.
        let above = match directory.parent() {
            _ if directory == Path::new(".") => PathBuf::from(".."),
            _ if directory.ends_with("..") => directory.join(".."),
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
            None => return own,
        };
        below = std::mem::replace(&mut directory, above);
    }
    own
}

/// The absolute path of a file, so that `a.twite` and `./a.twite` are equal.
pub(super) fn identity(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    fs::canonicalize(&absolute).unwrap_or(absolute)
}

/// A path in a message, with control characters escaped.
pub(in crate::cli) struct Shown<'p>(pub(super) &'p Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visible(&lang::name(self.0)).fmt(f)
    }
}
