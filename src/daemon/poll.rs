//! Polling: fetches new messages from X into the inbox.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    run::{Loop, Next, run_until},
    shared::{MAX_LAST_REQUEST, Shared},
    trouble::AFTER_TROUBLE,
};
use crate::{
    app::Notice,
    desk::{AccountState, ConnectedAccount, Overruled, Transport, XId},
    store::{GRANT, Gap, Stall, StoreError},
    x::{
        Refusal, XError,
        client::Answered,
        limits::Limits,
        oauth::missing_scopes,
        transport::poll::{Endpoint, PageRead, Position, Shortfall, Stretch, may_go_on, next_poll, read_page},
    },
};

/// Interval at which the list of connected accounts is read again.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(2);
/// The window of X's rate limits.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// A wait is reported if it is longer than this many usual waits.
const SLOW: u32 = 4;

/// Runs one polling task for each endpoint of each connected account, and updates them as accounts change.
pub(super) struct PollAccounts {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// The tasks, by account, endpoint, handle, and how often the account was connected: new tokens start a new task,
    /// which does not wait for the next try of the old one.
    running: BTreeMap<(XId, &'static str, String, i64), (CancellationToken, AbortHandle)>,
    polls: JoinSet<()>,
    /// Declared accounts already reported as not connected.
    unconnected: Vec<String>,
    /// What in the store has no effect, as already reported.
    overruled: Vec<Overruled>,
    /// What accounts need a person for, as already reported; `None` before the first step.
    needs: Option<Vec<String>>,
}

impl Loop for PollAccounts {
    async fn step(&mut self) -> Result<Next, StoreError> {
        while self.polls.try_join_next().is_some() {}
        // Somebody may have changed them by a command.
        let accounts = self.shared.app.refresh_accounts().await?.connected;
        self.tell_overruled();
        self.tell_unconnected(&accounts);
        self.tell_needs(&accounts).await?;
        let mut wanted = BTreeMap::new();
        for account in &accounts {
            for endpoint in self.shared.endpoints(account) {
                let key = (account.id.clone(), endpoint.name(), account.handle.clone(), account.times_connected);
                wanted.insert(key, (account.clone(), endpoint));
            }
        }
        self.running.retain(|key, (stop, task)| {
            let keep = wanted.contains_key(key) && !task.is_finished();
            if !keep {
                stop.cancel();
            }
            keep
        });
        for (key, (account, endpoint)) in wanted {
            self.running.entry(key).or_insert_with(|| {
                let (shared, stop) = (self.shared.clone(), self.stop.child_token());
                let wake = shared.push.wake(&account.id, endpoint);
                let mut poll = Poll::new(&shared, &stop, account, endpoint);
                let stopped = stop.clone();
                let task = self.polls.spawn(async move {
                    // Each poll schedules the next one itself.
                    run_until(&stopped, &wake, Duration::ZERO, &shared.trouble, &mut poll).await;
                });
                (stop, task)
            });
        }
        Ok(Next::After(ACCOUNTS_EVERY))
    }

    async fn finish(&mut self) {
        while self.polls.join_next().await.is_some() {}
    }
}

impl PollAccounts {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self {
            shared: shared.clone(),
            stop: stop.clone(),
            running: BTreeMap::new(),
            polls: JoinSet::new(),
            unconnected: vec![],
            overruled: vec![],
            needs: None,
        }
    }

    /// Reports what in the store has no effect, because `twite.toml` leaves no room for it, whenever that changes.
    fn tell_overruled(&mut self) {
        let overruled = self.shared.app.live().overruled();
        for new in overruled.iter().filter(|one| !self.overruled.contains(one)) {
            let message = format!("@{}: {new}", new.handle);
            self.shared.app.notices().tell(Notice::Trouble { message });
        }
        self.overruled = overruled;
    }

