//! The engines that are compared, each in the fastest form its library offers; `README.md` describes them.

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

/// All engines, in the order of the tables. A new engine is one file and one line here.
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

/// Rules that are compiled once and matched against one ticket after another.
pub trait Engine: Sized {
    /// Name in the tables and in `--engines`.
    const NAME: &'static str;

    /// A ticket in the engine's own form; building it is not measured.
    type Input;

    /// Memory reused from one ticket to the next.
    type Scratch;

    /// Compiles the rules.
    fn build(rules: &RuleSet) -> Self;

    /// Prepares a ticket. `answer` are the rules that match it, for the engine that only measures the cost of reporting
    /// them.
    fn input(&self, case: &Case, answer: &[u32]) -> Self::Input;

    fn scratch(&self) -> Self::Scratch;

    /// Writes the indexes of the matching rules, in ascending order, into `out`, which is empty.
    fn matches(&self, input: &Self::Input, scratch: &mut Self::Scratch, out: &mut Vec<u32>);
}
