//! The firings of rules that have a cap, in a test: all are on one ticket, so every cap counts all of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::decision::{Decision, RuleKind};
use crate::{
    desk::FiredBefore,
    lang::rules::{Cap, RuleTest, Rules},
};

/// The caps of a rule, by its kind and its index.
pub fn caps(rules: &Rules, kind: RuleKind, index: usize) -> &[Cap] {
    match kind {
        RuleKind::Trigger => rules.triggers.get(index).map(|trigger| &*trigger.caps),
        RuleKind::Automation => rules.automations.get(index).map(|automation| &*automation.caps),
    }
    .unwrap_or_default()
}

/// The times of firings by title, oldest first, with the caps of the rule.
pub(super) struct Firings<'r>(BTreeMap<&'r str, (&'r [Cap], Vec<Timestamp>)>);

impl<'r> Firings<'r> {
    /// Those that are given by a test.
    pub(super) fn given(rules: &'r Rules, test: &RuleTest) -> Self {
        let mut firings = Self(BTreeMap::new());
        let triggers = rules.triggers.iter().map(|trigger| (&*trigger.title, &*trigger.caps));
        let automations = rules.automations.iter().map(|automation| (&*automation.title, &*automation.caps));
        // Only searched in tests that give any.
        for given in &test.fired {
            let Some((title, caps)) =
                triggers.clone().chain(automations.clone()).find(|(title, _)| *title == given.rule)
            else {
                continue;
            };
            let at = test.moment().checked_sub(given.ago.length(&rules.desk.hours)).unwrap_or(Timestamp::MIN);
            (0..given.times).for_each(|_| firings.add(title, caps, at));
        }
        firings
    }

    fn add(&mut self, title: &'r str, caps: &'r [Cap], at: Timestamp) {
        let (_, times) = self.0.entry(title).or_insert_with(|| (caps, vec![]));
        let place = times.partition_point(|earlier| *earlier <= at);
        times.insert(place, at);
    }

    /// Adds those of a decision.
    pub(super) fn record(&mut self, rules: &'r Rules, decision: &Decision, at: Timestamp) {
        for fired in &decision.fired {
            let title = match fired.kind {
                RuleKind::Trigger => rules.triggers.get(fired.index).map(|trigger| &*trigger.title),
                RuleKind::Automation => rules.automations.get(fired.index).map(|automation| &*automation.title),
            };
            let caps = caps(rules, fired.kind, fired.index);
            if let Some(title) = title.filter(|_| !caps.is_empty()) {
                self.add(title, caps, at);
            }
        }
    }

    /// What an event is told of them.
    pub(super) fn before(&self) -> Vec<FiredBefore> {
        let told = self.0.iter().flat_map(|(title, (caps, times))| {
            caps.iter().filter_map(|cap| {
                let times_ago = usize::try_from(cap.times).ok()?;
                let since = *times.get(times.len().checked_sub(times_ago)?)?;
                Some(FiredBefore { rule: (*title).to_owned(), per: cap.per, times: cap.times, since })
            })
        });
        told.collect()
    }
}
