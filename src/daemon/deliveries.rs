//! Takes in what X delivered to the webhook.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    run::{Loop, Next},
    shared::Shared,
};
use crate::{desk::Transport, store::StoreError, web::webhook::Delivery};

/// The deliveries that the webhook received and that are not stored yet. They outlive the lease of the daemon.
pub(super) type Deliveries = Arc<Mutex<mpsc::Receiver<Delivery>>>;

/// Takes in one delivery after the other.
pub(super) struct TakeDeliveries {
    shared: Arc<Shared>,
    stop: CancellationToken,
    deliveries: Deliveries,
}

impl Loop for TakeDeliveries {
    async fn step(&mut self) -> Result<Next, StoreError> {
        let mut deliveries = self.deliveries.lock().await;
        let Some(Some(Delivery { pushed, stored })) = self.stop.run_until_cancelled(deliveries.recv()).await else {
            return Ok(Next::Idle);
        };
        self.shared.take_pushed(Transport::Webhook, &pushed).await?;
        // X may have given up waiting. It then delivers it again, and it is known.
        let _ = stored.send(());
        Ok(Next::Now)
    }
}

impl TakeDeliveries {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken, deliveries: Deliveries) -> Self {
        Self { shared: shared.clone(), stop: stop.clone(), deliveries }
    }
}
