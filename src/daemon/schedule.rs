//! Automations: tickets are looked at when time alone can have changed an answer, and never otherwise.
//!
//! Each ticket carries the next whole minute on which to look at it. Whatever happens to it moves that to the next
//! minute; each look moves it to the next instant that [`crate::engine::Evaluation`] computes. So the cost of a minute is that of the
//! tickets that come due in it. After the daemon was down, looks are made up as of the minutes they were due,
//! in their order, at a limited rate.
//!
//! When automations or opening hours change, every ticket that is not closed is looked at once, a few at a time and
//! only while nothing is due; how far that has come is kept.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::Daemon;
use crate::{
    app::{Notice, UnitOfWork},
    desk::TicketId,
    engine::{minute, next_minute},
    lang::rules::Rules,
    store::StoreError,
};

/// How many tickets are looked at in one transaction: messages wait no longer than that takes.
const BATCH_TICKETS: u32 = 100;
/// How long messages that were written while the daemon was down may take to come in before looks are made up.
const FIRST_POLLS: Duration = Duration::from_secs(30);
/// The name under which it is kept how far looking at every ticket has come.
const RECHECK: &str = "automations";

/// How fast automations may fire, and whether that was told.
#[derive(Debug, Default)]
pub(super) struct RateLimit {
    minute: Timestamp,
    fired: u32,
    told: bool,
}

impl Daemon {
    /// Looks at tickets as they come due, until told to stop.
    pub(super) async fn schedule(&self, mut stop: watch::Receiver<bool>) {
        self.first_polls(&mut stop).await;
        while !*stop.borrow() {
            match self.evaluate_next().await {
                Ok(true) => {}
                Ok(false) => {
                    let now = self.clock.now();
                    let wait = Duration::try_from(now.duration_until(next_minute(now))).unwrap_or_default();
                    // An error means that whoever could say stop is gone, which says it too.
                    let _ = tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await;
                }
                Err(error) => self.trouble(&error).await,
            }
        }
    }

    /// Waits until what was written while the daemon was down has been fetched and taken in: it may well change what is
    /// due. X that does not answer is not waited for.
    async fn first_polls(&self, stop: &mut watch::Receiver<bool>) {
        let done = async {
            loop {
                let walked = match self.store.accounts().await {
                    Ok(accounts) => accounts.iter().all(|account| {
                        let walked = self.polled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        self.endpoints(account).iter().all(|e| walked.contains(&(account.id.clone(), e.name())))
                    }),
                    Err(_) => false,
                };
                if walked && self.store.pending(1).await.is_ok_and(|pending| pending.is_empty()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(FIRST_POLLS, done) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Looks at the tickets that are due, or, where none is, goes on with those whose automations have changed. Returns
    /// whether there is more to do at once.
    ///
    /// # Errors
    /// When the store fails: nothing was looked at then.
    pub async fn evaluate_next(&self) -> Result<bool, StoreError> {
        let now = self.clock.furthest();
        self.resume_stopped(now).await?;
        let allowed = self.allowed(now).await?;
        if allowed > 0 && self.evaluate_due(now, allowed).await? {
            return Ok(true);
        }
        self.recheck_all(now).await
    }

    /// How many tickets automations may still fire on in this minute.
    async fn allowed(&self, now: Timestamp) -> Result<u32, StoreError> {
        let most = self.rules().desk.limits.automations_per_minute;
        let tell = {
            let mut rate_limit = self.rate_limit.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if rate_limit.minute != minute(now) {
                *rate_limit = RateLimit { minute: minute(now), ..RateLimit::default() };
            }
            let left = most.saturating_sub(rate_limit.fired);
            if left > 0 {
                return Ok(left);
            }
            !std::mem::replace(&mut rate_limit.told, true)
        };
        if tell {
            let waiting = self.store.count_due(now).await?;
            if waiting > 0 {
                self.notices.tell(Notice::Behind { waiting, most });
            }
        }
        Ok(0)
    }

    /// Lets automations go on where those that were stopped have changed since.
    async fn resume_stopped(&self, now: Timestamp) -> Result<(), StoreError> {
        let rules = self.rules().version.hash.clone();
        if self.resumed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref() == Some(&rules) {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        tx.resume_stopped(&rules, minute(now)).await?;
        tx.commit().await?;
        *self.resumed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(rules);
        Ok(())
    }

    async fn evaluate_due(&self, now: Timestamp, allowed: u32) -> Result<bool, StoreError> {
        // Asked first without the lock of a writer.
        if self.store.next_check().await?.is_none_or(|next| next > now) {
            return Ok(false);
        }
        let rules = self.rules();
        self.remember(&rules).await?;
        let mut unit = UnitOfWork::new(self.store.begin().await?, rules, self.decider, &self.clock);
        let due = unit.tx.due(now, BATCH_TICKETS.min(allowed)).await?;
        let mut fired = 0;
        for (ticket, at) in &due {
            fired += u32::from(unit.check_ticket(*ticket, *at).await?);
        }
        unit.commit(&self.notices).await?;
        self.rate_limit.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fired += fired;
        if fired > 0 {
            self.mail.notify_one();
        }
        Ok(!due.is_empty())
    }

    /// Looks at every ticket once after automations have changed: the next few of them.
    async fn recheck_all(&self, now: Timestamp) -> Result<bool, StoreError> {
        let rules = self.rules();
        let wanted = fingerprint(&rules);
        if self.rechecked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref() == Some(&wanted) {
            return Ok(false);
        }
        let mut unit = UnitOfWork::new(self.store.begin().await?, rules, self.decider, &self.clock);
        let done = unit.tx.progress(RECHECK).await?;
        let (of, from) = done.as_deref().and_then(|done| done.split_once(' ')).unwrap_or_default();
        let from = if of == wanted { from } else { "0" };
        let Ok(from) = from.parse() else {
            *self.rechecked.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(wanted);
            return Ok(false);
        };
        let tickets = unit.tx.unclosed_after(TicketId(from), BATCH_TICKETS).await?;
        let until = match tickets.last() {
            Some(last) => last.0.to_string(),
            None => "done".to_owned(),
        };
        // They come due on the next minute like any other, and so keep to the limit.
        for ticket in &tickets {
            unit.tx.check_by(*ticket, minute(now)).await?;
        }
        unit.tx.set_progress(RECHECK, &format!("{wanted} {until}")).await?;
        unit.commit(&self.notices).await?;
        Ok(true)
    }
}

/// What tells automations and opening hours apart from others: where they stand makes no difference.
fn fingerprint(rules: &Rules) -> String {
    let mut sha = Sha256::new();
    for automation in &rules.automations {
        sha.update(format!("{:?} {:?} {}\n", automation.title, automation.mode, automation.when.in_full()));
    }
    let schedules: BTreeMap<_, _> = rules.desk.schedules.iter().map(|s| (&s.name, s)).collect();
    sha.update(format!("{:?} {schedules:?}", rules.desk.hours));
    sha.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
