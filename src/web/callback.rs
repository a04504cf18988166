//! Where X redirects a browser that signed in with `--through-daemon`: `/x/callback`.
//!
//! Nobody guesses a `state`, and each works once and for minutes, so the page needs no further protection.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{
        Method, StatusCode,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::any,
};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::{
    app::{
        App,
        accounts::{Arrived, CALLBACK, SignInOutcome, complete_sign_in},
    },
    present,
    store::Key,
};

/// Maximum number of sign-ins that are completed at a time.
const MAX_SIGN_INS: usize = 8;
/// Maximum length of a parameter, in bytes. A `state` has 43, and a code of X about 100.
const MAX_PARAMETER: usize = 4096;
/// What the pages may load: nothing. Nobody may frame them.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// How to begin again.
const AGAIN: &str = "Run the command again that began the sign-in, and open the page that it prints.";

/// Completes sign-ins.
#[derive(Clone)]
pub struct Callback {
    app: App,
    key: Key,
    slots: Arc<Semaphore>,
}

impl Callback {
    /// Creates the callback, with the key that encrypts tokens.
    pub fn new(app: App, key: Key) -> Self {
        Self { app, key, slots: Arc::new(Semaphore::new(MAX_SIGN_INS)) }
    }

    /// Its route.
    pub(super) fn router(self) -> Router {
        Router::new().route(CALLBACK, any(arrive)).with_state(self)
    }
}

/// The parameters of X's redirect.
#[derive(Deserialize)]
struct Parameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

impl Parameters {
    /// The `state`, and the code or the error.
    fn read(&self) -> Option<(&str, Result<&str, &str>)> {
        let bounded = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= MAX_PARAMETER);
        if ![&self.state, &self.code, &self.error].into_iter().all(bounded) {
            return None;
        }
        let answer = match (&self.code, &self.error) {
            (Some(code), None) => Ok(code.as_str()),
            (None, Some(error)) => Err(error.as_str()),
            _ => return None,
        };
        Some((self.state.as_deref()?, answer))
    }
}

/// Completes the sign-in to which the browser belongs, and says how it ended.
async fn arrive(
    State(callback): State<Callback>,
    method: Method,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    // A `HEAD` would use up the sign-in.
    if method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    }
    let Ok(Query(parameters)) = parameters else { return unexpected() };
    if parameters.read().is_none() {
        return unexpected();
    }
    let Ok(slot) = callback.slots.clone().try_acquire_owned() else {
        return page(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many sign-ins at once",
            "Reload this page in a few seconds.",
        );
    };
    // A task of its own: it goes on if the browser closes the connection.
    let completed = tokio::spawn(async move {
        let _slot = slot;
        let (state, answer) = parameters.read()?;
        Some(complete_sign_in(&callback.app, &callback.key, state, answer).await)
    });
    match completed.await {
        Ok(Some(Ok(arrived))) => told(arrived),
        Ok(Some(Err(error))) => {
            tracing::warn!("a sign-in at X could not be completed: {error}");
            let says = "The desk's database does not work at the moment. Reload this page in a minute.";
            page(StatusCode::SERVICE_UNAVAILABLE, "Not completed", says)
        }
        Ok(None) => unexpected(),
        Err(_) => page(StatusCode::INTERNAL_SERVER_ERROR, "Not completed", AGAIN),
    }
}

fn told(arrived: Arrived) -> Response {
    match arrived {
        Arrived::Ended(SignInOutcome::Connected(connected)) => {
            let again = if connected.again { " again" } else { "" };
            let lacks: String = connected.lacks.iter().map(|lack| format!(" Warning: {lack}.")).collect();
            let says = format!("@{} is connected{again}. You can close this page.{lacks}", connected.handle);
            page(StatusCode::OK, "Thank you", &says)
        }
        Arrived::Ended(SignInOutcome::Failed(why)) => page(
            StatusCode::CONFLICT,
            "The account is not connected",
            &format!("{}. {AGAIN}", why.trim_end_matches('.')),
        ),
        Arrived::Before(SignInOutcome::Connected(connected)) => {
            let says = format!("@{} is connected. You can close this page.", connected.handle);
            page(StatusCode::OK, "This sign-in is complete already", &says)
        }
        Arrived::Before(SignInOutcome::Failed(why)) => {
            let says = format!("The account is not connected: {}. {AGAIN}", why.trim_end_matches('.'));
            page(StatusCode::CONFLICT, "This sign-in has ended already", &says)
        }
        Arrived::UnderWay => {
            let says = "Reload this page in a few seconds to see how it ends.";
            page(StatusCode::ACCEPTED, "This sign-in is being completed", says)
        }
        Arrived::Expired => page(StatusCode::GONE, "This sign-in has expired", AGAIN),
        Arrived::Unknown => page(StatusCode::NOT_FOUND, "This sign-in is unknown", AGAIN),
    }
}

/// The answer to what is no redirect of X.
fn unexpected() -> Response {
    page(StatusCode::BAD_REQUEST, "This is not a sign-in", AGAIN)
}

/// A page without scripts, styles and links, which is neither cached nor passed on as a referrer: its URL has the code.
fn page(status: StatusCode, title: &str, says: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, present::html::page(title, says)).into_response()
}
