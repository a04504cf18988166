//! Where a command finds its rules.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::CliError;
use crate::{
    desk::visible::Visible,
    lang::{self, Loaded, rules::Rules},
};

/// The rules a command works with.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// Directories with rule files, or rule files.
    #[arg(default_value = "rules")]
    pub(super) paths: Vec<PathBuf>,
    /// The declarations; without it, `twite.toml` beside the rules or one directory above.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Accept that there are no rule files.
    #[arg(long)]
    pub(super) allow_empty: bool,
}

/// Rule sets to load, and the files that were asked about.
pub(super) struct Chosen {
    /// The paths of each set.
    pub(super) sets: Vec<Vec<PathBuf>>,
    /// Names of the files; nothing where it is all of them.
    files: Option<BTreeSet<String>>,
}

impl Chosen {
    /// Whether it is about every file of its sets.
    pub(super) fn is_everything(&self) -> bool {
        self.files.is_none()
    }

    /// Whether somebody asked about this file.
    pub(super) fn is_about(&self, file: &str) -> bool {
        self.files.as_ref().is_none_or(|files| files.contains(&identity(Path::new(file))))
    }
}

impl Source {
    /// What the paths mean: directories are one set together, a file is a part of the set that it lies in.
    ///
    /// # Errors
    /// [`CliError::Usage`] where one cannot be read.
    pub(super) fn choose(&self) -> Result<Chosen, CliError> {
        readable(self.paths.iter().chain(&self.config))?;
        if self.paths.iter().any(|path| path.is_dir()) {
            return Ok(Chosen { sets: vec![self.paths.clone()], files: None });
        }
        let mut sets: Vec<Vec<PathBuf>> = vec![];
        for path in &self.paths {
            let set = vec![set_around(path)];
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        Ok(Chosen { sets, files: Some(self.paths.iter().map(|path| identity(path)).collect()) })
    }

    /// The rules of the one set that was chosen; where anything is wrong with them, everything that is.
    pub(super) fn load_chosen(&self, chosen: &Chosen) -> Result<Arc<Rules>, CliError> {
        let [paths] = chosen.sets.as_slice() else {
            return Err(CliError::Usage("these files belong to several rule sets; name files of one".to_owned()));
        };
        let loaded = lang::load(paths, self.config.as_deref());
        self.refuse_empty(&loaded)?;
        match &loaded.rules {
            Some(rules) => Ok(Arc::clone(rules)),
            None => {
                Err(CliError::Usage(format!("the rules cannot be used\n\n{}{}", loaded.report(), loaded.summary())))
            }
        }
    }

    /// The rules at the paths and no others; where anything is wrong with them, everything that is.
    pub(crate) fn load(&self) -> Result<Arc<Rules>, CliError> {
        readable(self.paths.iter().chain(&self.config))?;
        self.load_chosen(&Chosen { sets: vec![self.paths.clone()], files: None })
    }

    /// Refuses a set without any rule file, unless that is wanted: "nothing wrong" with nothing is no answer.
    pub(super) fn refuse_empty(&self, loaded: &Loaded) -> Result<(), CliError> {
        match loaded.rule_files {
            0 if !self.allow_empty => Err(nothing_in(&self.paths, &loaded.passed_over)),
            _ => Ok(()),
        }
    }
}

/// Refuses paths that cannot be read: what somebody names is there.
pub(super) fn readable<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), CliError> {
    for path in paths {
        // Opening a pipe would wait for somebody to write.
        let found = fs::metadata(path).and_then(|meta| match meta.is_dir() {
            true => fs::read_dir(path).map(drop),
            false if meta.is_file() => fs::File::open(path).map(drop),
            false => Ok(()),
        });
        found.map_err(|error| CliError::Usage(lang::unreadable(path, &error).message))?;
    }
    Ok(())
}

/// Opens a file with data that somebody names. A directory is none.
pub(in crate::cli) fn open(path: &Path) -> Result<fs::File, CliError> {
    let file = fs::File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    file.map_err(|error| CliError::Usage(format!("cannot read {}: {error}", path.display())))
}

/// What is said where no rule file was found.
pub(super) fn nothing_in(paths: &[PathBuf], passed_over: &[PathBuf]) -> CliError {
    let shown = |path: &PathBuf| format!("`{}`", Visible(&path.to_string_lossy()));
    let places: Vec<_> = paths.iter().map(shown).collect();
    let near: Vec<_> = passed_over.iter().take(5).map(shown).collect();
    let near = match near.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} does not end in `.twite`"),
        several => format!("; {} do not end in `.twite`", several.join(", ")),
    };
    let places = places.join(", ");
    CliError::Usage(format!("there are no rule files in {places}{near} (`--allow-empty` accepts that)"))
}

/// The directory whose rules belong together with a file: by where `twite.toml` lies, above the file or beside it.
pub(super) fn set_around(file: &Path) -> PathBuf {
    let own = match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => return file.to_owned(),
    };
    let holds_rules = |directory: &Path| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|e| e == "twite") && path.is_file())
    };
    let depth = std::path::absolute(&own).map_or(0, |absolute| absolute.ancestors().count());
    let (mut below, mut directory) = (own.clone(), own.clone());
    for _ in 0..depth {
        if directory.join("twite.toml").is_file() {
            // Beside rules it is theirs; above a directory of rules, that directory is the set.
            return if directory == own || holds_rules(&directory) { directory } else { below };
        }
        // Relative names stay relative, so that messages name files as they were given.
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

/// A file by the name that it has from the root, so that `a.twite` and `./a.twite` are one.
pub(super) fn identity(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    fs::canonicalize(&absolute).unwrap_or(absolute).to_string_lossy().into_owned()
}
