//! `twite accounts add` and `twite accounts reauthorise`.

use std::{io::Write as _, sync::Arc};

use clap::Args;

use super::{Asked, callback, through_daemon, tokens};
use crate::{
    app::accounts::{Connected, Connecting, NotConnected, Wanted, renamed},
    cli::{CliError, Exit, desk::DeskArgs, terminal},
    clock::Clock,
    desk::{AccountState, visible::visible},
    lang::rules::Rules,
    x::{Refusal, XError, client::http, oauth::App},
};

/// Connect an account: sign in at X, and store its tokens, encrypted.
///
/// Prints a URL to open in a browser, and waits for X to redirect to this machine, or with `--through-daemon` to the running
/// daemon. Without a handle, connects whichever account signs in. An account that `twite.toml` does not declare is used too, as far as the edition allows; rules cannot name
/// it until it is declared. If the tokens do not permit everything that the account's switches need, says what is missing and
/// exits with status 1.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// The handle.
    handle: Option<String>,
    #[command(flatten)]
    sign_in: SignIn,
}

/// Sign in again with a connected account, such as after X refused it or to grant more scopes.
///
/// Works like `add`. Polling continues where it stopped. The old tokens are kept until the new ones are stored.
#[derive(Debug, Args)]
pub(super) struct Reauthorise {
    /// The handle.
    handle: String,
    #[command(flatten)]
    sign_in: SignIn,
}

#[derive(Debug, Args)]
struct SignIn {
    /// The port of the redirect; `http://127.0.0.1:PORT/callback` must be registered for the app.
    #[arg(long, default_value_t = 8918)]
    port: u16,
    /// Let X redirect to the daemon, for a browser that is not on this machine: `URL/x/callback` must be registered for the app,
    /// where `URL` is `url` in `twite.toml`. Whoever opens the printed page within ten minutes can sign in.
    #[arg(long, conflicts_with_all = ["port", "tokens_from_stdin", "new_key"])]
    through_daemon: bool,
    /// Read tokens from standard input instead of signing in: a JSON object with `access_token` and
    /// `refresh_token`, and optionally `scope` and `expires_in`, as X and `twite sim` return them.
    #[arg(long)]
    tokens_from_stdin: bool,
    /// Encrypt the tokens with a key that cannot decrypt those of other accounts. These must then be reauthorised.
    #[arg(long)]
    new_key: bool,
}

impl Add {
    pub(super) async fn run(&self, args: &DeskArgs, asked: &Asked<'_>) -> Result<Exit, CliError> {
        let handle = self.handle.as_deref().map(|handle| handle.trim_start_matches('@'));
        // An account can be connected before its declaration is live, so the files are read too.
        let is_live = handle.is_none_or(|handle| asked.declared.get(handle).is_some());
        let files = if is_live { None } else { args.load().ok() };
        let declares = |rules: &Arc<Rules>| handle.is_some_and(|handle| rules.desk.accounts.get(handle).is_some());
        let rules = files.filter(declares).unwrap_or_else(|| asked.desk.rules.clone());
        if self.sign_in.through_daemon && handle.is_none() {
            let why = "name the account: with `--through-daemon`, whoever opens the printed page would connect theirs";
            return Err(CliError::Usage(why.to_owned()));
        }
        self.sign_in.run(asked, &rules, Wanted::New(handle)).await
    }
}

impl Reauthorise {
    pub(super) async fn run(&self, asked: &Asked<'_>) -> Result<Exit, CliError> {
        let handle = asked.handle(&self.handle).await?;
        let stored = asked.desk.store()?.stored_accounts().await?;
        let account = stored
            .linked(&handle)
            .ok_or_else(|| CliError::Usage(format!("@{handle} is not connected; run `twite accounts add {handle}`")))?;
        self.sign_in.run(asked, &asked.desk.rules, Wanted::Again(account)).await
    }
}

