//! Checks samples: `in sample "survey" of 10 percent`, and tickets of tests that are in them.

use super::Checker;
use crate::{
    desk::{Sample, TicketId},
    lang::{
        ast::{self, AstNode},
        codes,
        diagnostic::Diagnostic,
        syntax::{range, text::Text},
    },
};

/// How many numbers of tickets are tried for a test.
const MAX_TRIED: i64 = 1_000_000;
/// Maximum number of samples that the ticket of a test is given in or not in.
const MAX_GIVEN: usize = 10;

impl Checker<'_, '_> {
    pub(super) fn sample(&mut self, node: &ast::Sample) -> Option<Sample> {
        let (name, share) = (node.name()?, node.share()?);
        let percent = u8::try_from(self.whole(&share)?).ok().filter(|percent| (1..=99).contains(percent));
        if percent.is_none() {
            let error =
                Diagnostic::new(&codes::TW0116, range(&share), "number out of range: a sample has 1 to 99 percent");
            self.report(error.with_help("for all tickets, leave the condition out; a rule for none is `disabled`"));
        }
        Some(Sample::new(Text::of(&name).value, percent?))
    }

    /// Checks `given in sample "survey" of 10 percent` and its opposite.
    pub(super) fn given_samples(&mut self, clauses: impl Iterator<Item = ast::GivenSample>) -> Vec<(Sample, bool)> {
        let mut given = vec![];
        for (index, clause) in clauses.enumerate() {
            if index == MAX_GIVEN {
                self.error(&codes::TW0116, clause.span(), format!("more than {MAX_GIVEN} samples in a test"));
                break;
            }
            let Some(sample) = clause.sample().and_then(|sample| self.sample(&sample)) else { continue };
            given.push((sample, !clause.not()));
            if number(&given).is_none() {
                let error = Diagnostic::new(&codes::TW0302, clause.span(), "no ticket is in these samples");
                self.report(error.with_help("of two samples of the same name, the larger contains the smaller"));
                given.pop();
            }
        }
        given
    }
}

/// The lowest number of a ticket that is in these samples, or not in them; 0 if nothing is given.
pub(super) fn number(given: &[(Sample, bool)]) -> Option<TicketId> {
    let fits = |id: &TicketId| given.iter().all(|(sample, is_in)| sample.has(*id) == *is_in);
    (0..=MAX_TRIED).map(TicketId).find(fits)
}
