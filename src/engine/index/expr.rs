//! Conditions over slots, in negation normal form.
//!
//! `not` is pushed down to the predicates, each of which has an exact complement: every predicate is true or false,
//! also where a value is unknown.

use std::sync::Arc;

use regex_syntax::hir::literal::Extractor;
use rustc_hash::FxHashMap;

use super::slots::{CodedBy, Find, Slots, Unindexed};
use crate::{
    desk::FieldRef,
    engine::normal::{MAX_CODES, Normal, Search, Tags, Whole, normal},
    lang::rules::{Condition, ConditionKind, Let, Pattern, Predicate},
};

/// The most texts of which every match of a regex must contain one.
const MAX_PIECES: usize = 16;
/// The fewest bytes of such a text.
const MIN_PIECE_BYTES: usize = 3;

/// Up to this many parts are compared to drop duplicates.
const MAX_COMPARED_PARTS: usize = 64;

/// A condition over slots.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Never,
    Always,
    /// The code of this slot is in the mask.
    Code {
        slot: u16,
        mask: u64,
    },
    /// The rank of this slot is within these bounds, both inclusive.
    Rank {
        slot: u16,
        low: u32,
        high: u32,
    },
    /// This literal is as wanted.
    Literal {
        literal: u32,
        want: bool,
    },
    /// This unindexed predicate is as wanted.
    Unindexed {
        predicate: u32,
        want: bool,
    },
    All(Box<[Self]>),
    Any(Box<[Self]>),
}

/// Turns conditions into expressions.
pub(super) struct Builder<'s> {
    slots: &'s mut Slots,
    /// Named conditions and their complements.
    shared: FxHashMap<(*const Let, bool), Expr>,
    /// The regexes over each text: equal ones share a predicate.
    regexes: FxHashMap<(u16, String), u32>,
}

impl<'s> Builder<'s> {
    pub(super) fn new(slots: &'s mut Slots) -> Self {
        Self { slots, shared: FxHashMap::default(), regexes: FxHashMap::default() }
    }

    /// The condition, or its complement.
    pub(super) fn build(&mut self, condition: &Condition, want: bool) -> Expr {
        match &condition.kind {
            ConditionKind::All(parts) | ConditionKind::Any(parts) => {
                let built = parts.iter().map(|part| self.build(part, want)).collect();
                let every = matches!(condition.kind, ConditionKind::All(_)) == want;
                if every { all(built) } else { any(built) }
            }
            ConditionKind::Not(inner) => self.build(inner, !want),
            ConditionKind::Let(named) => self.named(named, want),
            ConditionKind::Predicate(predicate) => self.predicate(predicate, want),
        }
    }

    /// A named disjunction is shared, so that it is evaluated once per ticket.
    fn named(&mut self, named: &Arc<Let>, want: bool) -> Expr {
        let key = (Arc::as_ptr(named), want);
        if let Some(known) = self.shared.get(&key) {
            return known.clone();
        }
        let built = match self.build(&named.condition, want) {
            any @ Expr::Any(_) => {
                Expr::Unindexed { predicate: self.slots.unindexed(Unindexed::Shared(any)), want: true }
            }
            other => other,
        };
        self.shared.insert(key, built.clone());
        built
    }

    fn predicate(&mut self, predicate: &Predicate, want: bool) -> Expr {
        let field = &predicate.field;
        match normal(predicate) {
            Normal::Codes(holds) => self.code(CodedBy::Field(field.clone()), holds, want),
            Normal::Changes(holds) => self.code(CodedBy::Change(field.clone()), holds, want),
            Normal::Ranges(parts) => {
                let (slot, ranges, most) = self.slots.ranks(field, &parts, want);
                any(ranges.into_iter().map(|r| rank(slot, *r.start(), *r.end(), most)).collect())
            }
            Normal::Whole(whole) => self.whole(field, &whole, want),
            Normal::Tags(Tags { tags, every, present }) => {
                let slot = self.slots.named_slot(field);
                let parts = tags.iter().map(|tag| literal(self.slots.name(slot, tag), present == want)).collect();
                if every == want { all(parts) } else { any(parts) }
            }
            Normal::Search(search) => self.search(field, &search, want),
            Normal::Opaque => {
                let predicate = self.slots.unindexed(Unindexed::Predicate(predicate.clone()));
                Expr::Unindexed { predicate, want }
            }
        }
    }

    /// The codes of a slot for which a predicate is as wanted.
    fn code(&mut self, what: CodedBy, holds: u64, want: bool) -> Expr {
        let slot = self.slots.code_slot(what);
        let codes = self.slots.coded[slot].codes;
        let every = if codes == MAX_CODES { u64::MAX } else { (1 << codes) - 1 };
        match if want { holds } else { !holds } & every {
            0 => Expr::Never,
            mask if mask == every => Expr::Always,
            mask => Expr::Code { slot: slot as u16, mask },
        }
    }

    /// A whole name or text: the values that are as wanted, or none of those that are not.
    fn whole(&mut self, field: &FieldRef, whole: &Whole<'_>, want: bool) -> Expr {
        let slot = self.slots.named_slot(field);
        let positive = whole.other != want;
        let mut parts = vec![];
        for (name, holds) in &whole.mentioned {
            if (*holds == want) == positive {
                parts.push(literal(self.slots.name(slot, name), positive));
            }
        }
        if (whole.empty == want) == positive {
            parts.push(literal(self.slots.no_name(slot), positive));
        }
        if positive { any(parts) } else { all(parts) }
    }

