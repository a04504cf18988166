//! `twite rules`: lists the items of rule files in evaluation order.

use std::{io::Write as _, path::PathBuf};

use super::{
    CliError, Exit,
    desk::{Paths, beside_listed},
    terminal,
};
use crate::present::{
    self,
    rules::{items, text},
};

/// List the items of rule files, in the order in which rules run. If the live rules differ, a note says so, and
/// `twite status` explains why.
///
/// For a file, the whole rule set that contains it is loaded, but only its items are listed.
#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    #[command(flatten)]
    source: super::source::Source,
    /// The database with the live rules: a file of SQLite, or `postgres://user@host/name`. Default: `url` of `[store]` in
    /// `twite.toml`.
    #[arg(long, value_name = "FILE|URL", env = "TWITE_DATABASE", hide_env_values = true)]
    database: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for people.
    Human,
    /// A JSON array.
    Json,
}

impl Rules {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let chosen = self.source.choose()?;
        let rules = self.source.load_chosen(&chosen)?;
        // The database is only needed for a note, so one that is not named may be missing or closed to this user.
        let paths = chosen.sets.first().map(Vec::as_slice).unwrap_or_default();
        let place = Paths::named(paths, self.source.config.as_deref(), self.database.as_deref())?;
        let live = place.live().await;
        let live = if self.database.is_some() { live? } else { live.ok().flatten() };
        if let Some(note) = live.and_then(|live| beside_listed(&live, paths, &rules.version)) {
            writeln!(terminal::remarks(), "note: {note}")?;
        }
        let mut listed = items(&rules);
        let all = listed.len();
        listed.retain(|item| chosen.is_about(&item.span.file));
        if listed.is_empty() && all > 0 {
            writeln!(terminal::remarks(), "note: these files contain none of the {all} items of the rule set")?;
        }
        let (mut out, text) = match self.format {
            Format::Human => (terminal::people(), text(&listed)),
            Format::Json => (terminal::json(), present::json(&listed)?),
        };
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(Exit::Fine)
    }
}
