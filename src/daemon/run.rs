//! The run loop that all loops of the daemon share.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    shared::Shared,
    trouble::{AFTER_TROUBLE, Trouble},
};
use crate::{app::Notice, store::StoreError};

/// When the next step of a loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// At once, because there is more to do.
    Now,
    /// When the loop is notified, or after its idle time.
    Idle,
    /// After this time, regardless of notifications.
    After(Duration),
    /// When the loop is notified, but not before the first time; otherwise after the second.
    Between(Duration, Duration),
}

/// A loop of the daemon, with its state.
pub(super) trait Loop: Send {
    /// Runs one step.
    ///
    /// # Errors
    /// When the store fails; the step is retried.
    fn step(&mut self) -> impl Future<Output = Result<Next, StoreError>> + Send;

    /// Finishes work in progress after the last step.
    fn finish(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Runs a loop until stopped; a stop takes effect between two steps.
pub(super) async fn run_until(
    stop: &CancellationToken,
    notify: &Notify,
    idle: Duration,
    trouble: &Trouble,
    steps: &mut impl Loop,
) {
    while !stop.is_cancelled() {
        // Registered before the step, so that a notification during the step is not lost.
        let notified = notify.notified();
        let (least, most) = match steps.step().await {
            Ok(Next::Now) => continue,
            Ok(Next::Idle) => (Duration::ZERO, idle),
            Ok(Next::After(wait)) => (wait, wait),
            Ok(Next::Between(least, most)) => (least, most),
            Err(error) => {
                trouble.tell(&error);
                (AFTER_TROUBLE, AFTER_TROUBLE)
            }
        };
        let rest = async {
            tokio::time::sleep(least).await;
            // A notification is for the next step if this wait regards none.
            if most > least {
                tokio::select! {
                    () = notified => {}
                    () = tokio::time::sleep(most.saturating_sub(least)) => {}
                }
            }
        };
        stop.run_until_cancelled(rest).await;
    }
    steps.finish().await;
}

/// Runs a loop as a task. If it panics, which would be a bug in Twite, it is restarted.
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
            // Nested in this task, so that aborting the task aborts the loop as well.
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
