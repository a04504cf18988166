//! The index matches like the plain evaluator, and both decide the same, on generated rule sets, tickets and events.
//! Mutations of the index must be detected.
//!
//! `PROPTEST_CASES=2000 cargo test --test it the_index` runs more cases. Cases that once failed are kept in
//! `tests/proptest-regressions` and run first.
use std::{cell::Cell, sync::Arc};

use proptest::{
    collection,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use twite::{
    desk::{Change, Event, Facts, Ticket, Viewer},
    engine::{
        Matcher, Open, RuleSet, decide, decide_plainly, holds,
        index::{BATCH_TICKETS, Batch, Recent},
        run,
    },
    lang::rules::{Comparison, Condition, ConditionKind, Literal, Op, Predicate, Rules},
};

use crate::support::generate::{condition, desk, now, rules, rules_for_each_field, ticket};

/// Tickets, each with an event.
fn cases(most: usize) -> impl Strategy<Value = Vec<(Ticket, Event)>> {
    let case = ticket().prop_flat_map(|ticket| {
        crate::support::generate::event(&ticket).prop_map(move |event| (ticket.clone(), event))
    });
    collection::vec(case, 1..most)
}

/// The triggers that match at first, by the plain evaluator.
fn evaluated(rules: &Rules, ticket: &Ticket, event: &Event) -> Vec<usize> {
    let open = Open::at_first(rules, event);
    let facts = Facts { ticket, event: Some(event), now: now(), desk: &rules.desk };
    (0..rules.triggers.len()).filter(|n| open.is(*n) && holds(&rules.triggers[*n].when, facts)).collect()
}

/// The triggers that match, by the index.
fn found(set: &RuleSet, ticket: &Ticket, event: &Event) -> Vec<usize> {
    let mut searcher = set.triggers().scratch();
    searcher.search(set.triggers(), Facts { ticket, event: Some(event), now: now(), desk: &set.desk });
    let mut all = vec![];
    searcher.each(|trigger| all.push(trigger));
    let (mut one_by_one, mut from) = (vec![], 0);
    while let Some(next) = searcher.next(from) {
        one_by_one.push(next);
        from = next + 1;
    }
    assert_eq!(all, one_by_one);
    all
}

/// The first difference between the index and the plain evaluator, if any.
fn difference(rules: &Rules, set: &RuleSet, cases: &[(Ticket, Event)]) -> Option<String> {
    cases.iter().find_map(|(ticket, event)| {
        let (plain, fast) = (evaluated(rules, ticket, event), found(set, ticket, event));
        if plain != fast {
            let differs: Vec<_> = plain.iter().chain(&fast).filter(|n| plain.contains(n) != fast.contains(n)).collect();
            let texts: Vec<_> = differs.iter().map(|n| rules.triggers[**n].when.to_string()).collect();
            return Some(format!("{plain:?} hold, {fast:?} were found; {texts:#?}\n{ticket:#?}\n{event:#?}"));
        }
        let (plain, fast) = (decide_plainly(rules, ticket, event, now()), decide(set, ticket, event, now()));
        (plain != fast).then(|| format!("{plain:#?}\nwas to be decided, not\n{fast:#?}"))
    })
}

/// The first difference between a batch of this many tickets and the plain evaluator, if any.
fn difference_together(rules: &Rules, set: &RuleSet, cases: &[(Ticket, Event)], tickets: usize) -> Option<String> {
    let facts = |(ticket, event)| Facts { ticket, event: Some(event), now: now(), desk: &rules.desk };
    let many: Vec<_> = cases.iter().map(|(ticket, event)| facts((ticket, event))).cycle().take(tickets).collect();
    let alone: Vec<_> = cases.iter().map(|(ticket, event)| evaluated(rules, ticket, event)).collect();
    let batch = Batch::new(set.triggers());
    let mut scratch = batch.scratch();
    let mut alone = alone.iter().cycle();
    many.chunks(BATCH_TICKETS).find_map(|block| {
        let mut together = vec![vec![]; block.len()];
        batch.search(block, &mut scratch, |ticket, rule| together[ticket].push(rule));
        together.iter().find_map(|together| {
            let alone = alone.next().unwrap();
            (alone != together).then(|| format!("{alone:?} hold, {together:?} were found together"))
        })
    })
}

fn recent(cases: &[(Ticket, Event)]) -> Vec<Recent> {
    cases.iter().map(|(t, e)| Recent { ticket: t.clone(), event: e.clone(), now: now() }).collect()
}

/// This many cases, unless `PROPTEST_CASES` is set.
fn default_cases(cases: u32) -> u32 {
    if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { cases }
}

proptest! {
    #[test]
    fn what_an_agent_reads_is_what_holds_when_that_agent_acts(when in condition(), cases in cases(6)) {
        let desk = desk();
        for (ticket, event) in &cases {
            let facts = Facts { ticket, event: Some(event), now: now(), desk: &desk };
            let viewer = Viewer::acting(&desk, &event.actor).unwrap_or(Viewer::Owner);
            let read = when.read_by(viewer);
            prop_assert!(!read.asks_me(), "{}", read);
            prop_assert_eq!(holds(&when, facts), holds(&read, facts), "{} for {:?}", when, event.actor);
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: default_cases(96), max_shrink_iters: 100, ..Config::default() })]

    #[test]
    fn the_index_finds_and_decides_what_is_meant(rules in rules(24), cases in cases(12)) {
        let rules = Arc::new(rules);
        for (max_unindexed, seen) in [(usize::MAX, vec![]), (0, vec![]), (0, recent(&cases))] {
            let set = RuleSet::indexed_above(max_unindexed, rules.clone(), &seen);
            let differs = difference(&rules, &set, &cases);
            prop_assert!(differs.is_none(), "{}", differs.unwrap_or_default());
            let differs = difference_together(&rules, &set, &cases, 2 * cases.len());
            prop_assert!(differs.is_none(), "together: {}", differs.unwrap_or_default());
        }
    }

}

