//! `twite status`: what is live, whether its files could be, who works, and what waits.

use std::io::{self, Write};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    CliError, FINDINGS, FINE, broke,
    check::pretty,
    desk::{DeskArgs, LiveSet, Paths},
    terminal,
    view::TableFormat,
};
use crate::{
    clock::Clock,
    desk::visible::visible,
    lang::{self, Follow},
    store::{AccountState, ConnectedAccount, Hindrance, Lease, Queues, StoppedLoop, Store},
};

/// How many lines of a report are shown.
const MAX_LINES: usize = 12;

/// Show which rules are live and since when, whether their files could be, which daemon works, and what waits.
///
/// Ends with status 1 while the files cannot go live; with --health also where no daemon works or an account does not.
#[derive(Debug, Args)]
#[command(after_long_help = "\
With --format json one object is printed:

  database  where it is looked for
  rules     what is live: hash, commit (with + where the files are not as it has them), since; null before the first daemon
  follow    files as they are, or commit: what is committed is compared then
  files     same, newer, broken, or unknown where nothing is live yet
  broken    since (null where no daemon has said so yet) and report; null where nothing is wrong
  unread    files whose names end only nearly as those of rule files do, so that their rules are not read
  restart   settings that changed and are used when the daemon starts again
  daemon    running, and pid, host, since and renewed of the one that works, or worked last; null before the first
  queues    inbox, inbox_since, set_aside, outbox, outbox_due, sending, unknown
  accounts  of each declared account, handle, state, and its hindrances: what does not work (send, grant for anything at
            all, or what is read), the reason, since and next; since is null for what may have been missed
  admins    those whom no mail reaches when an account cannot work any more: name, and why
  loops     the tickets on which automations were stopped as they went in circles: ticket, at, automations")]
pub(crate) struct Status {
    /// End with status 1 also where no daemon works on the database, or a declared account is not connected or
    /// something of it stands still.
    #[arg(long)]
    health: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    database: String,
    /// Why no rules are known to be live.
    #[serde(skip)]
    unknown: String,
    rules: Option<Live>,
    follow: Follow,
    files: Files,
    broken: Option<Broken>,
    unread: Vec<String>,
    restart: Vec<String>,
    daemon: Option<Daemon>,
    queues: Queues,
    accounts: Vec<Account>,
    admins: Vec<Unreachable>,
    loops: Vec<StoppedLoop>,
}

/// An admin whom no mail reaches.
#[derive(Debug, Serialize)]
struct Unreachable {
    name: String,
    why: &'static str,
}

#[derive(Debug, Serialize)]
struct Live {
    hash: String,
    commit: Option<String>,
    since: Timestamp,
}

/// How the files are beside what is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Files {
    Same,
    Newer,
    Broken,
    Unknown,
}

#[derive(Debug, Serialize)]
struct Broken {
    since: Option<Timestamp>,
    report: String,
}

#[derive(Debug, Serialize)]
struct Daemon {
    running: bool,
    pid: u32,
    host: String,
    since: Timestamp,
    renewed: Timestamp,
}

#[derive(Debug, Serialize)]
struct Account {
    handle: String,
    state: &'static str,
    hindrances: Vec<Hindrance>,
}

/// What the database says.
#[derive(Debug, Default)]
struct Kept {
    lease: Option<Lease>,
    queues: Queues,
    accounts: Vec<ConnectedAccount>,
    hindrances: Vec<Hindrance>,
    loops: Vec<StoppedLoop>,
}

impl Account {
    /// Whether it does not work, or not all of it: it is not connected, or something stands still. What may have been missed is over.
    fn ails(&self) -> bool {
        self.state != AccountState::Connected.as_str()
            || self.hindrances.iter().any(|hindrance| hindrance.since.is_some())
    }
}

