//! What is asked of X beside polling: the posts above those on tickets, and whether posts on tickets are still there.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Daemon, Notice, ingest::spread};
use crate::{
    desk::XId,
    store::{AccountState, ConnectedAccount, IncomingKind, StoreError},
    x::{
        Page, Post,
        client::MOST_IDS,
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
pub enum Looked {
    /// There was nothing to ask for.
    Nothing,
    /// X answered.
    Answered,
    /// X did not; not before this long.
    Later(Duration),
}

impl Daemon {
    /// Asks X for whatever there is to ask, until the task is dropped.
    pub(super) async fn look(&self) {
        let mut failures = 0;
        loop {
            let woken = self.lookups.notified();
            let looked = match self.look_up_parents(&mut failures).await {
                Ok(Looked::Nothing) => self.look_again(&mut failures).await,
                other => other,
            };
            match looked {
                Ok(Looked::Answered) => {}
                Ok(Looked::Nothing) => {
                    // Whether it was woken or not, it looks.
                    let _ = tokio::time::timeout(NOTHING_TO_ASK, woken).await;
                }
                Ok(Looked::Later(wait)) => tokio::time::sleep(wait).await,
                Err(error) => self.trouble(&error).await,
            }
        }
    }

    /// Asks X for the posts above those on tickets, as far as they are not known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_up_parents(&self, failures: &mut u32) -> Result<Looked, StoreError> {
        let missing = self.store.missing_parents(MOST_IDS).await?;
        let (account, page) = match self.ask(&missing, failures).await? {
            Ok(answer) => answer,
            Err(looked) => return Ok(looked),
        };
        self.take_in(&account, page).await?;
        // Asked is asked: what X does not give is gone, or not for this account to see.
        let mut tx = self.store.begin().await?;
        tx.asked(&missing).await?;
        tx.commit().await?;
        Ok(Looked::Answered)
    }

    /// Asks X whether posts on tickets are still there. Polling does not tell of those that were deleted, and X wants
    /// nobody to keep what they said.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_again(&self, failures: &mut u32) -> Result<Looked, StoreError> {
        let hours = self.rules().desk.x.recheck_hours;
        if hours == 0 {
            return Ok(Looked::Nothing);
        }
        let now = self.clock.now();
        let since = now.saturating_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or_default();
        let unseen = self.store.unseen_since(since, MOST_IDS).await?;
        let (account, page) = match self.ask(&unseen, failures).await? {
            Ok(answer) => answer,
            Err(looked) => return Ok(looked),
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
            self.store.empty_log().await?;
            tickets.into_iter().for_each(|ticket| self.notices.tell(Notice::Deleted { ticket }));
        }
        Ok(Looked::Answered)
    }

    /// Asks for posts as the first account that may ask. What came instead of an answer is the error.
    async fn ask(
        &self,
        posts: &[XId],
        failures: &mut u32,
    ) -> Result<Result<(ConnectedAccount, Page<Post>), Looked>, StoreError> {
        if posts.is_empty() {
            return Ok(Err(Looked::Nothing));
        }
        let accounts = self.store.accounts().await?;
        let Some(account) = accounts.into_iter().find(|account| account.state == AccountState::Connected) else {
            return Ok(Err(Looked::Nothing));
        };
        let Some(client) = self.client(&account) else { return Ok(Err(Looked::Nothing)) };
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
                Ok(Err(Looked::Later(next_poll(AFTER_FAILURE, &limits, *failures, spread()))))
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
