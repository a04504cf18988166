//! Subscribes accounts to their events at X, wherever X delivers these to, and ends that when they use no such place any
//! more.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    push::Target,
    run::{Loop, Next},
    shared::{MAX_LAST_REQUEST, Shared},
};
use crate::{
    desk::{AccountState, ConnectedAccount, Transport, XId, declarations::Edition},
    store::StoreError,
    x::{
        XError,
        subscriptions::{Subject, subjects},
    },
};

/// Interval at which the list of accounts is read again.
pub(super) const ACCOUNTS_EVERY: Duration = Duration::from_secs(2);
/// Interval between attempts with an account.
const RETRY_EVERY: Duration = Duration::from_secs(60);

/// Subscribes accounts.
pub(super) struct Subscribing {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// What is subscribed to.
    subscribed: BTreeMap<XId, Wanted>,
    /// When an attempt failed last, and how often in a row.
    refused: BTreeMap<XId, (Instant, u32)>,
    /// Whether an account may have subscriptions at X, as stored.
    noted: BTreeMap<XId, bool>,
}

/// What an account is to be subscribed to.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    transport: Transport,
    target: Target,
    subjects: Vec<Subject>,
    /// How often the account was connected: X deletes subscriptions with the authorisation.
    times_connected: i64,
}

impl Loop for Subscribing {
    async fn step(&mut self) -> Result<Next, StoreError> {
        for account in self.shared.app.store().accounts().await? {
            if self.stop.is_cancelled() {
                break;
            }
            let uses = self.shared.pushed_by(&account).filter(|_| account.state == AccountState::Connected);
            let Some(transport) = uses else {
                self.leave(&account).await?;
                continue;
            };
            // Its loop tells why there is none.
            let Some(target) = self.shared.push.target(transport) else { continue };
            let wanted = Wanted {
                transport,
                target,
                subjects: self.subjects(&account),
                times_connected: account.times_connected,
            };
            if self.subscribed.get(&account.id) != Some(&wanted) && self.may_try(&account.id) {
                self.subscribe(&account, wanted).await?;
            }
        }
        Ok(Next::Idle)
    }
}

impl Subscribing {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self {
            shared: shared.clone(),
            stop: stop.clone(),
            subscribed: BTreeMap::new(),
            refused: BTreeMap::new(),
            noted: BTreeMap::new(),
        }
    }

    fn subjects(&self, account: &ConnectedAccount) -> Vec<Subject> {
        let direct = self.shared.app.rules().desk.edition == Edition::Suite;
        let settings = self.shared.app.settings();
        settings.accounts.get(&account.handle).map(|declared| subjects(declared, direct)).unwrap_or_default()
    }

    fn may_try(&self, account: &XId) -> bool {
        self.refused.get(account).is_none_or(|(at, _)| at.elapsed() >= RETRY_EVERY)
    }

    async fn subscribe(&mut self, account: &ConnectedAccount, wanted: Wanted) -> Result<(), StoreError> {
        self.note(account, true).await?;
        match self.deliver(account, &wanted.subjects, wanted.target.webhook.as_deref()).await {
            None => {}
            Some(Ok(())) => {
                self.shared.push_works(account, wanted.transport, &wanted.target).await?;
                self.refused.remove(&account.id);
                self.subscribed.insert(account.id.clone(), wanted);
            }
            Some(Err(error)) => {
                let why = format!("cannot subscribe to its events: {error}");
                let failures = self.refused(account);
                let is_new = self.shared.push.end(&account.id) || failures == 1;
                self.shared.push_fails(account, wanted.transport, &why, (failures, is_new), RETRY_EVERY).await?;
            }
        }
        Ok(())
    }

    /// Deletes the subscriptions of an account that uses none any more. One that is not authorised or unlinked has none:
    /// X deletes them with the authorisation.
    async fn leave(&mut self, account: &ConnectedAccount) -> Result<(), StoreError> {
        self.subscribed.remove(&account.id);
        self.shared.push.end(&account.id);
        self.shared.app.notices().counters().forget_push(&account.handle);
        let can_ask = matches!(account.state, AccountState::Connected | AccountState::Deactivated);
        if !can_ask || !self.may_try(&account.id) || !self.is_noted(account).await? {
            return Ok(());
        }
        match self.deliver(account, &[], None).await {
            None => {}
            Some(Ok(())) => {
                self.refused.remove(&account.id);
                self.note(account, false).await?;
            }
            Some(Err(error)) if self.refused(account) == 1 => {
                tracing::warn!("@{}: its subscriptions at X cannot be deleted: {error} (retrying)", account.handle);
            }
            Some(Err(_)) => {}
        }
        Ok(())
    }

    /// Makes X deliver these events of an account there, and no others; `None` if stopped, or if there is no client.
    async fn deliver(
        &self,
        account: &ConnectedAccount,
        subjects: &[Subject],
        webhook: Option<&str>,
    ) -> Option<Result<(), XError>> {
        let (client, tag) = (self.shared.client(account)?, self.shared.subscription_tag());
        let deliver = client.deliver(subjects, webhook, &tag);
        self.shared.unless_stopped(&self.stop, MAX_LAST_REQUEST, deliver).await
    }

    /// Records that an attempt failed. Returns how often in a row.
    fn refused(&mut self, account: &ConnectedAccount) -> u32 {
        let (at, failures) = self.refused.entry(account.id.clone()).or_insert((Instant::now(), 0));
        (*at, *failures) = (Instant::now(), failures.saturating_add(1));
        *failures
    }

    /// Whether an account may have subscriptions at X.
    async fn is_noted(&mut self, account: &ConnectedAccount) -> Result<bool, StoreError> {
        if let Some(noted) = self.noted.get(&account.id) {
            return Ok(*noted);
        }
        let mut tx = self.shared.app.store().begin().await?;
        let noted = tx.progress(&note_of(account)).await?.is_some_and(|noted| !noted.is_empty());
        tx.commit().await?;
        self.noted.insert(account.id.clone(), noted);
        Ok(noted)
    }

    async fn note(&mut self, account: &ConnectedAccount, has_some: bool) -> Result<(), StoreError> {
        if self.is_noted(account).await? != has_some {
            let mut tx = self.shared.app.store().begin().await?;
            tx.set_progress(&note_of(account), if has_some { "some" } else { "" }).await?;
            tx.commit().await?;
            self.noted.insert(account.id.clone(), has_some);
        }
        Ok(())
    }
}

/// Under which name it is stored whether an account may have subscriptions.
fn note_of(account: &ConnectedAccount) -> String {
    format!("subscriptions of {}", account.id)
}
