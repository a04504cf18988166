//! What rules read of a ticket, each thing once: the fields, and the values that make a difference to some rule.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;

use super::{
    frequencies::Recent,
    grams::Occurrences,
    needles::{Finder, Needles},
};
use crate::{
    desk::{Desk, Facts, FieldRef, Kind, Scope, Value, text::Folder},
    engine::evaluate,
    lang::rules::{Comparison, Duration, Literal, Op, Pattern, Predicate},
};

/// The most values of a coded slot: one bit each in a mask.
const MAX_CODES: usize = 64;
/// Bits for the codes of a ticket, of all slots together.
const BITS: u32 = 64;

/// Everything that is read of a ticket.
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
    /// Texts to fold, for the two above.
    pub(super) folded: Vec<FieldRef>,
    /// The source of each literal, by its number.
    pub(super) literals: Vec<LiteralSource>,
    /// A finder for each literal of a text, where texts are not searched for all needles at once.
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
    /// The first of its bits in [`Memo::bits`](super::memo::Memo::bits), as far as there is room.
    pub(super) bits: Option<u32>,
}

/// What a code encodes.
#[derive(Debug)]
pub(super) enum CodedBy {
    /// 0 where the ticket was created, 1 where it was updated.
    EventKind,
    /// The index of the field's value in [`values`].
    Field(FieldRef),
    /// The indexes of its values before and after the event in [`values`], as one number.
    Change(FieldRef),
}

/// A number, or the age of a time in nanoseconds, reduced to its rank among the values rules compare it with.
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
    /// The literal that is true where the field is empty.
    pub(super) empty: Option<u32>,
}

/// What is looked up.
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
    /// The literal that is true where the text is empty.
    pub(super) empty: Option<u32>,
}

/// Where the truth of a literal comes from.
#[derive(Debug, Clone)]
pub(super) enum LiteralSource {
    /// A name, a member or emptiness of this named slot.
    Named(u16),
    /// A needle in the text of this searched slot.
    Searched(u16, Find),
}

/// What is searched for in a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Find {
    /// That the text is empty.
    Nothing,
    /// This text, anywhere.
    Anywhere(Box<str>),
    /// This text, as whole words.
    Words(Box<str>),
    /// This text, at the start.
    Start(Box<str>),
    /// A match of the regex with this number in [`Slots::unindexed`].
    Regex(u32),
}

/// A predicate the index cannot answer; evaluated per ticket, memoised.
#[derive(Debug)]
pub(super) enum Unindexed {
    /// Answered by the plain evaluator.
    Predicate(Predicate),
    /// A regex over the text with this number in [`Slots::folded`].
    Regex(usize, Pattern),
    /// A condition that several rules share by name.
    Shared(super::expr::Expr),
}

/// The identity of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum FieldKey {
    Known(&'static str),
    Custom(Box<str>),
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

/// How the index answers a predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// By the code of a field.
    Code,
    /// By the codes before and after.
    Change,
    /// By a rank.
    Rank,
    /// By equality with a name.
    Name,
    /// By membership in a set.
    Member,
    /// By searching a text.
    Search,
    /// Not at all: by the plain evaluator.
    Unindexed,
}

/// How the index answers a predicate.
pub(super) fn role(predicate: &Predicate) -> Role {
    let kind = predicate.field.kind();
    match (&predicate.op, kind) {
        // Opening hours cost too much to read for every ticket.
        _ if predicate.field.scope() == Scope::Clock => Role::Unindexed,
        (Op::Changed { .. }, kind) => match values(&kind).len() {
            n if n > 0 && n * n <= MAX_CODES => Role::Change,
            _ => Role::Unindexed,
        },
        (Op::Since(_, span) | Op::Until(_, span), Kind::Time) if span.is_business() => Role::Unindexed,
        (_, Kind::YesNo) => Role::Code,
        (_, Kind::Words(words)) if words.words.len() < MAX_CODES => Role::Code,
        (_, Kind::Words(_)) => Role::Unindexed,
        (_, Kind::Number) => Role::Rank,
        (test, Kind::Time) if literals(test).iter().any(|l| matches!(l, Literal::Time(_))) => Role::Unindexed,
        (_, Kind::Time) => Role::Rank,
        (Op::HasAny(_) | Op::HasAll(_) | Op::HasNone(_) | Op::IsEmpty | Op::IsSet, Kind::Set) => Role::Member,
        (_, Kind::Set) => Role::Unindexed,
        (
            Op::Contains(_) | Op::ContainsWord(_) | Op::StartsWith(_) | Op::Matches(_),
            Kind::Text | Kind::Declared(_),
        ) => Role::Search,
        (_, Kind::Text | Kind::Declared(_)) => Role::Name,
    }
}

