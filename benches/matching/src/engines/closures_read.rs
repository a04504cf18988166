//! The same closures, but reading the ticket is measured too: folding its text and looking up its names, as in `limit`
//! and `twite`.

use twite::desk::text::Folder;

use super::{
    Engine,
    closures::Closures,
    prepared::{Numbered, Prepared},
};
use crate::{rules::RuleSet, tickets::Case};

pub struct ClosuresRead(Closures);

/// Memory reused from one ticket to the next, so that reading does not allocate.
#[derive(Default)]
pub struct Scratch {
    folder: Folder,
    prepared: Prepared,
}

impl Engine for ClosuresRead {
    const NAME: &'static str = "closures-read";
    type Input = Case;
    type Scratch = Scratch;

    fn build(rules: &RuleSet) -> Self {
        Self(Closures::build(rules))
    }

    fn input(&self, case: &Case, _: &[u32]) -> Case {
        case.clone()
    }

    fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    fn matches(&self, case: &Case, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let Scratch { folder, prepared } = scratch;
        Numbered::read(self.0.names(), case, folder, prepared);
        self.0.matches(prepared, &mut (), out);
    }
}
