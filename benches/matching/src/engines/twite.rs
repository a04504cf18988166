//! Twite: the index, on a ticket as it arrives.

use std::sync::Arc;

use twite::{
    desk::Facts,
    engine::{self, index},
};

use super::Engine;
use crate::{
    condition::Condition,
    rules::RuleSet,
    tickets::{self, Case, Names},
};

/// Number of tickets the index learns from; none of them is measured.
const RECENT: usize = 256;

pub struct Twite(engine::RuleSet);

impl Engine for Twite {
    const NAME: &'static str = "twite";
    type Input = Case;
    type Scratch = index::Scratch;

    fn build(rules: &RuleSet) -> Self {
        Self(engine::RuleSet::learned(Arc::clone(rules.checked()), rules.recent()))
    }

    fn input(&self, case: &Case, _: &[u32]) -> Case {
        case.clone()
    }

    fn scratch(&self) -> index::Scratch {
        self.0.triggers().scratch()
    }

    fn matches(&self, case: &Case, searcher: &mut index::Scratch, out: &mut Vec<u32>) {
        let facts = Facts { ticket: &case.ticket, event: Some(&case.event), now: case.now, desk: &self.0.desk };
        searcher.search(self.0.triggers(), facts);
        searcher.each(|rule| out.push(rule as u32));
    }
}

/// Tickets like the measured ones.
pub fn recent(conditions: &[Condition]) -> Vec<index::Recent> {
    let realistic = conditions.iter().flat_map(Condition::leaves).any(|c| matches!(c, Condition::BrandIs(_)));
    let cases = tickets::tickets(&Names::new(), 0x7265_6365, RECENT, realistic);
    cases.into_iter().map(|Case { ticket, event, now }| index::Recent { ticket, event, now }).collect()
}
