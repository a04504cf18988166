//! `twite accounts`: connect X accounts, and see how they stand.

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _},
    time::Duration,
};

use clap::{Args, Subcommand};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    CliError, FINE, broke,
    desk::{DeskArgs, Place},
    terminal,
};
use crate::{
    clock::Clock,
    desk::{Desk, Tokens, visible::visible},
    store::{AccountState, ConnectedAccount},
    x::{
        client::{http, whose},
        oauth::{App, Authorisation},
    },
};

/// How long somebody has to sign in at X.
const PATIENCE: Duration = Duration::from_secs(600);
/// The most of a browser's request that is read.
const LONGEST_REQUEST: usize = 16 * 1024;

/// Connect X accounts, and see how they stand.
#[derive(Debug, Args)]
pub(crate) struct Accounts {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the declared accounts and how they stand.
    List {
        /// As JSON, one array of objects with `handle`, `id`, `state` and `connected`.
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
    /// Connect a declared account, or connect it again after X refused it.
    ///
    /// Prints an address to open in a browser, waits for X to come back to this machine, and keeps the tokens,
    /// encrypted. Everything goes on where it stopped.
    Connect(Connect),
}

#[derive(Debug, Args)]
struct Connect {
    /// The handle, as declared.
    handle: String,
    /// The port X comes back to; `http://127.0.0.1:PORT/callback` must be registered for the app.
    #[arg(long, default_value_t = 8918)]
    port: u16,
    /// Take tokens from standard input instead of signing in: a JSON object with `access_token` and
    /// `refresh_token`, as `twite sim` prints them.
    #[arg(long)]
    tokens_from_stdin: bool,
}

#[derive(Deserialize)]
struct GivenTokens {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
}

impl Accounts {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let (rules, place) = self.desk.load()?;
        let runtime = tokio::runtime::Runtime::new()?;
        match self.what {
            What::List { format } => runtime.block_on(list(&rules.desk, &place, format == "json")),
            What::Connect(connect) => {
                // An account that was declared just now may be connected before the daemon runs with it.
                let known = rules.desk.account(connect.handle()).is_some();
                let rules = if known { rules } else { self.desk.files().unwrap_or(rules) };
                runtime.block_on(connect.run(&rules.desk, &place))
            }
        }
    }
}

