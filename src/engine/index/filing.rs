//! Under what each rule is filed: whatever must be true where the rule holds, and is rarest.
//!
//! A rule with alternatives is filed once for each of them, where that is rarer than all else it asks. What the
//! place does not say already is checked when the rule is found there.

use super::{
    expr::{self, Expr},
    frequencies::Frequencies,
    slots::{Question, Slots},
};

/// The most alternatives that are filed apart, and how deep alternatives within alternatives are.
const MOST_ALTERNATIVES: usize = 32;
const DEEPEST: usize = 3;
/// How much rarer alternatives must be than what they would be filed under together.
const RARER: f64 = 0.7;
/// The most places in which one alternative stands because several values of a field are fine.
const MOST_CELLS: u32 = 8;
/// From how often on a regex is searched for in every text, so that rules can be filed under it.
const OFTEN: f64 = 0.3;

/// A rule, or one alternative of it, in its place.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) rule: u32,
    pub(super) place: Place,
    /// What the rule asks, but for what its place says.
    pub(super) parts: Vec<Expr>,
}

/// Where it is filed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Under a literal.
    Literal(u32),
    /// Under a regex, by its question, which becomes a literal.
    Regex(u32),
    /// Under the values of some coded fields, by slot and mask.
    Cells(Vec<(u16, u64)>),
}

impl Draft {
    /// How often it is looked at, roughly.
    pub(super) fn expected(&self, frequencies: &Frequencies<'_>) -> f64 {
        let place = match &self.place {
            Place::Literal(literal) => frequencies.literal(*literal),
            Place::Regex(_) => OFTEN,
            Place::Cells(cells) => cells.iter().map(|(slot, mask)| frequencies.code(*slot, *mask)).product(),
        };
        let lead = self.parts.iter().find(|part| matches!(part, Expr::Rank { .. }));
        place * lead.map_or(1.0, |lead| frequencies.at_best(lead))
    }
}

/// Files a rule.
pub(super) fn file(rule: u32, expr: Expr, slots: &Slots, frequencies: &Frequencies<'_>, drafts: &mut Vec<Draft>) {
    Filing { rule, slots, frequencies, drafts }.file(expr, 0);
}

struct Filing<'a> {
    rule: u32,
    slots: &'a Slots,
    frequencies: &'a Frequencies<'a>,
    drafts: &'a mut Vec<Draft>,
}

impl Filing<'_> {
    fn file(&mut self, expr: Expr, depth: usize) {
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
        if depth < DEEPEST
            && let Some((n, share)) = self.rarest(&parts, |part| self.alternatives(part).is_some())
            && share < best * RARER
        {
            let alternatives = self.alternatives(&parts[n]).unwrap_or_default().to_vec();
            for alternative in alternatives {
                let others = parts.iter().enumerate().filter(|(other, _)| *other != n).map(|(_, part)| part.clone());
                self.file(expr::all(others.chain([alternative]).collect()), depth + 1);
            }
            return;
        }
        let regex = parts.iter().position(|part| {
            matches!(part, Expr::Question { question, want: true }
            if matches!(self.slots.questions[*question as usize], Question::Regex(..)))
        });
        let place = match (literal, regex) {
            (Some((n, share)), _) if share <= together => match parts[n] {
                Expr::Literal { literal, .. } => Some((Place::Literal(literal), n)),
                _ => None,
            },
            (_, Some(n)) if best > OFTEN => match parts[n] {
                Expr::Question { question, .. } => Some((Place::Regex(question), n)),
                _ => None,
            },
            _ => None,
        };
        let draft = match place {
            Some((place, n)) => {
                let others = parts.into_iter().enumerate().filter(|(other, _)| *other != n);
                Draft { rule: self.rule, place, parts: others.map(|(_, part)| part).collect() }
            }
            None => Draft { rule: self.rule, place: Place::Cells(cells), parts },
        };
        self.drafts.push(draft);
    }

    /// The rarest of the parts that are of some kind.
    fn rarest(&self, parts: &[Expr], of: impl Fn(&Expr) -> bool) -> Option<(usize, f64)> {
        let shares = parts.iter().enumerate().filter(|(_, part)| of(part));
        shares.map(|(n, part)| (n, self.frequencies.at_best(part))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The alternatives a part consists of, where they can be filed apart.
    fn alternatives<'e>(&'e self, part: &'e Expr) -> Option<&'e [Expr]> {
        let parts = match part {
            Expr::Any(parts) => parts,
            Expr::Question { question, want: true } => match &self.slots.questions[*question as usize] {
                Question::Shared(Expr::Any(parts)) => parts,
                _ => return None,
            },
            _ => return None,
        };
        (parts.len() <= MOST_ALTERNATIVES).then_some(parts)
    }

    /// The coded fields whose values a rule is filed under, rarest first, as many as keep the places few.
    fn cells(&self, parts: &[Expr]) -> Vec<(u16, u64)> {
        let codes = parts.iter().filter_map(|part| match part {
            Expr::Code { slot, mask } => Some((*slot, *mask, self.frequencies.code(*slot, *mask))),
            _ => None,
        });
        let mut codes: Vec<_> = codes.collect();
        codes.sort_by(|a, b| a.2.total_cmp(&b.2));
        let mut places = 1;
        codes.retain(|(_, mask, _)| {
            let more = places * mask.count_ones();
            let fits = more <= MOST_CELLS;
            if fits {
                places = more;
            }
            fits
        });
        let mut cells: Vec<_> = codes.into_iter().map(|(slot, mask, _)| (slot, mask)).collect();
        cells.sort_unstable();
        cells
    }
}
