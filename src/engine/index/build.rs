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
    slots::{CodedBy, ListSource, Slots, Unindexed},
};
use crate::{
    desk::FieldRef,
    engine::normal::{MAX_CODES, Normal, Search, Tags, Whole, normal},
    lang::rules::{Condition, ConditionKind, Folded, Let, Op, Pattern, Predicate},
};

/// Maximum number of alternative needles of a regex.
const MAX_NEEDLES: usize = 16;
/// Maximum number of values of a list with a literal each; a longer list has one literal for all of them.
const MAX_LITERALS: usize = 32;
/// Minimum length of a needle of a regex, in bytes.
const MIN_NEEDLE_BYTES: usize = 3;

/// Builds expressions, registering slots.
pub(super) struct Builder<'s> {
    slots: &'s mut Slots,
    /// Named conditions and their complements.
    shared: FxHashMap<(*const Let, bool), Expr>,
    /// The regexes over each text: equal ones share a predicate.
    regexes: FxHashMap<(u16, String), u32>,
    /// The literals of long lists.
    lists: FxHashMap<(ListSource, ListKey), u32>,
}

/// The identity of the values of an operator: how they are compared, and where they are stored.
type ListKey = (std::mem::Discriminant<Op>, usize);

fn key_of(op: &Op) -> ListKey {
    let values = match op {
        Op::In(values) | Op::NotIn(values) => values.as_ptr().addr(),
        Op::HasAny(tags) | Op::HasAll(tags) | Op::HasNone(tags) => tags.as_ptr().addr(),
        Op::Contains(needles) | Op::ContainsWord(needles) | Op::StartsWith(needles) | Op::EndsWith(needles) => {
            needles.as_ptr().addr()
        }
        _ => 0,
    };
    (std::mem::discriminant(op), values)
}

impl<'s> Builder<'s> {
    pub(super) fn new(slots: &'s mut Slots) -> Self {
        Self { slots, shared: FxHashMap::default(), regexes: FxHashMap::default(), lists: FxHashMap::default() }
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
        let every_entry = self.every_entry(predicate, want);
        if predicate.last_days().is_none() {
            return every_entry;
        }
        // Which entries count today is left to the plain evaluator, for tickets on which it matters.
        let today = self.slots.unindexed(Unindexed::Predicate(predicate.clone()));
        let today = Expr::Unindexed { predicate: today, want };
        let is_found = !matches!(predicate.op, Op::NotIn(_) | Op::HasNone(_));
        match predicate.op {
            Op::HasAll(_) => today,
            // What some entry is found in today has some entry of all.
            _ if is_found == want => all(vec![every_entry, today]),
            _ => any(vec![every_entry, today]),
        }
    }

    /// The predicate, as if no entry of its list had a last day.
    fn every_entry(&mut self, predicate: &Predicate, want: bool) -> Expr {
        let field = &predicate.field;
        match normal(predicate) {
            Normal::Codes(holds) => self.code(CodedBy::Field(field.clone()), holds, want),
            Normal::Changes(holds) => self.code(CodedBy::Change(field.clone()), holds, want),
            Normal::Ranges(parts) => {
                let (slot, ranges, most) = self.slots.ranks(field, &parts, want);
                any(ranges.into_iter().map(|r| rank(slot, *r.start(), *r.end(), most)).collect())
            }
            Normal::Whole(whole) => self.whole(field, &predicate.op, &whole, want),
            Normal::Tags(Tags { tags, every, present }) => {
                let slot = self.slots.named_slot(field);
                let (present, every) = (present == want, every == want);
                if tags.len() > MAX_LITERALS && present != every {
                    return literal(self.list_of_names(slot, &predicate.op, tags.iter().map(String::as_str)), present);
                }
                let parts = tags.iter().map(|tag| literal(self.slots.name(slot, tag), present)).collect();
                if every { all(parts) } else { any(parts) }
            }
            Normal::Search(search) => self.search(field, &predicate.op, &search, want),
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
    fn whole(&mut self, field: &FieldRef, op: &Op, whole: &Whole<'_>, want: bool) -> Expr {
        let slot = self.slots.named_slot(field);
        let positive = whole.other != want;
        let mut parts = vec![];
        if (whole.mentioned == want) == positive {
            if whole.names().count() > MAX_LITERALS {
                parts.push(literal(self.list_of_names(slot, op, whole.names()), positive));
            } else {
                parts.extend(whole.names().map(|name| literal(self.slots.name(slot, name), positive)));
            }
        }
        if (whole.empty == want) == positive {
            parts.push(literal(self.slots.no_name(slot), positive));
        }
        if positive { any(parts) } else { all(parts) }
    }

    fn search(&mut self, field: &FieldRef, op: &Op, search: &Search<'_>, want: bool) -> Expr {
        let slot = self.slots.searched_slot(field);
        let (needles, find): (_, fn(Box<str>) -> Find) = match search {
            Search::Anything => return literal(self.slots.find(slot, Find::Nothing), !want),
            Search::Anywhere(texts) => (texts, Find::Anywhere),
            Search::Words(texts) => (texts, Find::Words),
            Search::Start(texts) => (texts, Find::Start),
            Search::End(texts) => (texts, Find::End),
            Search::Regex(pattern) => return self.regex(slot, pattern, want),
        };
        // No word is empty.
        let needles = needles.iter().filter(|needle| !needle.folded.is_empty());
        let found = |slots: &mut Slots, needle: &Folded| slots.find(slot, find(needle.folded.as_str().into()));
        if needles.clone().count() > MAX_LITERALS {
            let key = (ListSource::Searched(slot), key_of(op));
            let list = self.list(key, |slots| needles.map(|needle| found(slots, needle)).collect());
            return literal(list, want);
        }
        let parts = needles.map(|needle| literal(found(self.slots, needle), want)).collect();
        if want { any(parts) } else { all(parts) }
    }

    /// The literal that is true if a value of a slot, or a member, is one of these names.
    fn list_of_names<'n>(&mut self, slot: u16, op: &Op, names: impl Iterator<Item = &'n str>) -> u32 {
        let key = (ListSource::Named(slot), key_of(op));
        self.list(key, |slots| names.map(|name| slots.name(slot, name)).collect())
    }

    /// The literal of a list; predicates with the same values share it.
    fn list(&mut self, key: (ListSource, ListKey), literals: impl FnOnce(&mut Slots) -> Vec<u32>) -> u32 {
        if let Some(known) = self.lists.get(&key) {
            return *known;
        }
        let literals = literals(self.slots);
        let list = self.slots.list(key.0, literals);
        self.lists.insert(key, list);
        list
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
