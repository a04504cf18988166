//! Options that say what is changed on a ticket or a person.

use std::io;

use clap::Args;

use super::{CliError, terminal};
use crate::{
    app::agent::Description,
    desk::{Declarations, Owner},
    lang::{render, rules::Action},
};

/// The fields and tags to change.
#[derive(Debug, Args)]
pub(super) struct Edits {
    /// Set a field, as with `set FIELD to VALUE` in a rule. Can be given several times.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = assignment)]
    pub(super) set: Vec<(String, String)>,
    /// Make a field empty. Can be given several times.
    #[arg(long, value_name = "FIELD")]
    pub(super) clear: Vec<String>,
    /// Add a tag. Can be given several times.
    #[arg(long, value_name = "TAG")]
    pub(super) add_tag: Vec<String>,
    /// Remove a tag. Can be given several times.
    #[arg(long, value_name = "TAG")]
    pub(super) remove_tag: Vec<String>,
}

/// Parses `FIELD=VALUE`.
fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is FIELD=VALUE, as in `status=solved`")?;
    match value.trim() {
        "" => Err(format!("it has no value; `--clear {}` makes a field empty", name.trim())),
        value => Ok((name.trim().to_owned(), value.to_owned())),
    }
}

/// The actions that options describe.
pub(super) fn actions(described: &Description<'_>, desk: &Declarations) -> Result<Vec<Action>, CliError> {
    described.actions("these options", desk).map_err(|(found, sources)| {
        let report = render::human(&found, &sources, terminal::style(&io::stderr()));
        let what = match described.of {
            Owner::Ticket => "a ticket",
            Owner::Requester => "a person",
        };
        CliError::Report(format!("these options describe no update of {what}\n\n{report}"))
    })
}
