//! The unfinished items of the outbox, and agents' interventions on them.

use jiff::Timestamp;
use serde::Serialize;

use super::{Gates, Held};
use crate::{
    desk::{Accounts, Act, Viewer},
    store::{Intervention, NotPossible, Queued, Store, StoreError},
};

/// An unfinished outbox item.
#[derive(Debug, Serialize)]
pub struct Waiting {
    /// The item.
    #[serde(flatten)]
    pub queued: Queued,
    /// Why its destination is blocked, if it is.
    pub held: Option<Held>,
}

/// The unfinished outbox items of tickets that the viewer sees; for a viewer who sees all, also those without a ticket.
pub async fn waiting(
    store: &Store,
    viewer: Viewer<'_>,
    accounts: &Accounts,
    now: Timestamp,
) -> Result<Vec<Waiting>, StoreError> {
    let mut snapshot = store.snapshot(viewer).await?;
    let queued = snapshot.queued().await?;
    snapshot.close().await?;
    let gates = Gates::of(store, now).await?;
    let waiting = queued.into_iter().map(|queued| {
        let waits = queued.state == "waiting";
        Waiting { held: waits.then(|| gates.held(accounts, &queued.destination)).flatten(), queued }
    });
    Ok(waiting.collect())
}

/// Withdraws outbox items that the viewer sees or sends them again. Returns for each the intervention, or why it is not possible.
///
/// # Errors
/// When the store fails: the items before it are done.
pub async fn intervene(
    store: &Store,
    viewer: Viewer<'_>,
    items: &[i64],
    act: Act,
    actor: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Vec<(i64, Result<Intervention, NotPossible>)>, StoreError> {
    let mut done = vec![];
    for item in items {
        match store.intervene(viewer, *item, act, actor, reason, now).await {
            Err(NotPossible::Store(error)) => return Err(error),
            outcome => done.push((*item, outcome)),
        }
    }
    Ok(done)
}
