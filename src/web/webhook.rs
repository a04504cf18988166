//! Receives what X delivers: `/x/webhook/…`, behind a path that nobody guesses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use crate::{
    app::App,
    x::transport::{
        push::{MAX_DELIVERY_BYTES, Pushed, decode},
        webhook::{SIGNATURES, Secrets},
    },
};

/// Maximum time for a delivery to arrive, and for it to be stored. X gives up after ten seconds.
const MAX_BODY: Duration = Duration::from_secs(5);
const MAX_STORE: Duration = Duration::from_secs(8);
/// Maximum number of deliveries that are received at a time.
const MAX_DELIVERIES: usize = 32;

/// A delivery that waits to be stored.
#[derive(Debug)]
pub struct Delivery {
    /// What it says.
    pub pushed: Vec<Pushed>,
    /// Tells that it is stored. Dropped without that, X is told that the delivery failed.
    pub stored: oneshot::Sender<()>,
}

/// A webhook.
#[derive(Clone)]
pub struct Receiver {
    app: App,
    deliveries: mpsc::Sender<Delivery>,
    /// Set when a delivery is not taken, so that X is asked to deliver it again.
    turned_away: Arc<AtomicBool>,
    slots: Arc<Semaphore>,
}

impl Receiver {
    /// Creates a webhook that passes on what X signed with one of the app's secrets.
    pub fn new(app: App, deliveries: mpsc::Sender<Delivery>, turned_away: Arc<AtomicBool>) -> Self {
        Self { app, deliveries, turned_away, slots: Arc::new(Semaphore::new(MAX_DELIVERIES)) }
    }

    /// The app's secrets. Without one, nothing that X delivers could be trusted.
    fn secrets(&self) -> Option<Secrets> {
        Secrets::new(&self.app.settings().x).ok()
    }

    /// Its routes, at this path.
    pub(super) fn router(self, path: &str) -> Router {
        Router::new().route(path, get(check).post(deliver)).with_state(self)
    }
}

#[derive(Deserialize)]
struct Check {
    crc_token: Option<String>,
}

/// Answers the check with which X finds out whether this is the webhook of its app.
async fn check(State(receiver): State<Receiver>, Query(check): Query<Check>) -> Response {
    let Some(secrets) = receiver.secrets() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match check.crc_token.and_then(|token| secrets.answer_check(&token)) {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Takes in a delivery. It is answered with 200 only once it is stored.
async fn deliver(State(receiver): State<Receiver>, headers: HeaderMap, body: Body) -> StatusCode {
    let answer = receiver.take(headers, body).await;
    if answer.is_server_error() || answer == StatusCode::REQUEST_TIMEOUT {
        receiver.turned_away.store(true, Ordering::Relaxed);
    }
    answer
}

impl Receiver {
    async fn take(&self, headers: HeaderMap, body: Body) -> StatusCode {
        let Ok(_slot) = self.slots.try_acquire() else { return StatusCode::SERVICE_UNAVAILABLE };
        let body = match timeout(MAX_BODY, to_bytes(body, MAX_DELIVERY_BYTES)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE,
            Err(_) => return StatusCode::REQUEST_TIMEOUT,
        };
        let signatures = SIGNATURES.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
        let Some(secrets) = self.secrets() else { return StatusCode::SERVICE_UNAVAILABLE };
        if !secrets.signed(&body, signatures) {
            tracing::debug!("the webhook was called without a valid signature");
            return StatusCode::FORBIDDEN;
        }
        let pushed = match decode(&body) {
            Ok(pushed) => pushed,
            // It is X that says this, so that a repetition would say the same.
            Err(why) => {
                tracing::warn!("X delivered what cannot be read: {why}");
                return StatusCode::OK;
            }
        };
        let (stored, done) = oneshot::channel();
        let handled = async {
            self.deliveries.send(Delivery { pushed, stored }).await.ok()?;
            done.await.ok()
        };
        match timeout(MAX_STORE, handled).await {
            Ok(Some(())) => StatusCode::OK,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
