//! The engines that are compared. Each answers the same question in its best honest form; `README.md` says which.

mod closures;
mod closures_read;
mod limit;
mod prepared;
mod scan;
pub mod twite;
mod twite_plain;

#[cfg(feature = "others")]
mod a_tree;
#[cfg(feature = "others")]
mod cedar;
#[cfg(feature = "others")]
mod cel;
#[cfg(feature = "others")]
mod rhai;
#[cfg(feature = "others")]
mod wirefilter;
#[cfg(feature = "others")]
mod zen;

use crate::{measure::Candidate, rules::RuleSet, tickets::Case};

pub use closures::Closures;

/// All of them, in the order in which they stand in the tables. To add one is a file, and a line here.
pub const ALL: &[Candidate] = &[
    Candidate::shared::<limit::Limit>(),
    Candidate::shared::<closures::Closures>(),
    Candidate::one::<closures_read::ClosuresRead>(),
    Candidate::shared::<twite::Twite>(),
    Candidate::one::<twite_plain::TwitePlain>(),
    #[cfg(feature = "others")]
    Candidate::one::<a_tree::Shared>(),
    #[cfg(feature = "others")]
    Candidate::one::<wirefilter::Filters>(),
    #[cfg(feature = "others")]
    Candidate::one::<zen::Expressions>(),
    #[cfg(feature = "others")]
    Candidate::one::<cel::Programs>(),
    #[cfg(feature = "others")]
    Candidate::one::<rhai::Scripts>(),
    #[cfg(feature = "others")]
    Candidate::one::<cedar::Policies>(),
];

/// Rules, compiled once, that are asked about one ticket after the other.
pub trait Engine: Sized {
    /// What it is called in the tables, and by `--engines`.
    const NAME: &'static str;

    /// A ticket in the form the engine wants it in; making it is not measured.
    type Input;

    /// What is kept from one ticket to the next.
    type Scratch;

    /// Compiles the rules.
    fn build(rules: &RuleSet) -> Self;

    /// Prepares a ticket. `answer` are the rules that match it, for those who only measure how fast one can say so.
    fn input(&self, case: &Case, answer: &[u32]) -> Self::Input;

    fn scratch(&self) -> Self::Scratch;

    /// Writes the indexes of the rules that match into `out`, which is empty, in ascending order.
    fn matches(&self, input: &Self::Input, scratch: &mut Self::Scratch, out: &mut Vec<u32>);
}
