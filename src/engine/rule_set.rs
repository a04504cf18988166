//! A rule set as it decides: checked rules, and the index by which their triggers are found.

use std::{
    borrow::Cow,
    collections::VecDeque,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{
    index::{Index, MAX_UNINDEXED, Recent, Searcher},
    matcher::{Matcher, Open},
};
use crate::{
    desk::{Change, Event, Facts, FieldRef, Ticket},
    lang::rules::{Mark, Rules},
};

/// How many searchers are kept for the next decisions.
const MOST_IDLE: usize = 16;
/// How many tickets tell whether what rules are filed under is still rare.
const ENOUGH: u64 = 1_000;
/// How many of the tickets that were decided on are kept to learn from, and every which one is.
const MOST_RECENT: usize = 256;
const EVERY: u64 = 4;

/// Checked rules with an index over their triggers. Never changes; shared by everybody who decides.
#[derive(Debug)]
pub struct RuleSet {
    rules: Arc<Rules>,
    triggers: Index,
    /// How many tickets it was filed by.
    learned_from: usize,
    idle: Mutex<Idle>,
}

/// Searchers that nobody uses, what those who did have counted, and tickets to learn from. None of it makes any
/// difference to what is decided.
#[derive(Debug, Default)]
struct Idle {
    searchers: Vec<Searcher>,
    tickets: u64,
    looked_at: u64,
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
    /// Files the triggers by guesses at what is rare.
    pub fn new(rules: impl Into<Arc<Rules>>) -> Self {
        Self::learned(rules.into(), &[])
    }

    /// Files the triggers by what is rare among recent tickets. Which tickets these are makes no difference to what is
    /// decided.
    pub fn learned(rules: Arc<Rules>, recent: &[Recent]) -> Self {
        Self::indexed_above(MAX_UNINDEXED, rules, recent)
    }

    /// Asks up to so many triggers one after the other. Which way triggers are found makes no difference to what is decided.
    pub fn indexed_above(max_unindexed: usize, rules: Arc<Rules>, recent: &[Recent]) -> Self {
        let triggers = rules.triggers.iter().enumerate().filter(|(_, trigger)| trigger.mark != Mark::Disabled);
        let conditions = triggers.map(|(index, trigger)| (index, Some(trigger.on), &trigger.when));
        let triggers = Index::new(conditions, recent, &rules.desk, max_unindexed);
        Self { rules, triggers, learned_from: recent.len(), idle: Mutex::default() }
    }

    /// A set of these rules that has learned from what this one decided on.
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

    /// Whether a successor would find rules sooner: there were too few tickets to learn from and are enough now, or tickets
    /// have many more rules looked at than those let expect.
    pub fn has_drifted(&self) -> bool {
        let idle = self.idle();
        if self.learned_from < MOST_RECENT / 4 && idle.recent.len() == MOST_RECENT {
            return true;
        }
        let expected = idle.tickets as f64 * (2.0 * self.triggers.expected() + 64.0);
        idle.tickets >= ENOUGH && self.triggers.expected() > 0.0 && idle.looked_at as f64 > expected
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        // What a panic elsewhere left behind is at worst a searcher less.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RuleSet {
    /// Keeps a ticket to learn from, every few.
    pub(super) fn learn(&self, ticket: &Ticket, event: &Event, now: Timestamp) {
        let mut idle = self.idle();
        idle.decided += 1;
        if idle.decided.is_multiple_of(EVERY) {
            if idle.recent.len() >= MOST_RECENT {
                idle.recent.pop_front();
            }
            idle.recent.push_back(Recent { ticket: ticket.clone(), event: event.clone(), now });
        }
    }

    /// What finds the triggers that hold, for one run.
    pub fn matcher(&self) -> Indexed<'_> {
        let searcher = self.idle().searchers.pop().unwrap_or_else(|| self.triggers.searcher());
        Indexed { set: self, searcher: Some(searcher), known: Known::Nothing }
    }
}

/// Finds triggers by their index.
#[derive(Debug)]
pub struct Indexed<'a> {
    set: &'a RuleSet,
    /// Taken only when it is given back.
    searcher: Option<Searcher>,
    known: Known,
}

/// What was found so far.
#[derive(Debug)]
enum Known {
    /// Nobody has searched.
    Nothing,
    /// What was found is as of before these fields changed.
    Before(Vec<Cow<'static, str>>),
    /// What was found is as of now.
    Now,
}

impl Matcher for Indexed<'_> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        let searcher = self.searcher.as_mut()?;
        match std::mem::replace(&mut self.known, Known::Now) {
            Known::Nothing => searcher.search(&self.set.triggers, facts),
            Known::Before(fields) => {
                let changed = |field: &FieldRef| fields.iter().any(|changed| *changed == field.name());
                searcher.search_again(&self.set.triggers, &changed, facts);
            }
            Known::Now => {}
        }
        let mut from = from;
        loop {
            let found = searcher.next(from)?;
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
            Known::Nothing => {}
            Known::Before(fields) => fields.extend(names),
            Known::Now => self.known = Known::Before(names.collect()),
        }
    }
}

impl Drop for Indexed<'_> {
    fn drop(&mut self) {
        let Some(mut searcher) = self.searcher.take() else { return };
        let mut idle = self.set.idle();
        idle.tickets += std::mem::take(&mut searcher.tickets);
        idle.looked_at += std::mem::take(&mut searcher.looked_at);
        if idle.searchers.len() < MOST_IDLE {
            idle.searchers.push(searcher);
        }
    }
}
