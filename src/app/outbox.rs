//! What waits to be sent, what keeps it, and what agents do about that by hand.

use jiff::Timestamp;
use serde::Serialize;

use super::{Gates, Held};
use crate::{
    desk::{Accounts, Act},
    store::{Intervention, NotPossible, Queued, Store, StoreError},
};

/// Something in the outbox that has not ended.
#[derive(Debug, Serialize)]
pub struct Waiting {
    /// What it is.
    #[serde(flatten)]
    pub queued: Queued,
    /// What keeps everything from its destination.
    pub held: Option<Held>,
}

/// Everything in the outbox that has not ended.
pub async fn waiting(store: &Store, accounts: &Accounts) -> Result<Vec<Waiting>, StoreError> {
    let (queued, gates) = (store.queued().await?, Gates::of(store).await?);
    let waiting = queued.into_iter().map(|queued| {
        let waits = queued.state == "waiting";
        Waiting { held: waits.then(|| gates.held(accounts, &queued.destination)).flatten(), queued }
    });
    Ok(waiting.collect())
}

/// Withdraws things, or sends them again; each, or why that is not possible.
///
/// # Errors
/// When the store fails: those before it are done.
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