    /// Reports scopes that were not granted, whenever they change, and at the start the accounts that are no longer
    /// authorized; later, the call that X refuses reports that.
    async fn tell_needs(&mut self, accounts: &[ConnectedAccount]) -> Result<(), StoreError> {
        let (settings, mut needs, mut lacking) = (self.shared.app.settings(), vec![], vec![]);
        for (declared, account) in accounts.iter().filter_map(|a| Some((settings.accounts.get(&a.handle)?, a))) {
            let handle = &account.handle;
            let remedy = format!("run `twite accounts reauthorise {handle}`");
            match account.state {
                AccountState::Unauthorised if self.needs.is_none() => {
                    needs.push(format!("@{handle} is no longer authorized, and receives and sends nothing; {remedy}"));
                }
                AccountState::Connected => {
                    let missing = missing_scopes(declared, &account.scopes);
                    let missing = missing.iter().map(|missing| format!("@{handle}: {missing}; {remedy}"));
                    let missing: Vec<_> = missing.collect();
                    needs.extend(missing.clone());
                    lacking.push((account, missing));
                }
                _ => {}
            }
        }
        if self.needs.as_ref() == Some(&needs) {
            return Ok(());
        }
        for (account, missing) in lacking {
            self.shared.mail_missing_scopes(account, &missing).await?;
        }
        let told = self.needs.take().unwrap_or_default();
        for message in needs.iter().filter(|need| !told.contains(need)) {
            self.shared.app.notices().tell(Notice::Trouble { message: message.clone() });
        }
        self.needs = Some(needs);
        Ok(())
    }

    /// Reports declared accounts that are not connected, whenever their list changes.
    fn tell_unconnected(&mut self, accounts: &[ConnectedAccount]) {
        let settings = self.shared.app.settings();
        let linked = || accounts.iter().filter(|account| account.state != AccountState::Unlinked);
        let is_connected = |handle: &str| linked().any(|account| account.handle.eq_ignore_ascii_case(handle));
        let declared = settings.accounts.iter().map(|account| account.handle.clone());
        let unconnected: Vec<_> = declared.filter(|handle| !is_connected(handle)).collect();
        if let Some(first) = unconnected.first().filter(|_| unconnected != self.unconnected) {
            let all = unconnected.iter().map(|handle| format!("@{handle}")).collect::<Vec<_>>().join(", ");
            let message = format!(
                "accounts not connected: {all}. They receive and send nothing; run `twite accounts add {first}`"
            );
            self.shared.app.notices().tell(Notice::Trouble { message });
        }
        self.unconnected = unconnected;
    }
}

/// Result of polling an endpoint.
pub(super) struct Polled {
    /// Number of messages that were not known before.
    pub(super) new: usize,
    /// Whether there are more pages than this poll could read.
    pub(super) more: bool,
    /// Wait before the next poll.
    pub(super) wait: Duration,
}

/// Polls one endpoint of one account.
pub(super) struct Poll {
    shared: Arc<Shared>,
    stop: CancellationToken,
    account: ConnectedAccount,
    endpoint: Endpoint,
    /// Number of consecutive failures.
    failures: u32,
    /// Whether the store records that polling is stalled; `None` if not known yet.
    stalled: Option<bool>,
    /// Whether it has been logged that X's rate limit slows the polling down.
    paced: bool,
}

impl Loop for Poll {
    async fn step(&mut self) -> Result<Next, StoreError> {
        let polled = self.poll().await;
        self.shared.polled(&self.account, self.endpoint);
        let x = &self.shared.app.settings().x;
        let wait = match polled {
            Ok(polled) if polled.more => return Ok(Next::After(polled.wait)),
            Ok(polled) => polled.wait,
            Err(error) => {
                self.shared.trouble.tell(&error);
                // The call to X was made nevertheless, and X charges for it, so the interval is kept.
                return Ok(Next::After(AFTER_TROUBLE.max(Duration::from_secs(x.poll_seconds))));
            }
        };
        Ok(match self.shared.push.works_for(&self.account.id) {
            Some(_) => Next::Between(wait, wait.max(Duration::from_secs(x.backup_poll_seconds))),
            None => Next::After(wait),
        })
    }
}

impl Poll {
    pub(super) fn new(
        shared: &Arc<Shared>,
        stop: &CancellationToken,
        account: ConnectedAccount,
        endpoint: Endpoint,
    ) -> Self {
        Self { shared: shared.clone(), stop: stop.clone(), account, endpoint, failures: 0, stalled: None, paced: false }
    }