impl Status {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let place = self.desk.place()?;
        let report = tokio::runtime::Runtime::new()?.block_on(async {
            let live = place.live().await?;
            if !place.database().is_file() {
                return Ok::<_, CliError>(self.report(&place, None, Kept::default()));
            }
            let store = place.open().await?;
            let report = self.read(&place, &store, live).await;
            store.close().await;
            report
        })?;
        let mut out = terminal::people_or_json(self.format == TableFormat::Table);
        match self.format {
            TableFormat::Json => {
                let value = serde_json::to_value(&report).map_err(io::Error::from)?;
                out.write_all(pretty(&value)?.as_bytes())?;
            }
            TableFormat::Table => print(&mut out, &report)?,
        }
        let ailing =
            !report.daemon.as_ref().is_some_and(|daemon| daemon.running) || report.accounts.iter().any(Account::ails);
        Ok(if report.broken.is_some() || (self.health && ailing) { FINDINGS } else { FINE })
    }

    async fn read(&self, place: &Paths, store: &Store, live: Option<LiveSet>) -> Result<Report, CliError> {
        let kept = Kept {
            lease: store.lease().await.map_err(broke)?,
            queues: store.queues().await.map_err(broke)?,
            accounts: store.accounts().await.map_err(broke)?,
            hindrances: store.hindrances().await.map_err(broke)?,
            loops: store.stopped_loops().await.map_err(broke)?,
        };
        Ok(self.report(place, live, kept))
    }

    fn report(&self, place: &Paths, live: Option<LiveSet>, kept: Kept) -> Report {
        let daemon = kept.lease.map(|lease| Daemon {
            running: lease.is_held(Clock::Wall.now()),
            pid: lease.holder.pid,
            host: lease.holder.host,
            since: lease.since,
            renewed: lease.renewed,
        });
        let running = daemon.as_ref().is_some_and(|daemon| daemon.running);
        let follow = live.as_ref().map(|set| set.live.follow).unwrap_or_default();
        let paths = self.desk.paths();
        let loaded = follow.tree(&paths).map(|tree| (lang::load_from(&tree, &paths, self.desk.config()), tree));
        let files = loaded.as_ref().ok().and_then(|(loaded, _)| loaded.rules.clone());
        let passed_over = loaded.as_ref().map(|(loaded, _)| loaded.passed_over()).unwrap_or_default();
        let said = live.as_ref().and_then(|set| set.live.broken.clone()).filter(|_| running);
        let found = match (&loaded, &files, &live) {
            (Err(why), ..) => Some(why.clone()),
            (Ok((loaded, _)), None, _) => Some(loaded.report()),
            (Ok((loaded, tree)), Some(_), Some(live)) => {
                Some(lang::lost(&live.rules, loaded, tree).join("\n")).filter(|lost| !lost.is_empty())
            }
            (_, Some(files), None) => Some(lang::missing(files).join("\n")).filter(|missing| !missing.is_empty()),
        };
        let broken = match (said, found) {
            (Some((since, report)), _) => Some(Broken { since: Some(since), report }),
            (None, Some(report)) => Some(Broken { since: None, report }),
            (None, None) => None,
        };
        let standing = match (&broken, &files, &live) {
            (Some(_), ..) => Files::Broken,
            (None, Some(files), Some(live)) if files.version.hash == live.live.version.hash => Files::Same,
            (None, _, Some(_)) => Files::Newer,
            (None, _, None) => Files::Unknown,
        };
        let desk = live.as_ref().map(|set| &set.rules).or(files.as_deref()).map(|rules| &rules.desk);
        let accounts = desk.map(|desk| desk.accounts.as_slice()).unwrap_or_default().iter().map(|declared| {
            let account = kept.accounts.iter().find(|account| account.handle.eq_ignore_ascii_case(&declared.handle));
            let hinders = |hindrance: &&Hindrance| account.is_some_and(|account| account.id == hindrance.account);
            Account {
                handle: declared.handle.clone(),
                state: account.map_or("not connected", |account| account.state.as_str()),
                hindrances: kept.hindrances.iter().filter(hinders).cloned().collect(),
            }
        });
        let admins = desk.into_iter().flat_map(|desk| desk.unreachable_admins());
        let admins = admins.map(|(name, why)| Unreachable { name: name.to_owned(), why }).collect();
        Report {
            admins,
            database: place.database().display().to_string(),
            unknown: place.no_database(),
            follow,
            files: standing,
            broken,
            daemon,
            queues: kept.queues,
            accounts: accounts.collect(),
            loops: kept.loops,
            unread: passed_over.iter().map(|path| lang::name(path).to_string()).collect(),
            restart: live.as_ref().filter(|_| running).map(|set| set.live.restart.clone()).unwrap_or_default(),
            rules: live.map(|set| Live {
                hash: set.live.version.hash,
                commit: set.live.version.commit,
                since: set.live.since,
            }),
        }
    }
}

