//! `twite check`: everything that is wrong with rules, in one go.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;

use super::{BROKE, CliError, FINDINGS, FINE, rewrite::rewrite, terminal};
use crate::lang::{Fixed, Fixes, Loaded, fix, load, render};

/// Checks rule files and `twite.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Rule files, or directories that hold them.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// The declarations; without it, `twite.toml` beside the rules or one directory above.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Let warnings count as findings.
    #[arg(long)]
    deny_warnings: bool,
    /// Write the corrections that certainly mean what was meant, then check again.
    #[arg(long)]
    fix: bool,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How findings are printed.
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
    /// One line each.
    Short,
}

impl Check {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let mut loaded = load(&self.paths, self.config.as_deref());
        let written = !self.fix || write_fixes(&loaded)?;
        if self.fix {
            loaded = load(&self.paths, self.config.as_deref());
        }
        self.print(&loaded)?;
        writeln!(terminal::remarks(), "{}", loaded.summary())?;
        let found = loaded.errors() > 0 || (self.deny_warnings && loaded.warnings() > 0);
        Ok(match found {
            _ if !written => BROKE,
            true => FINDINGS,
            false => FINE,
        })
    }

    fn print(&self, loaded: &Loaded) -> Result<(), CliError> {
        let (found, sources) = (&loaded.diagnostics, &loaded.sources);
        let people = matches!(self.format, Format::Github | Format::Human | Format::Short);
        let mut out = terminal::out(people);
        let text = match self.format {
            Format::Github => render::github(found, sources),
            Format::Human => render::human(found, sources, terminal::style(&io::stdout())),
            Format::Json => pretty(&render::json(found, sources))?,
            Format::Sarif => pretty(&render::sarif(found, sources, Path::new(".")))?,
            Format::Short => render::short(found, sources),
        };
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

/// Writes the files that safe fixes change, and says which; whether all of them could be written.
fn write_fixes(loaded: &Loaded) -> Result<bool, CliError> {
    let Fixes { fixed, unproven } = fix(&loaded.texts);
    let mut written = unproven.is_empty();
    for name in unproven {
        writeln!(
            terminal::remarks(),
            "error: cannot fix `{name}`: the fixes would change more than they say; please report this file"
        )?;
    }
    for Fixed { name, before, after, count } in fixed {
        let Some(path) = loaded.paths.get(&name) else { continue };
        match rewrite(path, &before, &after) {
            Ok(()) => writeln!(terminal::remarks(), "{name}: {count} fixed")?,
            Err(error) => {
                written = false;
                writeln!(terminal::remarks(), "error: cannot write `{name}`: {error}")?;
            }
        }
    }
    Ok(written)
}

/// JSON that a person can also read, with a line break at its end.
pub(super) fn pretty(value: &serde_json::Value) -> Result<String, CliError> {
    Ok(serde_json::to_string_pretty(value).map_err(io::Error::from)? + "\n")
}