/// The literals of an operator.
fn literals(test: &Op) -> Vec<&Literal> {
    match test {
        Op::Is(one) | Op::IsNot(one) | Op::Compare(_, one) => vec![one],
        Op::In(some) | Op::NotIn(some) => some.iter().collect(),
        _ => vec![],
    }
}

/// Every value of a field of few values, in the order of their codes; none where there are many.
pub(super) fn values(kind: &Kind) -> Vec<Value<'static>> {
    match kind {
        Kind::YesNo => vec![Value::YesNo(false), Value::YesNo(true), Value::Empty],
        Kind::Words(words) => words.words.iter().map(|w| Value::word(Some(w))).chain([Value::Empty]).collect(),
        _ => vec![],
    }
}

/// The index of a value in [`values`].
fn code(kind: &Kind, value: &Value<'_>) -> usize {
    match (kind, value) {
        (Kind::YesNo, Value::YesNo(yes)) => usize::from(*yes),
        (Kind::YesNo, _) => 2,
        (Kind::Words(words), Value::Word(word)) => words.rank(word).unwrap_or(words.words.len()),
        (Kind::Words(words), _) => words.words.len(),
        _ => 0,
    }
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
            CodedBy::Field(FieldRef::Known(field)) => code(&field.kind, &(field.read)(facts)),
            CodedBy::Field(field) => code(&field.kind(), &field.read(facts)),
            CodedBy::Change(field) => {
                let kind = field.kind();
                let was = evaluate::before(field, facts);
                code(&kind, &was) * values_of(&kind) + code(&kind, &field.read(facts))
            }
        };
        // There are at most 64.
        code as u8
    }
}

fn values_of(kind: &Kind) -> usize {
    match kind {
        Kind::YesNo => 3,
        Kind::Words(words) => words.words.len() + 1,
        _ => 0,
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
            (Cuts::Numbers(cuts), Value::Number(n)) => 1 + cuts.partition_point(|cut| *cut <= n) as u32,
            (Cuts::Ages(cuts), Value::Time(time)) => {
                let age = age(time, facts.now);
                1 + cuts.partition_point(|cut| *cut <= age) as u32
            }
            _ => 0,
        }
    }
}