    /// Fetches new messages from the endpoint into the inbox and then, as far as the rate limit allows, what earlier
    /// polls left unread. Failures of X are reported and delay the next poll; only errors of the store are returned.
    ///
    /// # Errors
    /// When the store fails: messages that were not stored are fetched again by the next poll.
    pub(super) async fn poll(&mut self) -> Result<Polled, StoreError> {
        let endpoint = self.endpoint;
        let every = Duration::from_secs(self.shared.app.settings().x.poll_seconds.max(1));
        let Some(client) = self.shared.client(&self.account) else {
            return Ok(Polled { new: 0, more: false, wait: every });
        };
        let stored = self.shared.app.store().position(&self.account.id, endpoint.name()).await?;
        // An unreadable position, such as one of an earlier version, is treated as absent: messages are fetched again.
        let mut position: Position = stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
        let mut stretch = position.from_top(&self.account, endpoint, self.shared.app.store().last_received().await?);
        let (mut new, mut pages, mut refused) = (0, 0, 0);
        let limits = loop {
            let Some(answered) =
                self.shared.unless_stopped(&self.stop, MAX_LAST_REQUEST, read_page(&client, endpoint, &stretch)).await
            else {
                return Ok(Polled { new, more: true, wait: Duration::ZERO });
            };
            let answered = match answered {
                Ok(answered) => answered,
                Err(error) => {
                    let is_refused = matches!(error, XError::Refused(Refusal::Other { status: 400, .. }));
                    // Pagination tokens expire.
                    if is_refused && pages > 0 && refused < 3 && position.place_refused(endpoint) {
                        refused += 1;
                        if let Some(unfinished) = position.unfinished() {
                            stretch = unfinished.clone();
                            continue;
                        }
                    }
                    return self.failed(new, every, &error).await;
                }
            };
            // Before anything waits for the database.
            if let Some(at) = answered.at {
                self.shared.check_clock(at);
            }
            pages += 1;
            new += self.take_page(&mut position, stretch, &answered).await?;
            match position.unfinished() {
                Some(unfinished) if may_go_on(&answered.limits, pages) => stretch = unfinished.clone(),
                _ => break answered.limits,
            }
        };
        self.shared.tell_success(&self.account, endpoint.name(), std::mem::take(&mut self.failures));
        self.shared.resume(&self.account, &[endpoint.name(), GRANT]).await?;
        let wait = next_poll(every, &limits, 0, 0.0);
        self.tell_pace(&limits, every, wait).await?;
        Ok(Polled { new, more: position.unfinished().is_some(), wait })
    }

    /// Stores the messages of a page together with the new position. Returns the number of messages not known before.
    async fn take_page(
        &self,
        position: &mut Position,
        stretch: Stretch,
        answered: &Answered<PageRead>,
    ) -> Result<usize, StoreError> {
        let page = &answered.answer;
        for broken in &page.unreadable {
            self.shared.set_aside_raw(&self.account, Transport::Poll, self.endpoint.kind(), broken).await?;
        }
        let received = if page.items.is_empty() {
            BTreeMap::new()
        } else {
            self.shared
                .app
                .store()
                .received(&self.account.id, self.endpoint.kind(), page.items.iter().map(|item| &item.x_id))
                .await?
        };
        let known_to = stretch.known_to;
        let known: BTreeSet<&XId> =
            received.iter().filter(|(_, row)| **row <= known_to).map(|((id, _), _)| id).collect();
        let is_known = |id: &XId| known.contains(id);
        let before = position.clone();
        let shortfall = position.note(self.endpoint, stretch, page, &is_known, answered.at);
        let mut items = page.items.clone();
        items.retain(|item| !received.contains_key(&(item.x_id.clone(), item.version.to_string())));
        items.sort_by(|a, b| a.version.cmp(&b.version));
        if let Some(shortfall) = shortfall {
            self.tell_shortfall(&shortfall).await?;
        }
        if items.is_empty() && *position == before {
            return Ok(0);
        }
        let written = serde_json::to_string(position).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let position = Some((self.endpoint.name(), written.as_str()));
        let new = self.shared.app.accept(&self.account, Transport::Poll, &items, position).await?;
        if new > 0 {
            self.shared.check_pushed(&self.account, self.endpoint, &items, answered.at);
        }
        Ok(new)
    }

