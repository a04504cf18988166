//! `twite accounts set` and `twite accounts unlink`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::{Asked, not_changed};
use crate::{
    app::accounts::{self, Revoked},
    cli::{CliError, Exit, terminal},
    clock::Clock,
    desk::{Switch, visible::visible},
    x::{client::http, oauth::App},
};

/// Turn switches of an account on or off, as in `set acme track_likes=true allow_replies=false`.
///
/// The switches: `capture_mentions`, `capture_direct_messages`, `track_likes`, `allow_replies`, `allow_actions` and `default`.
/// One that `twite.toml` writes is changed there. At most one account is the default: making another one the default ends
/// that of the first.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// The handle.
    handle: String,
    /// The switches.
    #[arg(value_name = "SWITCH=true|false", required = true, value_parser = switch)]
    switches: Vec<(Switch, bool)>,
}

fn switch(text: &str) -> Result<(Switch, bool), String> {
    let (key, value) = text.split_once('=').ok_or("write `SWITCH=true` or `SWITCH=false`")?;
    let switch = key.trim().parse::<Switch>().map_err(|unknown| unknown.to_string())?;
    match value.trim() {
        "true" => Ok((switch, true)),
        "false" => Ok((switch, false)),
        other => Err(format!("`{key}` is `true` or `false`, not `{other}`")),
    }
}

impl Set {
    pub(super) async fn run(&self, asked: &Asked<'_>) -> Result<Exit, CliError> {
        let (store, handle) = (asked.desk.store()?, asked.handle(&self.handle).await?);
        let files = (&asked.declared, asked.edition);
        let changed = accounts::set(store, files, &handle, &self.switches, &asked.by(), Clock::Wall.now()).await;
        let changed = changed.map_err(not_changed)?;
        let mut out = terminal::people();
        for changed in &changed {
            writeln!(out, "@{}: {} = {}", visible(&changed.handle), changed.switch, changed.on)?;
        }
        if changed.is_empty() {
            writeln!(out, "@{}: nothing to change", visible(&handle))?;
        }
        Ok(Exit::Fine)
    }
}

/// Remove an account from the desk. Its tickets stay.
///
/// Its tokens are revoked at X and deleted, and so are its switches. Use `deactivate` to switch an account off for a while.
#[derive(Debug, Args)]
pub(super) struct Unlink {
    /// The handle.
    handle: String,
    /// Do not ask for confirmation.
    #[arg(long)]
    yes: bool,
}

impl Unlink {
    pub(super) async fn run(&self, asked: &Asked<'_>) -> Result<Exit, CliError> {
        let (store, handle) = (asked.desk.store()?, asked.handle(&self.handle).await?);
        if !self.yes && !confirmed(&handle)? {
            return Err(CliError::Usage(format!("@{handle} stays; `--yes` unlinks it without a question")));
        }
        let app = App::new(&asked.desk.settings.x, http()?, Clock::Wall).ok();
        let tools = (asked.desk.place.key().ok(), app);
        let tools = (tools.0.as_ref(), tools.1.as_ref());
        let unlinked = accounts::unlink(store, tools, &handle, &asked.by(), Clock::Wall.now()).await;
        let shown = visible(&handle);
        match unlinked.map_err(not_changed)? {
            None => writeln!(terminal::people(), "@{shown} was unlinked already")?,
            Some(revoked) => {
                writeln!(terminal::people(), "@{shown} is unlinked; its tickets stay")?;
                if let Revoked::Failed(why) = revoked {
                    let why = visible(why.trim_end_matches('.')).into_owned();
                    writeln!(
                        terminal::remarks(),
                        "warning: its tokens are deleted here, but X has not revoked them: {why}. Revoke the app in the \
                         account's settings at X, under connected apps"
                    )?;
                }
                if asked.declared.get(&handle).is_some() {
                    writeln!(terminal::remarks(), "note: twite.toml still declares it")?;
                }
            }
        }
        Ok(Exit::Fine)
    }
}

/// Asks whether to unlink an account; `false` without a terminal.
fn confirmed(handle: &str) -> io::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    write!(terminal::remarks(), "Unlink @{}? Its tokens are revoked and deleted. [y/N] ", visible(handle))?;
    terminal::remarks().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
