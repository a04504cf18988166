//! The lease on a database, which lets only one daemon at a time work on it.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Daemon;
use crate::{
    app::Notice,
    store::{Asked, Ended, Holder, StoreError, TERM, Watch},
    web::Standing,
};

/// Interval between renewals of the lease; short enough that several may fail before it expires.
const RENEWED_EVERY: Duration = Duration::from_secs(2);
/// Interval at which a waiting daemon tries to take the lease.
const ASKED_EVERY: Duration = Duration::from_millis(500);

impl Daemon {
    /// Waits for the lease and takes it. Returns how the previous holder ended; `None` if the daemon was stopped first.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    pub(super) async fn take_lease(&self, stop: &CancellationToken) -> Result<Option<Ended>, StoreError> {
        let (holder, mut watch, mut told) = (Holder::this_process(), Watch::default(), None);
        while !stop.is_cancelled() {
            // Leases use the machine's time even if messages drive the daemon's clock, because they are about
            // processes.
            match self.store().ask_for_lease(&holder, &mut watch, self.clock().machine(), Instant::now()).await {
                Ok(Asked::Taken(ended)) => return Ok(Some(ended)),
                Ok(Asked::Held(lease)) => {
                    if told.replace(lease.fence) != Some(lease.fence) {
                        let holder = format!("process {} on {}", lease.holder.pid, lease.holder.host);
                        self.shared.standing.send_replace(Standing::Waiting(holder));
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

    /// Renews the lease until stopped or until it is lost. Returns why it was lost: another daemon has taken it, or the
    /// database was replaced. A renewal in progress is finished, because it holds a transaction.
    pub(super) async fn keep_lease(&self, stop: &CancellationToken) -> Option<StoreError> {
        while stop.run_until_cancelled(tokio::time::sleep(RENEWED_EVERY)).await.is_some() {
            let asked = Instant::now();
            match self.store().renew_lease(self.clock().machine()).await {
                Ok(()) => self.shared.trouble.is_over(),
                Err(lost @ (StoreError::Superseded | StoreError::Replaced(_))) => return Some(lost),
                // The lease stays valid until another daemon takes it, which needs a working database as well.
                Err(error) => self.shared.trouble.tell(&error),
            }
            if asked.elapsed() > TERM {
                tracing::warn!("renewing the lease took {} seconds", asked.elapsed().as_secs());
            }
        }
        None
    }
}
