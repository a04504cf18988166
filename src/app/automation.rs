//! Automations: tickets are evaluated only when the passage of time can change the value of a predicate.
//!
//! Each ticket has a next check time, on a whole minute. An event on the ticket sets it to the next minute; an
//! evaluation sets it to the time that [`crate::engine::Evaluation`] computes. The cost of a minute is thus
//! proportional to the tickets due in it. After downtime, missed evaluations are caught up in order, each as of the
//! minute on which it was due.
//!
//! When automations or opening hours change, every ticket that is not closed is rechecked once, in small batches while
//! no other ticket is due.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use sha2::{Digest, Sha256};

use super::{App, Notice, UnitOfWork};
use crate::{
    desk::{Event, Status, TicketId},
    engine::{follow_sla, loops, minute, unsnooze},
    lang::rules::{Automation, Rules},
    store::StoreError,
};

/// Maximum number of tickets evaluated in one transaction, which bounds how long messages wait for it.
const MAX_BATCH_TICKETS: u32 = 100;
/// Key under which the progress of rechecking all open tickets is stored.
const RECHECK: &str = "automations";
/// Key under which the time is stored up to which the daemon evaluates what is due.
const EVALUATED: &str = "automations evaluated until";

/// Progress of rechecking all open tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recheck {
    /// Some tickets may be left.
    More,
    /// Every ticket has been scheduled or evaluated.
    Done,
}

impl App {
    /// Records the time up to which the daemon evaluates what is due. It does so only after it has read the messages of a
    /// downtime, or could not.
    pub(crate) async fn record_evaluated(&self, until: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        tx.set_progress(EVALUATED, &until.to_string()).await?;
        tx.commit().await
    }

    /// Evaluates the next due tickets. Returns the number of tickets on which an automation fired; `None` if no ticket
    /// is due.
    pub(crate) async fn evaluate_due(&self, now: Timestamp, max_tickets: u32) -> Result<Option<u32>, StoreError> {
        // Checked first without the write lock.
        if self.store.next_check().await?.is_none_or(|next| next > now) {
            return Ok(None);
        }
        let mut unit = self.begin().await?;
        let due = unit.tx.due(now, MAX_BATCH_TICKETS.min(max_tickets)).await?;
        let mut fired = 0;
        for (ticket, at) in &due {
            fired += u32::from(Box::pin(unit.check_ticket(*ticket, *at)).await?);
        }
        unit.commit().await?;
        Ok((!due.is_empty()).then_some(fired))
    }

    /// Schedules the next batch of open tickets for evaluation after automations or opening hours have changed.
    /// `fingerprint` identifies them, and the progress is stored with it.
    pub(crate) async fn recheck_next(&self, fingerprint: &str, now: Timestamp) -> Result<Recheck, StoreError> {
        let mut unit = self.begin().await?;
        let done = unit.tx.progress(RECHECK).await?;
        let (of, from) = done.as_deref().and_then(|done| done.split_once(' ')).unwrap_or_default();
        let from = if of == fingerprint { from } else { "0" };
        let Ok(from) = from.parse() else { return Ok(Recheck::Done) };
        let tickets = unit.tx.unclosed_after(TicketId(from), MAX_BATCH_TICKETS).await?;
        let until = match tickets.last() {
            Some(last) => last.0.to_string(),
            None => "done".to_owned(),
        };
        // They become due like any other ticket, so the rate limit applies to them.
        for ticket in &tickets {
            unit.tx.check_by(*ticket, minute(now)).await?;
        }
        unit.tx.set_progress(RECHECK, &format!("{fingerprint} {until}")).await?;
        unit.commit().await?;
        Ok(Recheck::More)
    }

    /// Resumes automations that were stopped as a loop if the rules have changed since.
    pub(crate) async fn resume_stopped(&self, rules: &Rules, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        tx.resume_stopped(&rules.version.hash, minute(now)).await?;
        tx.commit().await
    }
}