fn age(time: Timestamp, now: Timestamp) -> i128 {
    now.as_nanosecond() - time.as_nanosecond()
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

/// The values at which a predicate on a number or a time can change.
fn cuts(test: &Op) -> Vec<i128> {
    let turns = |at: i128| [at, at + 1];
    let mut cuts: Vec<i128> = match test {
        Op::Since(_, Duration::Clock(length)) => turns(length.as_nanos()).into(),
        Op::Until(_, Duration::Clock(length)) => turns(-length.as_nanos()).into(),
        test => {
            let numbers = literals(test).into_iter().filter_map(|l| match l {
                Literal::Number(n) => Some(i128::from(*n)),
                _ => None,
            });
            // No number reaches beyond this.
            numbers.flat_map(turns).filter(|cut| *cut <= i128::from(i64::MAX)).collect()
        }
    };
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Whether a predicate holds for this number, or for a time of this age.
fn rank_holds(predicate: &Predicate, at: i128) -> bool {
    let holds =
        |comparison: &Comparison, asked: &SignedDuration, length: i128| comparison.holds(length.cmp(&asked.as_nanos()));
    match (&predicate.op, predicate.field.kind()) {
        (Op::Since(comparison, Duration::Clock(asked)), Kind::Time) => holds(comparison, asked, at),
        (Op::Until(comparison, Duration::Clock(asked)), Kind::Time) => holds(comparison, asked, -at),
        // No other operator compares times.
        (test, kind @ Kind::Time) => evaluate::value_holds(test, &kind, &Value::Time(Timestamp::UNIX_EPOCH)),
        (test, kind) => evaluate::value_holds(test, &kind, &i64::try_from(at).map_or(Value::Empty, Value::Number)),
    }
}

impl Slots {
    /// Registers the slot and the cuts of a predicate.
    pub(super) fn register(&mut self, predicate: &Predicate) {
        match role(predicate) {
            Role::Rank => {
                let slot = self.rank_slot(&predicate.field);
                for cut in cuts(&predicate.op) {
                    self.ranked[slot].cuts.add(cut);
                }
            }
            Role::Code => {
                self.code_slot(CodedBy::Field(predicate.field.clone()));
            }
            Role::Change => {
                self.code_slot(CodedBy::Change(predicate.field.clone()));
            }
            Role::Name | Role::Member | Role::Search | Role::Unindexed => {}
        }
    }

    /// Sorts the cuts, once all predicates are registered.
    pub(super) fn sort(&mut self) {
        self.ranked.iter_mut().for_each(|ranked| ranked.cuts.sort());
    }

    /// Builds the search for all needles of each text, by what is rare in recent ones.
    pub(super) fn build_needles(&mut self, recent: &[Recent], desk: &Desk) {
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

    /// Builds a finder for each literal of a text.
    pub(super) fn build_finders(&mut self) {
        let finder = |literal: &LiteralSource| match literal {
            LiteralSource::Searched(_, find) => Some(Finder::new(find)),
            LiteralSource::Named(_) => None,
        };
        self.finders = self.literals.iter().map(finder).collect();
    }

    /// Assigns bits to coded slots in this order, as far as there is room.
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

    fn code_slot(&mut self, what: CodedBy) -> usize {
        let (key, used, codes) = match &what {
            CodedBy::EventKind => (FieldKey::EventKind, Use::Code, 2),
            CodedBy::Field(field) => (FieldKey::of(field), Use::Code, values_of(&field.kind())),
            CodedBy::Change(field) => (FieldKey::of(field), Use::Change, values_of(&field.kind()).pow(2)),
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
                Kind::Set => Names::Set,
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

    /// The codes for which a predicate is as wanted, with their slot.
    pub(super) fn code_mask(&mut self, predicate: &Predicate, want: bool) -> (u16, u64) {
        let kind = predicate.field.kind();
        let values = values(&kind);
        let mut mask = 0;
        let slot = if let Op::Changed { from, to } = &predicate.op {
            for (was_code, was) in values.iter().enumerate() {
                for (is_code, is) in values.iter().enumerate() {
                    let holds = evaluate::changed(was, is, from.as_ref(), to.as_ref());
                    mask |= u64::from(holds == want) << (was_code * values.len() + is_code);
                }
            }
            self.code_slot(CodedBy::Change(predicate.field.clone()))
        } else {
            for (code, value) in values.iter().enumerate() {
                mask |= u64::from(evaluate::value_holds(&predicate.op, &kind, value) == want) << code;
            }
            self.code_slot(CodedBy::Field(predicate.field.clone()))
        };
        (slot as u16, mask)
    }

    /// The ranges of ranks for which a predicate is as wanted, with their slot and the highest rank.
    pub(super) fn ranks(&mut self, predicate: &Predicate, want: bool) -> (u16, Vec<RangeInclusive<u32>>, u32) {
        let slot = self.rank_slot(&predicate.field);
        let all = &self.ranked[slot].cuts;
        let most = all.rank(i128::MAX);
        let cuts = cuts(&predicate.op);
        // Below the first cut, and from each on up to the next.
        let least = cuts.first().copied().unwrap_or(0).saturating_sub(1);
        let unknown = evaluate::value_holds(&predicate.op, &predicate.field.kind(), &Value::Empty);
        let mut regions = vec![(0, unknown), (1, rank_holds(predicate, least))];
        regions.extend(cuts.iter().map(|cut| (all.rank(*cut), rank_holds(predicate, *cut))));
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

    /// The literal for a named field that is empty.
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

    /// Adds an unindexed predicate; returns its number.
    pub(super) fn unindexed(&mut self, predicate: Unindexed) -> u32 {
        self.unindexed.push(predicate);
        (self.unindexed.len() - 1) as u32
    }

    /// The literal of a regex that is matched against every text; `None` where the predicate is no regex.
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
            FieldRef::Custom(field) => Self::Custom(field.name.as_str().into()),
        }
    }
}
