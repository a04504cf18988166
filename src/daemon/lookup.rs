//! Requests to X for single posts: unknown parents of posts on tickets, and whether posts on tickets still exist.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;

use tokio_util::sync::CancellationToken;

use super::{
    poll::spread,
    run::{Loop, Next},
    shared::{MAX_LAST_REQUEST, Shared},
};
use crate::{
    desk::{AccountState, ConnectedAccount, Incoming, IncomingKind, PostFacts, Transport, XId},
    store::StoreError,
    x::{Page, Post, client::MAX_IDS, limits::Limits, transport::poll::next_poll},
};

/// Idle time between two checks for posts to look up; new messages shorten it.
pub(super) const NOTHING_TO_ASK: Duration = Duration::from_secs(60);
/// The name of this activity in notices and pauses.
const LOOKING_UP: &str = "looking up posts";
/// How long after a ticket was opened likes, reposts and replies of its post are read again more often than its
/// existence is checked. A post is old after a few days.
const GROWS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// First wait after a failure for which X names no wait.
const AFTER_FAILURE: Duration = Duration::from_secs(15);

/// Outcome of a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupOutcome {
    /// There were no posts to look up.
    Nothing,
    /// X responded.
    Answered,
    /// X did not respond; the next lookup is due after this wait.
    Later(Duration),
}

/// Looks up posts at X.
pub struct Lookup {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Number of consecutive failures.
    failures: u32,
}

impl Loop for Lookup {
    async fn step(&mut self) -> Result<Next, StoreError> {
        let mut outcome = self.parents().await?;
        if outcome == LookupOutcome::Nothing {
            outcome = self.counts().await?;
        }
        if outcome == LookupOutcome::Nothing {
            outcome = self.recheck().await?;
        }
        Ok(match outcome {
            LookupOutcome::Answered => Next::Now,
            LookupOutcome::Nothing => Next::Idle,
            LookupOutcome::Later(wait) => Next::After(wait),
        })
    }
}

impl Lookup {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self { shared: shared.clone(), stop: stop.clone(), failures: 0 }
    }

    /// Fetches unknown parents of posts on tickets.
    pub async fn parents(&mut self) -> Result<LookupOutcome, StoreError> {
        let missing = self.shared.app.store().missing_parents(MAX_IDS).await?;
        let (account, mut page) = match self.ask(&missing).await? {
            Ok(answer) => answer,
            Err(outcome) => return Ok(outcome),
        };
        // It may only be invisible to this account, and nothing of it is stored.
        page.gone.clear();
        self.take_in(&account, page).await?;
        // Recorded even for posts that X did not return: they are deleted or not visible to this account.
        let mut tx = self.shared.app.store().begin().await?;
        tx.asked(&missing).await?;
        tx.commit().await?;
        Ok(LookupOutcome::Answered)
    }

    /// Reads again what other people did with the posts that opened tickets, while rules ask for it.
    pub async fn counts(&mut self) -> Result<LookupOutcome, StoreError> {
        let minutes = self.shared.app.settings().x.count_minutes;
        if minutes == 0 || !self.shared.app.rules().read_later(&PostFacts::COUNTS) {
            return Ok(LookupOutcome::Nothing);
        }
        let now = self.shared.app.clock().now();
        let before = |time: SignedDuration| now.saturating_sub(time).unwrap_or_default();
        let counted = before(SignedDuration::from_mins(i64::from(minutes)));
        let uncounted = self.shared.app.store().uncounted_since(counted, before(GROWS), MAX_IDS).await?;
        self.read_again(&uncounted).await
    }

    /// Checks whether posts on tickets still exist at X. Polling does not report deletions, and X requires that deleted
    /// content is erased.
    pub async fn recheck(&mut self) -> Result<LookupOutcome, StoreError> {
        let hours = self.shared.app.settings().x.recheck_hours;
        if hours == 0 {
            return Ok(LookupOutcome::Nothing);
        }
        let now = self.shared.app.clock().now();
        let since = now.saturating_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or_default();
        let unseen = self.shared.app.store().unseen_since(since, MAX_IDS).await?;
        self.read_again(&unseen).await
    }

    /// Fetches posts on tickets again, takes in what changed, and records what other people did with them.
    async fn read_again(&mut self, posts: &[XId]) -> Result<LookupOutcome, StoreError> {
        let (account, mut page) = match self.ask(posts).await? {
            Ok(answer) => answer,
            Err(outcome) => return Ok(outcome),
        };
        page.gone.retain(|post| posts.contains(post));
        let read: Vec<_> = page.items.iter().flatten().map(|post| (post.id.clone(), post.facts.clone())).collect();
        self.take_in(&account, page).await?;
        let now = self.shared.app.clock().now();
        let mut tx = self.shared.app.store().begin().await?;
        for (post, facts) in &read {
            tx.counted(post, facts, now).await?;
        }
        tx.checked(posts, now).await?;
        tx.commit().await?;
        Ok(LookupOutcome::Answered)
    }

    /// Fetches posts as the first connected account. The inner error is the outcome if there is no response.
    async fn ask(
        &mut self,
        posts: &[XId],
    ) -> Result<Result<(ConnectedAccount, Page<Post>), LookupOutcome>, StoreError> {
        if posts.is_empty() {
            return Ok(Err(LookupOutcome::Nothing));
        }
        let accounts = self.shared.app.store().accounts().await?;
        let Some(account) = accounts.into_iter().find(|account| account.state == AccountState::Connected) else {
            return Ok(Err(LookupOutcome::Nothing));
        };
        let Some(client) = self.shared.client(&account) else { return Ok(Err(LookupOutcome::Nothing)) };
        let Some(answered) = self.shared.unless_stopped(&self.stop, MAX_LAST_REQUEST, client.posts_by_ids(posts)).await
        else {
            return Ok(Err(LookupOutcome::Later(Duration::ZERO)));
        };
        match answered {
            Ok(answered) => {
                self.shared.tell_success(&account, LOOKING_UP, std::mem::take(&mut self.failures));
                self.shared.resume(&account, &[LOOKING_UP]).await?;
                Ok(Ok((account, answered.answer)))
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.shared.tell_failure(&account, LOOKING_UP, self.failures, &error).await;
                let limits = Limits { resets_in: error.wait(), ..Limits::default() };
                Ok(Err(LookupOutcome::Later(next_poll(AFTER_FAILURE, &limits, self.failures, spread()))))
            }
        }
    }

    /// Puts the posts of a page into the inbox, and those that are gone as deletions.
    async fn take_in(&self, account: &ConnectedAccount, page: Page<Post>) -> Result<(), StoreError> {
        let mut items: Vec<_> = page.gone.into_iter().map(Incoming::deleted).collect();
        for item in page.items {
            match item {
                Ok(post) => items.push(post.into_incoming(IncomingKind::Post)),
                Err(broken) => {
                    self.shared.set_aside_raw(account, Transport::Lookup, IncomingKind::Post, &broken).await?;
                }
            }
        }
        self.shared.app.accept(account, Transport::Lookup, &items, None).await.map(drop)
    }
}
