//! Automations: tickets are evaluated when time alone can have changed an answer, and never otherwise.
//!
//! Each ticket carries the next whole minute on which to evaluate it. Whatever happens to it moves that to the next minute;
//! each evaluation moves it to the next instant that [`crate::engine::Evaluation`] computes. So the cost of a minute is that of
//! the tickets that come due in it. After the daemon was down, evaluations are caught up as of the minutes they were due, in
//! their order.
//!
//! When automations or opening hours change, every ticket that is not closed comes due once, a few at a time and only while
//! nothing else is due.

use std::collections::BTreeMap;

use jiff::Timestamp;

use sha2::{Digest, Sha256};

use super::{App, Notice, UnitOfWork};
use crate::{
    desk::{Actor, Event, EventKind, Status, TicketId, Via},
    engine::{loops, minute, unsnooze},
    lang::rules::Rules,
    store::StoreError,
};

/// The most evaluations of one ticket before others have their turn.
const MAX_EVALUATIONS: usize = 1_000;

/// The most tickets that are evaluated in one transaction: messages wait no longer than that takes.
const MAX_BATCH_TICKETS: u32 = 100;
/// The name under which it is kept how far evaluating every open ticket has come.
const RECHECK: &str = "automations";

/// How far evaluating every open ticket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recheck {
    /// Some tickets are left.
    More,
    /// Every ticket is evaluated, or due.
    Done,
}

impl App {
    /// Evaluates the next tickets that are due. Returns on how many automations fired; nothing where no ticket is due.
    pub(crate) async fn evaluate_due(&self, now: Timestamp, max_tickets: u32) -> Result<Option<u32>, StoreError> {
        // Asked first without the lock of a writer.
        if self.store.next_check().await?.is_none_or(|next| next > now) {
            return Ok(None);
        }
        let mut unit = self.begin().await?;
        let due = unit.tx.due(now, MAX_BATCH_TICKETS.min(max_tickets)).await?;
        let mut fired = 0;
        for (ticket, at) in &due {
            fired += u32::from(unit.check_ticket(*ticket, *at).await?);
        }
        unit.commit().await?;
        Ok((!due.is_empty()).then_some(fired))
    }

    /// Makes the next few open tickets due, after automations have changed to those of this fingerprint. How far that has
    /// come is kept.
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
        // They come due on the next minute like any other, and so keep to the limit.
        for ticket in &tickets {
            unit.tx.check_by(*ticket, minute(now)).await?;
        }
        unit.tx.set_progress(RECHECK, &format!("{fingerprint} {until}")).await?;
        unit.commit().await?;
        Ok(Recheck::More)
    }

    /// Lets automations go on where those that were stopped have changed since.
    pub(crate) async fn resume_stopped(&self, rules: &Rules, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        tx.resume_stopped(&rules.version.hash, minute(now)).await?;
        tx.commit().await
    }
}

impl UnitOfWork<'_> {
    /// Evaluates a ticket that is due, as of that minute. Returns whether an automation fired.
    async fn check_ticket(&mut self, id: TicketId, at: Timestamp) -> Result<bool, StoreError> {
        let Some(mut ticket) = self.tx.ticket(id).await? else { return Ok(false) };
        let (last_check, before) = self.tx.active_automations(id).await?;
        if let Some((awake, event)) = unsnooze(&ticket, at) {
            self.run_at(&awake, &event, None, at).await?;
            ticket = self.tx.ticket(id).await?.unwrap_or(awake);
        }
        if self.tx.is_stopped(id).await? {
            self.tx.record_check(id, at, &before, &before, ticket.snoozed.map(minute)).await?;
            return Ok(false);
        }
        let rules = self.rules.clone();
        let mut evaluation = self.evaluate_automations(&ticket, &before, at);
        if at < last_check {
            // The clock went back. What fired then is not to fire again when that time comes a second time.
            evaluation.active.extend(before.iter().cloned());
        }
        if let Some(decision) = &evaluation.decision
            && let Some(state) = loops::state(&ticket, &decision.ticket, &evaluation.active)
            && let Some(stopped) =
                self.tx.come_round(id, &state, at, &rules.version.hash, &loops::fired(decision)).await?
        {
            self.tx.record_check(id, at, &before, &before, ticket.snoozed.map(minute)).await?;
            self.notices.push(Notice::LoopStopped(stopped));
            return Ok(false);
        }
        if let Some(decision) = &evaluation.decision {
            let kind = EventKind::Due { active: before.clone() };
            let event = Event { kind, via: Via::Rule, actor: Actor::System, comment: None, cause: None };
            self.notices.push(Notice::Due { ticket: id, at });
            self.keep(&ticket, &event, decision, None, at).await?;
        }
        // What was carried out may have closed it.
        let closed =
            evaluation.decision.is_some() && self.tx.ticket(id).await?.is_some_and(|t| t.status == Status::Closed);
        self.tx.record_check(id, at, &before, &evaluation.active, evaluation.next_check.filter(|_| !closed)).await?;
        Ok(evaluation.decision.is_some())
    }

    /// Catches up with the evaluations of a ticket that were due before a moment at which something happened to it.
    pub(super) async fn catch_up(&mut self, id: TicketId, until: Timestamp) -> Result<(), StoreError> {
        for _ in 0..MAX_EVALUATIONS {
            match self.tx.next_check_at(id).await? {
                Some(at) if at < until => self.check_ticket(id, at).await?,
                _ => break,
            };
        }
        Ok(())
    }
}

/// What tells automations and opening hours apart from others: where they stand makes no difference.
pub(crate) fn automations_fingerprint(rules: &Rules) -> String {
    let mut sha = Sha256::new();
    for automation in &rules.automations {
        sha.update(format!("{:?} {:?} {}\n", automation.title, automation.mode, automation.when.in_full()));
    }
    let schedules: BTreeMap<_, _> = rules.desk.schedules.iter().map(|s| (&s.name, s)).collect();
    sha.update(format!("{:?} {schedules:?}", rules.desk.hours));
    sha.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