impl UnitOfWork<'_> {
    /// Evaluates a due ticket as of minute `at`. Returns whether an automation fired.
    async fn check_ticket(&mut self, id: TicketId, at: Timestamp) -> Result<bool, StoreError> {
        let Some(mut ticket) = self.tx.ticket(id).await? else { return Ok(false) };
        let (last_check, before, repeated) = self.tx.active_automations(id).await?;
        if let Some((awake, event)) = unsnooze(&ticket, at) {
            Box::pin(self.run_at(&awake, event, None, at)).await?;
            ticket = self.tx.ticket(id).await?.unwrap_or(awake);
        }
        let rules = self.rules.clone();
        let mut followed = ticket.clone();
        follow_sla(&rules, &mut followed);
        // The rules or the requester have changed since it was saved.
        if followed != ticket && ticket.status != Status::Closed {
            self.save(&followed, at).await?;
            ticket = followed;
        }
        if self.tx.is_stopped(id).await? {
            self.tx.record_check(id, at, &before, &before, &repeated, ticket.snoozed.map(minute)).await?;
            return Ok(false);
        }
        let mut event = Event::due(before.clone(), repeated.clone());
        let mut evaluation = self.evaluate_automations(&ticket, &mut event, at).await?;
        if at < last_check {
            // The clock went back: automations that were active stay active, so that they do not fire again for the
            // same time.
            evaluation.active.extend(before.iter().cloned());
            evaluation.repeats.extend(repeated.iter().map(|(title, repeat)| (title.clone(), *repeat)));
        }
        if let Some(decision) = &evaluation.decision
            && !loops::is_repeat(decision)
            && let Some(state) = loops::state(&rules, &ticket, &decision.ticket, &evaluation.active)
            && let Some(stopped) =
                self.tx.come_round(id, &state, at, &rules.version.hash, &loops::fired(decision)).await?
        {
            self.tx.record_check(id, at, &before, &before, &repeated, ticket.snoozed.map(minute)).await?;
            self.notices.push(Notice::LoopStopped(stopped));
            return Ok(false);
        }
        if let Some(decision) = &evaluation.decision {
            self.notices.push(Notice::Due { ticket: id, at });
            Box::pin(self.keep(&ticket, &event, decision, None, at)).await?;
        }
        // An effect, such as a merge, may have closed the ticket.
        let closed =
            evaluation.decision.is_some() && self.tx.ticket(id).await?.is_some_and(|t| t.status == Status::Closed);
        let next_check = evaluation.next_check.filter(|_| !closed);
        self.tx.record_check(id, at, &before, &evaluation.active, &evaluation.repeats, next_check).await?;
        Ok(evaluation.decision.is_some())
    }

    /// The time up to which the daemon has evaluated what is due. What came due later, in a downtime, may be prevented by a
    /// message that has not been read: only the daemon, which reads the messages first, evaluates it.
    pub(super) async fn evaluated(&mut self) -> Result<Timestamp, StoreError> {
        let until = self.tx.progress(EVALUATED).await?;
        Ok(until.and_then(|at| at.parse().ok()).unwrap_or(Timestamp::MIN))
    }

    /// Catches up on what is due before an update of a ticket at `now`, as far as the daemon has come. Evaluations of the
    /// ticket that came due later follow as of the minute after the update.
    pub(super) async fn catch_up_as_evaluated(&mut self, id: TicketId, now: Timestamp) -> Result<(), StoreError> {
        let evaluated = self.evaluated().await?;
        Box::pin(self.end_volumes(evaluated.min(now))).await?;
        // Including what is due at that time.
        let until = evaluated.checked_add(SignedDuration::from_nanos(1)).map_or(now, |until| until.min(now));
        Box::pin(self.catch_up(id, until)).await?;
        self.tx.check_not_before(id, minute(now)).await
    }

    /// Catches up on the evaluations of a ticket that were due before `until`: all of them, because what happens at
    /// `until` applies to the ticket as they leave it. There is at most one for each minute of downtime.
    pub(super) async fn catch_up(&mut self, id: TicketId, until: Timestamp) -> Result<(), StoreError> {
        while let Some(at) = self.tx.next_check_at(id).await?
            && at < until
        {
            Box::pin(self.check_ticket(id, at)).await?;
        }
        Ok(())
    }
}

/// Hash of the automations, service level agreements and opening hours. Their positions in the files do not affect it.
pub(crate) fn automations_fingerprint(rules: &Rules) -> String {
    let mut sha = Sha256::new();
    for automation in &rules.automations {
        let Automation { title, mode, when, every, .. } = &**automation;
        sha.update(format!("{title:?} {mode:?} {every:?} {}\n", when.in_full()));
    }
    for sla in &rules.slas {
        // With its named conditions in full.
        sha.update(format!("{sla}{}\n", sla.when.in_full()));
        sla.times.iter().filter_map(|time| time.when.as_ref()).for_each(|when| sha.update(when.in_full()));
        sla.pause.iter().for_each(|pause| sha.update(pause.in_full()));
    }
    let schedules: BTreeMap<_, _> = rules.desk.schedules.iter().map(|s| (&s.name, s)).collect();
    sha.update(format!("{:?} {schedules:?}", rules.desk.hours));
    sha.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
