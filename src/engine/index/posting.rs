//! Inverted index: each rule is posted under its most selective *necessary* predicate.
//!
//! A disjunction gets one posting per alternative if that is more selective. The parts of the condition that the key
//! does not imply are checked when the list is probed.

use super::{
    expr::{self, Expr},
    frequencies::Frequencies,
    slots::{Slots, Unindexed},
};

/// Maximum number of alternatives of a disjunction that is split, and maximum depth to which nested ones are split.
const MAX_ALTERNATIVES: usize = 32;
const MAX_DEPTH: usize = 3;
/// A disjunction is split if the keys of its alternatives together hold on less than this share of the tickets on which
/// the best single key holds.
const MAX_SPLIT_SHARE: f64 = 0.7;
/// Maximum number of cells one posting is copied to.
const MAX_CELLS: u32 = 8;
/// A rule is posted under a regex only if every other key holds on more than this share of tickets, because such a regex
/// is matched against every text.
const REGEX_SHARE: f64 = 0.3;

/// A rule, or one alternative of it, with its key.
#[derive(Debug)]
pub(super) struct Posting {
    pub(super) rule: u32,
    pub(super) key: Key,
    /// The parts of the condition that the key does not imply.
    pub(super) parts: Vec<Expr>,
}

/// The key of a posting list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A literal.
    Literal(u32),
    /// A regex, by its number in [`Slots::unindexed`]; becomes a literal before layout.
    Regex(u32),
    /// The values of some coded fields, by slot and mask.
    Cells(Vec<(u16, u64)>),
}

impl Posting {
    /// The estimated share of tickets that probe it.
    pub(super) fn expected(&self, frequencies: &Frequencies<'_>) -> f64 {
        let key = match &self.key {
            Key::Literal(literal) => frequencies.literal(*literal),
            Key::Regex(_) => REGEX_SHARE,
            Key::Cells(cells) => cells.iter().map(|(slot, mask)| frequencies.code(*slot, *mask)).product(),
        };
        let rank = self.parts.iter().find(|part| matches!(part, Expr::Rank { .. }));
        key * rank.map_or(1.0, |rank| frequencies.at_best(rank))
    }
}

/// Posts a rule.
pub(super) fn post(rule: u32, expr: Expr, slots: &Slots, frequencies: &Frequencies<'_>, postings: &mut Vec<Posting>) {
    Poster { rule, slots, frequencies, postings }.post(expr, 0);
}

struct Poster<'a> {
    rule: u32,
    slots: &'a Slots,
    frequencies: &'a Frequencies<'a>,
    postings: &'a mut Vec<Posting>,
}

impl Poster<'_> {
    fn post(&mut self, expr: Expr, depth: usize) {
        let parts = match expr {
            Expr::Never => return,
            Expr::Always => vec![],
            Expr::All(parts) => parts.into_vec(),
            other => vec![other],
        };
        let cells = self.cells(&parts);
        let rank = parts.iter().filter(|part| matches!(part, Expr::Rank { .. }));
        let rank = rank.map(|part| self.frequencies.at_best(part)).fold(1.0, f64::min);
        let together = cells.iter().map(|(slot, mask)| self.frequencies.code(*slot, *mask)).product::<f64>() * rank;
        let literal = self.rarest(&parts, |part| matches!(part, Expr::Literal { want: true, .. }));
        let best = literal.map_or(together, |(_, share)| share.min(together));
        if depth < MAX_DEPTH
            && let Some((n, share)) = self.rarest(&parts, |part| self.alternatives(part).is_some())
            && share < best * MAX_SPLIT_SHARE
        {
            let alternatives = self.alternatives(&parts[n]).unwrap_or_default().to_vec();
            for alternative in alternatives {
                let others = parts.iter().enumerate().filter(|(other, _)| *other != n).map(|(_, part)| part.clone());
                self.post(expr::all(others.chain([alternative]).collect()), depth + 1);
            }
            return;
        }
        let regex = parts.iter().position(|part| {
            matches!(part, Expr::Unindexed { predicate, want: true }
            if matches!(self.slots.unindexed[*predicate as usize], Unindexed::Regex(..)))
        });
        let key = match (literal, regex) {
            (Some((n, share)), _) if share <= together => match parts[n] {
                Expr::Literal { literal, .. } => Some((Key::Literal(literal), n)),
                _ => None,
            },
            (_, Some(n)) if best > REGEX_SHARE => match parts[n] {
                Expr::Unindexed { predicate, .. } => Some((Key::Regex(predicate), n)),
                _ => None,
            },
            _ => None,
        };
        let posting = match key {
            Some((key, n)) => {
                let others = parts.into_iter().enumerate().filter(|(other, _)| *other != n);
                Posting { rule: self.rule, key, parts: others.map(|(_, part)| part).collect() }
            }
            None => Posting { rule: self.rule, key: Key::Cells(cells), parts },
        };
        self.postings.push(posting);
    }

    /// The most selective of the parts that satisfy `of`.
    fn rarest(&self, parts: &[Expr], of: impl Fn(&Expr) -> bool) -> Option<(usize, f64)> {
        let shares = parts.iter().enumerate().filter(|(_, part)| of(part));
        shares.map(|(n, part)| (n, self.frequencies.at_best(part))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The alternatives of a part, if they can be posted separately.
    fn alternatives<'e>(&'e self, part: &'e Expr) -> Option<&'e [Expr]> {
        let parts = match part {
            Expr::Any(parts) => parts,
            Expr::Unindexed { predicate, want: true } => match &self.slots.unindexed[*predicate as usize] {
                Unindexed::Shared(Expr::Any(parts)) => parts,
                _ => return None,
            },
            _ => return None,
        };
        (parts.len() <= MAX_ALTERNATIVES).then_some(parts)
    }

    /// The most selective coded slots of a rule, as many as fit in [`MAX_CELLS`] cells.
    fn cells(&self, parts: &[Expr]) -> Vec<(u16, u64)> {
        let codes = parts.iter().filter_map(|part| match part {
            Expr::Code { slot, mask } => Some((*slot, *mask, self.frequencies.code(*slot, *mask))),
            _ => None,
        });
        let mut codes: Vec<_> = codes.collect();
        codes.sort_by(|a, b| a.2.total_cmp(&b.2));
        let mut size = 1;
        codes.retain(|(_, mask, _)| {
            let larger = size * mask.count_ones();
            let fits = larger <= MAX_CELLS;
            if fits {
                size = larger;
            }
            fits
        });
        let mut cells: Vec<_> = codes.into_iter().map(|(slot, mask, _)| (slot, mask)).collect();
        cells.sort_unstable();
        cells
    }
}
