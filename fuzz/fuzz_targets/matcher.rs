//! Any rules, tickets and events: the index matches and decides like the plain evaluator.

#![no_main]

#[allow(dead_code, reason = "the integration tests use the rest")]
#[path = "../../tests/it/support/generate.rs"]
mod generate;

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use twite::{
    desk::Facts,
    engine::{RuleSet, decide, decide_plainly, index::Batch},
};

fuzz_target!(|bytes: &[u8]| {
    // Everything is generated from the fuzzer's bytes. If there are too few, the input is skipped.
    let rng = TestRng::from_seed(RngAlgorithm::PassThrough, bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let Ok(rules) = generate::rules(12).new_tree(&mut runner) else { return };
    let case = generate::ticket()
        .prop_flat_map(|ticket| generate::event(&ticket).prop_map(move |event| (ticket.clone(), event)));
    let rules = Arc::new(rules.current());
    let set = RuleSet::indexed_above(0, rules.clone(), &[]);
    let mut cases = vec![];
    for _ in 0..4 {
        let Ok(case) = case.new_tree(&mut runner) else { break };
        cases.push(case.current());
    }
    let now = generate::now();
    let facts: Vec<_> =
        cases.iter().map(|(ticket, event)| Facts { ticket, event: Some(event), now, desk: &rules.desk }).collect();
    let batch = Batch::new(set.triggers());
    let mut together = vec![vec![]; cases.len()];
    batch.search(&facts, &mut batch.scratch(), |ticket, rule| together[ticket].push(rule));
    let mut searcher = set.triggers().scratch();
    for ((facts, (ticket, event)), together) in facts.into_iter().zip(&cases).zip(together) {
        assert_eq!(decide(&set, ticket, event, now), decide_plainly(&rules, ticket, event, now));
        let mut alone = vec![];
        searcher.search(set.triggers(), facts);
        searcher.each(|rule| alone.push(rule));
        assert_eq!(alone, together);
    }
});
