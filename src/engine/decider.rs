//! How the daemon decides: by the index, and a sample of the decisions by the plain evaluator as well.

use std::{collections::BTreeSet, hash::BuildHasher};

use jiff::Timestamp;
use rustc_hash::FxBuildHasher;

use super::{
    automation::{Evaluation, evaluate_automations, evaluate_automations_plainly},
    decide::{decide_plainly, run},
    decision::Decision,
    matcher::Matcher,
    rule_set::RuleSet,
};
use crate::desk::{Event, Ticket};

/// Makes the matcher of one run.
pub type MakeMatcher = for<'a> fn(&'a RuleSet) -> Box<dyn Matcher + 'a>;

/// Makes every decision of a process.
#[derive(Debug, Clone, Copy)]
pub struct Decider {
    make_matcher: MakeMatcher,
    /// Of so many decisions, one is verified; 0 is none.
    every: u32,
}

/// What was decided.
#[derive(Debug)]
pub struct Decided<T> {
    /// The decision; the plain evaluator's, where that was asked.
    pub outcome: T,
    /// Whether the plain evaluator decided otherwise than the matcher.
    pub disagreed: bool,
}

impl Default for Decider {
    /// Decides by the index, and verifies nothing.
    fn default() -> Self {
        Self { make_matcher: |rules| Box::new(rules.matcher()), every: 0 }
    }
}

impl Decider {
    /// Verifies one decision of so many; 0 is none.
    pub fn verifying(self, every: u32) -> Self {
        Self { every, ..self }
    }

    /// Decides by another matcher than the index.
    pub fn by(self, make_matcher: MakeMatcher) -> Self {
        Self { make_matcher, ..self }
    }

    /// Decides what the rules make of an event, as [`super::decide()`].
    pub fn decide(&self, rules: &RuleSet, ticket: &Ticket, event: &Event, now: Timestamp) -> Decided<Decision> {
        let decision = run(rules, ticket, event, now, &mut *(self.make_matcher)(rules));
        rules.learn(ticket, event, now);
        self.verified(decision, ticket, now, || decide_plainly(rules, ticket, event, now))
    }

    /// Asks the automations on a whole minute. `holding` are those that held when they were last asked.
    pub fn evaluate_automations(
        &self,
        rules: &RuleSet,
        ticket: &Ticket,
        active: &BTreeSet<String>,
        at: Timestamp,
    ) -> Decided<Evaluation> {
        let evaluation = evaluate_automations(rules, ticket, active, at, &mut *(self.make_matcher)(rules));
        self.verified(evaluation, ticket, at, || evaluate_automations_plainly(rules, ticket, active, at))
    }

    fn verified<T: PartialEq>(
        &self,
        outcome: T,
        ticket: &Ticket,
        now: Timestamp,
        plainly: impl FnOnce() -> T,
    ) -> Decided<T> {
        if !self.samples(ticket, now) {
            return Decided { outcome, disagreed: false };
        }
        let plain = plainly();
        Decided { disagreed: plain != outcome, outcome: plain }
    }

    /// Whether a decision is one to verify. Follows from the ticket and the moment alone, so that the same decision is
    /// sampled in every run and by every thread.
    fn samples(&self, ticket: &Ticket, now: Timestamp) -> bool {
        self.every > 0
            && FxBuildHasher.hash_one((ticket.id.0, now.as_nanosecond())).is_multiple_of(u64::from(self.every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::TicketId;

    #[test]
    fn one_decision_of_so_many_is_sampled_and_always_the_same_ones() {
        let sampled = |every| {
            let decider = Decider::default().verifying(every);
            let cases =
                (0..10_000_i64).map(|n| (TicketId(n % 100), Timestamp::new(1_700_000_000 + n / 100, 0).unwrap()));
            cases
                .filter(|(id, now)| decider.samples(&Ticket { id: *id, ..Ticket::default() }, *now))
                .collect::<BTreeSet<_>>()
        };
        for (every, expected) in [(0, 0..=0), (1, 10_000..=10_000), (10, 850..=1_150), (100, 60..=140)] {
            let (once, again) = (sampled(every), sampled(every));
            assert!(expected.contains(&once.len()), "{} of 10,000 with {every}", once.len());
            assert_eq!(once, again);
        }
        // No ticket and no moment is left out for good.
        let tickets: BTreeSet<_> = sampled(10).into_iter().map(|(id, _)| id).collect();
        assert_eq!(tickets.len(), 100);
    }
}
