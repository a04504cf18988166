//! `twite sim`: a simulator of X.

use std::{
    io::{self, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{CliError, Exit, source::open};
use crate::desk::visible::{Visible, visible};
use crate::lang::name;
use crate::sim::{CLIENT_ID, LeftOut, LoadReport, NewPerson, Sim, SimError, SimHandle, SimOptions, Tokens};

/// Maximum number of skipped lines that are reported one by one.
const MAX_NAMED: usize = 1_000;
/// The handle of the customer if no file is loaded.
const CUSTOMER: &str = "customer";

/// Run a simulator of X, to try rules, the daemon or any other client without an X account.
///
/// Speaks X API v2 (posts, timelines, search, likes, follows, direct messages, media, OAuth 2) in both of its
/// vocabularies, with X's paging, limits and errors. Prints the accounts with tokens that are valid only here, and runs until it is
/// stopped.
#[derive(Debug, Args)]
#[command(after_long_help = CONTROL)]
pub(crate) struct SimCommand {
    /// The address to listen on; port 0 picks a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8917")]
    listen: SocketAddr,
    /// A file of conversations: one X API v2 response `{"data":…, "includes":…}`, `{"dm":…}` or `{"like":…}` per line.
    #[arg(long, value_name = "FILE")]
    load: Vec<PathBuf>,
    /// The handle of an account to connect; created if no file contains it. Default: acme, unless a file is loaded.
    #[arg(long = "account", value_name = "HANDLE")]
    accounts: Vec<String>,
    /// Replay the files at this many lines per second, instead of all at once.
    #[arg(long, value_name = "N")]
    pace: Option<f64>,
    /// Serve https. The certificate, which is made anew for this run, is written to this file, for clients to trust.
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,
    /// Create the same tokens on every run.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// An allowed redirect URI of the app; repeatable.
    #[arg(long = "redirect-uri", value_name = "URL")]
    redirect_uris: Vec<String>,
    /// Disable rate limits.
    #[arg(long)]
    no_limits: bool,
    /// Accept replies to anybody. X accepts them only to people who mentioned or quoted the account.
    #[arg(long)]
    any_reply: bool,
    /// Output format: text, or one line of JSON.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

const CONTROL: &str = r#"Make things happen while it runs, from this machine:
  POST /sim/user      {"username": "mira", "followers": 12000, "verified_type": "blue"}
  POST /sim/connect   {"account": "mira"}                    tokens, without the browser
  POST /sim/post      {"by": "mira", "text": "@acme hello"}   and in_reply_to, quotes, media: true
  POST /sim/repost    {"by": "mira", "post": ID}
  POST /sim/edit      {"post": ID, "text": "…"}
  POST /sim/delete    {"post": ID}
  POST /sim/dm        {"from": "mira", "to": "acme", "text": "…"}   and media: true
  POST /sim/like      {"by": "acme", "post": ID}              and /sim/unlike
  POST /sim/follow    {"by": "mira", "user": "acme"}          and /sim/unfollow, /sim/block, /sim/unblock
  POST /sim/revoke    {"account": "acme"}                     all its tokens end; /sim/expire: its access tokens
  POST /sim/allow     {"account": "mira", "dms": false, "long_posts": true}
  POST /sim/fault     {"endpoint": "POST /2/tweets", "skip": 0, "times": 1, "delay_ms": 0,
                       "status": 503, "headers": {}, "body": "", "cut": "before" or "after"}
  POST /sim/chat      {"from": "mira", "to": "acme"}          an encrypted message
  POST /sim/events    {"withhold": 1, "duplicate": 1, "reorder": 1}   faults of the next events; {} ends them
  POST /sim/stream    {"keep_alive_ms": 500, "disconnect": "close", "cut" or "operational"}
  POST /sim/webhooks  {"check": true}, {"disable": true}, {"retries": 2, "timeout_ms": 500}
  POST /sim/account   {"account": "mira", "protected": true, "suspended": true, "username": "…"}
  POST /sim/outage    {"kind": "unauthorized", "credits", "spend_cap", "app_suspended", "unavailable" or "none"}
  POST /sim/limit     {"endpoint": "GET /2/dm_events", "requests": 2}   left in a window from now, or with day: true in 24 h
  POST /sim/clock     {"set": "2026-11-16T07:00:00Z"}, {"advance_seconds": 900}, {"run": true}
  POST /sim/load      lines as in a file                      nothing happens before:
  POST /sim/release   {"most": 10}
  POST /sim/app       {"client_id": "…", "client_secret": "…", "redirect_uris": ["…"]}
  POST /sim/app_token, /sim/clear_faults, /sim/reset
  GET  /sim/sent, /sim/stats, /sim/users

Examples:
  twite sim
  twite sim --load examples/conversations/northwind.ndjson --account NorthwindHelp --pace 1
  twite sim --listen 127.0.0.1:0 --format json
  twite sim --tls sim.pem; then curl --cacert sim.pem https://127.0.0.1:8917/sim/stats"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One line of JSON: url, client_id, app_token, accounts with tokens, loaded.
    Json,
}

/// The JSON that is printed at the start.
#[derive(Debug, Serialize)]
struct Started<'a> {
    url: &'a str,
    client_id: &'a str,
    app_token: String,
    accounts: &'a [Tokens],
    loaded: &'a [Loaded],
}

#[derive(Debug, Serialize)]
struct Loaded {
    file: Arc<str>,
    #[serde(flatten)]
    report: LoadReport,
}

impl SimCommand {
    /// Runs the simulator until it is interrupted.
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        if self.pace.is_some_and(|pace| !pace.is_finite() || pace <= 0.0) {
            return Err(CliError::Usage("--pace is a number above 0".into()));
        }
        let sim = match Sim::start(self.options()).await {
            Ok(sim) => sim,
            Err(error @ SimError::Listen(..)) => {
                return Err(CliError::Usage(format!("{error}; name another with --listen, or 127.0.0.1:0 for any")));
            }
            Err(error) => return Err(error.into()),
        };
        if let (Some(path), Some(certificate)) = (&self.tls, &sim.certificate) {
            std::fs::write(path, certificate)
                .map_err(|error| CliError::Usage(format!("--tls {}: {error}", visible(&path.display().to_string()))))?;
        }
        let mut loaded = Vec::new();
        for path in &self.load {
            let report = sim.load_lines(BufReader::new(open(path)?))?;
            let file = name(path);
            left_out(&file, &report)?;
            loaded.push(Loaded { file, report });
        }
        let accounts = self.connect(&sim)?;
        match self.pace {
            Some(pace) => sim.replay(pace),
            None => {
                sim.release(usize::MAX, false)?;
            }
        }
        match self.format {
            Format::Human => tell(&mut super::terminal::people(), &sim.url, &accounts, &loaded)?,
            Format::Json => {
                let (url, app_token) = (sim.url.as_str(), sim.app_token());
                let started = Started { url, client_id: CLIENT_ID, app_token, accounts: &accounts, loaded: &loaded };
                writeln!(super::terminal::json(), "{}", serde_json::to_string(&started)?)?;
            }
        }
        tokio::signal::ctrl_c().await?;
        sim.stop().await;
        Ok(if loaded.iter().all(|loaded| loaded.report.skipped == 0) { Exit::Fine } else { Exit::Findings })
    }

    fn options(&self) -> SimOptions {
        let mut options = SimOptions {
            listen: self.listen,
            seed: self.seed,
            summoned_only: !self.any_reply,
            rate_limits: !self.no_limits,
            tls: self.tls.is_some(),
            ..SimOptions::default()
        };
        if let (Some(app), false) = (options.apps.first_mut(), self.redirect_uris.is_empty()) {
            app.redirect_uris.clone_from(&self.redirect_uris);
        }
        options
    }

    /// Connects the accounts, and creates those that no file contains.
    fn connect(&self, sim: &SimHandle) -> Result<Vec<Tokens>, CliError> {
        let mut handles = self.accounts.clone();
        if handles.is_empty() && self.load.is_empty() {
            handles.push("acme".into());
        }
        if self.load.is_empty() {
            sim.make_user(&NewPerson { followers: 120, ..NewPerson::named(CUSTOMER) })?;
        }
        let mut accounts = Vec::new();
        for handle in &handles {
            let tokens = match sim.connect(handle) {
                Err(SimError::NoSuchPerson(_)) => {
                    let person = NewPerson::named(handle.trim_start_matches('@'));
                    sim.make_user(&person).map_err(|e| CliError::Usage(format!("--account: {e}")))?;
                    sim.connect(handle)
                }
                tokens => tokens,
            };
            accounts.push(tokens?);
        }
        Ok(accounts)
    }
}

