//! Serves HTTP with bounds on connections, header sizes and times.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Maximum number of open connections; others wait until one is closed.
const MAX_CONNECTIONS: usize = 256;
/// Maximum size of the headers of a request, in bytes.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Maximum time for the headers of a request to arrive, which is also how long an idle connection is kept.
const MAX_HEADERS: Duration = Duration::from_secs(20);
/// Maximum lifetime of a connection.
const MAX_CONNECTION: Duration = Duration::from_secs(300);
/// How long requests in progress may take after the daemon is told to stop.
const MAX_LAST_REQUEST: Duration = Duration::from_secs(2);
/// Wait after a connection could not be accepted, for example because too many files are open.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Serves until stopped, and finishes the requests in progress.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            sleep(AFTER_FAILURE).await;
            continue;
        };
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            serve_connection(stream, router, &stop).await;
            drop(slot);
        });
    }
    while connections.join_next().await.is_some() {}
}

/// Serves the requests of one connection. Its errors are those of the other side, and do not matter here.
async fn serve_connection(stream: TcpStream, router: Router, stop: &CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(MAX_HEADERS).max_buf_size(MAX_HEADER_BYTES);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    tokio::select! {
        _ = timeout(MAX_CONNECTION, connection.as_mut()) => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(MAX_LAST_REQUEST, connection).await;
        }
    }
}
