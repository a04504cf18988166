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
        Refusal, TokenError, XError,
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
    /// What is subscribed to; `None` for an account that uses no stream or webhook, once that is recorded.
    done: BTreeMap<XId, Option<Wanted>>,
    /// The attempts that failed.
    failed: BTreeMap<XId, Failed>,
    /// Whether an account may have subscriptions at X, as stored.
    noted: BTreeMap<XId, bool>,
}

/// What an account is to be subscribed to.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    handle: String,
    transport: Transport,
    target: Target,
    subjects: Vec<Subject>,
    /// How often the account was connected: X deletes subscriptions with the authorisation.
    times_connected: i64,
}

/// Attempts that failed, in a row.
struct Failed {
    /// To do what; `None`: to delete all subscriptions.
    wanted: Option<Wanted>,
    times: u32,
    /// When the next one is due.
    retry: Instant,
}

impl Loop for Subscribing {
    async fn step(&mut self) -> Result<Next, StoreError> {
        for account in self.shared.app.store().accounts().await? {
            if self.stop.is_cancelled() {
                break;
            }
            let wanted = match self.shared.pushed_by(&account) {
                None => None,
                Some(transport) => match self.shared.push.target(transport) {
                    Some(target) => Some(self.wanted(&account, transport, target)),
                    // Its loop tells why it is closed. What the account left is not relied on.
                    None => {
                        self.shared.end_push(&account.id);
                        self.done.remove(&account.id);
                        continue;
                    }
                },
            };
            if self.done.get(&account.id) == Some(&wanted) || self.waits(&account.id, wanted.as_ref()) {
                continue;
            }
            self.shared.end_push(&account.id);
            match wanted {
                Some(wanted) => self.subscribe(&account, wanted).await?,
                None => self.leave(&account).await?,
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
            done: BTreeMap::new(),
            failed: BTreeMap::new(),
            noted: BTreeMap::new(),
        }
    }

    fn wanted(&self, account: &ConnectedAccount, transport: Transport, target: Target) -> Wanted {
        let direct = self.shared.app.rules().desk.edition == Edition::Suite;
        let settings = self.shared.app.settings();
        let declared = settings.accounts.get(&account.handle);
        Wanted {
            handle: account.handle.clone(),
            transport,
            target,
            subjects: declared.map(|declared| subjects(declared, direct)).unwrap_or_default(),
            times_connected: account.times_connected,
        }
    }

    /// Whether the next attempt to do this is due later.
    fn waits(&self, account: &XId, wanted: Option<&Wanted>) -> bool {
        self.failed.get(account).is_some_and(|failed| failed.wanted.as_ref() == wanted && Instant::now() < failed.retry)
    }

    async fn subscribe(&mut self, account: &ConnectedAccount, wanted: Wanted) -> Result<(), StoreError> {
        self.note(account, true).await?;
        match self.deliver(account, &wanted.subjects, wanted.target.webhook.as_deref()).await {
            None => {}
            Some(Ok(())) => {
                self.shared.push_works(account, wanted.transport, &wanted.target).await?;
                self.done(account, Some(wanted));
            }
            Some(Err(error)) => {
                let why = format!("cannot subscribe to its events: {error}");
                let transport = wanted.transport;
                let (failures, wait) = self.count_failure(account, Some(wanted), &error);
                self.shared.push_fails(account, transport, &why, (failures, failures == 1), wait).await?;
            }
        }
        Ok(())
    }

    /// Deletes the subscriptions of an account that uses none any more.
    async fn leave(&mut self, account: &ConnectedAccount) -> Result<(), StoreError> {
        self.shared.push_is_fine(account).await?;
        // X deletes them with the authorisation.
        let may_have = matches!(account.state, AccountState::Connected | AccountState::Deactivated);
        if !may_have || !self.is_noted(account).await? {
            self.done(account, None);
            return Ok(());
        }
        match self.deliver(account, &[], None).await {
            None => {}
            Some(Ok(()) | Err(XError::Refused(Refusal::GrantDead(_)))) => {
                self.note(account, false).await?;
                self.done(account, None);
            }
            Some(Err(error)) => {
                let (failures, wait) = self.count_failure(account, None, &error);
                if failures == 1 {
                    let seconds = wait.as_secs();
                    tracing::warn!(
                        "@{}: its subscriptions at X cannot be deleted: {error} (retrying in {seconds} s)",
                        account.handle
                    );
                }
            }
        }
        Ok(())
    }

    fn done(&mut self, account: &ConnectedAccount, wanted: Option<Wanted>) {
        self.failed.remove(&account.id);
        self.done.insert(account.id.clone(), wanted);
    }

    /// Records that an attempt failed. Returns how often in a row, and the wait before the next.
    fn count_failure(&mut self, account: &ConnectedAccount, wanted: Option<Wanted>, error: &XError) -> (u32, Duration) {
        self.done.remove(&account.id);
        let before = self.failed.get(&account.id).filter(|failed| failed.wanted == wanted);
        let times = before.map_or(1, |failed| failed.times.saturating_add(1));
        let wait = RETRY_EVERY.max(error.wait().unwrap_or_default());
        self.failed.insert(account.id.clone(), Failed { wanted, times, retry: Instant::now() + wait });
        (times, wait)
    }

    /// Makes X deliver these events of an account there, and no others; `None` if stopped, or if there is no client: that is
    /// reported elsewhere.
    async fn deliver(
        &self,
        account: &ConnectedAccount,
        subjects: &[Subject],
        webhook: Option<&str>,
    ) -> Option<Result<(), XError>> {
        let (client, tag) = (self.shared.client(account)?, self.shared.subscription_tag());
        let deliver = client.deliver(subjects, webhook, &tag);
        let delivered = self.shared.unless_stopped(&self.stop, MAX_LAST_REQUEST, deliver).await?;
        // The loop that renews the lease reports this.
        (!matches!(delivered, Err(XError::Tokens(TokenError::Superseded)))).then_some(delivered)
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
