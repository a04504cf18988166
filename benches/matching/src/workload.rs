//! What is measured: rules and tickets of one sort, always the same ones.

mod five_kinds;
mod realistic;

use crate::{
    condition::Condition,
    tickets::{self, Case, Names},
};

/// A sort of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Five kinds of rules that hardly ever match.
    Sparse,
    /// The same five kinds, matching often.
    Dense,
    /// What the files of a large desk say.
    Realistic,
}

impl Workload {
    pub const ALL: [Self; 3] = [Self::Sparse, Self::Dense, Self::Realistic];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sparse => "sparse",
            Self::Dense => "dense",
            Self::Realistic => "realistic",
        }
    }

    /// The first so many rules of this sort: fewer are always the beginning of more.
    pub fn conditions(self, names: &Names, count: usize) -> Vec<Condition> {
        match self {
            Self::Sparse => five_kinds::conditions(names, count, &five_kinds::SPARSE),
            Self::Dense => five_kinds::conditions(names, count, &five_kinds::DENSE),
            Self::Realistic => realistic::conditions(names, count),
        }
    }

    pub fn tickets(self, names: &Names, count: usize) -> Vec<Case> {
        tickets::tickets(names, 0x7469_636b, count, self == Self::Realistic)
    }
}
