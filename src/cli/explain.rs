//! `twite explain`: the page of a code.

use std::io::{self, Write};

use super::{CliError, Exit, terminal};
use crate::{lang::codes, present::page};

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
        let mut out = terminal::people();
        match self.code {
            None => {
                for code in codes::all() {
                    writeln!(out, "{}  {}", code.id, code.title)?;
                }
            }
            Some(id) => match codes::find(&id) {
                Some(code) => {
                    let lint = codes::lint(code).map(|lint| format!("\n{}\n", lint.summary())).unwrap_or_default();
                    let columns = terminal::style(&io::stdout()).columns;
                    out.write_all(page::text(&(code.page.to_owned() + &lint), columns).as_bytes())?;
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
