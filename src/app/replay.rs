//! What the rules did on a ticket, and why.
//!
//! Of a run, only what it was made from is kept. Deciding is pure, so deciding again gives the same decision again, with an
//! explanation of every condition. Where it does not, something is wrong with Twite or its store.

use std::{collections::BTreeMap, sync::Arc};

use super::NoSuchRule;
use crate::{
    desk::TicketId,
    engine::{Trace, explain},
    lang::{
        check_files,
        rules::{Rules, Version},
    },
    store::{Intervention, Recorded, StoppedLoop, Store, StoreError},
};

/// Which rules decide again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Those that were live then.
    Then,
    /// Those that are live now: what would they do?
    Now,
}

/// The runs on a ticket, made again.
#[derive(Debug)]
pub struct Replay {
    /// How many runs there were on the ticket.
    pub total: usize,
    /// Those that were asked for.
    pub runs: Vec<Run>,
    /// That automations were stopped on it, as they went in circles.
    pub stopped: Option<StoppedLoop>,
}

/// A run, made again.
#[derive(Debug)]
pub struct Run {
    /// Its place among the ticket's runs, from 1.
    pub number: usize,
    /// What is kept of it.
    pub recorded: Recorded,
    /// What agents did with the ticket's outbox from then to the next run.
    pub interventions: Vec<Intervention>,
    /// The decision with its explanations; `None` where what it was made from went with a deleted post.
    pub trace: Option<Trace>,
    /// Whether it came to what was recorded, as far as that can be compared.
    pub agrees: bool,
}

/// Why runs cannot be made again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no ticket of that number.
    #[error("no ticket {0}")]
    NoSuchTicket(TicketId),
    /// There is no run of that number.
    #[error("ticket {0} has no run {1}: it has {2}")]
    NoSuchRun(TicketId, usize, usize),
    /// The rules that decided then are gone.
    #[error("cannot repeat this run: the rules {0} are not in the store")]
    Gone(Version),
    /// The rules that decided then cannot be checked by this version of Twite.
    #[error("cannot repeat this run: the rules {0} cannot be read by this version of Twite")]
    Outdated(Version),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the runs on a ticket again, or only the one with this number. `present` are the live rules.
pub async fn replay(
    store: &Store,
    present: &Arc<Rules>,
    id: TicketId,
    only: Option<usize>,
    by: By,
) -> Result<Replay, ReplayError> {
    store.ticket(id).await?.ok_or(ReplayError::NoSuchTicket(id))?;
    let recorded = store.decisions(id).await?;
    let total = recorded.len();
    if let Some(number) = only.filter(|number| *number == 0 || *number > total) {
        return Err(ReplayError::NoSuchRun(id, number, total));
    }
    let mut interventions = vec![vec![]; total];
    for done in store.interventions(id).await? {
        let run = recorded.iter().rposition(|run| run.now <= done.made).unwrap_or_default();
        interventions.get_mut(run).into_iter().for_each(|of_run| of_run.push(done.clone()));
    }
    let (mut versions, mut runs) = (BTreeMap::new(), vec![]);
    for (number, (recorded, interventions)) in (1..).zip(recorded.into_iter().zip(interventions)) {
        if only.is_some_and(|only| only != number) {
            continue;
        }
        let mut run = Run { number, recorded, interventions, trace: None, agrees: true };
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
    Ok(Replay { total, runs, stopped: store.stopped_loop(id).await? })
}

/// The rules with this version.
async fn rules_of(store: &Store, version: &Version) -> Result<Rules, ReplayError> {
    let files = store.version_files(&version.hash).await?.ok_or_else(|| ReplayError::Gone(version.clone()))?;
    check_files(files, version.clone()).0.ok_or_else(|| ReplayError::Outdated(version.clone()))
}

impl Replay {
    /// Leaves of the rules those that fired.
    pub fn keep_fired(&mut self) {
        for trace in self.runs.iter_mut().filter_map(|run| run.trace.as_mut()) {
            let fired = std::mem::take(&mut trace.decision.fired);
            trace.retain(|rule| fired.iter().any(|fired| fired.rule == rule.rule));
            trace.decision.fired = fired;
        }
    }

    /// Leaves of the rules the one with this title.
    ///
    /// # Errors
    /// When no run knows it, and `present` does not either.
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
