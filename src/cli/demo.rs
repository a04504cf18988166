//! `twite demo`: the daemon with a simulated X; needs no account and no configuration.

mod address;
mod show;
mod stage;

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use clap::{
    Args, ValueEnum,
    builder::{PathBufValueParser, TypedValueParser as _},
};
use serde::Serialize;
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use self::stage::Stage;
use super::{CliError, Exit, source::set_of_path, terminal};
use crate::desk::Account;

/// See Twite work: a simulated X, the daemon, and a morning's conversations.
///
/// Starts a simulator of X and the daemon with a temporary database, lets conversations arrive, and
/// shows tickets, the rules that fire and the replies sent. Needs no X account and no network.
///
/// The rules are those in `./rules` where there are any (or wherever `--rules` points), else a copy of the
/// starter set. Edit them while it runs: changes are live a second later.
#[derive(Debug, Args)]
#[command(after_long_help = "\
With --format json one object is printed when everything is done:

  posts      lines read
  left_out   lines, and messages in them, that could not be read; standard error names them, and the exit status is 1
  tickets    tickets made
  comments   comments imported on all tickets, the opening ones included; what Twite sent is not among them
  linked     tickets with at least one link to another
  fired      how often each rule fired, by title; rules in shadow mode are not counted
  replies    what became of replies: sent, refused, unknown
  set_aside  messages that could not be read
  not_imported  messages that a ticket did not take, as it has 5,000
  seconds    how long it took

If no ticket was made, standard error says why.

Examples:
  twite demo
  twite demo --once
  twite demo --posts conversations.ndjson --account acme --once --format json")]
pub(crate) struct Demo {
    /// A file of posts: X API v2 payloads, one `{"data":…, "includes":…}` per line.
    #[arg(long, value_name = "FILE")]
    posts: Option<PathBuf>,
    /// The handle of an account to connect; repeatable. An account that `twite.toml` does not declare has the default settings.
    /// Default: those in `twite.toml`.
    #[arg(long = "account", value_name = "HANDLE")]
    accounts: Vec<String>,
    /// The directory of the rules.
    #[arg(long, value_name = "DIRECTORY", value_parser = PathBufValueParser::new().map(set_of_path))]
    rules: Option<PathBuf>,
    /// Keep the database in this file or on PostgreSQL, so that `twite view`, `twite ticket` and `twite why` can read it.
    #[arg(long, value_name = "FILE|URL")]
    database: Option<PathBuf>,
    /// Process everything without waiting, print a summary and exit. The clock follows the times of the posts.
    #[arg(long)]
    once: bool,
    /// Posts per second.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = pace)]
    pace: f64,
    /// Output format of the summary; `json` implies `--once`.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// The result of a demo.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Summary {
    posts: usize,
    left_out: usize,
    tickets: i64,
    comments: i64,
    linked: i64,
    fired: BTreeMap<String, i64>,
    replies: Replies,
    set_aside: i64,
    not_imported: i64,
    seconds: f64,
    /// The connected accounts, each with the number of posts by others that mention it.
    #[serde(skip)]
    accounts: Vec<(Account, usize)>,
}

/// The number of replies by outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Replies {
    sent: i64,
    refused: i64,
    unknown: i64,
}

fn pace(text: &str) -> Result<f64, String> {
    let pace: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (0.01..=1000.0).contains(&pace) {
        Ok(pace)
    } else {
        Err("the pace must be from 0.01 to 1000 posts per second".into())
    }
}

impl Demo {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let json = self.format == Format::Json;
        let started = Instant::now();
        let mut stage = Stage::set(&self).await?;
        if self.once || json {
            stage.play_at_once(!json).await?;
        } else {
            stage.play_live(self.pace).await?;
        }
        let summary = stage.summary(started.elapsed()).await?;
        let mut out = terminal::people_or_json(!json);
        if json {
            serde_json::to_writer(&mut out, &summary)?;
            out.write_all(b"\n")?;
            for why in show::missing(&summary) {
                writeln!(terminal::remarks(), "note: {why}")?;
            }
        } else {
            show::summary(&mut out, &summary)?;
        }
        stage.strike().await;
        Ok(if summary.left_out == 0 { Exit::Fine } else { Exit::Findings })
    }
}

/// Prints the daemon's notices until the daemon is dropped.
async fn tell(mut notices: tokio::sync::broadcast::Receiver<crate::app::Notice>) {
    loop {
        match notices.recv().await {
            Ok(notice) => {
                let mut out = terminal::people();
                // Errors are ignored here: a closed pipe is handled when the summary is written.
                let _ = show::notice(&mut out, &notice).and_then(|()| out.flush());
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
