//! Which triggers of many hold.

use std::collections::BTreeSet;

use super::evaluate;
use crate::{
    desk::{Change, Event, Facts},
    lang::rules::{Mode, Rules},
};

/// Answers which triggers hold now. [`evaluate`] is what every answer must agree with.
pub trait Matcher {
    /// The first trigger at `from` or behind it that is open and whose conditions hold.
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize>;

    /// Hears that a trigger has made these changes to the ticket.
    fn changed(&mut self, _changes: &[Change]) {}
}

/// Which triggers can still fire in a run. One that can no more never can again.
#[derive(Debug)]
pub struct Open<'a> {
    rules: &'a Rules,
    event: &'a Event,
    fired: BTreeSet<usize>,
}

impl<'a> Open<'a> {
    /// Those that are about an event, before the run has begun.
    pub fn at_first(rules: &'a Rules, event: &'a Event) -> Self {
        Self { rules, event, fired: BTreeSet::new() }
    }

    /// From now on, this one cannot.
    pub(super) fn close(&mut self, trigger: usize) {
        self.fired.insert(trigger);
    }

    /// Whether this one can.
    pub fn is(&self, trigger: usize) -> bool {
        !self.fired.contains(&trigger)
            && self.rules.triggers.get(trigger).is_some_and(|t| t.mode != Mode::Disabled && t.on.covers(self.event))
    }
}

/// Asks one trigger after the other.
pub(super) struct Plain<'a>(pub(super) &'a Rules);

impl Matcher for Plain<'_> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        let triggers = self.0.triggers.iter().enumerate().skip(from);
        triggers.filter(|(i, _)| open.is(*i)).find(|(_, t)| evaluate::holds(&t.when, facts)).map(|(i, _)| i)
    }
}