    async fn failed(&mut self, new: usize, every: Duration, error: &XError) -> Result<Polled, StoreError> {
        self.failures = self.failures.saturating_add(1);
        let limits = Limits { resets_in: error.wait(), ..Limits::default() };
        let wait = next_poll(every, &limits, self.failures, spread());
        self.shared.tell_failure(&self.account, self.endpoint.name(), self.failures, error).await;
        let throttled = matches!(error, XError::Refused(Refusal::RateLimited { .. }));
        self.note_stall(Some((&error.to_string(), wait, throttled))).await?;
        Ok(Polled { new, more: false, wait })
    }

    /// Logs when X's rate limit slows the endpoint down, and records when it stops it for a while, because no calls are
    /// left or few. The usual wait spreads all calls of a window evenly.
    async fn tell_pace(&mut self, limits: &Limits, every: Duration, wait: Duration) -> Result<(), StoreError> {
        let calls = limits.limit.map_or("unknown".to_owned(), |limit| limit.to_string());
        let usual =
            limits.limit.map_or(every, |limit| every.max(WINDOW / u32::try_from(limit.max(1)).unwrap_or(u32::MAX)));
        let why = match limits.remaining {
            Some(0) => Some(format!("rate limit reached: {calls} calls per window")),
            Some(left) if wait > usual * SLOW => Some(format!("only {left} of {calls} calls are left in this window")),
            _ => None,
        };
        if let Some(why) = why {
            if self.stalled != Some(true) {
                let message = format!(
                    "@{} {}: {why}; next poll in {} s",
                    self.account.handle,
                    self.endpoint.name(),
                    wait.as_secs()
                );
                self.shared.app.notices().tell(Notice::Failing { message });
            }
            return self.note_stall(Some((&why, wait, true))).await;
        }
        // Fractions of a second are ignored.
        let seconds = wait.as_secs_f64().round();
        if seconds > every.as_secs_f64() && !self.paced {
            self.paced = true;
            tracing::info!(
                "@{} {}: polling every {seconds} s instead of every {} s, because of X's rate limit ({calls} calls per window)",
                self.account.handle,
                self.endpoint.name(),
                every.as_secs()
            );
        }
        self.note_stall(None).await
    }

    /// Records for `twite status` that polling of the endpoint is stalled, or no longer is: why, the wait before the
    /// next poll, and whether X's rate limit is the reason.
    async fn note_stall(&mut self, why: Option<(&str, Duration, bool)>) -> Result<(), StoreError> {
        if why.is_none() && self.stalled == Some(false) {
            return Ok(());
        }
        let now = self.shared.app.clock().now();
        let next = |wait| now.saturating_add(wait).unwrap_or(now);
        let stall = why.map(|(why, wait, throttled)| Stall { why, next: next(wait), throttled });
        self.shared.app.store().stalled(&self.account.id, self.endpoint.name(), stall, now).await?;
        self.stalled = Some(why.is_some());
        Ok(())
    }

    /// Records and reports a gap: messages that X no longer lists.
    async fn tell_shortfall(&self, shortfall: &Shortfall) -> Result<(), StoreError> {
        let gap = Gap {
            account: self.account.id.clone(),
            endpoint: self.endpoint.name().to_owned(),
            known: shortfall.known.clone(),
            lowest: shortfall.lowest.clone(),
            acknowledged: None,
        };
        let message = format!("@{} {}: {}", self.account.handle, self.endpoint.name(), gap.line());
        self.shared.app.notices().tell(Notice::Trouble { message });
        self.shared.app.store().missed(&gap).await
    }
}

/// A random number from 0 to 1, as jitter for retries.
pub(super) fn spread() -> f64 {
    let mut byte = [0];
    // Without randomness there is no jitter, which does no harm.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}
