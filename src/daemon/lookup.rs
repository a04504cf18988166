//! What is asked of X beside polling: the posts above those on tickets, and whether posts on tickets are still there.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Daemon, ingest::spread};
use crate::{
    app::Notice,
    desk::XId,
    store::{AccountState, ConnectedAccount, IncomingKind, StoreError},
    x::{
        Page, Post,
        client::MAX_IDS,
        limits::Limits,
        poll::{incoming_post, next_poll},
    },
};

/// How long to wait for something to ask for; new messages wake it sooner.
const NOTHING_TO_ASK: Duration = Duration::from_secs(60);
/// What an account does here, as it is told where X refuses it.
const LOOKING_UP: &str = "looking up posts";
/// From what on a failure is waited for, where X does not say how long.
const AFTER_FAILURE: Duration = Duration::from_secs(15);

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupOutcome {
    /// There was nothing to ask for.
    Nothing,
    /// X answered.
    Answered,
    /// X did not; not before this long.
    Later(Duration),
}

impl Daemon {
    /// Asks X for whatever there is to ask, until the task is dropped.
    pub(super) async fn run_lookups(&self) {
        let mut failures = 0;
        loop {
            let woken = self.lookups.notified();
            let outcome = match self.lookup_parents(&mut failures).await {
                Ok(LookupOutcome::Nothing) => self.recheck_posts(&mut failures).await,
                other => other,
            };
            match outcome {
                Ok(LookupOutcome::Answered) => {}
                Ok(LookupOutcome::Nothing) => {
                    // Whether it was woken or not, it looks.
                    let _ = tokio::time::timeout(NOTHING_TO_ASK, woken).await;
                }
                Ok(LookupOutcome::Later(wait)) => tokio::time::sleep(wait).await,
                Err(error) => self.trouble(&error).await,
            }
        }
    }

    /// Asks X for the posts above those on tickets, as far as they are not known.
    pub async fn lookup_parents(&self, failures: &mut u32) -> Result<LookupOutcome, StoreError> {
        let missing = self.store.missing_parents(MAX_IDS).await?;
        let (account, page) = match self.ask(&missing, failures).await? {
            Ok(answer) => answer,
            Err(outcome) => return Ok(outcome),
        };
        self.take_in(&account, page).await?;
        // Asked is asked: what X does not give is gone, or not for this account to see.
        let mut tx = self.store.begin().await?;
        tx.asked(&missing).await?;
        tx.commit().await?;
        Ok(LookupOutcome::Answered)
    }

    /// Asks X whether posts on tickets are still there. Polling does not tell of those that were deleted, and X wants
    /// nobody to keep what they said.
    pub async fn recheck_posts(&self, failures: &mut u32) -> Result<LookupOutcome, StoreError> {
        let hours = self.rules().desk.x.recheck_hours;
        if hours == 0 {
            return Ok(LookupOutcome::Nothing);
        }
        let now = self.clock.now();
        let since = now.saturating_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or_default();
        let unseen = self.store.unseen_since(since, MAX_IDS).await?;
        let (account, page) = match self.ask(&unseen, failures).await? {
            Ok(answer) => answer,
            Err(outcome) => return Ok(outcome),
        };
        let gone = page.gone.clone();
        self.take_in(&account, page).await?;
        let mut tx = self.store.begin().await?;
        tx.checked(&unseen, now).await?;
        let mut tickets = vec![];
        for post in gone.iter().filter(|post| unseen.contains(post)) {
            tickets.extend(tx.delete_post(post).await?);
        }
        tx.commit().await?;
        if !tickets.is_empty() {
            self.store.purge().await?;
            tickets.into_iter().for_each(|ticket| self.notices.tell(Notice::Deleted { ticket }));
        }
        Ok(LookupOutcome::Answered)
    }

    /// Asks for posts as the first account that may ask. What came instead of an answer is the error.
    async fn ask(
        &self,
        posts: &[XId],
        failures: &mut u32,
    ) -> Result<Result<(ConnectedAccount, Page<Post>), LookupOutcome>, StoreError> {
        if posts.is_empty() {
            return Ok(Err(LookupOutcome::Nothing));
        }
        let accounts = self.store.accounts().await?;
        let Some(account) = accounts.into_iter().find(|account| account.state == AccountState::Connected) else {
            return Ok(Err(LookupOutcome::Nothing));
        };
        let Some(client) = self.client(&account) else { return Ok(Err(LookupOutcome::Nothing)) };
        match client.posts_by_ids(posts).await {
            Ok(answered) => {
                *failures = 0;
                self.resume(&account, &[LOOKING_UP]).await?;
                Ok(Ok((account, answered.answer)))
            }
            Err(error) => {
                *failures = failures.saturating_add(1);
                self.tell_failure(&account, LOOKING_UP, *failures, &error).await;
                let limits = Limits { resets_in: error.wait(), ..Limits::default() };
                Ok(Err(LookupOutcome::Later(next_poll(AFTER_FAILURE, &limits, *failures, spread()))))
            }
        }
    }

    async fn take_in(&self, account: &ConnectedAccount, page: Page<Post>) -> Result<(), StoreError> {
        let mut items = vec![];
        for item in page.items {
            match item {
                Ok(post) => items.push(incoming_post(post, IncomingKind::Post)),
                Err(broken) => {
                    self.set_aside_raw(&account.id, IncomingKind::Post, &broken).await?;
                }
            }
        }
        if self.store.accept(&account.id, &items, None, self.clock.now()).await?.new > 0 {
            self.work.notify_one();
        }
        Ok(())
    }
}
