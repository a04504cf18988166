//! Finds the triggers whose conditions hold.

use std::collections::BTreeSet;

use super::evaluate;
use crate::{
    desk::{Change, Event, Facts},
    lang::rules::{Mode, Rules},
};

/// Finds triggers whose conditions hold, exactly as [`evaluate`] defines.
pub trait Matcher {
    /// The first eligible trigger at or after index `from` whose condition holds.
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize>;

    /// Called after a trigger changed the ticket.
    fn changed(&mut self, _changes: &[Change]) {}
}

/// The triggers that can still fire in a run. Eligibility only shrinks during a run.
#[derive(Debug)]
pub struct Open<'a> {
    rules: &'a Rules,
    event: &'a Event,
    fired: BTreeSet<usize>,
}

impl<'a> Open<'a> {
    /// All enabled triggers of the event.
    pub fn at_first(rules: &'a Rules, event: &'a Event) -> Self {
        Self { rules, event, fired: BTreeSet::new() }
    }

    /// Removes a trigger that fired.
    pub(super) fn close(&mut self, trigger: usize) {
        self.fired.insert(trigger);
    }

    /// Whether a trigger can still fire.
    pub fn is(&self, trigger: usize) -> bool {
        !self.fired.contains(&trigger)
            && self.rules.triggers.get(trigger).is_some_and(|t| t.mode != Mode::Disabled && t.on.covers(self.event))
    }
}

/// Evaluates one trigger after the other with the plain evaluator.
pub(super) struct Plain<'a>(pub(super) &'a Rules);

impl Matcher for Plain<'_> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        let triggers = self.0.triggers.iter().enumerate().skip(from);
        triggers.filter(|(i, _)| open.is(*i)).find(|(_, t)| evaluate::holds(&t.when, facts)).map(|(i, _)| i)
    }
}
