//! Schedules automations: evaluates tickets on the minute they are due, within the rate limit, and rechecks all open
//! tickets after automations or opening hours have changed.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    run::{Loop, Next},
    shared::Shared,
};
use crate::{
    app::{Notice, Recheck, automations_fingerprint},
    engine::{minute, next_minute},
    store::StoreError,
};

/// Maximum wait at startup for messages written during downtime, before automations are caught up.
const FIRST_POLLS: Duration = Duration::from_secs(30);
/// Interval between checks whether the first polls are done.
const FIRST_POLLS_EVERY: Duration = Duration::from_millis(100);

/// Evaluates automations on due tickets.
pub(super) struct Scheduler {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Whether the messages written during downtime have been processed.
    is_current: bool,
    /// The minute for which it was last recorded how far automations are evaluated.
    recorded: Option<Timestamp>,
    rate_limit: RateLimit,
    /// Fingerprint of the automations and opening hours for which all open tickets were last rechecked.
    rechecked: Option<String>,
    /// Version of the rules for which stopped loops were last resumed, and volumes forgotten.
    resumed: Option<String>,
}

/// Rate limit: number of tickets on which automations fired in the current minute.
#[derive(Debug, Default)]
struct RateLimit {
    minute: Timestamp,
    fired: u32,
    /// Whether the notice that more tickets are due has been sent for this minute.
    told: bool,
}

impl Loop for Scheduler {
    async fn step(&mut self) -> Result<Next, StoreError> {
        if !self.is_current {
            self.first_polls().await;
            if self.stop.is_cancelled() {
                return Ok(Next::Idle);
            }
            self.is_current = true;
        }
        if self.evaluate_next().await? {
            return Ok(Next::Now);
        }
        let now = self.shared.app.clock().now();
        Ok(Next::After(Duration::try_from(now.duration_until(next_minute(now))).unwrap_or_default()))
    }
}

impl Scheduler {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self {
            shared: shared.clone(),
            stop: stop.clone(),
            is_current: false,
            recorded: None,
            rate_limit: RateLimit::default(),
            rechecked: None,
            resumed: None,
        }
    }

    /// Waits until the messages written during downtime are fetched and processed, because they may change what is due.
    /// Gives up after `FIRST_POLLS` if X does not respond.
    async fn first_polls(&self) {
        let store = self.shared.app.store();
        let done = async {
            loop {
                let has_polled = match store.accounts().await {
                    Ok(accounts) => self.shared.has_polled_all(&accounts),
                    Err(_) => false,
                };
                if has_polled && store.pending(1).await.is_ok_and(|pending| pending.is_empty()) {
                    return;
                }
                tokio::time::sleep(FIRST_POLLS_EVERY).await;
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(FIRST_POLLS, done) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Evaluates due tickets or, if none is due, continues to recheck open tickets after a change of automations.
    /// Returns whether there is more to do at once.
    pub(super) async fn evaluate_next(&mut self) -> Result<bool, StoreError> {
        let app = self.shared.app.clone();
        let now = app.clock().furthest();
        let rules = app.rules();
        if self.recorded != Some(minute(now)) {
            app.record_evaluated(now).await?;
            self.recorded = Some(minute(now));
            app.forget_uncaptured(now).await?;
            app.store().forget_sign_ins(now).await?;
        }
        if self.resumed.as_ref() != Some(&rules.version.hash) {
            app.resume_stopped(&rules, now).await?;
            app.forget_volumes(&rules).await?;
            self.resumed = Some(rules.version.hash.clone());
        }
        if app.end_volumes(now).await? {
            return Ok(true);
        }
        let allowed = self.allowed(now, app.settings().limits.automations_per_minute).await?;
        if allowed > 0
            && let Some(fired) = app.evaluate_due(now, allowed).await?
        {
            self.rate_limit.fired += fired;
            return Ok(true);
        }
        let wanted = automations_fingerprint(&rules);
        if self.rechecked.as_ref() == Some(&wanted) {
            return Ok(false);
        }
        match app.recheck_next(&wanted, now).await? {
            Recheck::More => Ok(true),
            Recheck::Done => {
                self.rechecked = Some(wanted);
                Ok(false)
            }
        }
    }

    /// Number of tickets on which automations may still fire in this minute.
    async fn allowed(&mut self, now: Timestamp, most: u32) -> Result<u32, StoreError> {
        if self.rate_limit.minute != minute(now) {
            self.rate_limit = RateLimit { minute: minute(now), ..RateLimit::default() };
        }
        let left = most.saturating_sub(self.rate_limit.fired);
        if left == 0 && !std::mem::replace(&mut self.rate_limit.told, true) {
            let waiting = self.shared.app.store().count_due(now).await?;
            if waiting > 0 {
                self.shared.app.notices().tell(Notice::Behind { waiting, most });
            }
        }
        Ok(left)
    }
}
