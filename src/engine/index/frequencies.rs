//! Selectivity: the share of recent tickets on which a predicate holds.

use super::{
    expr::Expr,
    memo::Memo,
    needles::Find,
    recent::Recent,
    slots::{CodedBy, LiteralSource, Names, Slots, Unindexed},
};
use crate::desk::{Declarations, Facts};

/// The weight of the prior, in tickets.
const WEIGHT: f64 = 4.0;

/// Counts over recent tickets.
#[derive(Debug)]
pub(super) struct Frequencies<'s> {
    slots: &'s Slots,
    tickets: usize,
    literals: Vec<u32>,
    codes: Vec<[u32; 64]>,
    /// The ranks of the tickets, sorted.
    ranks: Vec<Vec<u32>>,
}

impl<'s> Frequencies<'s> {
    /// Counts over recent tickets.
    pub(super) fn of(slots: &'s Slots, recent: &[Recent], desk: &Declarations) -> Self {
        let mut literals = vec![0; slots.literals.len()];
        let mut codes = vec![[0; 64]; slots.coded.len()];
        let mut ranks = vec![vec![]; slots.ranked.len()];
        let mut memo = Memo::new(slots);
        for Recent { ticket, event, now } in recent {
            memo.clear();
            memo.read_all(slots, Facts { ticket, event: Some(event), now: *now, desk });
            memo.present().for_each(|literal| literals[literal as usize] += 1);
            codes.iter_mut().enumerate().for_each(|(slot, counts)| counts[memo.known_code(slot)] += 1);
            ranks.iter_mut().enumerate().for_each(|(slot, ranks)| ranks.push(memo.known_rank(slot)));
        }
        ranks.iter_mut().for_each(|ranks| ranks.sort_unstable());
        Self { slots, tickets: recent.len(), literals, codes, ranks }
    }

    /// The estimated share, given a prior.
    fn share(&self, count: usize, prior: f64) -> f64 {
        (count as f64 + WEIGHT * prior) / (self.tickets as f64 + WEIGHT)
    }

    pub(super) fn literal(&self, literal: u32) -> f64 {
        let prior = match &self.slots.literals[literal as usize] {
            LiteralSource::Searched(_, Find::Nothing) => 0.1,
            LiteralSource::Searched(
                _,
                Find::Anywhere(text) | Find::Words(text) | Find::Start(text) | Find::End(text),
            ) => 0.2 / text.len().max(1) as f64,
            LiteralSource::Searched(_, Find::Regex(_)) => 0.1,
            LiteralSource::List(_, literals) => (0.005 * *literals as f64).min(0.5),
            LiteralSource::Named(slot) => {
                let named = &self.slots.named[usize::from(*slot)];
                match named.empty {
                    Some(empty) if empty == literal => 0.5,
                    _ if named.of == Names::Set => 0.02,
                    _ => 0.05,
                }
            }
        };
        self.share(self.literals[literal as usize] as usize, prior)
    }

    pub(super) fn code(&self, slot: u16, mask: u64) -> f64 {
        let coded = &self.slots.coded[usize::from(slot)];
        let count: u32 = self.codes[usize::from(slot)]
            .iter()
            .enumerate()
            .map(|(code, n)| if mask & (1 << code) != 0 { *n } else { 0 })
            .sum();
        let most = match coded.what {
            // Most fields do not change in an event.
            CodedBy::Change(_) => 2 * coded.codes,
            _ => coded.codes,
        };
        self.share(count as usize, f64::from(mask.count_ones()) / most as f64)
    }

    pub(super) fn rank(&self, slot: u16, low: u32, high: u32) -> f64 {
        let ranks = &self.ranks[usize::from(slot)];
        let count = ranks.partition_point(|rank| *rank <= high) - ranks.partition_point(|rank| *rank < low);
        let prior = match (low, high) {
            (low, high) if low == high => 0.05,
            (0 | 1, _) => 0.7,
            _ => 0.3,
        };
        self.share(count, prior)
    }

    /// The share of tickets on which the most selective key of a condition holds.
    pub(super) fn at_best(&self, expr: &Expr) -> f64 {
        match expr {
            Expr::Never => 0.0,
            Expr::Always | Expr::Literal { want: false, .. } => 1.0,
            Expr::Code { slot, mask } => self.code(*slot, *mask),
            Expr::Rank { slot, low, high } => self.rank(*slot, *low, *high),
            Expr::Literal { literal, .. } => self.literal(*literal),
            Expr::Unindexed { predicate, want } => match &self.slots.unindexed[*predicate as usize] {
                Unindexed::Shared(shared) if *want => self.at_best(shared),
                _ => 1.0,
            },
            Expr::All(parts) => self.best_of(parts),
            Expr::Any(parts) => parts.iter().map(|part| self.at_best(part)).sum::<f64>().min(1.0),
        }
    }

    fn best_of(&self, parts: &[Expr]) -> f64 {
        // All codes and one rank form one key.
        let (mut cell, mut rank, mut other) = (1.0_f64, 1.0_f64, 1.0_f64);
        for part in parts {
            match part {
                Expr::Code { .. } => cell *= self.at_best(part),
                Expr::Rank { .. } => rank = rank.min(self.at_best(part)),
                part => other = other.min(self.at_best(part)),
            }
        }
        other.min(cell * rank)
    }
}
