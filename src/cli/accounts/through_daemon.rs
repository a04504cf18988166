//! Signing in at X with a browser that is elsewhere: X redirects it to the daemon, and the command waits for the outcome.

use std::{io::Write as _, time::Duration};

use tokio::time::sleep;

use super::sign_in::not_connected;
use crate::{
    app::accounts::{Connected, SignIn, SignInOutcome, Wanted, begin_sign_in},
    cli::{CliError, terminal},
    clock::Clock,
    desk::{Actor, Declarations, visible::visible},
    settings::WebSettings,
    store::{Key, SignInState, Store, StoreError},
    x::oauth::App,
};

/// Interval between two checks whether the sign-in has ended.
const CHECK_EVERY: Duration = Duration::from_millis(300);
/// Number of checks during which the daemon may be completing it: a minute and a half.
const MAX_CHECKS: u32 = 300;

/// Begins a sign-in, if there is a daemon to complete it, and prints the page to open.
pub(super) async fn begin(
    (store, key): (&Store, &Key),
    app: &App,
    (desk, web): (&Declarations, &WebSettings),
    (wanted, handle, actions): (Wanted<'_>, Option<&str>, bool),
    by: &Actor,
) -> Result<SignIn, CliError> {
    let usage = |why: &str| Err(CliError::Usage(format!("`--through-daemon` needs {why}")));
    let now = Clock::Wall.now();
    let Some(url) = &desk.url else {
        return usage("`url` in twite.toml: the address at which browsers reach the daemon");
    };
    if web.listen.is_none() {
        return usage("`listen` in `[web]` of twite.toml, so that the daemon serves pages");
    }
    if !store.lease().await?.is_some_and(|lease| lease.is_held(now)) {
        return usage("a running daemon; start `twite serve` first");
    }
    let sign_in = begin_sign_in((store, key), (app, url), wanted, actions, by, now).await.map_err(not_connected)?;
    let mut out = terminal::remarks();
    let whom = handle.map_or_else(|| "the account".to_owned(), |handle| format!("@{}", visible(handle)));
    writeln!(out, "Within ten minutes, open this in a browser where {whom} is signed in, and allow the app:\n")?;
    writeln!(out, "  {}\n", sign_in.page)?;
    writeln!(out, "Waiting until X redirects the browser to {} …", visible(&sign_in.redirect))?;
    writeln!(out, "The page works even if this command is interrupted; `twite accounts list` then shows the account.")?;
    Ok(sign_in)
}

/// Waits until the daemon has completed the sign-in, or until it expires.
pub(super) async fn wait(store: &Store, sign_in: &SignIn) -> Result<Connected, CliError> {
    let mut taken = 0;
    loop {
        match store.sign_in_state(&sign_in.state, Clock::Wall.now()).await? {
            Some(SignInState::Ended(outcome)) => {
                let outcome = serde_json::from_str(&outcome).map_err(|e| StoreError::Corrupt(e.to_string()))?;
                return match outcome {
                    SignInOutcome::Connected(connected) => Ok(connected),
                    SignInOutcome::Failed(why) => Err(CliError::Usage(why)),
                };
            }
            Some(SignInState::Taken) if taken < MAX_CHECKS => taken += 1,
            Some(SignInState::Taken) => {
                return Err(CliError::Usage(
                    "the daemon ended while it completed the sign-in; if `twite accounts list` does not show the account as \
                     connected, start again"
                        .to_owned(),
                ));
            }
            Some(SignInState::Waiting) => {}
            Some(SignInState::Expired) | None => {
                return Err(CliError::Usage("nobody signed in within ten minutes; start again".to_owned()));
            }
        }
        sleep(CHECK_EVERY).await;
    }
}
