//! How every loop of the daemon runs.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    shared::Shared,
    trouble::{AFTER_TROUBLE, Trouble},
};
use crate::{app::Notice, store::StoreError};

/// When the next step of a loop is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// At once: there is more to do.
    Now,
    /// Once the loop is notified, or has been idle for long enough.
    Idle,
    /// After this long, whatever it is notified of.
    After(Duration),
}

/// A loop of the daemon, with the state that is its own.
pub(super) trait Loop: Send {
    /// Does what is next.
    ///
    /// # Errors
    /// When the store fails; the step is tried again.
    fn step(&mut self) -> impl Future<Output = Result<Next, StoreError>> + Send;

    /// Finishes what earlier steps began, once no step follows.
    fn finish(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Runs a loop until told to stop, which it is heard between two steps.
pub(super) async fn run_until(
    stop: &CancellationToken,
    notify: &Notify,
    idle: Duration,
    trouble: &Trouble,
    steps: &mut impl Loop,
) {
    while !stop.is_cancelled() {
        // Registered first: what is notified during the step is heard after it.
        let notified = notify.notified();
        let (wait, is_idle) = match steps.step().await {
            Ok(Next::Now) => continue,
            Ok(Next::Idle) => (idle, true),
            Ok(Next::After(wait)) => (wait, false),
            Err(error) => {
                trouble.tell(&error);
                (AFTER_TROUBLE, false)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = notified, if is_idle => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    steps.finish().await;
}

/// Runs a loop as a task of its own. One that panics, which only a mistake in Twite can make it do, begins anew.
pub(super) fn spawn<L: Loop + 'static>(
    tasks: &mut JoinSet<()>,
    shared: &Arc<Shared>,
    stop: &CancellationToken,
    name: &'static str,
    (notify, idle): (Arc<Notify>, Duration),
    make: impl Fn(&Arc<Shared>, &CancellationToken) -> L + Send + 'static,
) {
    let (shared, stop) = (shared.clone(), stop.clone());
    tasks.spawn(async move {
        while !stop.is_cancelled() {
            // Dropped with this task, so that whoever ends one ends the other.
            let mut running = JoinSet::new();
            let mut steps = make(&shared, &stop);
            running.spawn({
                let (shared, stop, notify) = (shared.clone(), stop.clone(), notify.clone());
                async move { run_until(&stop, &notify, idle, &shared.trouble, &mut steps).await }
            });
            let ended = running.join_next().await;
            if !stop.is_cancelled() {
                let message = format!("{name} failed ({ended:?}) and is restarted");
                shared.app.notices().tell(Notice::Trouble { message });
                tokio::time::sleep(AFTER_TROUBLE).await;
            }
        }
    });
}
