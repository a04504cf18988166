//! One daemon at a time works on a database: it waits for the lease, works while it holds it, and lets it go.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Daemon;
use crate::{
    app::Notice,
    store::{Asked, Ended, Holder, StoreError, TERM, Watch},
};

/// How often a lease is renewed: several renewals may fail before it is lost.
const RENEWED_EVERY: Duration = Duration::from_secs(2);
/// How often whoever waits for a lease looks at it.
const ASKED_EVERY: Duration = Duration::from_millis(500);

impl Daemon {
    /// Waits until this daemon may work on its database, and returns how the one before ended; `None` where it was told to
    /// stop before.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    pub(super) async fn take_lease(&self, stop: &CancellationToken) -> Result<Option<Ended>, StoreError> {
        let (holder, mut watch, mut told) = (Holder::this_process(), Watch::default(), None);
        while !stop.is_cancelled() {
            // Leases are about processes, so about the machine's time, also where messages drive the daemon's clock.
            match self.store().ask_for_lease(&holder, &mut watch, self.clock().machine(), Instant::now()).await {
                Ok(Asked::Taken(ended)) => return Ok(Some(ended)),
                Ok(Asked::Held(lease)) => {
                    if told.replace(lease.fence) != Some(lease.fence) {
                        self.notices().tell(Notice::Waiting { holder: lease.holder, since: lease.since });
                    }
                }
                Err(error @ StoreError::Replaced(_)) => return Err(error),
                Err(error) => self.shared.trouble.tell_and_wait(&error).await,
            }
            stop.run_until_cancelled(tokio::time::sleep(ASKED_EVERY)).await;
        }
        Ok(None)
    }

    /// Renews the lease until it is lost, and returns why: another daemon has taken it, or the database is gone.
    pub(super) async fn keep_lease(&self) -> StoreError {
        loop {
            tokio::time::sleep(RENEWED_EVERY).await;
            let asked = Instant::now();
            match self.store().renew_lease(self.clock().machine()).await {
                Ok(()) => self.shared.trouble.is_over(),
                Err(lost @ (StoreError::Superseded | StoreError::Replaced(_))) => return lost,
                // As long as nobody takes it, it stays: whoever might has the same trouble with the database.
                Err(error) => self.shared.trouble.tell(&error),
            }
            if asked.elapsed() > TERM {
                tracing::warn!("renewing the lease took {} seconds", asked.elapsed().as_secs());
            }
        }
    }
}
