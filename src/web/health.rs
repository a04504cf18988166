//! Whether the daemon is alive, and whether it is ready.

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use tokio::time::timeout;

use super::{Standing, Web};

/// Maximum time for the database to answer.
const MAX_ANSWER: Duration = Duration::from_secs(2);

/// `/healthz`: the process answers. A supervisor restarts it if it does not.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`: whether the daemon works and its database answers; if not, why, with status 503.
pub(super) async fn ready(State(web): State<Web>) -> (StatusCode, String) {
    match reason(&web).await {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn reason(web: &Web) -> Option<String> {
    let standing = web.standing.borrow().clone();
    match standing {
        Standing::Starting => return Some("the daemon is starting".to_owned()),
        Standing::Waiting(holder) => {
            return Some(format!("waiting until another daemon ends, which uses the same database: {holder}"));
        }
        Standing::Working => {}
    }
    match timeout(MAX_ANSWER, web.app.store().queues()).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(format!("the database cannot be read: {error}")),
        Err(_) => Some(format!("the database did not answer within {} s", MAX_ANSWER.as_secs())),
    }
}
