//! `twite check`: everything that is wrong with rules, in one go.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;

use super::{CliError, FINDINGS, FINE, fmt, terminal};
use crate::lang::{Edit, Fix, Loaded, load, render};

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
        // One correction may uncover the next; each round makes at least one, and there are few in any file.
        for _ in 0..MOST_ROUNDS {
            if !self.fix || write_fixes(&loaded)? == 0 {
                break;
            }
            loaded = load(&self.paths, self.config.as_deref());
        }
        self.print(&loaded)?;
        writeln!(terminal::remarks(), "{}", loaded.summary())?;
        let found = loaded.errors() > 0 || (self.deny_warnings && loaded.warnings() > 0);
        Ok(if found { FINDINGS } else { FINE })
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

/// How often files are corrected and checked again.
const MOST_ROUNDS: usize = 10;

/// Writes every safe correction that does not overlap another; says which files changed, and returns how many.
fn write_fixes(loaded: &Loaded) -> Result<usize, CliError> {
    let mut by_file: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for found in &loaded.diagnostics {
        if let Some(Fix { edits, safe: true }) = &found.fix {
            by_file.entry(&found.file).or_default().extend(edits);
        }
    }
    let mut changed = 0;
    for (file, mut edits) in by_file {
        let Some(text) = loaded.sources.text(file) else { continue };
        edits.sort_by_key(|edit| edit.span.start);
        let (mut fixed, mut at, mut made) = (String::with_capacity(text.len()), 0, 0);
        for edit in edits {
            // What overlaps waits for the next round.
            if let Some(kept) = text.get(at..edit.span.start) {
                fixed.push_str(kept);
                fixed.push_str(&edit.text);
                at = edit.span.end;
                made += 1;
            }
        }
        fixed.push_str(text.get(at..).unwrap_or_default());
        fmt::replace(Path::new(file), &fixed)?;
        writeln!(terminal::remarks(), "{file}: {made} corrected")?;
        changed += 1;
    }
    Ok(changed)
}

/// JSON that a person can also read, with a line break at its end.
pub(super) fn pretty(value: &serde_json::Value) -> Result<String, CliError> {
    Ok(serde_json::to_string_pretty(value).map_err(io::Error::from)? + "\n")
}
