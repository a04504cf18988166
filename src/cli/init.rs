//! `twite init`: creates a starter rule set.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;

use super::{CliError, Exit, source::Shown, starter};

/// Create a starter rule set: `twite.toml`, rules and tests.
///
/// Never overwrites files.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The directory; created if it does not exist.
    #[arg(default_value = "rules", value_name = "DIRECTORY")]
    directory: PathBuf,
}

impl Init {
    pub(crate) fn run(self) -> Result<Exit, CliError> {
        let directory = Shown(&self.directory);
        starter::write_rules(&self.directory).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory if !self.directory.is_dir() => {
                CliError::Usage(format!("{directory} is not a directory; choose another one"))
            }
            io::ErrorKind::AlreadyExists => {
                CliError::Usage(format!("{directory} already contains rules; choose another directory"))
            }
            kind => io::Error::new(kind, format!("cannot write rules to {directory}: {error}")).into(),
        })?;
        writeln!(
            super::terminal::people(),
            "rules to start from are in {directory}: begin with {directory}/twite.toml\n\n  \
             twite check {directory}   is anything wrong with them?\n  \
             twite test {directory}    do they do what their tests say?\n  \
             twite demo --rules {directory}   see them at work"
        )?;
        Ok(Exit::Fine)
    }
}
