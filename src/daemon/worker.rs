//! The intake loop.

use std::sync::Arc;

use super::{
    run::{Loop, Next},
    shared::Shared,
};
use crate::store::StoreError;

/// Processes the messages in the inbox.
pub(super) struct Worker {
    shared: Arc<Shared>,
}

impl Loop for Worker {
    async fn step(&mut self) -> Result<Next, StoreError> {
        let app = &self.shared.app;
        if !app.take_next().await? {
            return Ok(Next::Idle);
        }
        app.wake().lookups.notify_one();
        Ok(Next::Now)
    }
}

impl Worker {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone() }
    }
}