impl SignIn {
    async fn run(&self, asked: &Asked<'_>, rules: &Rules, wanted: Wanted<'_>) -> Result<Exit, CliError> {
        let (place, settings) = (&asked.desk.place, asked.desk.place.settings(rules));
        let (key, opened) = (place.key()?, if asked.desk.store.is_none() { Some(place.open().await?) } else { None });
        let Some(store) = asked.desk.store.as_ref().or(opened.as_ref()) else {
            return Err(CliError::Usage(place.no_database()));
        };
        let connecting = Connecting { store, key: &key, desk: &rules.desk, declared: &settings.accounts };
        let variable = (!self.new_key).then_some(&*settings.store.key_env);
        match connecting.check(wanted, variable).await {
            // Nothing is left to do.
            Err(error @ NotConnected::Already { state: AccountState::Connected | AccountState::Deactivated, .. }) => {
                writeln!(terminal::people(), "{}", visible(&error.to_string()))?;
                return Ok(Exit::Fine);
            }
            checked => checked.map_err(not_connected)?,
        }
        let by = asked.by();
        let tokens = if self.tokens_from_stdin {
            tokens::read(Clock::Wall.now())?
        } else {
            // What X and what `twite.toml` call it.
            let (at_x, handle) = match wanted {
                Wanted::New(handle) => (handle, handle),
                Wanted::Again(account) => {
                    (Some(account.handle_at_x.as_ref().unwrap_or(&account.handle).as_str()), Some(&*account.handle))
                }
            };
            let known = |handle| asked.desk.settings.accounts.get(handle).or_else(|| settings.accounts.get(handle));
            let acts = handle.and_then(known).is_some_and(|account| account.allow_actions);
            let app = App::new(&settings.x, http()?, Clock::Wall)?;
            if self.through_daemon {
                let (desk, wanted) = ((&*rules.desk, &settings.web), (wanted, at_x, acts));
                let sign_in = through_daemon::begin((store, &key), &app, desk, wanted, &by).await?;
                let connected = through_daemon::wait(store, &sign_in).await?;
                store.close().await;
                return tell_connected(&connected);
            }
            callback::sign_in(&app, at_x, acts, self.port).await?
        };
        let connected = connecting.connect(&settings.x, wanted, &tokens, &by, Clock::Wall.now()).await;
        let connected = connected.map_err(not_connected)?;
        store.close().await;
        tell_connected(&connected)
    }
}

fn tell_connected(connected: &Connected) -> Result<Exit, CliError> {
    let (again, handle) = (if connected.again { " again" } else { "" }, visible(&connected.handle));
    writeln!(terminal::people(), "@{handle} is connected{again}")?;
    let mut remarks = terminal::remarks();
    if connected.is_deactivated {
        writeln!(remarks, "note: it is deactivated; `twite accounts activate {handle}` switches it on")?;
    }
    if let Some(at_x) = &connected.handle_at_x {
        writeln!(remarks, "note: {}", visible(&renamed(&connected.handle, at_x)))?;
    }
    if !connected.is_declared {
        writeln!(
            remarks,
            "note: rules cannot name it until twite.toml declares it, with `[[account]]` and its handle"
        )?;
    }
    for lack in &connected.lacks {
        writeln!(remarks, "warning: {lack}")?;
    }
    Ok(if connected.lacks.is_empty() { Exit::Fine } else { Exit::Findings })
}

pub(super) fn not_connected(error: NotConnected) -> CliError {
    match error {
        NotConnected::X(XError::Refused(refusal @ Refusal::Unauthorised(_))) => {
            CliError::Usage(format!("X refuses these tokens: {refusal}"))
        }
        NotConnected::X(error) => error.into(),
        NotConnected::Store(error) => error.into(),
        NotConnected::Already { .. }
        | NotConnected::Limit { .. }
        | NotConnected::OtherKey { .. }
        | NotConnected::Nobody
        | NotConnected::SomebodyElse { .. }
        | NotConnected::Unlinked { .. }
        | NotConnected::TakenOver { .. } => CliError::Usage(error.to_string()),
    }
}
