//! Makes decisions with the index, and verifies a sample of them with the plain evaluator.

use std::hash::BuildHasher;

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

/// Makes decisions, and verifies one in `every`.
#[derive(Debug, Clone, Copy)]
pub struct Decider {
    make_matcher: MakeMatcher,
    /// One in this many decisions is verified; 0 is none.
    every: u32,
}

/// A decision, and whether its verification failed.
#[derive(Debug)]
pub struct Decided<T> {
    /// The decision; the plain evaluator's if it was verified.
    pub outcome: T,
    /// Whether matcher and plain evaluator differ.
    pub disagreed: bool,
}

impl Default for Decider {
    /// Uses the index, and verifies nothing.
    fn default() -> Self {
        Self { make_matcher: |rules| Box::new(rules.matcher()), every: 0 }
    }
}

impl Decider {
    /// Verifies one in this many decisions; 0 is none.
    pub fn verifying(self, every: u32) -> Self {
        Self { every, ..self }
    }

    /// Uses another matcher than the index.
    pub fn by(self, make_matcher: MakeMatcher) -> Self {
        Self { make_matcher, ..self }
    }

    /// Runs the rules on an event, like [`super::decide()`], but with this decider's matcher, and verifies the decision.
    pub fn decide(&self, rules: &RuleSet, ticket: &Ticket, event: &Event, now: Timestamp) -> Decided<Decision> {
        let decision = run(rules, ticket, event, now, &mut *(self.make_matcher)(rules));
        rules.learn(ticket, event, now);
        self.verified(decision, ticket, now, || decide_plainly(rules, ticket, event, now))
    }

    /// Evaluates the automations on a whole minute. The event tells which held at the last evaluation.
    pub fn evaluate_automations(
        &self,
        rules: &RuleSet,
        ticket: &Ticket,
        event: &Event,
        at: Timestamp,
    ) -> Decided<Evaluation> {
        let evaluation = evaluate_automations(rules, ticket, event, at, &mut *(self.make_matcher)(rules));
        self.verified(evaluation, ticket, at, || evaluate_automations_plainly(rules, ticket, event, at))
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

    /// Whether to verify a decision. Depends on ticket and time only, so that every run and thread samples the same ones.
    fn samples(&self, ticket: &Ticket, now: Timestamp) -> bool {
        self.every > 0
            && FxBuildHasher.hash_one((ticket.id.0, now.as_nanosecond())).is_multiple_of(u64::from(self.every))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::desk::TicketId;

    #[test]
    fn samples_one_in_n_decisions_deterministically() {
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
        // Every ticket is sampled sooner or later.
        let tickets: BTreeSet<_> = sampled(10).into_iter().map(|(id, _)| id).collect();
        assert_eq!(tickets.len(), 100);
    }
}
