//! The workloads: rules and tickets of one kind, the same in every run.

mod five_kinds;
mod realistic;

use crate::{
    condition::Condition,
    tickets::{self, Case, Names},
};

/// A kind of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Five kinds of rules that rarely match.
    Sparse,
    /// The same five kinds, matching often.
    Dense,
    /// Rules as on a large desk.
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

    /// The first `count` rules of this workload; a smaller set is a prefix of a larger one.
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
