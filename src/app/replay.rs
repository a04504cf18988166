//! Replays the decisions on a ticket to explain them.
//!
//! Only the inputs of a run are stored. Deciding is pure, so repeating it yields the same decision, with an explanation
//! of every condition. A different decision indicates a bug in Twite or a damaged store.

use std::{collections::BTreeMap, sync::Arc};

use super::NoSuchRule;
use crate::{
    desk::{TicketId, Viewer},
    engine::{Trace, explain},
    lang::{
        check_files,
        rules::{Rules, Version},
    },
    store::{DeliveryStatus, Intervention, Recorded, StoppedLoop, Store, StoreError},
};

/// Which rules to replay with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The rules that were live at the time of the run.
    Then,
    /// The rules that are live now.
    Now,
}

/// The replayed runs of a ticket.
#[derive(Debug)]
pub struct Replay {
    /// Total number of runs on the ticket.
    pub total: usize,
    /// The requested runs.
    pub runs: Vec<Run>,
    /// Set if automations were stopped on the ticket because they looped.
    pub stopped: Option<StoppedLoop>,
}

/// A replayed run.
#[derive(Debug)]
pub struct Run {
    /// Its number among the ticket's runs, from 1.
    pub number: usize,
    /// The stored record.
    pub recorded: Recorded,
    /// What became of its effects, but for notes.
    pub outgoing: Vec<DeliveryStatus>,
    /// Agents' interventions on the ticket's outbox items between this run and the next.
    pub interventions: Vec<Intervention>,
    /// The decision with its explanations; `None` if its inputs were erased with a deleted post.
    pub trace: Option<Trace>,
    /// Whether the replayed decision equals the recorded one, as far as they can be compared.
    pub agrees: bool,
}

/// Why runs cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The viewer sees no ticket with this number.
    #[error("no ticket {0}")]
    NoSuchTicket(TicketId),
    /// There is no run with this number.
    #[error("ticket {0} has no run {1}: it has {2}")]
    NoSuchRun(TicketId, usize, usize),
    /// The rules of that time are no longer stored.
    #[error("cannot repeat this run: the rules {0} are not in the store")]
    Gone(Version),
    /// This version of Twite cannot check the rules of that time.
    #[error("cannot repeat this run: the rules {0} cannot be read by this version of Twite")]
    Outdated(Version),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Replays the runs on a ticket, or only the one with this number. `present` are the live rules.
pub async fn replay(
    store: &Store,
    viewer: Viewer<'_>,
    present: &Arc<Rules>,
    id: TicketId,
    only: Option<usize>,
    by: By,
) -> Result<Replay, ReplayError> {
    let mut snapshot = store.snapshot(viewer).await?;
    let seen = snapshot.ticket(id).await?.ok_or(ReplayError::NoSuchTicket(id))?;
    let (recorded, stopped) = (snapshot.decisions(&seen).await?, snapshot.stopped_loop(&seen).await?);
    let (intervened, outgoing) = (snapshot.interventions(&seen).await?, snapshot.outgoing(&seen).await?);
    snapshot.close().await?;
    let total = recorded.len();
    if let Some(number) = only.filter(|number| *number == 0 || *number > total) {
        return Err(ReplayError::NoSuchRun(id, number, total));
    }
    let mut interventions = vec![vec![]; total];
    for done in intervened {
        let run = recorded.iter().rposition(|run| run.now <= done.made).unwrap_or_default();
        interventions.get_mut(run).into_iter().for_each(|of_run| of_run.push(done.clone()));
    }
    let (mut versions, mut runs) = (BTreeMap::new(), vec![]);
    for (number, (recorded, interventions)) in (1..).zip(recorded.into_iter().zip(interventions)) {
        if only.is_some_and(|only| only != number) {
            continue;
        }
        let outgoing = outgoing.iter().filter(|item| item.decision == Some(recorded.id)).cloned().collect();
        let mut run = Run { number, recorded, outgoing, interventions, trace: None, agrees: true };
        if let Some(made_from) = &run.recorded.run {
            let rules = match (by, versions.get(&run.recorded.rules.hash)) {
                (By::Now, _) => Arc::clone(present),
                (By::Then, Some(rules)) => Arc::clone(rules),
                (By::Then, None) => {
                    let rules = Arc::new(rules_of(store, &run.recorded.rules).await?);
                    versions.insert(run.recorded.rules.hash.clone(), Arc::clone(&rules));
                    rules
                }
            };
            let trace = explain(&rules, &made_from.ticket, &made_from.event, run.recorded.now);
            let again = serde_json::to_value(&trace.decision).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            run.agrees = by == By::Now || again == made_from.decision;
            run.trace = Some(trace);
        }
        runs.push(run);
    }
    Ok(Replay { total, runs, stopped })
}

/// The rules with this version.
async fn rules_of(store: &Store, version: &Version) -> Result<Rules, ReplayError> {
    let files = store.version_files(&version.hash).await?.ok_or_else(|| ReplayError::Gone(version.clone()))?;
    check_files(files, version.clone()).0.ok_or_else(|| ReplayError::Outdated(version.clone()))
}

impl Replay {
    /// Keeps only the rules that fired.
    pub fn keep_fired(&mut self) {
        for trace in self.runs.iter_mut().filter_map(|run| run.trace.as_mut()) {
            let fired = std::mem::take(&mut trace.decision.fired);
            trace.retain(|rule| fired.iter().any(|fired| fired.rule == rule.rule));
            trace.decision.fired = fired;
        }
    }

    /// Keeps only the rule with this title.
    ///
    /// # Errors
    /// When neither a run nor `present` has the rule.
    pub fn keep_rule(&mut self, title: &str, present: &Rules) -> Result<(), NoSuchRule> {
        for trace in self.runs.iter_mut().filter_map(|run| run.trace.as_mut()) {
            trace.retain(|rule| rule.rule == title);
        }
        let traces = || self.runs.iter().filter_map(|run| run.trace.as_ref());
        if traces().any(|trace| trace.rules().next().is_some()) {
            return Ok(());
        }
        let triggers = present.triggers.iter().map(|trigger| (&*trigger.title, ()));
        let automations = present.automations.iter().map(|automation| (&*automation.title, ()));
        NoSuchRule::find("rule", title, triggers.chain(automations))
    }
}
