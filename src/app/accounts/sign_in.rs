//! Signing in at X with a browser that X redirects to the daemon: a command begins it, and the daemon completes it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use super::connect::{Connected, Connecting, NotConnected, Wanted, stored_accounts};
use crate::{
    app::App,
    desk::Actor,
    store::{Key, PendingSignIn, Store, StoreError, TakenSignIn},
    x::{
        client::http,
        oauth::{self, Proof},
    },
};

/// The path of the daemon to which X redirects.
pub const CALLBACK: &str = "/x/callback";
/// Maximum time from the start of a sign-in to the redirect.
const MAX_SIGN_IN: SignedDuration = SignedDuration::from_mins(10);
/// Maximum length of what X says about a refusal, in characters.
const MAX_REFUSAL: usize = 200;

/// A sign-in that has begun.
#[derive(Clone)]
pub struct SignIn {
    /// The page to open in a browser.
    pub page: Url,
    /// The `state` by which it is found.
    pub state: String,
    /// The URL to which X redirects.
    pub redirect: String,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("redirect", &self.redirect).finish_non_exhaustive()
    }
}

/// How a sign-in ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInOutcome {
    /// The account is connected.
    Connected(Connected),
    /// It is not, and nothing has changed.
    Failed(String),
}

/// What came of a browser that X redirected to the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// The sign-in has ended.
    Ended(SignInOutcome),
    /// It had ended before.
    Before(SignInOutcome),
    /// It is being completed, after an earlier redirect.
    UnderWay,
    /// It has expired.
    Expired,
    /// There is none with this `state`.
    Unknown,
}

/// Begins a sign-in that ends at the daemon with this public URL.
pub async fn begin_sign_in(
    (store, key): (&Store, &Key),
    (x, url): (&oauth::App, &str),
    wanted: Wanted<'_>,
    actions: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<SignIn, NotConnected> {
    let authorisation = x.authorise(&format!("{}{CALLBACK}", url.trim_end_matches('/')), actions)?;
    let (account, handle) = match wanted {
        Wanted::New(handle) => (None, handle.map(str::to_owned)),
        Wanted::Again(account) => (Some(account.id.clone()), None),
    };
    let Proof { redirect, verifier } = authorisation.proof;
    let expires = now.saturating_add(MAX_SIGN_IN).unwrap_or(Timestamp::MAX);
    let pending = PendingSignIn { account, handle, redirect, verifier, by: by.clone(), expires };
    store.begin_sign_in(key, &authorisation.state, &pending, now).await?;
    Ok(SignIn { page: authorisation.page, state: authorisation.state, redirect: pending.redirect })
}

/// Completes the sign-in with this `state`, once, with the code from X or what X says instead.
///
/// # Errors
/// If the outcome cannot be stored, the account may be connected nevertheless.
pub async fn complete_sign_in(
    app: &App,
    key: &Key,
    state: &str,
    answer: Result<&str, &str>,
) -> Result<Arrived, StoreError> {
    let (store, now) = (app.store(), app.clock().now());
    let outcome = match store.take_sign_in(key, state, now).await {
        // Each call to X has a timeout of its own.
        Ok(TakenSignIn::Taken(pending)) => match connect(app, key, &pending, answer).await {
            Ok(connected) => {
                tracing::info!("@{}: somebody signed in at X, as {} asked for", connected.handle, pending.by);
                SignInOutcome::Connected(connected)
            }
            Err(why) => SignInOutcome::Failed(why),
        },
        Ok(TakenSignIn::Before(None)) => return Ok(Arrived::UnderWay),
        Ok(TakenSignIn::Before(Some(outcome))) => {
            let outcome = serde_json::from_str(&outcome).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            return Ok(Arrived::Before(outcome));
        }
        Ok(TakenSignIn::Expired) => return Ok(Arrived::Expired),
        Ok(TakenSignIn::Unknown) => return Ok(Arrived::Unknown),
        Err(StoreError::Key(why)) => SignInOutcome::Failed(why),
        Err(error) => return Err(error),
    };
    let stored = serde_json::to_string(&outcome).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    store.end_sign_in(state, &stored).await?;
    Ok(Arrived::Ended(outcome))
}

/// Exchanges the code, and connects the account. An error says why not.
async fn connect(
    app: &App,
    key: &Key,
    pending: &PendingSignIn,
    answer: Result<&str, &str>,
) -> Result<Connected, String> {
    let code = answer.map_err(|refusal| {
        let refusal: String = refusal.chars().take(MAX_REFUSAL).collect();
        format!("X reports that the app was not authorized: {refusal}")
    })?;
    let (settings, rules, files) = (app.settings(), app.rules(), app.live().declared());
    let x =
        http().and_then(|http| oauth::App::new(&settings.x, http, app.clock().clone())).map_err(|e| e.to_string())?;
    let proof = Proof { redirect: pending.redirect.clone(), verifier: pending.verifier.clone() };
    let tokens = x.exchange(&proof, code).await.map_err(|e| format!("X did not exchange the code for tokens: {e}"))?;
    let stored = stored_accounts(app.store(), &files.accounts).await.map_err(|e| e.to_string())?;
    let wanted = match &pending.account {
        None => Wanted::New(pending.handle.as_deref()),
        Some(id) => {
            let known = stored.connected.iter().find(|known| known.id == *id);
            Wanted::Again(known.ok_or("the account is not in the database any more")?)
        }
    };
    let connecting = Connecting { store: app.store(), key, desk: &rules.desk, declared: &files.accounts };
    let now = app.clock().now();
    let connected = connecting.connect(&settings.x, wanted, &tokens, &pending.by, now).await;
    connected.map_err(|error| error.to_string())
}
