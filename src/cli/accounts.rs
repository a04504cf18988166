//! `twite accounts`: connect X accounts, and see how they stand.

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _},
    time::Duration,
};

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    CliError, FINDINGS, FINE, broke,
    desk::{DeskArgs, Paths},
    terminal,
};
use crate::{
    clock::Clock,
    desk::{Desk, Tokens, visible::visible},
    store::{AccountState, ConnectedAccount, Key, Store, StoreError},
    x::{
        client::{http, whose},
        oauth::{App, Authorisation, lacks},
    },
};

/// How long somebody has to sign in at X.
const PATIENCE: Duration = Duration::from_secs(600);
/// The most of a browser's request that is read.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

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
    /// encrypted. Everything goes on where it stopped. What the tokens cannot do of what `twite.toml` asks is said, and
    /// the exit status is 1.
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
    /// `refresh_token`, and `scope` and `expires_in` where they are known, as X and `twite sim` give them.
    #[arg(long)]
    tokens_from_stdin: bool,
    /// Seal the tokens with a key that does not open those of other accounts, which have to be connected again then.
    #[arg(long)]
    new_key: bool,
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

async fn list(desk: &Desk, place: &Paths, json: bool) -> Result<u8, CliError> {
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
    if desk.accounts.is_empty() {
        writeln!(out, "no account is declared; `[[account]]` in twite.toml declares one")?;
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

    async fn run(&self, desk: &Desk, place: &Paths) -> Result<u8, CliError> {
        let declared = desk.account(self.handle()).ok_or_else(|| {
            let known: Vec<_> = desk.accounts.iter().map(|a| format!("`{}`", a.handle)).collect();
            CliError::Usage(format!(
                "`{}` is not declared as an `[[account]]` in twite.toml; declared are: {}",
                self.handle,
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ))
        })?;
        let (store, key) = (place.open().await?, place.key()?);
        if !self.new_key {
            self.check_key(desk, &store, &key).await?;
        }
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
        let lacks = lacks(declared, &tokens);
        for lack in &lacks {
            writeln!(terminal::remarks(), "warning: {lack}")?;
        }
        Ok(if lacks.is_empty() { FINE } else { FINDINGS })
    }

    /// Refuses a key that does not open what another declared account's tokens are sealed with: a daemon has one key.
    async fn check_key(&self, desk: &Desk, store: &Store, key: &Key) -> Result<(), CliError> {
        for other in store.accounts().await.map_err(broke)? {
            if other.handle.eq_ignore_ascii_case(self.handle()) || desk.account(&other.handle).is_none() {
                continue;
            }
            match store.tokens(key, &other.id).await {
                Err(StoreError::Key(_)) => {
                    return Err(CliError::Usage(format!(
                        "the key in `{}` does not open the tokens of @{}: set the key those were sealed with; if it is \
                         lost, `--new-key` accepts this one, and the other accounts have to be connected again with it",
                        desk.store.key_env, other.handle
                    )));
                }
                tokens => drop(tokens.map_err(broke)?),
            }
        }
        Ok(())
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
        let mut request = vec![0; MAX_REQUEST_BYTES];
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
    let given = given_tokens(&text).map_err(|why| CliError::Usage(format!("the tokens on standard input: {why}")))?;
    let ends = |seconds| Clock::Wall.now().checked_add(SignedDuration::from_secs(seconds)).ok();
    Ok(Tokens {
        access: given.access,
        refresh: given.refresh,
        expires: given.expires_in.and_then(ends),
        scopes: given.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
    })
}

/// Tokens as X answers with them.
#[derive(Debug, PartialEq, Eq)]
struct GivenTokens {
    access: String,
    refresh: Option<String>,
    scope: Option<String>,
    expires_in: Option<i64>,
}

fn given_tokens(text: &str) -> Result<GivenTokens, String> {
    // Windows' shells write a byte order mark into pipes.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let needed = "a JSON object with `access_token` and `refresh_token` is needed";
    let given: Value = match serde_json::from_str(text) {
        _ if text.trim().is_empty() => return Err(format!("nothing came; {needed}")),
        Ok(given @ Value::Object(_)) => given,
        Ok(other) => return Err(format!("this is {}; {needed}", kind(&other))),
        Err(error) => return Err(format!("this is not JSON ({error}); {needed}")),
    };
    let text = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(other) => Err(format!("`{name}` is {}, not a text", kind(other))),
    };
    let token = |name: &str| match text(name)? {
        Some(token) if !token.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(format!("`{name}` has characters in it that no token has"))
        }
        token => Ok(token),
    };
    let expires_in = match given.get("expires_in") {
        None | Some(Value::Null) => None,
        Some(seconds) => match seconds.as_i64().filter(|seconds| *seconds > 0) {
            Some(seconds) => Some(seconds),
            None => return Err(format!("`expires_in` is a whole number of seconds, not {seconds}")),
        },
    };
    Ok(GivenTokens {
        access: token("access_token")?.ok_or_else(|| format!("`access_token` is missing; {needed}"))?,
        refresh: token("refresh_token")?,
        scope: text("scope")?,
        expires_in,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::given_tokens;

    #[test]
    fn what_is_wrong_with_tokens_is_said_in_words() {
        for (text, says) in [
            ("", "nothing came; a JSON object"),
            ("{", "this is not JSON (EOF"),
            ("[]", "this is a list; a JSON object"),
            ("\"abc\"", "this is a text; a JSON object"),
            ("{}", "`access_token` is missing"),
            (r#"{"access_token": ""}"#, "`access_token` is missing"),
            (r#"{"access_token": 5}"#, "`access_token` is a number, not a text"),
            (r#"{"access_token": "a b"}"#, "`access_token` has characters in it"),
            (r#"{"access_token": "a", "refresh_token": []}"#, "`refresh_token` is a list, not a text"),
            (
                r#"{"access_token": "a", "expires_in": "soon"}"#,
                "`expires_in` is a whole number of seconds, not \"soon\"",
            ),
            (r#"{"access_token": "a", "expires_in": -1}"#, "`expires_in` is a whole number of seconds, not -1"),
        ] {
            let why = given_tokens(text).unwrap_err();
            assert!(why.starts_with(says), "{text}: {why}");
        }
        let given =
            given_tokens("\u{feff}{\"access_token\": \"a\\n\", \"refresh_token\": \"\", \"x\": 1}\r\n").unwrap();
        assert_eq!((given.access.as_str(), given.refresh), ("a", None));
    }
}
