//! `twite check`: diagnostics of rule files and `twite.toml`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use jiff::{civil::Date, tz::TimeZone};

use super::{
    CliError, Exit,
    rewrite::rewrite,
    source::{Chosen, Shown, Source, identity, is_declarations, readable_files, rule_file_name, set_around},
    terminal,
};
use crate::{
    app::changes::Changes,
    clock::Clock,
    desk::{text::counted, visible::Visible},
    lang::{Accepted, Baseline, Buffer, Fixed, Fixes, Loaded, Severity, fix, load, load_with, name, path_of, render},
    present,
};

/// Check rule files and `twite.toml`.
///
/// A directory is checked as one rule set. For a file, the whole rule set that contains it is loaded, but only diagnostics
/// of that file are reported. `-` reads one file from standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    #[command(flatten)]
    rules: Source,
    /// With `-`: the path of the file on standard input.
    #[arg(long, value_name = "FILE")]
    stdin_path: Option<PathBuf>,
    /// The least serious findings that give exit status 1.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailLevel::Error)]
    fail_level: FailLevel,
    /// Report only findings that this file does not accept.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Accept all findings but errors: write them to the baseline, without those that are mended.
    #[arg(long, requires = "baseline")]
    write_baseline: bool,
    /// Report errors, and other findings only in items and lines that changed since this revision of git.
    #[arg(long, value_name = "REVISION", conflicts_with = "write_baseline")]
    changed_since: Option<String>,
    /// Apply safe fixes to the files, then check again.
    #[arg(long, conflicts_with = "stdin_path")]
    fix: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Annotations in GitHub's CI.
    Github,
    /// Drawn, for people.
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// One line per finding.
    Short,
}

/// From which level on findings give exit status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailLevel {
    Error,
    Warning,
    Note,
    Never,
}

impl FailLevel {
    fn is_reached(self, loaded: &Loaded) -> bool {
        let least = match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Note => Severity::Note,
            Self::Never => return false,
        };
        loaded.diagnostics.iter().any(|found| found.severity <= least)
    }
}

impl Check {
    pub(crate) fn run(self) -> Result<Exit, CliError> {
        let (loaded, written) = match self.rules.paths.as_slice() {
            [one] if one == Path::new("-") => (self.check_stdin()?, true),
            paths if paths.iter().any(|path| path == Path::new("-")) => {
                return Err(CliError::Usage("`-` cannot be combined with paths".into()));
            }
            _ if self.stdin_path.is_some() => return Err(CliError::Usage("`--stdin-path` requires `-`".into())),
            _ => self.check_paths()?,
        };
        self.print(&loaded)?;
        writeln!(terminal::remarks(), "{}", loaded.summary())?;
        Ok(match self.fail_level.is_reached(&loaded) {
            _ if !written => Exit::Broke,
            true => Exit::Findings,
            false => Exit::Fine,
        })
    }

    /// The diagnostics of the paths, with `--fix` after fixing them; and whether every fix could be written.
    fn check_paths(&self) -> Result<(Loaded, bool), CliError> {
        let chosen = self.rules.choose_with_declarations()?;
        let (mut all, mut written): (Option<Loaded>, _) = (None, true);
        for paths in &chosen.sets {
            let config = self.rules.config.as_deref();
            let mut loaded = load(paths, config);
            if self.fix {
                written &= write_fixes(&loaded, &chosen)?;
                loaded = load(paths, config);
            }
            let loaded = loaded.on(today()).reading_database();
            all = Some(match all {
                Some(all) => all.and(loaded),
                None => loaded,
            });
        }
        let all = all.unwrap_or_else(|| load(&[], None));
        self.rules.refuse_empty(&all)?;
        let all = self.without_accepted(self.in_changed(all)?)?;
        let all = if chosen.is_everything() { all } else { all.about(|file| chosen.is_about(file)) };
        Ok((all, written))
    }

    /// Keeps what is in items and lines that changed since the revision, if one is given.
    fn in_changed(&self, loaded: Loaded) -> Result<Loaded, CliError> {
        let Some(revision) = &self.changed_since else { return Ok(loaded) };
        let path = self.rules.paths.first().map_or(Path::new("."), PathBuf::as_path);
        let changes = Changes::since(revision, path)
            .map_err(|why| CliError::Usage(format!("cannot tell what changed since `{revision}`: {why}")))?;
        Ok(loaded.in_changed(|file| changes.of(file)))
    }

