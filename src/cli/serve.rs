//! `twite serve`: the daemon.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{
    CliError, Exit,
    desk::{DatabaseBusy, Paths},
    source::{set_of, unusable},
    terminal::{self, Log},
};
use crate::{
    app::{Live, Notice, live_set::LiveSet, log_report},
    clock::Clock,
    daemon::{Daemon, LastGood, Reload, Source},
    engine::Decider,
    lang::Follow,
    store::Watch,
    x::client,
};

/// Wait before the database is tried again while it cannot be opened.
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// Run the daemon: messages in, rules applied live, replies out.
///
/// Polls the connected accounts, opens tickets, runs the rules and sends their effects. Reloads the rule files when
/// they change; while they have errors, the last good rules stay live, even after a restart. SIGHUP reloads them at
/// once. Only one daemon works on a database: a second one waits until the first ends. On Ctrl-C or SIGTERM, the daemon
/// finishes what is in progress and ends. If it is killed, the next one continues where it stopped.
///
/// The log goes to standard error. TWITE_LOG sets its level (error, warn, info, debug or trace; by module as in
/// `info,twite::x=debug`).
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Directories with rules, or files of one rule set. The whole set goes live.
    #[arg(default_value = "rules", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The configuration file. Default: `twite.toml` in the directory of the rules or its parent.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database: a file of SQLite, or `postgres://user@host/name`. Default: `url` of `[store]` in `twite.toml`.
    #[arg(long, value_name = "FILE|URL", env = "TWITE_DATABASE", hide_env_values = true)]
    database: Option<PathBuf>,
    /// What goes live: the files as they are on disk, or as in the checked-out Git commit.
    #[arg(long, value_enum, default_value_t = FollowArg::Files, value_name = "WHAT")]
    follow: FollowArg,
    /// Seconds without changes before files go live, so that half-written sets do not. Files that keep changing go
    /// live after ten times this delay.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = settle)]
    settle: f64,
    /// Start without rule files or without `twite.toml`, and accept a rule set that became empty. Without this option,
    /// the last good rules stay live.
    #[arg(long)]
    allow_empty: bool,
    /// Check one in this many decisions with the plain evaluator. If the two differ, the daemon logs an error and uses the plain
    /// result. 0 checks none, 1 checks every one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    verify: u32,
    /// Format of the log.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FollowArg {
    Files,
    Commit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        log(self.log_format)?;
        let paths = set_of(&self.paths)?;
        let place = Paths::named(&paths, self.config.as_deref(), self.database.as_deref())?;
        // Installed first, because SIGHUP ends the process while it has no handler.
        let hangup = Hangup::listen();
        let reload = self.rules(paths, &place).await?;
        let live = reload.live().clone();
        let key = place.key()?;
        let mut watch = Watch::default();
        let store = once_free(async || place.open_watching(&mut watch).await).await?;
        let (rules, state) = (live.rules(), live.state().borrow().clone());
        tracing::info!("rules {} are live, {} in all; store {}", rules.version, rules.items(), place.database());
        if let Some(broken) = state.broken {
            tracing::error!(
                "the rule files have errors; the last good rules stay live: {}, since {:.0}",
                rules.version,
                state.since
            );
            log_report(&broken.report);
        }
        if !state.passed_over.is_empty() {
            tracing::warn!("{}", Notice::PassedOver { files: state.passed_over });
        }
        let daemon = Daemon::new(store, key, reload, Clock::Wall, client::http()?);
        let daemon = Arc::new(daemon.deciding(Decider::default().verifying(self.verify)));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            ended().await;
            tracing::info!("stopping after work in progress");
            stop.cancel();
        });
        tokio::spawn(hangup.reload(live));
        daemon.serve(stopped).await?;
        Ok(Exit::Fine)
    }
}

