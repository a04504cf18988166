//! `twite completions`: completion scripts for shells.

use std::io;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{CliError, Exit};

/// Print the completion script for a shell
///
///   twite completions bash > ~/.local/share/bash-completion/completions/twite
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<Exit, CliError> {
        // Generated in memory first, because the generator panics if the pipe is closed.
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut super::Arguments::command(), "twite", &mut script);
        io::Write::write_all(&mut super::terminal::verbatim(), &script)?;
        Ok(Exit::Fine)
    }
}
