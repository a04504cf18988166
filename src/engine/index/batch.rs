//! Evaluates many rules on a batch of tickets, by bit columns.
//!
//! Every code, rank and literal of the batch becomes a column with one bit per ticket. A rule is a few operations on columns,
//! 64 tickets per word; equal conditions are evaluated once.

use rustc_hash::FxHashMap;

use super::{
    expr::Expr,
    memo::Memo,
    search::Index,
    slots::{Slots, Unindexed},
};
use crate::desk::Facts;

/// Tickets in a batch.
pub const BATCH_TICKETS: usize = 512;
const WORDS: usize = BATCH_TICKETS / 64;

/// A bit for each ticket of a batch.
type Column = [u64; WORDS];

const NONE: Column = [0; WORDS];
const ALL: Column = [u64::MAX; WORDS];

/// The rules of an index as operations on columns.
#[derive(Debug)]
pub struct Batch<'i> {
    index: &'i Index,
    /// The columns to compute, each from earlier ones.
    steps: Vec<Step>,
    /// The rules, each with the step that is its condition.
    rules: Vec<(u32, u32)>,
}

/// How a column is computed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Always,
    Never,
    Code {
        slot: u16,
        mask: u64,
    },
    Rank {
        slot: u16,
        low: u32,
        high: u32,
    },
    Literal {
        literal: u32,
        want: bool,
    },
    /// A conjunction of steps and unindexed predicates; these are evaluated only on the tickets that the steps leave.
    All(Box<[u32]>, Box<[(u32, bool)]>),
    Any(Box<[u32]>),
}

/// Reused memory of a batch.
#[derive(Debug)]
pub struct BatchScratch {
    memo: Memo,
    /// For each coded slot, a column for each code.
    codes: Vec<Vec<Column>>,
    /// For each ranked slot, the tickets by rank.
    ranks: Vec<RankColumns>,
    literals: Vec<Column>,
    /// The literals that are true on any ticket of the batch.
    present: Vec<u32>,
    /// For each unindexed predicate: the tickets it was evaluated on, and those it holds on.
    evaluated: Vec<(Column, Column)>,
    columns: Vec<Column>,
}

/// The tickets of a batch by their rank in one slot.
#[derive(Debug, Default)]
struct RankColumns {
    /// The rank and position of each ticket; sorted once all are read.
    ranks: Vec<(u32, u32)>,
    /// The ranks that occur, ascending, each with the tickets of this rank or higher.
    thresholds: Vec<(u32, Column)>,
}

impl RankColumns {
    fn build(&mut self) {
        self.ranks.sort_unstable();
        self.thresholds.clear();
        let mut column = NONE;
        for (rank, ticket) in self.ranks.iter().rev() {
            column[*ticket as usize / 64] |= 1 << (ticket % 64);
            match self.thresholds.last_mut() {
                Some((last, tickets)) if last == rank => *tickets = column,
                _ => self.thresholds.push((*rank, column)),
            }
        }
        self.thresholds.reverse();
    }

    /// The tickets of this rank or higher.
    fn from(&self, rank: u32) -> &Column {
        let threshold = self.thresholds.partition_point(|(threshold, _)| *threshold < rank);
        self.thresholds.get(threshold).map_or(&NONE, |(_, tickets)| tickets)
    }
}

impl<'i> Batch<'i> {
    /// Compiles the rules of an index to operations on columns.
    pub fn new(index: &'i Index) -> Self {
        let mut batch = Self { index, steps: vec![], rules: vec![] };
        let mut known = FxHashMap::default();
        for (rule, expr) in index.exprs() {
            let step = batch.step(expr, &mut known);
            batch.rules.push((*rule, step));
        }
        batch
    }

    /// The step of a condition; equal conditions share one.
    fn step(&mut self, expr: &Expr, known: &mut FxHashMap<Step, u32>) -> u32 {
        let step = match expr {
            Expr::Never => Step::Never,
            Expr::Always => Step::Always,
            Expr::Code { slot, mask } => Step::Code { slot: *slot, mask: *mask },
            Expr::Rank { slot, low, high } => Step::Rank { slot: *slot, low: *low, high: *high },
            Expr::Literal { literal, want } => Step::Literal { literal: *literal, want: *want },
            Expr::Unindexed { predicate, want } => match self.shared(*predicate) {
                // Only positive conditions are shared.
                Some(shared) if *want => return self.step(shared, known),
                _ => Step::All(Box::default(), [(*predicate, *want)].into()),
            },
            Expr::All(parts) => {
                let (mut steps, mut unindexed) = (vec![], vec![]);
                for part in parts {
                    match part {
                        Expr::Unindexed { predicate, want } if self.shared(*predicate).is_none() => {
                            unindexed.push((*predicate, *want));
                        }
                        part => steps.push(self.step(part, known)),
                    }
                }
                Step::All(steps.into(), unindexed.into())
            }
            Expr::Any(parts) => Step::Any(parts.iter().map(|part| self.step(part, known)).collect()),
        };
        *known.entry(step).or_insert_with_key(|step| {
            self.steps.push(step.clone());
            (self.steps.len() - 1) as u32
        })
    }