    fn search(&mut self, field: &FieldRef, search: &Search<'_>, want: bool) -> Expr {
        let slot = self.slots.searched_slot(field);
        let find = match search {
            Search::Nothing => return if want { Expr::Never } else { Expr::Always },
            Search::Anything => return literal(self.slots.find(slot, Find::Nothing), !want),
            Search::Anywhere(text) => Find::Anywhere((*text).into()),
            Search::Words(text) => Find::Words((*text).into()),
            Search::Start(text) => Find::Start((*text).into()),
            Search::Regex(pattern) => return self.regex(slot, pattern, want),
        };
        literal(self.slots.find(slot, find), want)
    }

    /// A regex is evaluated only where the text contains what every match must contain, as far as that is known.
    fn regex(&mut self, slot: u16, pattern: &Pattern, want: bool) -> Expr {
        let folded = self.slots.folded_by(slot);
        let predicate = match self.regexes.get(&(slot, pattern.written.clone())) {
            Some(predicate) => *predicate,
            None => {
                let predicate = self.slots.unindexed(Unindexed::Regex(folded, pattern.clone()));
                self.regexes.insert((slot, pattern.written.clone()), predicate);
                predicate
            }
        };
        let asked = Expr::Unindexed { predicate, want };
        match pieces(pattern) {
            Some(pieces) if want => {
                let parts = pieces.into_iter().map(|piece| literal(self.slots.find(slot, Find::Anywhere(piece)), true));
                let parts = parts.collect();
                all(vec![any(parts), asked])
            }
            _ => asked,
        }
    }
}

/// Texts of which every match of the pattern contains one; `None` where they would select too little.
fn pieces(pattern: &Pattern) -> Option<Vec<Box<str>>> {
    let hir = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(pattern.regex.as_str()).ok()?;
    let found = Extractor::new().extract(&hir);
    let mut pieces: Vec<Box<str>> = vec![];
    for piece in found.literals()? {
        let piece = std::str::from_utf8(piece.as_bytes()).ok()?;
        // Folded texts have none of these.
        if piece.contains(|c: char| c.is_ascii_uppercase() || matches!(c, 'ſ' | '\u{212a}')) {
            continue;
        }
        if piece.len() < MIN_PIECE_BYTES {
            return None;
        }
        pieces.push(piece.into());
    }
    pieces.sort_unstable();
    pieces.dedup();
    (pieces.len() <= MAX_PIECES).then_some(pieces)
}

fn literal(literal: u32, want: bool) -> Expr {
    Expr::Literal { literal, want }
}

fn rank(slot: u16, low: u32, high: u32, most: u32) -> Expr {
    match (low, high) {
        (0, high) if high >= most => Expr::Always,
        _ => Expr::Rank { slot, low, high },
    }
}

/// All of these. Parts on one slot are merged; the cheapest come first.
pub(super) fn all(parts: Vec<Expr>) -> Expr {
    let mut kept: Vec<Expr> = vec![];
    let mut parts = std::collections::VecDeque::from(parts);
    while let Some(part) = parts.pop_front() {
        match part {
            Expr::Always => {}
            Expr::Never => return Expr::Never,
            Expr::All(inner) => inner.into_vec().into_iter().rev().for_each(|part| parts.push_front(part)),
            Expr::Code { slot, mask } => {
                let same = kept.iter_mut().find_map(|k| match k {
                    Expr::Code { slot: s, mask } if *s == slot => Some(mask),
                    _ => None,
                });
                match same {
                    Some(both) => {
                        *both &= mask;
                        if *both == 0 {
                            return Expr::Never;
                        }
                    }
                    None => kept.push(part),
                }
            }
            Expr::Rank { slot, low, high } => {
                let same = kept.iter_mut().find_map(|k| match k {
                    Expr::Rank { slot: s, low, high } if *s == slot => Some((low, high)),
                    _ => None,
                });
                match same {
                    Some((both_low, both_high)) => {
                        *both_low = low.max(*both_low);
                        *both_high = high.min(*both_high);
                        if both_low > both_high {
                            return Expr::Never;
                        }
                    }
                    None => kept.push(part),
                }
            }
            part if kept.len() < MAX_COMPARED_PARTS && kept.contains(&part) => {}
            part => kept.push(part),
        }
    }
    kept.sort_by_key(cost);
    match kept.len() {
        0 => Expr::Always,
        1 => kept.pop().unwrap_or(Expr::Always),
        _ => Expr::All(kept.into()),
    }
}

/// Any of these.
pub(super) fn any(parts: Vec<Expr>) -> Expr {
    let mut kept: Vec<Expr> = vec![];
    let mut parts = std::collections::VecDeque::from(parts);
    while let Some(part) = parts.pop_front() {
        match part {
            Expr::Never => {}
            Expr::Always => return Expr::Always,
            Expr::Any(inner) => inner.into_vec().into_iter().rev().for_each(|part| parts.push_front(part)),
            Expr::Code { slot, mask } => {
                let same = kept.iter_mut().find_map(|k| match k {
                    Expr::Code { slot: s, mask } if *s == slot => Some(mask),
                    _ => None,
                });
                match same {
                    Some(both) => *both |= mask,
                    None => kept.push(part),
                }
            }
            part if kept.len() < MAX_COMPARED_PARTS && kept.contains(&part) => {}
            part => kept.push(part),
        }
    }
    kept.sort_by_key(cost);
    match kept.len() {
        0 => Expr::Never,
        1 => kept.pop().unwrap_or(Expr::Never),
        _ => Expr::Any(kept.into()),
    }
}

/// The order in which parts are evaluated.
fn cost(expr: &Expr) -> u8 {
    match expr {
        Expr::Never | Expr::Always => 0,
        Expr::Code { .. } => 1,
        Expr::Rank { .. } => 2,
        Expr::Literal { .. } => 3,
        Expr::All(_) | Expr::Any(_) => 4,
        Expr::Unindexed { .. } => 5,
    }
}
