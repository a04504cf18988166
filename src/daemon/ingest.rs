//! Messages into the inbox: by polling, and, for the demo, from a file.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::Daemon;
use crate::{
    app::Notice,
    desk::XId,
    store::{ConnectedAccount, GRANT, Gap, IncomingKind, StoreError},
    x::{
        Post, Refusal, Unreadable, XError,
        client::Answered,
        limits::Limits,
        poll::{Endpoint, PageRead, Position, Shortfall, Stretch, incoming_post, may_go_on, next_poll, read_page},
    },
};

/// What came of one poll of an endpoint.
pub(super) struct Polled {
    /// Messages that were not known.
    pub(super) new: usize,
    /// Whether there is more to read than this poll had calls for.
    pub(super) more: bool,
    /// How long to wait before the next poll.
    pub(super) wait: Duration,
}

/// How one endpoint does, as long as the daemon runs.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// How often in a row it failed.
    failures: u32,
    /// Whether it is noted that it stands still; not known at first.
    stalled: Option<bool>,
    /// Whether it was told that X sets the pace.
    paced: bool,
}

impl Daemon {
    /// Fetches what is new on one endpoint of one account into the inbox, and then, as far as there are calls for it, what
    /// earlier polls left. What X refuses is told and waited for; only the store's own errors come back.
    ///
    /// # Errors
    /// When the store fails: what was not accepted is found again by the next poll.
    pub(super) async fn poll_once(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        health: &mut Health,
    ) -> Result<Polled, StoreError> {
        let every = Duration::from_secs(self.rules().desk.x.poll_seconds.max(1));
        let Some(client) = self.client(account) else { return Ok(Polled { new: 0, more: false, wait: every }) };
        let stored = self.store.position(&account.id, endpoint.name()).await?;
        // One that an earlier version wrote, or nobody can read, is as good as none: what is known is taken once.
        let mut position: Position = stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        let mut stretch = position.from_top(account, endpoint, self.store.last_received().await?);
        let (mut new, mut pages, mut refused) = (0, 0, 0);
        let limits = loop {
            let answered = match read_page(&client, endpoint, &stretch).await {
                Ok(answered) => answered,
                Err(error) => {
                    let is_refused = matches!(error, XError::Refused(Refusal::Other { status: 400, .. }));
                    // Pages have places that do not hold for ever.
                    if is_refused && pages > 0 && refused < 3 && position.place_refused(endpoint) {
                        refused += 1;
                        if let Some(unfinished) = position.unfinished() {
                            stretch = unfinished.clone();
                            continue;
                        }
                    }
                    return self.poll_failed(account, endpoint, health, new, every, &error).await;
                }
            };
            pages += 1;
            new += self.take_page(account, endpoint, &mut position, stretch, &answered).await?;
            match position.unfinished() {
                Some(unfinished) if may_go_on(&answered.limits, pages) => stretch = unfinished.clone(),
                _ => break answered.limits,
            }
        };
        health.failures = 0;
        self.resume(account, &[endpoint.name(), GRANT]).await?;
        let wait = next_poll(every, &limits, 0, 0.0);
        self.tell_pace(account, endpoint, health, &limits, every, wait).await?;
        Ok(Polled { new, more: position.unfinished().is_some(), wait })
    }

    /// Accepts the messages of a page, together with how far that brings the endpoint. Returns how many were not known.
    async fn take_page(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        position: &mut Position,
        stretch: Stretch,
        answered: &Answered<PageRead>,
    ) -> Result<usize, StoreError> {
        let page = &answered.answer;
        for broken in &page.unreadable {
            self.set_aside_raw(&account.id, endpoint.kind(), broken).await?;
        }
        let received = if page.items.is_empty() {
            BTreeMap::new()
        } else {
            self.store.received(&account.id, endpoint.kind(), page.items.iter().map(|item| &item.x_id)).await?
        };
        let known_to = stretch.known_to;
        let known: BTreeSet<&XId> =
            received.iter().filter(|(_, row)| **row <= known_to).map(|((id, _), _)| id).collect();
        let is_known = |id: &XId| known.contains(id);
        let before = position.clone();
        let shortfall = position.note(endpoint, stretch, page, &is_known, answered.at);
        let mut items = page.items.clone();
        items.retain(|item| !received.contains_key(&(item.x_id.clone(), item.version.to_string())));
        items.sort_by(|a, b| a.version.cmp(&b.version));
        if let Some(shortfall) = shortfall {
            self.tell_shortfall(account, endpoint, &shortfall).await?;
        }
        if items.is_empty() && *position == before {
            return Ok(0);
        }
        let written = serde_json::to_string(position).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let accepted =
            self.store.accept(&account.id, &items, Some((endpoint.name(), &written)), self.clock.now()).await?;
        if accepted.new > 0 {
            self.work.notify_one();
        }
        Ok(accepted.new)
    }

