//! `twite check`: everything that is wrong with rules, in one go.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::ValueEnum;

use super::{CliError, FINDINGS, FINE, colored};
use crate::lang::{Loaded, load, render};

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
        let loaded = load(&self.paths, self.config.as_deref());
        self.print(&loaded)?;
        writeln!(io::stderr(), "{}", loaded.summary())?;
        let found = loaded.errors() > 0 || (self.deny_warnings && loaded.warnings() > 0);
        Ok(if found { FINDINGS } else { FINE })
    }

    fn print(&self, loaded: &Loaded) -> Result<(), CliError> {
        let (found, sources) = (&loaded.diagnostics, &loaded.sources);
        let mut out = io::stdout().lock();
        let text = match self.format {
            Format::Github => render::github(found, sources),
            Format::Human => render::human(found, sources, colored(&io::stdout())),
            Format::Json => pretty(&render::json(found, sources))?,
            Format::Sarif => pretty(&render::sarif(found, sources))?,
            Format::Short => render::short(found, sources),
        };
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

/// JSON that a person can also read, with a line break at its end.
pub(super) fn pretty(value: &serde_json::Value) -> Result<String, CliError> {
    Ok(serde_json::to_string_pretty(value).map_err(io::Error::from)? + "\n")
}
