//! Slots: the values that rules read of a ticket. Each is read once and reduced to the distinctions predicates make.

use std::ops::RangeInclusive;

use rustc_hash::FxHashMap;

use super::{
    expr::Expr,
    grams::Occurrences,
    needles::{Find, Finder, Needles},
    recent::Recent,
};
use crate::{
    desk::{Declarations, Facts, FieldRef, Kind, Owner, Value, VolumeState, text::Folder},
    engine::{
        evaluate,
        normal::{self, Normal, Ranges, normal},
    },
    lang::rules::{Pattern, Predicate},
};

/// The number of bits for the codes of all slots of a ticket.
const BITS: u32 = 64;

/// All slots.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// Fields of few values, and the kind of the event.
    pub(super) coded: Vec<Coded>,
    /// Numbers, and ages of times.
    pub(super) ranked: Vec<Ranked>,
    /// Names, whole texts and sets, compared by equality.
    pub(super) named: Vec<Named>,
    /// Texts that are searched.
    pub(super) searched: Vec<Searched>,
    /// Texts that are folded, for named and searched slots.
    pub(super) folded: Vec<FieldRef>,
    /// The source of each literal, indexed by literal.
    pub(super) literals: Vec<LiteralSource>,
    /// By literal, the literals of the lists that contain it.
    pub(super) lists: FxHashMap<u32, Vec<u32>>,
    /// For matching without posting lists: by literal, a substring finder if it searches a text.
    pub(super) finders: Vec<Option<Finder>>,
    /// Predicates the index cannot answer.
    pub(super) unindexed: Vec<Unindexed>,
    /// The slots by field and use.
    by_use: FxHashMap<(FieldKey, Use), u16>,
}

/// A field of few values.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) what: CodedBy,
    /// The number of codes.
    pub(super) codes: usize,
    /// The first of its bits in [`Memo::bits`](super::memo::Memo::bits); `None` if all are used.
    pub(super) bits: Option<u32>,
}

/// What a code encodes.
#[derive(Debug)]
pub(super) enum CodedBy {
    /// 0 for created, 1 for updated.
    EventKind,
    /// The index of the field's value in [`normal::values`].
    Field(FieldRef),
    /// The indexes of its values before and after the event in [`normal::values`], as one number.
    Change(FieldRef),
}

/// A number, a date in days, or the age of a time in nanoseconds, reduced to its rank among the values rules compare it with.
#[derive(Debug)]
pub(super) struct Ranked {
    pub(super) field: FieldRef,
    pub(super) cuts: Cuts,
}

/// The values at which some predicate changes, ascending. The rank of a value is one more than the number of cuts up
/// to it; an empty value has rank 0.
#[derive(Debug)]
pub(super) enum Cuts {
    Numbers(Vec<i64>),
    Ages(Vec<i128>),
}

/// A field whose whole value, or for a set each member, is looked up in a hash map.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) field: FieldRef,
    pub(super) of: Names,
    /// The literals by name.
    pub(super) names: FxHashMap<Box<str>, u32>,
    /// The literal that is true if the field is empty.
    pub(super) empty: Option<u32>,
}

/// The value that is looked up in a [`Named`] slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// A name.
    Word,
    /// A text, by its number in [`Slots::folded`].
    Folded(usize),
    /// The members of a set.
    Set,
}

/// A text that is searched for needles.
#[derive(Debug)]
pub(super) struct Searched {
    /// Its number in [`Slots::folded`].
    pub(super) folded: usize,
    pub(super) needles: Needles,
    /// The literal that is true if the text is empty.
    pub(super) empty: Option<u32>,
}

/// Where the truth of a literal comes from.
#[derive(Debug, Clone)]
pub(super) enum LiteralSource {
    /// A name, a member or emptiness of this named slot.
    Named(u16),
    /// A needle in the text of this searched slot.
    Searched(u16, Find),
    /// One of this many names or needles of a slot.
    List(ListSource, usize),
}

/// The slot of the literals of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ListSource {
    /// A named slot.
    Named(u16),
    /// A searched slot.
    Searched(u16),
}

