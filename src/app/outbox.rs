//! The unfinished items of the outbox, and agents' interventions on them.

use jiff::Timestamp;
use serde::Serialize;

use super::{Gates, Held};
use crate::{
    desk::{Accounts, Act},
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

/// All unfinished outbox items.
pub async fn waiting(store: &Store, accounts: &Accounts) -> Result<Vec<Waiting>, StoreError> {
    let (queued, gates) = (store.queued().await?, Gates::of(store).await?);
    let waiting = queued.into_iter().map(|queued| {
        let waits = queued.state == "waiting";
        Waiting { held: waits.then(|| gates.held(accounts, &queued.destination)).flatten(), queued }
    });
    Ok(waiting.collect())
}

/// Withdraws outbox items or sends them again. Returns for each the intervention, or why it is not possible.
///
/// # Errors
/// When the store fails: the items before it are done.
pub async fn intervene(
    store: &Store,
    items: &[i64],
    act: Act,
    actor: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Vec<(i64, Result<Intervention, NotPossible>)>, StoreError> {
    let mut done = vec![];
    for item in items {
        match store.intervene(*item, act, actor, reason, now).await {
            Err(NotPossible::Store(error)) => return Err(error),
            outcome => done.push((*item, outcome)),
        }
    }
    Ok(done)
}