    /// The condition of an unindexed predicate that is a shared disjunction.
    fn shared(&self, predicate: u32) -> Option<&'i Expr> {
        match &self.index.slots().unindexed[predicate as usize] {
            Unindexed::Shared(shared) => Some(shared),
            Unindexed::Predicate(_) | Unindexed::Regex(..) => None,
        }
    }

    /// A scratch for this batch.
    pub fn scratch(&self) -> BatchScratch {
        let slots = self.index.slots();
        BatchScratch {
            memo: Memo::new(slots),
            codes: slots.coded.iter().map(|coded| vec![NONE; coded.codes]).collect(),
            ranks: slots.ranked.iter().map(|_| RankColumns::default()).collect(),
            literals: vec![NONE; slots.literals.len()],
            present: vec![],
            evaluated: vec![(NONE, NONE); slots.unindexed.len()],
            columns: vec![NONE; self.steps.len()],
        }
    }

    /// Evaluates every rule on at most [`BATCH_TICKETS`] tickets. Calls `found` with the index of a ticket and the number of a
    /// rule that holds on it, rule by rule.
    pub fn search(&self, tickets: &[Facts<'_>], scratch: &mut BatchScratch, mut found: impl FnMut(usize, usize)) {
        let tickets = &tickets[..tickets.len().min(BATCH_TICKETS)];
        self.read(tickets, scratch);
        let mut here = NONE;
        (0..tickets.len()).for_each(|ticket| here[ticket / 64] |= 1 << (ticket % 64));
        for (at, step) in self.steps.iter().enumerate() {
            scratch.columns[at] = self.evaluate(step, tickets, &here, scratch);
        }
        for (rule, step) in &self.rules {
            let column = &scratch.columns[*step as usize];
            for (word, (bits, here)) in column.iter().zip(&here).enumerate() {
                let mut bits = bits & here;
                while bits != 0 {
                    found(word * 64 + bits.trailing_zeros() as usize, *rule as usize);
                    bits &= bits - 1;
                }
            }
        }
    }

    fn read(&self, tickets: &[Facts<'_>], scratch: &mut BatchScratch) {
        let slots: &Slots = self.index.slots();
        scratch.codes.iter_mut().for_each(|codes| codes.fill(NONE));
        scratch.ranks.iter_mut().for_each(|columns_by_rank| columns_by_rank.ranks.clear());
        for literal in scratch.present.drain(..) {
            scratch.literals[literal as usize] = NONE;
        }
        scratch.evaluated.fill((NONE, NONE));
        for (ticket, facts) in tickets.iter().enumerate() {
            let (word, bit) = (ticket / 64, 1 << (ticket % 64));
            let memo = &mut scratch.memo;
            memo.clear();
            memo.read_all(slots, *facts);
            for (slot, codes) in scratch.codes.iter_mut().enumerate() {
                codes[memo.known_code(slot)][word] |= bit;
            }
            for (slot, columns_by_rank) in scratch.ranks.iter_mut().enumerate() {
                columns_by_rank.ranks.push((memo.known_rank(slot), ticket as u32));
            }
            for literal in memo.present() {
                let column = &mut scratch.literals[literal as usize];
                if *column == NONE {
                    scratch.present.push(literal);
                }
                column[word] |= bit;
            }
        }
        scratch.ranks.iter_mut().for_each(RankColumns::build);
    }

    fn evaluate(&self, step: &Step, tickets: &[Facts<'_>], here: &Column, scratch: &mut BatchScratch) -> Column {
        match step {
            Step::Always => ALL,
            Step::Never => NONE,
            Step::Code { slot, mask } => {
                let codes = scratch.codes[usize::from(*slot)].iter().enumerate();
                codes.filter(|(code, _)| mask & (1 << code) != 0).fold(NONE, |any, (_, column)| or(any, column))
            }
            Step::Rank { slot, low, high } => {
                let columns_by_rank = &scratch.ranks[usize::from(*slot)];
                let mut column = *columns_by_rank.from(*low);
                let above = columns_by_rank.from(high.saturating_add(1));
                column.iter_mut().zip(above).for_each(|(column, above)| *column &= !above);
                column
            }
            Step::Literal { literal, want } => wanted(&scratch.literals[*literal as usize], *want),
            Step::All(steps, unindexed) => {
                let mut all = *here;
                for step in steps {
                    all = and(all, &scratch.columns[*step as usize]);
                    if all == NONE {
                        return NONE;
                    }
                }
                unindexed.iter().fold(all, |all, (predicate, want)| {
                    and(all, &wanted(&self.unindexed(*predicate, &all, tickets, scratch), *want))
                })
            }
            Step::Any(steps) => steps.iter().fold(NONE, |any, step| or(any, &scratch.columns[*step as usize])),
        }
    }

    /// Evaluates an unindexed predicate on some of the tickets.
    fn unindexed(&self, predicate: u32, of: &Column, tickets: &[Facts<'_>], scratch: &mut BatchScratch) -> Column {
        let slots = self.index.slots();
        let (evaluated, results) = &mut scratch.evaluated[predicate as usize];
        for word in 0..WORDS {
            let mut bits = of[word] & !evaluated[word];
            evaluated[word] |= bits;
            while bits != 0 {
                let bit = bits.trailing_zeros();
                scratch.memo.clear();
                let holds = scratch.memo.unindexed(predicate as usize, slots, tickets[word * 64 + bit as usize]);
                results[word] |= u64::from(holds) << bit;
                bits &= bits - 1;
            }
        }
        *results
    }
}

fn or(mut a: Column, b: &Column) -> Column {
    a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
    a
}

fn and(mut a: Column, b: &Column) -> Column {
    a.iter_mut().zip(b).for_each(|(a, b)| *a &= b);
    a
}

fn wanted(column: &Column, want: bool) -> Column {
    if want { *column } else { column.map(|word| !word) }
}