    /// Leaves out what the baseline accepts, if one is given, or writes it.
    fn without_accepted(&self, mut loaded: Loaded) -> Result<Loaded, CliError> {
        let Some(path) = &self.baseline else { return Ok(loaded) };
        let baseline = match fs::read_to_string(path) {
            Ok(text) => Baseline::read(&text)
                .map_err(|why| CliError::Usage(format!("`{}` is no baseline: {why}", Shown(path))))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.write_baseline => Baseline::default(),
            Err(error) => {
                let way = "write it with `--write-baseline`";
                return Err(CliError::Usage(format!("cannot read the baseline `{}`: {error}; {way}", Shown(path))));
            }
        };
        let compared = baseline.compare(loaded.diagnostics, &loaded.sources, Path::new("."));
        // What did not change was not compared.
        let mended = if self.changed_since.is_some() { &[] } else { compared.mended.as_slice() };
        for Accepted { file, code, message, .. } in mended {
            writeln!(terminal::remarks(), "note: mended: {}: {code}: {}", Visible(file), Visible(message))?;
        }
        loaded.diagnostics = compared.new;
        if self.write_baseline {
            fs::write(path, compared.next.written()).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot write the baseline `{}`: {error}", Shown(path)))
            })?;
            loaded.diagnostics.retain(|found| found.code.severity == Severity::Error);
            let count = counted(compared.next.count(), "finding");
            writeln!(terminal::remarks(), "{}: {count} accepted", Shown(path))?;
        } else if !mended.is_empty() {
            writeln!(terminal::remarks(), "note: `--write-baseline` removes what is mended from `{}`", Shown(path))?;
        }
        Ok(loaded)
    }

    /// Checks standard input: in place of the file that `--stdin-path` names, else as a rule set of one file.
    fn check_stdin(&self) -> Result<Loaded, CliError> {
        if self.fix {
            return Err(CliError::Usage(
                "`--fix` cannot be combined with `-`; use the edits of `--format json`".into(),
            ));
        }
        readable_files(&self.rules.config)?;
        if let Some(path) = self.stdin_path.as_deref().filter(|path| !is_declarations(path)) {
            rule_file_name(path)?;
        }
        let bytes = super::fmt::read_stdin()?;
        let (paths, config, path) = match &self.stdin_path {
            Some(path) => (vec![set_around(path)], self.rules.config.clone(), path.clone()),
            None => {
                let here = Some(PathBuf::from("twite.toml")).filter(|path| path.is_file());
                (vec![], self.rules.config.clone().or(here), PathBuf::from("standard input"))
            }
        };
        let (name, own) = (name(&path), identity(&path));
        let loaded = load_with(&paths, config.as_deref(), Some(&Buffer { path, bytes })).on(today());
        let loaded = self.without_accepted(self.in_changed(loaded)?)?;
        Ok(loaded.about(|file| *file == *name || identity(&path_of(file)) == own))
    }

    fn print(&self, loaded: &Loaded) -> Result<(), CliError> {
        let (found, sources) = (&loaded.diagnostics, &loaded.sources);
        let people = matches!(self.format, Format::Github | Format::Human | Format::Short);
        let mut out = terminal::people_or_json(people);
        let text = match self.format {
            Format::Github => render::github(found, sources, Path::new(".")),
            Format::Human => render::human(found, sources, terminal::style(&io::stdout())),
            Format::Json => present::json(&render::json(found, sources))?,
            Format::Sarif => present::json(&render::sarif(found, sources, Path::new(".")))?,
            Format::Short => render::short(found, sources),
        };
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

/// The day on which suppressions are looked at, in UTC.
fn today() -> Date {
    TimeZone::UTC.to_datetime(Clock::Wall.now()).date()
}

/// Writes safe fixes and prints the names of the changed files. Returns whether all fixes could be written.
fn write_fixes(loaded: &Loaded, chosen: &Chosen) -> Result<bool, CliError> {
    let Fixes { fixed, unproven } = fix(&loaded.texts);
    let mut written = true;
    for name in unproven.iter().filter(|name| chosen.is_about(name)) {
        written = false;
        writeln!(
            terminal::remarks(),
            "error: cannot fix `{}`: the result would change the meaning of the rules; please report this file",
            Visible(name)
        )?;
    }
    for Fixed { name, before, after, count } in fixed.into_iter().filter(|fixed| chosen.is_about(&fixed.name)) {
        let (path, name) = (path_of(&name), Visible(&name));
        match rewrite(&path, &before, &after) {
            Ok(()) => writeln!(terminal::remarks(), "{name}: {count} fixed")?,
            Err(error) => {
                written = false;
                writeln!(terminal::remarks(), "error: cannot write `{name}`: {error}")?;
            }
        }
    }
    Ok(written)
}