proptest! {
    #![proptest_config(Config { cases: default_cases(24), max_shrink_iters: 20, ..Config::default() })]

    #[test]
    fn no_field_is_taken_for_another(rules in rules_for_each_field(), cases in cases(12)) {
        let rules = Arc::new(rules);
        let set = RuleSet::indexed_above(0, rules.clone(), &[]);
        let differs = difference(&rules, &set, &cases);
        prop_assert!(differs.is_none(), "{}", differs.unwrap_or_default());
    }
}

proptest! {
    #![proptest_config(Config { cases: default_cases(6), max_shrink_iters: 20, ..Config::default() })]

    #[test]
    fn large_sets_and_many_tickets_too(rules in rules(150), cases in cases(12)) {
        let rules = Arc::new(rules);
        let set = RuleSet::learned(rules.clone(), &recent(&cases));
        let differs = difference(&rules, &set, &cases);
        prop_assert!(differs.is_none(), "{}", differs.unwrap_or_default());
        // More tickets than one block of the batch holds.
        let differs = difference_together(&rules, &set, &cases, 1_200);
        prop_assert!(differs.is_none(), "together: {}", differs.unwrap_or_default());
        // An index that has learned from the tickets seen here decides the same.
        let set = set.successor(rules.clone());
        prop_assert!(difference(&rules, &set, &cases).is_none());
    }
}

/// A mutation of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// The last alternative of `or` is ignored.
    LosesAnAlternative,
    /// Lower bounds of numbers are one too high.
    CutsTooHigh,
    /// Negated conditions always hold.
    AllowsTheForbidden,
    /// Changes made by triggers are ignored.
    IgnoresChanges,
}

impl Mistake {
    /// The condition that is indexed instead.
    fn of(self, condition: &Condition) -> Condition {
        let all = |parts: &[Condition]| parts.iter().map(|part| self.of(part)).collect::<Vec<_>>();
        let kind = match (&condition.kind, self) {
            (ConditionKind::Not(_), Self::AllowsTheForbidden) => ConditionKind::All(vec![]),
            (ConditionKind::Not(inner), _) => ConditionKind::Not(Box::new(self.of(inner))),
            (ConditionKind::All(parts), _) => ConditionKind::All(all(parts)),
            (ConditionKind::Any(parts), Self::LosesAnAlternative) if parts.len() > 1 => {
                ConditionKind::Any(all(&parts[..parts.len() - 1]))
            }
            (ConditionKind::Any(parts), _) => ConditionKind::Any(all(parts)),
            (ConditionKind::Let(named), _) => self.of(&named.condition).kind,
            (ConditionKind::Predicate(predicate), Self::CutsTooHigh) => match &predicate.op {
                Op::Compare(comparison @ (Comparison::AtLeast | Comparison::More), Literal::Number(n)) => {
                    let test = Op::Compare(*comparison, Literal::Number(n.saturating_add(1)));
                    ConditionKind::Predicate(Predicate::new(predicate.field.clone(), test))
                }
                _ => ConditionKind::Predicate(predicate.clone()),
            },
            (ConditionKind::Predicate(predicate), _) => ConditionKind::Predicate(predicate.clone()),
        };
        Condition { kind, span: condition.span.clone() }
    }
}

/// A matcher that can ignore changes.
struct Wrong<M> {
    matcher: M,
    ignores_changes: bool,
}

impl<M: Matcher> Matcher for Wrong<M> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        self.matcher.next(from, open, facts)
    }

    fn changed(&mut self, changes: &[Change]) {
        if !self.ignores_changes {
            self.matcher.changed(changes);
        }
    }
}

#[test]
fn mistakes_are_noticed() {
    for mistake in
        [Mistake::LosesAnAlternative, Mistake::CutsTooHigh, Mistake::AllowsTheForbidden, Mistake::IgnoresChanges]
    {
        let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let tried = Cell::new(0);
        let noticed = (0..200).any(|n| {
            tried.set(n);
            let tree = (rules(24), cases(12)).new_tree(&mut runner).unwrap();
            let (rules, cases) = tree.current();
            // A second copy without shared `Arc`s, to be changed.
            let (mut wrong, _) = tree.current();
            for trigger in &mut wrong.triggers {
                let trigger = Arc::get_mut(trigger).unwrap();
                trigger.when = mistake.of(&trigger.when);
            }
            let set = RuleSet::indexed_above(0, Arc::new(wrong), &[]);
            cases.iter().any(|(ticket, event)| {
                let mut matcher = Wrong { matcher: set.matcher(), ignores_changes: mistake == Mistake::IgnoresChanges };
                run(&rules, ticket, event, now(), &mut matcher) != decide_plainly(&rules, ticket, event, now())
            })
        });
        assert!(noticed, "{mistake:?} goes unnoticed in {} cases", tried.get());
        println!("{mistake:?} is noticed in case {}", tried.get());
    }
}