    async fn poll_failed(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        health: &mut Health,
        new: usize,
        every: Duration,
        error: &XError,
    ) -> Result<Polled, StoreError> {
        health.failures = health.failures.saturating_add(1);
        let limits = Limits { resets_in: error.wait(), ..Limits::default() };
        let wait = next_poll(every, &limits, health.failures, spread());
        self.tell_failure(account, endpoint.name(), health.failures, error).await;
        self.note_stall(account, endpoint, health, Some((&error.to_string(), wait))).await?;
        Ok(Polled { new, more: false, wait })
    }

    /// Tells where X's limits make an endpoint slower than asked for, or stop it for a while.
    async fn tell_pace(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        health: &mut Health,
        limits: &Limits,
        every: Duration,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let calls = limits.limit.map_or("no more".to_owned(), |limit| limit.to_string());
        if limits.remaining == Some(0) {
            let why = format!("X takes {calls} calls in a while, and all are used up");
            if health.stalled != Some(true) {
                let message =
                    format!("@{} {}: {why}; asked again in {} s", account.handle, endpoint.name(), wait.as_secs());
                self.notices.tell(Notice::Trouble { message });
            }
            return self.note_stall(account, endpoint, health, Some((&why, wait))).await;
        }
        // A fraction of a second is no slower pace to anybody.
        let seconds = wait.as_secs_f64().round();
        if seconds > every.as_secs_f64() && !health.paced {
            health.paced = true;
            tracing::info!(
                "@{} {}: asked for every {seconds} s rather than every {} s, as X takes {calls} calls in a while",
                account.handle,
                endpoint.name(),
                every.as_secs()
            );
        }
        self.note_stall(account, endpoint, health, None).await
    }

    /// Keeps for `twite status` that an endpoint stands still, or does no more.
    async fn note_stall(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        health: &mut Health,
        why: Option<(&str, Duration)>,
    ) -> Result<(), StoreError> {
        if why.is_none() && health.stalled == Some(false) {
            return Ok(());
        }
        let now = self.clock.now();
        let why = why.map(|(why, wait)| (why, now.saturating_add(wait).unwrap_or(now)));
        self.store.stalled(&account.id, endpoint.name(), why, now).await?;
        health.stalled = Some(why.is_some());
        Ok(())
    }

    /// Tells that X did not show all there was.
    async fn tell_shortfall(
        &self,
        account: &ConnectedAccount,
        endpoint: Endpoint,
        shortfall: &Shortfall,
    ) -> Result<(), StoreError> {
        let gap = Gap {
            account: account.id.clone(),
            endpoint: endpoint.name().to_owned(),
            known: shortfall.known.clone(),
            lowest: shortfall.lowest.clone(),
        };
        let message = format!("@{} {}: {}", account.handle, endpoint.name(), gap.line());
        self.notices.tell(Notice::Trouble { message });
        self.store.missed(&gap).await
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
    pub async fn feed(&self, account: &XId, posts: Vec<Post>) -> Result<usize, StoreError> {
        let items: Vec<_> = posts.into_iter().map(|post| incoming_post(post, IncomingKind::Post)).collect();
        let accepted = self.store.accept(account, &items, None, self.clock.now()).await?;
        self.work.notify_one();
        Ok(accepted.new)
    }

    pub(super) async fn set_aside_raw(
        &self,
        account: &XId,
        kind: IncomingKind,
        broken: &Unreadable,
    ) -> Result<(), StoreError> {
        let (id, now) = (broken.id.as_ref(), self.clock.now());
        if self.store.set_aside_raw(account, kind, id, &broken.raw, &broken.reason, now).await? {
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
