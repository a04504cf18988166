//! `twite explain`: the page of a code.

use std::io::Write;

use super::{CliError, Exit};
use crate::lang::codes;

/// Explain a diagnostic code, with an example and its fix.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The code, such as TW0203.
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// List every code.
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

impl Explain {
    pub(crate) fn run(self) -> Result<Exit, CliError> {
        let mut out = super::terminal::people();
        match self.code {
            None => {
                for code in codes::all() {
                    writeln!(out, "{}  {}", code.id, code.title)?;
                }
            }
            Some(id) => match codes::find(&id) {
                Some(code) => {
                    out.write_all(code.page.as_bytes())?;
                    if let Some(lint) = codes::lint(code) {
                        writeln!(out, "\n{}", lint.summary())?;
                    }
                }
                None => {
                    let message = format!("unknown code `{id}`; `twite explain --list` lists all codes");
                    return Err(CliError::Usage(message));
                }
            },
        }
        out.flush()?;
        Ok(Exit::Fine)
    }
}
