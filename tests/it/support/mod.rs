//! A desk for tests: a simulator of X, rules in a directory, a database, and the daemon as a separate process.
pub mod command;
pub mod database;
pub mod files;
pub mod generate;
pub mod inside;
pub mod owner;
pub mod wording;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::Engine as _;
use owner::OwnerReads as _;
use twite::{
    clock::Clock,
    desk::{ConnectedAccount, Tokens, XId},
    sim::{CLIENT_ID, CONSUMER_SECRET, NewPerson, Sim, SimHandle, SimOptions},
    store::{Counts, Key, Store, StoreError},
};

/// The encryption key of all test desks: 32 zero bytes.
pub fn key() -> String {
    base64::engine::general_purpose::STANDARD.encode([0; 32])
}

/// A simulator without rate limits, which refuses only on demand.
pub async fn simulator() -> SimHandle {
    let options = SimOptions { rate_limits: false, seed: Some(7), ..SimOptions::default() };
    Sim::start(options).await.unwrap()
}

/// A desk with its simulator.
pub struct TestDesk {
    pub sim: SimHandle,
    pub directory: tempfile::TempDir,
    pub accounts: Vec<XId>,
    /// URL of its database on the test server; `None` if `twite.toml` names the database.
    pub url: Option<String>,
}

impl TestDesk {
    /// A desk with these rules and these connected accounts. `extra` is added to its `twite.toml`.
    pub async fn new(accounts: &[&str], rules: &str, extra: &str) -> Self {
        Self::on(simulator().await, accounts, rules, extra).await
    }

    /// A desk on a running simulator.
    pub async fn on(sim: SimHandle, accounts: &[&str], rules: &str, extra: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut toml = format!(
            "{extra}\n[x]\nurl = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nbearer_env = \"TWITE_BEARER\"\nconsumer_secret_env = \"TWITE_CONSUMER\"\npoll_seconds = 1\nvisibility_delay_millis = 300\n",
            sim.url
        );
        for handle in accounts.iter().filter(|handle| !extra.contains(&format!("handle = \"{handle}\""))) {
            toml.push_str(&format!("[[account]]\nhandle = \"{handle}\"\ntrack_likes = true\n"));
        }
        let path = directory.path().join("rules");
        std::fs::create_dir(&path).unwrap();
        let mut url = None;
        if database::server().is_some() && !extra.contains("[store]") {
            let server = database::url_at(&path.join("twite.db")).await;
            toml.push_str(&format!("[store]\nurl = \"{server}\"\n"));
            url = Some(server);
        }
        std::fs::write(path.join("twite.toml"), toml).unwrap();
        std::fs::write(path.join("rules.twite"), rules).unwrap();
        let mut desk = Self { sim, directory, accounts: vec![], url };
        let store = desk.store().await;
        for handle in accounts {
            let tokens = match desk.sim.connect(handle) {
                Ok(tokens) => tokens,
                Err(_) => {
                    desk.sim.make_user(&NewPerson::named(*handle)).unwrap();
                    desk.sim.connect(handle).unwrap()
                }
            };
            let id: XId = tokens.user_id.parse().unwrap();
            let account = ConnectedAccount::new(id.clone(), *handle, Clock::Wall.now());
            store.connect(&account).await.unwrap();
            let tokens = Tokens {
                access: tokens.access_token,
                refresh: Some(tokens.refresh_token),
                expires: None,
                scopes: vec![],
            };
            store.save_tokens(&Key::from_base64(&key()).unwrap(), &id, &tokens).await.unwrap();
            desk.accounts.push(id);
        }
        store.close().await;
        desk
    }

    pub fn rules(&self) -> PathBuf {
        self.directory.path().join("rules")
    }

    /// Opens its database, once no other process has it locked.
    pub async fn store(&self) -> Store {
        loop {
            match Store::open(database::at(&self.rules().join("twite.db")).await).await {
                Err(StoreError::Busy(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                opened => return opened.unwrap(),
            }
        }
    }

    /// A command on the desk, run in its directory.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twite"));
        command.current_dir(self.directory.path()).env("TWITE_KEY", key()).stdin(Stdio::null());
        command.env("TWITE_BEARER", self.sim.app_token()).env("TWITE_CONSUMER", CONSUMER_SECRET);
        command.envs(self.url.iter().map(|url| ("TWITE_DATABASE", url)));
        command
    }

    /// Starts the daemon as a process. Its log goes to a file in the desk's directory.
    pub fn serve(&self) -> Served {
        self.serve_with(&[])
    }

    /// [`TestDesk::serve`], with more environment variables.
    pub fn serve_with(&self, environment: &[(&str, &str)]) -> Served {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let child = self
            .command()
            .arg("serve")
            .arg(self.rules())
            .env("TWITE_LOG", "info")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Served(child)
    }

    /// Waits until, for more than one interval of polls, nothing is left to take in, look up or send.
    pub async fn quiet(&self) -> Counts {
        let store = self.store().await;
        let mut quiet = 0;
        while quiet < 25 {
            let idle = store.pending(1).await.unwrap().is_empty()
                && store.missing_parents(1).await.unwrap().is_empty()
                && store.next_due().await.unwrap().is_none();
            quiet = if idle { quiet + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let counts = store.counts().await.unwrap();
        store.close().await;
        counts
    }

    pub fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Waits until the log contains the text, and returns the whole log.
    pub async fn logged(&self, text: &str) -> String {
        self.logged_times(text, 1).await
    }

    /// Waits until this many lines of the log contain the text, and returns the whole log.
    pub async fn logged_times(&self, text: &str, times: usize) -> String {
        for _ in 0..1200 {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            if log.lines().filter(|line| line.contains(text)).count() >= times {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never logged {text:?} {times} times:\n{}", tail(&self.log()));
    }

    /// Waits until `done` returns true. The time limit only ends a test that would hang.
    pub async fn until(&self, what: &str, done: impl Fn(&Counts, &SimHandle) -> bool) -> Counts {
        let store = self.store().await;
        let counts = self.until_in(&store, what, done).await;
        store.close().await;
        counts
    }

    /// [`TestDesk::until`], in its open database.
    pub async fn until_in(&self, store: &Store, what: &str, done: impl Fn(&Counts, &SimHandle) -> bool) -> Counts {
        for _ in 0..1200 {
            let counts = store.counts().await.unwrap();
            if done(&counts, &self.sim) {
                return counts;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let counts = store.counts().await.unwrap();
        panic!("gave up waiting for {what}: {counts:?}\n{}", tail(&self.log()));
    }
}

/// A running daemon, killed on drop.
pub struct Served(Child);

impl Served {
    /// Kills the process without a shutdown.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Exit status, if the process has ended by itself.
    pub fn status(&mut self) -> Option<i32> {
        self.0.try_wait().unwrap().and_then(|status| status.code())
    }

    /// Whether the process still runs.
    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