impl Serve {
    /// The rules of the files, or the last good rules if the files cannot be used.
    async fn rules(&self, paths: Vec<PathBuf>, place: &Paths) -> Result<Reload, CliError> {
        let mut watch = Watch::default();
        let last = once_free(async || place.live_watching(&mut watch).await)
            .await?
            .map(|LiveSet { rules, live }| LastGood { settings: place.settings(&rules), rules, since: live.since });
        let source = Source {
            follow: match self.follow {
                FollowArg::Files => Follow::Files,
                FollowArg::Commit => Follow::Commit,
            },
            settle: Duration::from_secs_f64(self.settle),
            allow_empty: self.allow_empty,
            ..Source::new(paths, self.config.clone())
        };
        // Loading a large rule set blocks the thread.
        tokio::task::spawn_blocking(move || Reload::go_on(source, last, Clock::Wall.now())).await?.map_err(unusable)
    }
}

/// Repeats an attempt to open the database while it is locked, its disk is full, or a daemon of an earlier version uses
/// it.
async fn once_free<T>(mut attempt: impl AsyncFnMut() -> Result<T, CliError>) -> Result<T, CliError> {
    let mut is_told = false;
    loop {
        match attempt().await {
            Err(CliError::Broke(error)) if error.is::<DatabaseBusy>() => {
                if !is_told {
                    tracing::error!("{error}; trying again until it works");
                }
                is_told = true;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            done => return done,
        }
    }
}

/// The handler of SIGHUP, which reloads the rule files and does not end the process.
#[cfg(unix)]
struct Hangup(io::Result<tokio::signal::unix::Signal>);
#[cfg(not(unix))]
struct Hangup;

#[cfg(unix)]
impl Hangup {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::hangup()))
    }

    async fn reload(self, live: Live) {
        let Ok(mut hangup) = self.0 else { return };
        while hangup.recv().await.is_some() {
            live.reload_now();
        }
    }
}

#[cfg(not(unix))]
impl Hangup {
    fn listen() -> Self {
        Self
    }

    async fn reload(self, _live: Live) {}
}

/// Parses `--settle`: how long files must be unchanged before they are loaded, in seconds.
fn settle(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (0.05..=60.0).contains(&seconds) { Ok(seconds) } else { Err("it must be from 0.05 to 60 seconds".into()) }
}

/// Resolves on Ctrl-C or SIGTERM.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler for SIGTERM, only Ctrl-C ends the process in order.
    let _ = tokio::signal::ctrl_c().await;
}

fn log(format: LogFormat) -> Result<(), CliError> {
    let asked = std::env::var("TWITE_LOG").ok().filter(|asked| !asked.is_empty());
    let filter = EnvFilter::try_new(directives(asked.as_deref().unwrap_or("info")))
        .map_err(|error| CliError::Usage(format!("TWITE_LOG: {error}; write `debug`, or `info,twite::x=debug`")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    // Fails if a subscriber is installed already, as in tests.
    let _ = match format {
        LogFormat::Text => log.with_writer(|| Log::Text).with_ansi(terminal::colored(&io::stderr())).try_init(),
        LogFormat::Json => log.with_writer(|| Log::Json).json().try_init(),
    };
    Ok(())
}

/// The filter for a level, which is that of Twite itself, or for levels by module.
///
/// Libraries stay at `info`: they write about each event of a file, which may be the file that the log is written to, and
/// about what is sent.
fn directives(asked: &str) -> String {
    const LIBRARIES: &str = "notify=error,sqlx=error";
    match asked.parse::<LevelFilter>() {
        Ok(level) => format!("{},{LIBRARIES},twite={level}", level.min(LevelFilter::INFO)),
        Err(_) => format!("{LIBRARIES},{asked}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_that_of_twite_itself() {
        for (asked, filter) in [
            ("info", "info,notify=error,sqlx=error,twite=info"),
            ("trace", "info,notify=error,sqlx=error,twite=trace"),
            ("error", "error,notify=error,sqlx=error,twite=error"),
            ("info,twite::x=debug", "notify=error,sqlx=error,info,twite::x=debug"),
        ] {
            assert_eq!(directives(asked), filter);
            assert!(EnvFilter::try_new(directives(asked)).is_ok());
        }
        assert!(EnvFilter::try_new(directives("twite=loud")).is_err());
    }
}
