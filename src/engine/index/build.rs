//! Builds expressions from conditions.
//!
//! `not` is pushed down to the predicates, each of which has an exact complement: every predicate is true or false,
//! also on an unknown value.

use std::sync::Arc;

use regex_syntax::hir::literal::Extractor;
use rustc_hash::FxHashMap;

use super::{
    expr::{Expr, all, any, literal, rank},
    needles::Find,
    slots::{CodedBy, Slots, Unindexed},
};
use crate::{
    desk::FieldRef,
    engine::normal::{MAX_CODES, Normal, Search, Tags, Whole, normal},
    lang::rules::{Condition, ConditionKind, Let, Pattern, Predicate},
};

/// Maximum number of alternative needles of a regex.
const MAX_NEEDLES: usize = 16;
/// Minimum length of a needle of a regex, in bytes.
const MIN_NEEDLE_BYTES: usize = 3;

/// Builds expressions, registering slots.
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

    /// The condition, or its complement if `want` is false.
    pub(super) fn build(&mut self, condition: &Condition, want: bool) -> Expr {
        match &condition.kind {
            ConditionKind::All(parts) | ConditionKind::Any(parts) => {
                let built = parts.iter().map(|part| self.build(part, want)).collect();
                let is_all = matches!(condition.kind, ConditionKind::All(_)) == want;
                if is_all { all(built) } else { any(built) }
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

    /// The codes on which the result of a predicate is `want`.
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

    /// A predicate on a whole value: a disjunction of the values on which its result is `want`, or the exclusion of all
    /// other values.
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

    /// A regex. It is evaluated only on texts that contain one of its [`needles`], if it has any.
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
        let regex = Expr::Unindexed { predicate, want };
        match needles(pattern) {
            Some(needles) if want => {
                let parts =
                    needles.into_iter().map(|needle| literal(self.slots.find(slot, Find::Anywhere(needle)), true));
                let parts = parts.collect();
                all(vec![any(parts), regex])
            }
            _ => regex,
        }
    }
}

/// Literal texts such that every match of a pattern contains one of them; `None` if they are unknown or too short.
fn needles(pattern: &Pattern) -> Option<Vec<Box<str>>> {
    let hir = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(pattern.regex.as_str()).ok()?;
    let found = Extractor::new().extract(&hir);
    let mut needles: Vec<Box<str>> = vec![];
    for needle in found.literals()? {
        let needle = std::str::from_utf8(needle.as_bytes()).ok()?;
        // Folded texts contain none of these characters, so this needle cannot occur in them.
        if needle.contains(|c: char| c.is_ascii_uppercase() || matches!(c, 'ſ' | '\u{212a}')) {
            continue;
        }
        if needle.len() < MIN_NEEDLE_BYTES {
            return None;
        }
        needles.push(needle.into());
    }
    needles.sort_unstable();
    needles.dedup();
    (needles.len() <= MAX_NEEDLES).then_some(needles)
}
