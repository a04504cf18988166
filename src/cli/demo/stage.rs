//! The demo's simulator and daemon, in a temporary directory.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Demo, Replies, Summary, address, show, tell};
use crate::{
    cli::{
        CliError,
        desk::cannot_open,
        sim::left_out,
        source::{Shown, open, unusable},
        starter, terminal,
    },
    clock::Clock,
    daemon::{Daemon, Reload, Source},
    desk::{Account, ConnectedAccount, IncomingKind, Tokens, Transport, Viewer, XId, visible::visible},
    settings::{Address, MailSettings, Overrides, XSettings},
    sim::{CLIENT_ID, LeftOut, LoadReport, NewPerson, NewPosts, Sim, SimHandle, SimOptions},
    store::{Key, Store},
    x::{
        Unreadable, client,
        wire::{decode_line, decode_posts},
    },
};

/// Number of posts fed to the daemon at once.
const BATCH: usize = 500;

/// A simulator of X and a daemon connected to it.
pub(super) struct Stage {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    clock: Clock,
    first: XId,
    rules: PathBuf,
    /// The database, as the `--database` option takes it.
    database: String,
    /// The posts of the conversations, in the order of their lines.
    posts: Vec<crate::x::Post>,
    lines: usize,
    /// The number of lines, and of messages in lines, that could not be read.
    left_out: usize,
    /// The accounts, each with the number of posts by others that mention it.
    accounts: Vec<(Account, usize)>,
    sink: JoinHandle<()>,
    scratch: TempDir,
}

impl Stage {
    /// Starts the simulator and the daemon, and connects the accounts.
    pub(super) async fn set(demo: &Demo) -> Result<Self, CliError> {
        let scratch = tempfile::tempdir()?;
        let rules = rules(demo, scratch.path())?;
        // Rate limits would only slow the demo down.
        let options = SimOptions { rate_limits: false, seed: Some(1), ..SimOptions::default() };
        let sim = Sim::start(options).await?;
        let (sink_url, sink) = sink().await?;
        let mail = scratch.path().join("mail");
        let mut handles: Vec<String> = vec![];
        for handle in demo.accounts.iter().map(|handle| bare(handle)) {
            if !handles.iter().any(|other| other.eq_ignore_ascii_case(handle)) {
                handles.push(handle.to_owned());
            }
        }
        let clock = Clock::driven();
        let overrides = staged(&handles, &sim.url, sink_url, mail);
        let reload = Reload::start(Source { overrides, ..Source::new(vec![rules.clone()], None) }, clock.machine())
            .map_err(unusable)?;
        let database = demo.database.clone().unwrap_or_else(|| scratch.path().join("demo.db"));
        let unusable = |why| CliError::Usage(format!("cannot use the database: {why}"));
        let address = Address::named(&database).map_err(unusable)?;
        let shown = match &address {
            Address::File(path) => Shown(path).to_string(),
            server => visible(&server.to_string()).into_owned(),
        };
        let taken = || CliError::Usage(format!("{shown} already exists; the demo needs a new database"));
        if address.file().is_some_and(Path::exists) {
            return Err(taken());
        }
        let store = Store::open(&address).await.map_err(|error| cannot_open(&shown, error))?;
        if !store.accounts().await?.is_empty() {
            return Err(taken());
        }
        let key = Key::random()?;
        let (declared, accounts) =
            (Arc::clone(&reload.live().rules().desk), reload.live().settings().accounts.0.clone());
        let daemon = Arc::new(Daemon::new(store, key.clone(), reload, clock.clone(), client::http()?));
        let mut stage = Self {
            sim,
            daemon,
            clock,
            first: "1".parse()?,
            rules,
            database: shown,
            posts: Vec::new(),
            lines: 0,
            left_out: 0,
            accounts: Vec::new(),
            sink,
            scratch,
        };
        let report = match &demo.posts {
            Some(path) => stage.read(BufReader::new(open(path)?))?,
            None => {
                let handles: Vec<_> = accounts.iter().map(|account| account.handle.clone()).collect();
                stage.read(address::to(&handles, starter::CONVERSATIONS).as_bytes())?
            }
        };
        let is_declared =
            |handle: &str| declared.accounts.iter().any(|account| account.handle.eq_ignore_ascii_case(handle));
        for handle in &handles {
            if !is_declared(handle) {
                let handle = visible(handle);
                writeln!(
                    terminal::remarks(),
                    "note: @{handle} is not declared in twite.toml; it has the default settings here"
                )?;
            }
        }
        stage.accounts = accounts.iter().map(|account| (account.clone(), stage.mentions(&account.handle))).collect();
        for (n, account) in accounts.iter().enumerate() {
            let id = stage.connect(&key, account, n).await?;
            if n == 0 {
                stage.first = id;
            }
        }
        let file = demo.posts.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default();
        left_out(&file, &report)?;
        stage.lines = report.lines;
        stage.left_out = report.skipped;
        for LeftOut { line, reason, raw } in report.unreadable {
            let reason = format!("line {line}: {reason}");
            let (store, now) = (stage.daemon.store(), stage.clock.now());
            let set_aside =
                store.set_aside_raw((&stage.first, Transport::File), IncomingKind::Post, None, &raw, &reason, now);
            set_aside.await?;
        }
        Ok(stage)
    }

