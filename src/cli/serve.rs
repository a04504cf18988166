//! `twite serve`: the daemon.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use super::{CliError, FINE, desk::Place};
use crate::{
    daemon::{Clock, Daemon, Live, Source},
    x::client,
};

/// Run the daemon: messages in, rules applied live, replies out.
///
/// Polls the connected accounts, makes tickets, runs the rules and sends what they ask for. Follows the rule files while
/// it runs; broken ones leave the last good rules live. Ends on Ctrl-C or SIGTERM after what is under way; killed, it
/// finds everything where it was.
///
/// The log goes to standard error. TWITE_LOG sets how much it says (error, warn, info, debug; per module as in
/// `info,twite::x=debug`).
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Directories or files with rules.
    #[arg(default_value = "rules", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The desk's declarations. Default: `twite.toml` beside the rules, or one directory above.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Make one decision of so many by the plain evaluator as well, and say so loudly where the two disagree; the plain one
    /// is followed then. 0 is none, 1 is every one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    verify: u32,
    /// How the log is written.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        log(self.log_format);
        let source = Source { paths: self.paths.clone(), config: self.config.clone() };
        let live = Live::start(source, Arc::new(|rules| rules)).map_err(CliError::Usage)?.verify(self.verify);
        let place = Place::of(&live.rules().desk, &self.paths, self.config.as_deref());
        tokio::runtime::Runtime::new()?.block_on(async {
            let (store, key) = (place.open().await?, place.key()?);
            let rules = live.rules();
            tracing::info!(
                "rules {} are live, {} in all; store {}",
                rules.version,
                rules.items(),
                place.database().display()
            );
            let daemon = Arc::new(Daemon::new(store, key, live, Clock::Wall, client::http().map_err(super::broke)?));
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(async move {
                ended().await;
                tracing::info!("stopping after what is under way");
                // An error means that the daemon has ended already.
                let _ = stop.send(true);
            });
            daemon.serve(stopped).await;
            Ok(FINE)
        })
    }
}

/// Waits for whatever asks a process to end.
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
    // Without a way to be asked, the process ends when it is killed, which it survives as well.
    let _ = tokio::signal::ctrl_c().await;
}

fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("TWITE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| super::terminal::Log);
    // A second subscriber in one process would be a test's; the first goes on.
    let _ = match format {
        LogFormat::Text => log.with_ansi(super::terminal::colored(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