/// Reports the skipped lines of a file.
pub(super) fn left_out(file: &str, report: &LoadReport) -> io::Result<()> {
    let mut remarks = super::terminal::remarks();
    let named = report.unreadable.get(..MAX_NAMED).unwrap_or(&report.unreadable);
    for LeftOut { line, reason, .. } in named {
        writeln!(remarks, "{}:{line}: skipped: {}", visible(file), visible(reason))?;
    }
    match report.skipped - named.len() {
        0 => Ok(()),
        more => writeln!(remarks, "and {more} more"),
    }
}

fn tell(out: &mut impl Write, url: &str, accounts: &[Tokens], loaded: &[Loaded]) -> io::Result<()> {
    writeln!(out, "Simulated X at {url}\n")?;
    for Loaded { file, report } in loaded {
        let LoadReport { lines, posts, dms, likes, skipped, .. } = report;
        let file = Visible(file);
        writeln!(out, "{file}: {lines} lines: {posts} posts, {dms} messages, {likes} likes; {skipped} skipped\n")?;
    }
    for tokens in accounts {
        writeln!(out, "@{}, id {}", tokens.username, tokens.user_id)?;
        writeln!(out, "  access token   {}", tokens.access_token)?;
        writeln!(out, "  refresh token  {}", tokens.refresh_token)?;
    }
    writeln!(out, "\nOAuth 2 client id `{CLIENT_ID}`, no secret. The tokens are valid only here. Try:\n")?;
    match accounts.first() {
        Some(first) => {
            let text = format!("@{} hello", first.username);
            if loaded.is_empty() {
                writeln!(out, "  curl {url}/sim/post -d '{{\"by\": \"{CUSTOMER}\", \"text\": \"{text}\"}}'")?;
            }
            writeln!(
                out,
                "  curl -H 'Authorization: Bearer {}' {url}/2/users/{}/mentions",
                first.access_token, first.user_id
            )?;
            writeln!(out, "  curl {url}/sim/sent")?;
        }
        None => {
            writeln!(out, "  curl {url}/sim/users")?;
            writeln!(out, "  twite sim --load FILE --account HANDLE    to connect an account")?;
        }
    }
    writeln!(out, "\nCtrl-C stops it; `twite sim --help` lists all control requests.")
}
