//! Messages into the inbox: by polling, and, for the demo, from a file.

use std::time::Duration;

use super::{Daemon, Notice};
use crate::{
    desk::XId,
    store::{ConnectedAccount, GRANT, IncomingKind, StoreError},
    x::{
        Post, Unreadable, XError,
        limits::Limits,
        poll::{Endpoint, incoming_post, next_poll, walk},
    },
};

/// What came of one walk along an endpoint.
pub(super) struct Walked {
    /// Messages that were not known.
    pub(super) new: usize,
    /// How long to wait before the next walk.
    pub(super) wait: Duration,
}

impl Daemon {
    /// Fetches everything new on one endpoint of one account into the inbox. What X refuses is told and
    /// waited for; only the store's own errors come back.
    ///
    /// # Errors
    /// When the store fails: nothing was accepted, and the next walk finds the same again.
    pub(super) async fn walk(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        failures: &mut u32,
    ) -> Result<Walked, StoreError> {
        let every = Duration::from_secs(self.rules().desk.x.poll_seconds.max(1));
        let Some(client) = self.client(account) else { return Ok(Walked { new: 0, wait: every }) };
        let cursor = self.store.cursor(&account.id, endpoint.name()).await?;
        let known = self.store.known_ids(&account.id, endpoint.kind()).await?;
        match walk(&client, account, endpoint, cursor.as_deref(), &|id| known.contains(id)).await {
            Ok(walked) => {
                *failures = 0;
                self.resume(account, &[endpoint.name(), GRANT]).await?;
                for broken in &walked.unreadable {
                    self.set_aside_raw(&account.id, endpoint.kind(), broken).await?;
                }
                let cursor = walked.cursor.as_deref().map(|value| (endpoint.name(), value));
                let accepted = self.store.accept(&account.id, &walked.items, cursor).await?;
                if accepted.new > 0 {
                    self.work.notify_one();
                }
                Ok(Walked { new: accepted.new, wait: next_poll(every, &walked.limits, 0, 0.0) })
            }
            Err(error) => {
                *failures = failures.saturating_add(1);
                self.tell_failure(account, endpoint.name(), *failures, &error).await;
                let limits = Limits { resets_in: error.wait(), ..Limits::default() };
                Ok(Walked { new: 0, wait: next_poll(every, &limits, *failures, spread()) })
            }
        }
    }

    /// Tells that X did not do what was asked: the first time, and now and then while it goes on.
    pub(super) async fn tell_failure(&self, account: &ConnectedAccount, what: &str, failures: u32, error: &XError) {
        if let XError::Refused(refusal) = error
            && refusal.is_about_account()
        {
            if let Err(error) = self.pause(account, what, refusal).await {
                self.trouble(&error).await;
            }
        } else if failures == 1 || failures.is_multiple_of(20) {
            self.notices.tell(Notice::Trouble {
                message: format!("@{} {what}: {error} (failed {failures} times, tried again)", account.handle),
            });
        }
    }

    /// Takes a message that came by another way than X: from a file, in the demo and in tests.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn feed(&self, account: &XId, posts: Vec<Post>) -> Result<usize, StoreError> {
        let items: Vec<_> = posts.into_iter().map(|post| incoming_post(post, IncomingKind::Post)).collect();
        let accepted = self.store.accept(account, &items, None).await?;
        self.work.notify_one();
        Ok(accepted.new)
    }

    pub(super) async fn set_aside_raw(
        &self,
        account: &XId,
        kind: IncomingKind,
        broken: &Unreadable,
    ) -> Result<(), StoreError> {
        if self.store.set_aside_raw(account, kind, broken.id.as_ref(), &broken.raw, &broken.reason).await? {
            self.notices.tell(Notice::SetAside { reason: broken.reason.clone() });
        }
        Ok(())
    }
}

/// A number from 0 to 1, to spread retries with.
pub(super) fn spread() -> f64 {
    let mut byte = [0];
    // Without randomness everybody waits as long as everybody else, which is no more than a pity.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}