async fn list(desk: &Desk, place: &Place, json: bool) -> Result<u8, CliError> {
    let (connected, hindrances) = match place.database().is_file() {
        true => {
            let store = place.open().await?;
            (store.accounts().await.map_err(broke)?, store.hindrances().await.map_err(broke)?)
        }
        false => (vec![], vec![]),
    };
    let found = |handle: &str| connected.iter().find(|c| c.handle.eq_ignore_ascii_case(handle));
    let mut out = terminal::people_or_json(!json);
    if json {
        let rows: Vec<_> = desk
            .accounts
            .iter()
            .map(|account| {
                let found = found(&account.handle);
                serde_json::json!({
                    "handle": account.handle,
                    "id": found.map(|f| f.id.as_str()),
                    "state": found.map_or("not connected", |f| f.state.as_str()),
                    "connected": found.map(|f| f.connected),
                    "hindrances": hindrances
                        .iter()
                        .filter(|hindrance| found.is_some_and(|f| f.id == hindrance.account))
                        .collect::<Vec<_>>(),
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::Value::Array(rows))?;
        return Ok(FINE);
    }
    for account in &desk.accounts {
        match found(&account.handle) {
            Some(found) => {
                writeln!(out, "@{:<16} {:<14} since {}", account.handle, found.state.as_str(), found.connected)?;
                for hindrance in hindrances.iter().filter(|hindrance| hindrance.account == found.id) {
                    writeln!(out, "  {}", visible(&hindrance.line()))?;
                }
            }
            None => writeln!(out, "@{:<16} not connected", account.handle)?,
        }
    }
    Ok(FINE)
}

impl Connect {
    fn handle(&self) -> &str {
        self.handle.trim_start_matches('@')
    }

    async fn run(&self, desk: &Desk, place: &Place) -> Result<u8, CliError> {
        let declared = desk.account(self.handle()).ok_or_else(|| {
            let known: Vec<_> = desk.accounts.iter().map(|a| format!("`{}`", a.handle)).collect();
            CliError::Usage(format!(
                "`{}` is not declared as an `[[account]]` in twite.toml; declared are: {}",
                self.handle,
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ))
        })?;
        let (store, key) = (place.open().await?, place.key()?);
        let http = http().map_err(broke)?;
        let tokens = if self.tokens_from_stdin {
            given()?
        } else {
            self.sign_in(&App::new(&desk.x, http.clone(), Clock::Wall).map_err(broke)?).await?
        };
        let (me, now_at_x) = whose(&desk.x, &http, &tokens.access).await.map_err(broke)?;
        let (Some(id), Some(handle)) = (me.id, me.handle) else {
            return Err(CliError::Usage("X does not say whose tokens these are".to_owned()));
        };
        if !handle.eq_ignore_ascii_case(&declared.handle) {
            return Err(CliError::Usage(format!(
                "the tokens belong to @{handle}, not to @{}: sign out at X, and in as @{}",
                declared.handle, declared.handle
            )));
        }
        let known = store.accounts().await.map_err(broke)?.into_iter().find(|a| a.id == id);
        let now = Clock::Wall.now();
        let connected = known.as_ref().map_or(now, |k| k.connected);
        let midnight =
            |day: jiff::civil::Date| day.to_zoned_datetime(desk.hours.zone.clone()).ok().map(|z| z.timestamp());
        // Posts bear X's time, and our clock may be another.
        let connected_at_x = if known.is_some() { None } else { now_at_x };
        let since = known.as_ref().and_then(|k| k.capture_from).or(connected_at_x).unwrap_or(connected);
        let capture_from = declared.capture_from.map_or(Some(since), midnight);
        let account = ConnectedAccount {
            id: id.clone(),
            handle: handle.clone(),
            state: AccountState::Connected,
            connected,
            capture_from,
        };
        store.connect(&account).await.map_err(broke)?;
        store.save_tokens(&key, &id, &tokens).await.map_err(broke)?;
        writeln!(terminal::people(), "@{handle} is connected{}", if known.is_some() { " again" } else { "" })?;
        store.close().await;
        Ok(FINE)
    }

    async fn sign_in(&self, app: &App) -> Result<Tokens, CliError> {
        let redirect = format!("http://127.0.0.1:{}/callback", self.port);
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.map_err(|e| {
            CliError::Usage(format!("cannot wait for X on port {}: {e}; choose another with --port", self.port))
        })?;
        let authorisation = app.authorise(&redirect).map_err(broke)?;
        {
            let mut out = terminal::remarks();
            writeln!(out, "Open this in a browser where @{} is signed in, and allow the app:\n", self.handle)?;
            writeln!(out, "  {}\n", authorisation.page)?;
            writeln!(out, "Waiting for X to come back to {redirect} …")?;
        }
        let code = tokio::time::timeout(PATIENCE, come_back(&listener, &authorisation))
            .await
            .map_err(|_| CliError::Usage("nobody signed in within ten minutes; start again".to_owned()))??;
        app.exchange(&authorisation, &code).await.map_err(broke)
    }
}

/// Waits for the browser to bring a code. Anything else that knocks is answered and ignored.
async fn come_back(listener: &TcpListener, authorisation: &Authorisation) -> Result<String, CliError> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut request = vec![0; LONGEST_REQUEST];
        let Ok(Ok(length)) = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut request)).await else {
            continue;
        };
        let text = String::from_utf8_lossy(request.get(..length).unwrap_or_default()).into_owned();
        let path = text.split_whitespace().nth(1).unwrap_or_default();
        let url = url::Url::parse(&format!("http://localhost{path}"));
        let query = |name: &str| {
            let url = url.as_ref().ok()?;
            url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let ours = query("state").is_some_and(|state| authorisation.is_state(&state));
        let (status, say, done) = match (ours, query("code"), query("error")) {
            (true, Some(code), _) => ("200 OK", "Thank you. You can close this page.", Some(Ok(code))),
            (true, None, Some(error)) => (
                "200 OK",
                "The account was not connected. You can close this page.",
                Some(Err(CliError::Usage(format!("X says that the app was not allowed: {error}")))),
            ),
            _ => ("400 Bad Request", "This is not the visit that was waited for.", None),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{say}",
            say.len()
        );
        // The browser may be gone; the code is what counts.
        let _ = stream.write_all(answer.as_bytes()).await;
        if let Some(done) = done {
            return done;
        }
    }
}

fn given() -> Result<Tokens, CliError> {
    let mut text = String::new();
    if io::stdin().is_terminal() {
        writeln!(terminal::remarks(), "Reading tokens as JSON from standard input …")?;
    }
    io::stdin().lock().take(64 * 1024).read_to_string(&mut text)?;
    let given: GivenTokens = serde_json::from_str(&text).map_err(|e| {
        CliError::Usage(format!("standard input holds no JSON object with `access_token` and `refresh_token`: {e}"))
    })?;
    Ok(Tokens {
        access: given.access_token,
        refresh: given.refresh_token,
        expires: given.expires_in.and_then(|s| Clock::Wall.now().checked_add(jiff::SignedDuration::from_secs(s)).ok()),
        scopes: vec![],
    })
}
