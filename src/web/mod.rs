//! The HTTP server of the daemon: `/healthz`, `/readyz`, `/metrics`, the webhook that X calls, and the end of signing in at X.

pub mod callback;
mod health;
mod metrics;
mod server;
pub mod webhook;

use axum::{Router, routing::get};
use tokio::sync::watch;

pub use self::server::serve;
use crate::app::App;

/// What the daemon is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It has just started.
    Starting,
    /// It waits for another daemon on the same database, which is named.
    Waiting(String),
    /// It works.
    Working,
}

/// What the pages read.
#[derive(Clone)]
struct Web {
    app: App,
    standing: watch::Receiver<Standing>,
}

/// The pages of a daemon, and the webhook at its path.
pub fn router(
    app: App,
    standing: watch::Receiver<Standing>,
    callback: callback::Callback,
    (path, webhook): (String, webhook::Receiver),
) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::page))
        .with_state(Web { app, standing })
        .merge(callback.router())
        .merge(webhook.router(&path))
}
