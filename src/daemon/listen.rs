//! Runs the HTTP server of the daemon.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Daemon;
use crate::{
    app::Notice,
    web::{self, callback::Callback, webhook::Receiver},
};

/// Interval between attempts to listen. A daemon that is about to end may still use the port.
const RETRY_EVERY: Duration = Duration::from_secs(1);

impl Daemon {
    /// Serves HTTP until stopped, if `twite.toml` names an address to listen on.
    pub(super) async fn listen(self: Arc<Self>, stop: CancellationToken) {
        let Some(address) = self.app().settings().web.listen.clone() else { return };
        let mut failed = false;
        let listener = loop {
            match TcpListener::bind(&address).await {
                Ok(listener) => break listener,
                Err(error) if !failed => {
                    failed = true;
                    let message = format!("cannot listen on {address}: {error}; trying again until it works");
                    self.notices().tell(Notice::Trouble { message });
                }
                Err(_) => {}
            }
            if stop.run_until_cancelled(tokio::time::sleep(RETRY_EVERY)).await.is_none() {
                return;
            }
        };
        // With port 0, the system chooses one.
        let address = listener.local_addr().map_or(address, |bound| bound.to_string());
        tracing::info!("listening on http://{address}");
        self.shared.listening.send_replace(true);
        let turned_away = self.shared.push.turned_away.clone();
        let webhook = Receiver::new(self.app().clone(), self.delivered.clone(), turned_away);
        let webhook = (self.shared.webhook_path(), webhook);
        let callback = Callback::new(self.app().clone(), self.key().clone());
        let router = web::router(self.app().clone(), self.shared.standing.subscribe(), callback, webhook);
        web::serve(listener, router, stop).await;
    }
}