/// A predicate the index cannot answer; evaluated per ticket, memoised.
#[derive(Debug)]
pub(super) enum Unindexed {
    /// Answered by the plain evaluator.
    Predicate(Predicate),
    /// A regex over the text with this number in [`Slots::folded`].
    Regex(usize, Pattern),
    /// A condition that several rules share by name.
    Shared(Expr),
}

/// The identity of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum FieldKey {
    Known(&'static str),
    Custom(Owner, Box<str>),
    Schedule(Box<str>),
    Sample(Box<str>, u8),
    Volume(Box<str>, VolumeState),
    EventKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Use {
    Code,
    Change,
    Rank,
    Name,
    Search,
    Fold,
}

impl Coded {
    /// Its field; `None` for the kind of the event.
    pub(super) fn field(&self) -> Option<&FieldRef> {
        match &self.what {
            CodedBy::EventKind => None,
            CodedBy::Field(field) | CodedBy::Change(field) => Some(field),
        }
    }

    /// The ticket's code.
    pub(super) fn read(&self, facts: Facts<'_>) -> u8 {
        let code = match &self.what {
            CodedBy::EventKind => usize::from(facts.event.is_some_and(|event| event.before().is_some())),
            CodedBy::Field(FieldRef::Known(field)) => normal::code(&field.kind, &(field.read)(facts)),
            CodedBy::Field(field) => normal::code(&field.kind(), &field.read(facts)),
            CodedBy::Change(field) => {
                let kind = field.kind();
                let was = evaluate::before(field, facts);
                normal::code(&kind, &was) * normal::count(&kind) + normal::code(&kind, &field.read(facts))
            }
        };
        // A slot has at most 64 codes.
        code as u8
    }
}

impl Ranked {
    /// The ticket's rank.
    pub(super) fn read(&self, facts: Facts<'_>) -> u32 {
        let value = match &self.field {
            FieldRef::Known(field) => (field.read)(facts),
            custom => custom.read(facts),
        };
        match (&self.cuts, value) {
            (Cuts::Ages(cuts), Value::Time(time)) => {
                let age = normal::age(time, facts.now);
                1 + cuts.partition_point(|cut| *cut <= age) as u32
            }
            (Cuts::Numbers(cuts), value) => {
                normal::whole_number(&value).map_or(0, |n| 1 + cuts.partition_point(|cut| *cut <= n) as u32)
            }
            _ => 0,
        }
    }
}

impl Cuts {
    fn add(&mut self, cut: i128) {
        match self {
            Self::Numbers(cuts) => cuts.extend(i64::try_from(cut)),
            Self::Ages(cuts) => cuts.push(cut),
        }
    }

    fn sort(&mut self) {
        match self {
            Self::Numbers(cuts) => {
                cuts.sort_unstable();
                cuts.dedup();
            }
            Self::Ages(cuts) => {
                cuts.sort_unstable();
                cuts.dedup();
            }
        }
    }

    fn rank(&self, of: i128) -> u32 {
        1 + match self {
            Self::Numbers(cuts) => cuts.partition_point(|cut| i128::from(*cut) <= of) as u32,
            Self::Ages(cuts) => cuts.partition_point(|cut| *cut <= of) as u32,
        }
    }
}

impl Slots {
    /// Registers the slot and the cuts of a predicate.
    pub(super) fn register(&mut self, predicate: &Predicate) {
        match normal(predicate) {
            Normal::Ranges(ranges) => {
                let slot = self.rank_slot(&predicate.field);
                for (cut, _) in ranges.cuts {
                    self.ranked[slot].cuts.add(cut);
                }
            }
            Normal::Codes(_) => {
                self.code_slot(CodedBy::Field(predicate.field.clone()));
            }
            Normal::Changes(_) => {
                self.code_slot(CodedBy::Change(predicate.field.clone()));
            }
            Normal::Whole(_) | Normal::Tags(_) | Normal::Search(_) | Normal::Opaque => {}
        }
    }

    /// Sorts the cuts, once all predicates are registered.
    pub(super) fn sort(&mut self) {
        self.ranked.iter_mut().for_each(|ranked| ranked.cuts.sort());
    }

    /// Builds the search for the needles of each text, using the frequency of grams in recent tickets.
    pub(super) fn build_needles(&mut self, recent: &[Recent], desk: &Declarations) {
        let mut folder = Folder::default();
        for searched in &mut self.searched {
            let mut occurrences = Occurrences::default();
            for Recent { ticket, event, now } in recent {
                let facts = Facts { ticket, event: Some(event), now: *now, desk };
                if let Value::Text(text) | Value::Word(text) = self.folded[searched.folded].read(facts) {
                    occurrences.count(folder.fold(&text));
                }
            }
            searched.needles.build(&occurrences);
        }
    }

    /// Builds a substring finder for each literal that searches a text.
    pub(super) fn build_finders(&mut self) {
        let finder = |literal: &LiteralSource| match literal {
            LiteralSource::Searched(_, find) => Some(Finder::new(find)),
            LiteralSource::Named(_) | LiteralSource::List(..) => None,
        };
        self.finders = self.literals.iter().map(finder).collect();
    }

    /// Assigns a range of bits to each coded slot, in the given order of slots. Those for which there are too few bits
    /// left get none.
    pub(super) fn assign_bits(&mut self, order: &[usize]) {
        let mut used = 0;
        for slot in order {
            let coded = &mut self.coded[*slot];
            let codes = coded.codes as u32;
            if used + codes <= BITS {
                coded.bits = Some(used);
                used += codes;
            }
        }
    }

    /// The slot of the kind of the event.
    pub(super) fn event_kind(&mut self) -> u16 {
        self.code_slot(CodedBy::EventKind) as u16
    }

    pub(super) fn code_slot(&mut self, what: CodedBy) -> usize {
        let (key, used, codes) = match &what {
            CodedBy::EventKind => (FieldKey::EventKind, Use::Code, 2),
            CodedBy::Field(field) => (FieldKey::of(field), Use::Code, normal::count(&field.kind())),
            CodedBy::Change(field) => (FieldKey::of(field), Use::Change, normal::count(&field.kind()).pow(2)),
        };
        let next = self.coded.len();
        let slot = *self.by_use.entry((key, used)).or_insert(next as u16);
        if usize::from(slot) == next {
            self.coded.push(Coded { what, codes, bits: None });
        }
        slot.into()
    }

    fn rank_slot(&mut self, field: &FieldRef) -> usize {
        let next = self.ranked.len();
        let slot = *self.by_use.entry((FieldKey::of(field), Use::Rank)).or_insert(next as u16);
        if usize::from(slot) == next {
            let cuts = if field.kind() == Kind::Time { Cuts::Ages(vec![]) } else { Cuts::Numbers(vec![]) };
            self.ranked.push(Ranked { field: field.clone(), cuts });
        }
        slot.into()
    }

    fn fold_slot(&mut self, field: &FieldRef) -> usize {
        let next = self.folded.len();
        let slot = *self.by_use.entry((FieldKey::of(field), Use::Fold)).or_insert(next as u16);
        if usize::from(slot) == next {
            self.folded.push(field.clone());
        }
        slot.into()
    }

    pub(super) fn named_slot(&mut self, field: &FieldRef) -> u16 {
        let next = self.named.len();
        let slot = *self.by_use.entry((FieldKey::of(field), Use::Name)).or_insert(next as u16);
        if usize::from(slot) == next {
            let of = match field.kind() {
                Kind::Set(_) => Names::Set,
                Kind::Text => Names::Folded(self.fold_slot(field)),
                _ => Names::Word,
            };
            self.named.push(Named { field: field.clone(), of, names: FxHashMap::default(), empty: None });
        }
        slot
    }

    pub(super) fn searched_slot(&mut self, field: &FieldRef) -> u16 {
        let next = self.searched.len();
        let slot = *self.by_use.entry((FieldKey::of(field), Use::Search)).or_insert(next as u16);
        if usize::from(slot) == next {
            let folded = self.fold_slot(field);
            self.searched.push(Searched { folded, needles: Needles::default(), empty: None });
        }
        slot
    }

    /// The ranges of ranks on which the result of a predicate is `want`, with their slot and the highest rank.
    pub(super) fn ranks(
        &mut self,
        field: &FieldRef,
        parts: &Ranges,
        want: bool,
    ) -> (u16, Vec<RangeInclusive<u32>>, u32) {
        let slot = self.rank_slot(field);
        let all = &self.ranked[slot].cuts;
        let most = all.rank(i128::MAX);
        let mut regions = vec![(0, parts.empty), (1, parts.below)];
        regions.extend(parts.cuts.iter().map(|(cut, holds)| (all.rank(*cut), *holds)));
        let mut ranges: Vec<RangeInclusive<u32>> = vec![];
        for (n, (first, holds)) in regions.iter().enumerate() {
            let last = regions.get(n + 1).map_or(most, |(next, _)| next - 1);
            if *holds != want || last < *first {
                continue;
            }
            match ranges.last_mut() {
                Some(before) if before.end() + 1 == *first => *before = *before.start()..=last,
                _ => ranges.push(*first..=last),
            }
        }
        (slot as u16, ranges, most)
    }

    /// The literal for a name, or for a member of a set.
    pub(super) fn name(&mut self, slot: u16, name: &str) -> u32 {
        let named = &mut self.named[usize::from(slot)];
        if let Some(literal) = named.names.get(name) {
            return *literal;
        }
        let literal = self.literals.len() as u32;
        named.names.insert(name.into(), literal);
        self.literals.push(LiteralSource::Named(slot));
        literal
    }

    /// The literal that is true if a named field is empty.
    pub(super) fn no_name(&mut self, slot: u16) -> u32 {
        let next = self.literals.len() as u32;
        let literal = *self.named[usize::from(slot)].empty.get_or_insert(next);
        if literal == next {
            self.literals.push(LiteralSource::Named(slot));
        }
        literal
    }

    /// The literal for a needle in a text.
    pub(super) fn find(&mut self, slot: u16, find: Find) -> u32 {
        let next = self.literals.len() as u32;
        let searched = &mut self.searched[usize::from(slot)];
        let literal = match &find {
            Find::Nothing => *searched.empty.get_or_insert(next),
            find => searched.needles.literal(find, next),
        };
        if literal == next {
            self.literals.push(LiteralSource::Searched(slot, find));
        }
        literal
    }

    /// A new literal that is true if any of these literals of a slot is true.
    pub(super) fn list(&mut self, of: ListSource, literals: Vec<u32>) -> u32 {
        let list = self.literals.len() as u32;
        self.literals.push(LiteralSource::List(of, literals.len()));
        for literal in literals {
            self.lists.entry(literal).or_default().push(list);
        }
        list
    }

    /// Adds an unindexed predicate; returns its number.
    pub(super) fn unindexed(&mut self, predicate: Unindexed) -> u32 {
        self.unindexed.push(predicate);
        (self.unindexed.len() - 1) as u32
    }

    /// The literal of a regex that is matched against every text; `None` if the predicate is not a regex.
    pub(super) fn regex_literal(&mut self, predicate: u32) -> Option<u32> {
        let Unindexed::Regex(folded, pattern) = &self.unindexed[predicate as usize] else { return None };
        let slot = self.searched.iter().position(|searched| searched.folded == *folded)?;
        let next = self.literals.len() as u32;
        let needles = &mut self.searched[slot].needles;
        let literal = needles.literal(&Find::Regex(predicate), next);
        if literal == next {
            needles.add_regex(pattern.clone(), literal);
            self.literals.push(LiteralSource::Searched(slot as u16, Find::Regex(predicate)));
        }
        Some(literal)
    }

    /// The number of a searched slot's text in [`Slots::folded`].
    pub(super) fn folded_by(&self, slot: u16) -> usize {
        self.searched[usize::from(slot)].folded
    }
}

impl FieldKey {
    fn of(field: &FieldRef) -> Self {
        match field {
            FieldRef::Known(field) => Self::Known(field.name),
            FieldRef::Custom(field) => Self::Custom(field.of, field.name.as_str().into()),
            FieldRef::Schedule(schedule) => Self::Schedule(schedule.name.as_str().into()),
            FieldRef::Sample(sample) => Self::Sample(sample.name.as_str().into(), sample.percent),
            FieldRef::Volume(asked) => Self::Volume(asked.volume.as_str().into(), asked.state),
        }
    }
}
