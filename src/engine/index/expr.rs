//! Conditions over slots, in negation normal form.
//!
//! `not` is pushed down to the predicates, each of which has an exact complement: every predicate is true or false,
//! also where a value is unknown.

use std::sync::Arc;

use regex_syntax::hir::literal::Extractor;
use rustc_hash::FxHashMap;

use super::slots::{Find, Role, Slots, Unindexed, role};
use crate::{
    desk::{Kind, Value},
    engine::evaluate,
    lang::rules::{Condition, ConditionKind, Let, Literal, Op, Pattern, Predicate},
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
        match role(predicate) {
            Role::Code | Role::Change => {
                let (slot, mask) = self.slots.code_mask(predicate, want);
                code(slot, mask, self.slots.coded[usize::from(slot)].codes)
            }
            Role::Rank => {
                let (slot, ranges, most) = self.slots.ranks(predicate, want);
                any(ranges.into_iter().map(|r| rank(slot, *r.start(), *r.end(), most)).collect())
            }
            Role::Name => self.name(predicate, want),
            Role::Member => self.member(predicate, want),
            Role::Search => self.search(predicate, want),
            Role::Unindexed => {
                let predicate = self.slots.unindexed(Unindexed::Predicate(predicate.clone()));
                Expr::Unindexed { predicate, want }
            }
        }
    }

    /// A predicate on a whole name or text has one result for each value it mentions, one for all others, and one for
    /// an empty value.
    fn name(&mut self, predicate: &Predicate, want: bool) -> Expr {
        let kind = predicate.field.kind();
        let slot = self.slots.named_slot(&predicate.field);
        let mentioned = mentioned(&predicate.op, &kind);
        let wanted = |value: &Value<'_>| evaluate::value_holds(&predicate.op, &kind, value) == want;
        let as_value = |name: &str| match kind {
            Kind::Text => Value::Text(name.to_owned().into()),
            _ => Value::Word(name.to_owned().into()),
        };
        // A value longer than all that are mentioned is none of them.
        let other: String = mentioned.iter().map(|(name, _)| name.as_str()).chain(["\u{1}"]).collect();
        let nothing = wanted(&Value::Empty);
        let mut parts = vec![];
        if wanted(&as_value(&other)) {
            for (name, folded) in &mentioned {
                if !wanted(&as_value(name)) {
                    parts.push(literal(self.slots.name(slot, folded), false));
                }
            }
            if !nothing {
                parts.push(literal(self.slots.no_name(slot), false));
            }
            return all(parts);
        }
        for (name, folded) in &mentioned {
            if wanted(&as_value(name)) {
                parts.push(literal(self.slots.name(slot, folded), true));
            }
        }
        if nothing {
            parts.push(literal(self.slots.no_name(slot), true));
        }
        any(parts)
    }

    fn member(&mut self, predicate: &Predicate, want: bool) -> Expr {
        let slot = self.slots.named_slot(&predicate.field);
        let (tags, every, has) = match &predicate.op {
            Op::HasAny(tags) => (tags, false, true),
            Op::HasAll(tags) => (tags, true, true),
            Op::HasNone(tags) => (tags, true, false),
            Op::IsEmpty => return literal(self.slots.no_name(slot), want),
            // `is set`, by its role.
            _ => return literal(self.slots.no_name(slot), !want),
        };
        let parts = tags.iter().map(|tag| literal(self.slots.name(slot, tag), has == want)).collect();
        if every == want { all(parts) } else { any(parts) }
    }

    fn search(&mut self, predicate: &Predicate, want: bool) -> Expr {
        let slot = self.slots.searched_slot(&predicate.field);
        let find = match &predicate.op {
            Op::Contains(needle) if !needle.folded.is_empty() => Find::Anywhere(needle.folded.as_str().into()),
            Op::ContainsWord(needle) if !needle.folded.is_empty() => Find::Words(needle.folded.as_str().into()),
            Op::StartsWith(needle) if !needle.folded.is_empty() => Find::Start(needle.folded.as_str().into()),
            // An empty list of words is in no text.
            Op::ContainsWord(_) => return if want { Expr::Never } else { Expr::Always },
            Op::Matches(pattern) => return self.regex(slot, pattern, want),
            // An empty text is in every text.
            _ => return literal(self.slots.find(slot, Find::Nothing), !want),
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

/// The names or texts an operator mentions, as written and as looked up.
fn mentioned(test: &Op, kind: &Kind) -> Vec<(String, String)> {
    let literals = match test {
        Op::Is(one) | Op::IsNot(one) | Op::Compare(_, one) => std::slice::from_ref(one),
        Op::In(some) | Op::NotIn(some) => some,
        _ => &[],
    };
    let mut mentioned: Vec<_> = literals
        .iter()
        .filter_map(|literal| match (literal, kind) {
            (Literal::Text(text), Kind::Text) if !text.folded.is_empty() => {
                Some((text.written.clone(), text.folded.clone()))
            }
            (Literal::Word { word, .. }, Kind::Declared(_)) => Some((word.clone(), word.clone())),
            _ => None,
        })
        .collect();
    mentioned.sort_unstable();
    mentioned.dedup_by(|a, b| a.1 == b.1);
    mentioned
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

fn code(slot: u16, mask: u64, codes: usize) -> Expr {
    let every = if codes == 64 { u64::MAX } else { (1 << codes) - 1 };
    match mask & every {
        0 => Expr::Never,
        mask if mask == every => Expr::Always,
        mask => Expr::Code { slot, mask },
    }
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