    /// Loads the lines into the simulator, and keeps their posts to feed them to the daemon in order.
    fn read(&mut self, from: impl BufRead) -> Result<LoadReport, CliError> {
        let posts = &mut self.posts;
        let report = self.sim.load_lines_with(from, |new: NewPosts<'_>| {
            if !new.is_page {
                return match decode_line(new.line) {
                    Ok(post) => {
                        posts.push(post);
                        vec![]
                    }
                    Err(unreadable) => vec![unreadable.reason],
                };
            }
            let page = match decode_posts(new.line.as_bytes()) {
                Ok(page) => page.items,
                Err(reason) => return vec![reason],
            };
            let mut unreadable = Vec::new();
            for (place, item) in
                page.into_iter().enumerate().filter(|(place, _)| new.places.binary_search(place).is_ok())
            {
                match item {
                    Ok(post) => posts.push(post),
                    Err(Unreadable { reason, .. }) => unreadable.push(format!("{} in `data`: {reason}", place + 1)),
                }
            }
            unreadable
        });
        Ok(report?)
    }

    /// The number of posts by others that mention a handle.
    fn mentions(&self, handle: &str) -> usize {
        let is = |name: &str| name.eq_ignore_ascii_case(handle);
        let by_itself = |post: &crate::x::Post| {
            let author = post.people.iter().find(|person| person.x_id() == Some(&post.author));
            author.and_then(|author| author.handle.as_deref()).is_some_and(is)
        };
        let mentions = |post: &&crate::x::Post| post.mentions.iter().any(|(name, _)| is(name)) && !by_itself(post);
        self.posts.iter().filter(mentions).count()
    }

    async fn connect(&self, key: &Key, account: &Account, n: usize) -> Result<XId, CliError> {
        let tokens = match self.sim.connect(&account.handle) {
            Ok(tokens) => tokens,
            // The file does not contain this account, so it is created with a default profile.
            Err(_) => {
                self.sim
                    .make_user(&NewPerson::named(&account.handle))
                    .map_err(|e| CliError::Usage(format!("`--account {}`: {e}", account.handle)))?;
                self.sim.connect(&account.handle)?
            }
        };
        let id: XId = tokens.user_id.parse()?;
        let store = self.daemon.store();
        // A millisecond apart, as accounts are listed in this order.
        let connected = self.clock.machine().saturating_add(SignedDuration::from_millis(i64::try_from(n)?))?;
        store.connect(&ConnectedAccount::new(id.clone(), &account.handle, connected)).await?;
        let tokens =
            Tokens { access: tokens.access_token, refresh: Some(tokens.refresh_token), expires: None, scopes: vec![] };
        store.save_tokens(key, &id, &tokens).await?;
        Ok(id)
    }

    /// Feeds all posts to the daemon in the order of their lines, then runs it until it is idle.
    pub(super) async fn play_at_once(&mut self, aloud: bool) -> Result<(), CliError> {
        let telling = aloud.then(|| tokio::spawn(tell(self.daemon.notices().listen())));
        self.sim.release(usize::MAX, true)?;
        let progress = indicatif::ProgressBar::new(u64::try_from(self.posts.len()).unwrap_or(0)).with_style(
            indicatif::ProgressStyle::with_template("{bar:40} {pos}/{len} posts")
                .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()),
        );
        if aloud {
            progress.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        let mut posts = std::mem::take(&mut self.posts).into_iter();
        loop {
            let batch: Vec<_> = posts.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            self.daemon.feed(&self.first, batch).await?;
            while self.daemon.take_next().await? {
                progress.inc(1);
            }
        }
        self.daemon.run_until_idle().await?;
        self.daemon.note_visit().await?;
        progress.finish_and_clear();
        if let Some(telling) = telling {
            // All notices are sent before this point, but the task needs a moment to print the last of them.
            tokio::time::sleep(Duration::from_millis(50)).await;
            telling.abort();
        }
        Ok(())
    }

    /// Replays the messages at a rate and prints the daemon's notices, until Ctrl-C.
    pub(super) async fn play_live(&mut self, pace: f64) -> Result<(), CliError> {
        show::welcome(&mut terminal::people(), &self.rules, &self.sim.url)?;
        let telling = tokio::spawn(tell(self.daemon.notices().listen()));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(self.daemon.clone().serve(stop.clone()));
        self.sim.replay(pace);
        let (sim, clock, rules) = (self.sim.clone(), self.clock.clone(), self.rules.clone());
        let database = self.database.clone();
        let accounts: Vec<_> = self.accounts.iter().map(|(account, _)| account.handle.clone()).collect();
        let watching = tokio::spawn(async move {
            let mut quiet = false;
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                // Advances the demo's clock by a second, also when no message does.
                clock.reached(clock.now().saturating_add(SignedDuration::from_secs(1)).unwrap_or_default());
                if !quiet && sim.waiting() == 0 {
                    quiet = true;
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    // Standard output may be closed; that does not stop the demo.
                    let _ = show::encore(&mut terminal::people(), &rules, &database, &sim.url, &accounts);
                }
            }
        });
        tokio::signal::ctrl_c().await?;
        stop.cancel();
        watching.abort();
        serving.await??;
        telling.abort();
        Ok(())
    }

    /// The summary of the demo, from the counts in the database.
    pub(super) async fn summary(&self, took: Duration) -> Result<Summary, CliError> {
        let mut snapshot = self.daemon.store().snapshot(Viewer::Owner).await?;
        let counts = snapshot.counts().await?;
        snapshot.close().await?;
        Ok(Summary {
            posts: self.lines,
            left_out: self.left_out,
            tickets: counts.tickets,
            comments: counts.comments,
            linked: counts.linked,
            fired: counts.fired,
            replies: Replies { sent: counts.sent, refused: counts.refused, unknown: counts.unknown },
            set_aside: counts.set_aside,
            accounts: self.accounts.clone(),
            not_imported: counts.not_imported,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        })
    }

    /// Stops the webhook server, the database and the simulator, and removes the temporary directory.
    pub(super) async fn strike(self) {
        self.sink.abort();
        self.daemon.store().close().await;
        self.sim.stop().await;
        // A temporary directory that cannot be removed is no error.
        let _ = self.scratch.close();
    }
}

