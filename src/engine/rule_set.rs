//! Checked rules with an index over their triggers.

use std::{
    borrow::Cow,
    collections::VecDeque,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{
    index::{Index, MAX_UNINDEXED, Recent, Scratch},
    matcher::{Matcher, Open},
};
use crate::{
    desk::{Change, Event, Facts, FieldRef, Ticket},
    lang::rules::{Mode, Rules},
};

/// Maximum number of idle scratches kept for reuse.
const MAX_IDLE_SCRATCHES: usize = 16;
/// Tickets after which index selectivity is re-estimated.
const MIN_TICKETS: u64 = 1_000;
/// Maximum number of recent tickets kept to estimate selectivity: the ticket of one in `SAMPLE_EVERY` decisions.
const MAX_RECENT: usize = 256;
const SAMPLE_EVERY: u64 = 4;

/// Checked rules with an index over their triggers. Immutable and shared between threads.
#[derive(Debug)]
pub struct RuleSet {
    rules: Arc<Rules>,
    triggers: Index,
    /// See [`Self::asks_for_counts`].
    asks_for_counts: bool,
    /// The number of tickets its selectivity was estimated from.
    learned_from: usize,
    idle: Mutex<Idle>,
}

/// Idle scratches, counts of past searches, and recent tickets. None of it affects decisions.
#[derive(Debug, Default)]
struct Idle {
    scratches: Vec<Scratch>,
    tickets: u64,
    probed: u64,
    decided: u64,
    recent: VecDeque<Recent>,
}

impl Deref for RuleSet {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        &self.rules
    }
}

impl RuleSet {
    /// Indexes the triggers with default estimates of selectivity, without recent tickets.
    pub fn new(rules: impl Into<Arc<Rules>>) -> Self {
        Self::learned(rules.into(), &[])
    }

    /// Indexes the triggers by their selectivity on recent tickets. Selectivity affects only speed.
    pub fn learned(rules: Arc<Rules>, recent: &[Recent]) -> Self {
        Self::indexed_above(MAX_UNINDEXED, rules, recent)
    }

    /// [`Self::learned`], but posting lists are built only for more than `max_unindexed` triggers.
    pub fn indexed_above(max_unindexed: usize, rules: Arc<Rules>, recent: &[Recent]) -> Self {
        let triggers = rules.triggers.iter().enumerate().filter(|(_, trigger)| trigger.mode != Mode::Disabled);
        let conditions = triggers.map(|(index, trigger)| (index, Some(trigger.on), &trigger.when));
        let triggers = Index::new(conditions, recent, &rules.desk, max_unindexed);
        let mut asks_for_counts = false;
        let conditions = rules.automations.iter().map(|automation| &automation.when);
        for condition in conditions.chain(rules.slas.iter().flat_map(|sla| sla.conditions())) {
            let counted = |name: &str| {
                matches!(name, "requester.tickets" | "requester.unsolved_tickets") || name.ends_with("_last_ticket")
            };
            condition.predicates(&mut |predicate, _| {
                asks_for_counts |= predicate.fields().any(|field| counted(&field.name()));
            });
        }
        Self { rules, triggers, asks_for_counts, learned_from: recent.len(), idle: Mutex::default() }
    }

    /// Whether automations or service level agreements ask how many tickets a requester has, or when the last were opened, which other tickets change.
    pub const fn asks_for_counts(&self) -> bool {
        self.asks_for_counts
    }

    /// A set of other rules, indexed by the selectivity on this set's recent tickets.
    pub fn successor(&self, rules: Arc<Rules>) -> Self {
        let recent = self.idle().recent.clone();
        let next = Self::learned(rules, &Vec::from(recent.clone()));
        next.idle().recent = recent;
        next
    }

    /// The checked rules.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The index over the triggers.
    pub fn triggers(&self) -> &Index {
        &self.triggers
    }

    /// Whether to rebuild the index: selectivity was estimated from too few tickets, or many more clauses are probed
    /// than expected.
    pub fn has_drifted(&self) -> bool {
        let idle = self.idle();
        if self.learned_from < MAX_RECENT / 4 && idle.recent.len() == MAX_RECENT {
            return true;
        }
        let expected = idle.tickets as f64 * (2.0 * self.triggers.expected() + 64.0);
        idle.tickets >= MIN_TICKETS && self.triggers.expected() > 0.0 && idle.probed as f64 > expected
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        // A poisoned lock is usable: after a panic, at worst a scratch is missing.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RuleSet {
    /// Keeps one in [`SAMPLE_EVERY`] tickets to estimate selectivity.
    pub(super) fn learn(&self, ticket: &Ticket, event: &Event, now: Timestamp) {
        let mut idle = self.idle();
        idle.decided += 1;
        if idle.decided.is_multiple_of(SAMPLE_EVERY) {
            if idle.recent.len() >= MAX_RECENT {
                idle.recent.pop_front();
            }
            idle.recent.push_back(Recent { ticket: ticket.clone(), event: event.clone(), now });
        }
    }

    /// A matcher for one run.
    pub fn matcher(&self) -> Indexed<'_> {
        let scratch = self.idle().scratches.pop().unwrap_or_else(|| self.triggers.scratch());
        Indexed { set: self, scratch: Some(scratch), known: Searched::Nothing }
    }
}

/// A matcher that probes the index.
#[derive(Debug)]
pub struct Indexed<'a> {
    set: &'a RuleSet,
    /// `None` only during drop.
    scratch: Option<Scratch>,
    known: Searched,
}

/// Whether the scratch has results, and whether they are current.
#[derive(Debug)]
enum Searched {
    /// No results yet.
    Nothing,
    /// Results from before these fields changed.
    Before(Vec<Cow<'static, str>>),
    /// Current results.
    Now,
}

impl Matcher for Indexed<'_> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        let scratch = self.scratch.as_mut()?;
        match std::mem::replace(&mut self.known, Searched::Now) {
            Searched::Nothing => scratch.search(&self.set.triggers, facts),
            Searched::Before(fields) => {
                let changed = |field: &FieldRef| fields.iter().any(|changed| *changed == field.name());
                scratch.search_again(&self.set.triggers, &changed, facts);
            }
            Searched::Now => {}
        }
        let mut from = from;
        loop {
            let found = scratch.next(from)?;
            if open.is(found) {
                return Some(found);
            }
            from = found + 1;
        }
    }

    fn changed(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let names = changes.iter().map(|change| change.field.clone());
        match &mut self.known {
            Searched::Nothing => {}
            Searched::Before(fields) => fields.extend(names),
            Searched::Now => self.known = Searched::Before(names.collect()),
        }
    }
}

impl Drop for Indexed<'_> {
    fn drop(&mut self) {
        let Some(mut scratch) = self.scratch.take() else { return };
        let mut idle = self.set.idle();
        idle.tickets += std::mem::take(&mut scratch.tickets);
        idle.probed += std::mem::take(&mut scratch.probed);
        if idle.scratches.len() < MAX_IDLE_SCRATCHES {
            idle.scratches.push(scratch);
        }
    }
}
