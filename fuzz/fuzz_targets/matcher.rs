//! Any rules, tickets and events: the index finds and decides what the plain evaluator does.

#![no_main]

#[path = "../../tests/support/generate.rs"]
mod generate;

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use twite::engine::{Case, Decider, RuleSet, decide, decide_plainly, index::Tuning};

fuzz_target!(|bytes: &[u8]| {
    // What is generated follows from the bytes alone. Where they are too few, there is nothing to try.
    let rng = TestRng::from_seed(RngAlgorithm::PassThrough, bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let Ok(rules) = generate::rules(12).new_tree(&mut runner) else { return };
    let case = generate::ticket().prop_flat_map(|ticket| {
        generate::event(&ticket).prop_map(move |event| Case { ticket: ticket.clone(), event, now: generate::now() })
    });
    let rules = Arc::new(rules.current());
    let set = RuleSet::tuned(rules.clone(), &[], Tuning { few: 0, ..Tuning::default() });
    let mut cases = vec![];
    for _ in 0..4 {
        let Ok(case) = case.new_tree(&mut runner) else { break };
        cases.push(case.current());
    }
    let plain: Vec<_> = cases.iter().map(|c| decide_plainly(&rules, &c.ticket, &c.event, c.now)).collect();
    for (case, plain) in cases.iter().zip(&plain) {
        assert_eq!(decide(&set, &case.ticket, &case.event, case.now), *plain);
    }
    assert_eq!(Decider::new(&set).decide(&cases), plain);
});