/// The directory of the rules: the one of `--rules`, else `./rules`, else a copy of the starter set.
fn rules(demo: &Demo, scratch: &Path) -> Result<PathBuf, CliError> {
    if let Some(named) = &demo.rules {
        return Ok(named.clone());
    }
    let here = PathBuf::from("rules");
    if here.join("twite.toml").is_file() {
        return Ok(here);
    }
    let copy = scratch.join("rules");
    starter::write_rules(&copy)?;
    Ok(copy)
}

/// Overrides of the settings in `twite.toml` that keep all traffic on this machine.
fn staged(handles: &[String], sim: &str, sink: String, mail: PathBuf) -> Overrides {
    Overrides {
        accounts: (!handles.is_empty()).then(|| handles.to_vec()),
        x: Some(XSettings {
            url: sim.to_owned(),
            client_id: Some(CLIENT_ID.to_owned()),
            poll_seconds: 1,
            visibility_delay_millis: 200,
            ..XSettings::default()
        }),
        mail: Some(MailSettings {
            directory: Some(mail),
            from: "twite@localhost.localdomain".to_owned(),
            ..MailSettings::default()
        }),
        webhook_url: Some(sink),
    }
}

/// A handle without `@`.
fn bare(handle: &str) -> &str {
    handle.trim_start_matches('@')
}

/// A server that accepts every webhook.
async fn sink() -> Result<(String, JoinHandle<()>), CliError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let app = axum::Router::new().fallback(|| async { axum::http::StatusCode::NO_CONTENT });
    let task = tokio::spawn(async move {
        // The server runs until the demo aborts it.
        let _ = axum::serve(listener, app).await;
    });
    Ok((url, task))
}