fn print(out: &mut impl Write, report: &Report) -> io::Result<()> {
    match &report.rules {
        Some(live) => {
            let version = lang::rules::Version { hash: live.hash.clone(), commit: live.commit.clone() };
            writeln!(out, "rules     {version}, live since {:.0}", live.since)?;
        }
        None => writeln!(out, "rules     none are known to be live: {}", report.unknown)?,
    }
    let committed = if report.follow == Follow::Commit { ", as committed" } else { "" };
    match (report.files, &report.broken) {
        (Files::Same, _) => writeln!(out, "files     the same{committed}")?,
        (Files::Newer, _) => writeln!(
            out,
            "files     others than what is live{committed}; a daemon that runs takes them within seconds"
        )?,
        (Files::Unknown, _) => writeln!(out, "files     sound")?,
        (Files::Broken, broken) => {
            let since = broken.as_ref().and_then(|broken| broken.since);
            let since = since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
            writeln!(out, "files     broken{since}{committed}, and not live:")?;
            let report = broken.as_ref().map(|broken| broken.report.as_str()).unwrap_or_default();
            let lines: Vec<_> = report.lines().filter(|line| !line.trim().is_empty()).collect();
            for line in lines.iter().take(MAX_LINES) {
                writeln!(out, "            {}", line)?;
            }
            if lines.len() > MAX_LINES {
                writeln!(out, "            … {} more lines; `twite check` shows them", lines.len() - MAX_LINES)?;
            }
        }
    }
    for file in report.unread.iter().take(MAX_LINES) {
        writeln!(out, "unread    {} does not end in `.twite`, and its rules are not live", visible(file))?;
    }
    if !report.restart.is_empty() {
        writeln!(out, "restart   needed for {}", report.restart.join(", "))?;
    }
    match &report.daemon {
        Some(daemon) if daemon.running => {
            writeln!(out, "daemon    process {} on {} since {:.0}", daemon.pid, daemon.host, daemon.since)?;
        }
        Some(daemon) => writeln!(out, "daemon    none runs; the last one was heard of at {:.0}", daemon.renewed)?,
        None => writeln!(out, "daemon    none ever ran")?,
    }
    let queues = &report.queues;
    let since = queues.inbox_since.map(|since| format!(" (since {since:.0})")).unwrap_or_default();
    writeln!(out, "inbox     {} waiting{since}, {} set aside", queues.inbox, queues.set_aside)?;
    let due = queues.outbox_due.map(|due| format!(" (the first due at {due:.0})")).unwrap_or_default();
    writeln!(
        out,
        "outbox    {} waiting{due}, {} being sent, {} unknown{}",
        queues.outbox,
        queues.sending,
        queues.unknown,
        if queues.outbox + queues.unknown > 0 { "; `twite outbox` lists them" } else { "" }
    )?;
    for account in &report.accounts {
        writeln!(out, "account   @{}: {}", account.handle, account.state)?;
        for hindrance in &account.hindrances {
            writeln!(out, "            {}", visible(&hindrance.line()))?;
        }
    }
    for Unreachable { name, why } in &report.admins {
        writeln!(out, "admin     no mail reaches {}: {why}", visible(name))?;
    }
    for stopped in report.loops.iter().take(MAX_LINES) {
        writeln!(out, "ticket    {}: {}", stopped.ticket, visible(&stopped.reason()))?;
    }
    if report.loops.len() > MAX_LINES {
        writeln!(out, "            … {} more tickets like these", report.loops.len() - MAX_LINES)?;
    }
    Ok(())
}
