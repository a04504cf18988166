//! Twite's plain evaluator, one rule after another: it defines what a condition means.

use std::sync::Arc;

use twite::{desk::Facts, engine, lang::rules::Rules};

use super::Engine;
use crate::{rules::RuleSet, tickets::Case};

pub struct TwitePlain(Arc<Rules>);

impl Engine for TwitePlain {
    const NAME: &'static str = "twite-plain";
    type Input = Case;
    type Scratch = ();

    fn build(rules: &RuleSet) -> Self {
        Self(Arc::clone(rules.checked()))
    }

    fn input(&self, case: &Case, _: &[u32]) -> Case {
        case.clone()
    }

    fn scratch(&self) {}

    fn matches(&self, case: &Case, (): &mut (), out: &mut Vec<u32>) {
        let facts = Facts { ticket: &case.ticket, event: Some(&case.event), now: case.now, desk: &self.0.desk };
        let rules = (0..).zip(&self.0.triggers);
        out.extend(rules.filter(|(_, rule)| engine::holds(&rule.when, facts)).map(|(index, _)| index));
    }
}
