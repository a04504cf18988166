//! What rules ask of a ticket, each thing once: the fields that are read, and the values that tell them apart.

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
    lang::rules::{Comparison, Leaf, Literal, Pattern, Span, Test},
};

/// The most values a coded slot tells apart: one bit each in a mask.
const MOST_CODES: usize = 64;
/// How many bits a ticket's codes have together.
const BITS: u32 = 64;

/// Everything that is read of a ticket.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// Fields of few values, and the kind of the event.
    pub(super) coded: Vec<Coded>,
    /// Numbers, and lengths of time up to now.
    pub(super) ranked: Vec<Ranked>,
    /// Names, whole texts and sets.
    pub(super) named: Vec<Named>,
    /// Texts that are searched.
    pub(super) searched: Vec<Searched>,
    /// Texts that are folded, for the two above.
    pub(super) folded: Vec<FieldRef>,
    /// The literals by number: what each is about.
    pub(super) literals: Vec<Literally>,
    /// What finds each literal of a text alone, by literal, where texts are not searched for all at once.
    pub(super) finders: Vec<Option<Finder>>,
    /// Questions that are asked one by one, where it comes to them.
    pub(super) questions: Vec<Question>,
    /// The slots by field and use.
    places: FxHashMap<(Key, Use), u16>,
}

/// A field of few values.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) what: CodedBy,
    /// How many codes there are.
    pub(super) codes: usize,
    /// Where the ticket's code is a bit among those of all slots, as far as there is room.
    pub(super) bits: Option<u32>,
}

/// What a code stands for.
#[derive(Debug)]
pub(super) enum CodedBy {
    /// 0 where the ticket was created, 1 where it was updated.
    EventKind,
    /// The place of the field's value among [`values`].
    Field(FieldRef),
    /// The place of its value before the event among [`values`], and of its value now, as one number.
    Change(FieldRef),
}

/// A number, or how long ago a time was in nanoseconds, known by its place among the values rules compare it with.
#[derive(Debug)]
pub(super) struct Ranked {
    pub(super) field: FieldRef,
    pub(super) cuts: Cuts,
}

/// Where answers change, in order: a value's rank is one more than the number of cuts up to it. Nothing has rank 0.
#[derive(Debug)]
pub(super) enum Cuts {
    Numbers(Vec<i64>),
    Ages(Vec<i128>),
}

/// A field whose value is looked up as a whole; for a set, each of its members.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) field: FieldRef,
    pub(super) of: Names,
    /// The literals by name.
    pub(super) names: FxHashMap<Box<str>, u32>,
    /// The literal that holds where there is nothing.
    pub(super) empty: Option<u32>,
}

/// What is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// A name.
    Word,
    /// A text as it is folded under this number.
    Folded(usize),
    /// The members of a set.
    Set,
}

/// A text that is searched for needles.
#[derive(Debug)]
pub(super) struct Searched {
    /// The number under which it is folded.
    pub(super) folded: usize,
    pub(super) needles: Needles,
    /// The literal that holds where there is nothing.
    pub(super) empty: Option<u32>,
}

/// What a literal is about.
#[derive(Debug, Clone)]
pub(super) enum Literally {
    /// A name, a member or emptiness of this named slot.
    Named(u16),
    /// Something in the text of this searched slot.
    Searched(u16, Find),
}

/// What is searched for in a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Find {
    /// That there is none.
    Nothing,
    /// This, anywhere.
    Anywhere(Box<str>),
    /// This, as whole words.
    Words(Box<str>),
    /// This, at the start.
    Start(Box<str>),
    /// What the regex of this question matches.
    Regex(u32),
}

/// What is asked on its own.
#[derive(Debug)]
pub(super) enum Question {
    /// A question the plain evaluator answers.
    Leaf(Leaf),
    /// A regex over the text folded under this number.
    Regex(usize, Pattern),
    /// A condition that several rules share.
    Shared(super::expr::Expr),
}

/// What tells fields apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
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

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// By the code of a field.
    Code,
    /// By the codes before and after.
    Change,
    /// By a rank.
    Rank,
    /// By what a field is called.
    Name,
    /// By what is in a set.
    Member,
    /// By searching a text.
    Search,
    /// By the plain evaluator, one by one.
    Ask,
}

/// How a question is answered.
pub(super) fn role(leaf: &Leaf) -> Role {
    let kind = leaf.field.kind();
    match (&leaf.test, kind) {
        // What the hours of a desk have to say costs too much to ask it of every ticket.
        _ if leaf.field.scope() == Scope::Clock => Role::Ask,
        (Test::Changed { .. }, kind) => match values(&kind).len() {
            n if n > 0 && n * n <= MOST_CODES => Role::Change,
            _ => Role::Ask,
        },
        (Test::Since(_, span) | Test::Until(_, span), Kind::Time) if span.is_business() => Role::Ask,
        (_, Kind::YesNo) => Role::Code,
        (_, Kind::Words(words)) if words.words.len() < MOST_CODES => Role::Code,
        (_, Kind::Words(_)) => Role::Ask,
        (_, Kind::Number) => Role::Rank,
        (test, Kind::Time) if literals(test).iter().any(|l| matches!(l, Literal::Time(_))) => Role::Ask,
        (_, Kind::Time) => Role::Rank,
        (Test::HasAny(_) | Test::HasAll(_) | Test::HasNone(_) | Test::IsEmpty | Test::IsSet, Kind::Set) => Role::Member,
        (_, Kind::Set) => Role::Ask,
        (
            Test::Contains(_) | Test::ContainsWord(_) | Test::StartsWith(_) | Test::Matches(_),
            Kind::Text | Kind::Declared(_),
        ) => Role::Search,
        (_, Kind::Text | Kind::Declared(_)) => Role::Name,
    }
}

/// The literals of a question.
fn literals(test: &Test) -> Vec<&Literal> {
    match test {
        Test::Is(one) | Test::IsNot(one) | Test::Compare(_, one) => vec![one],
        Test::In(some) | Test::NotIn(some) => some.iter().collect(),
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

/// The place of a value among [`values`].
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
    /// The field it is about, where it is about one.
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

/// Where the answer to a question about a number or a time can change.
fn cuts(test: &Test) -> Vec<i128> {
    let turns = |at: i128| [at, at + 1];
    let mut cuts: Vec<i128> = match test {
        Test::Since(_, Span::Clock(length)) => turns(length.as_nanos()).into(),
        Test::Until(_, Span::Clock(length)) => turns(-length.as_nanos()).into(),
        test => {
            let numbers = literals(test).into_iter().filter_map(|l| match l {
                Literal::Number(n) => Some(i128::from(*n)),
                _ => None,
            });
            // What is beyond all numbers is never reached.
            numbers.flat_map(turns).filter(|cut| *cut <= i128::from(i64::MAX)).collect()
        }
    };
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Whether the answer is yes for this number, or for a time so long ago.
fn rank_holds(leaf: &Leaf, at: i128) -> bool {
    let holds =
        |comparison: &Comparison, asked: &SignedDuration, length: i128| comparison.holds(length.cmp(&asked.as_nanos()));
    match (&leaf.test, leaf.field.kind()) {
        (Test::Since(comparison, Span::Clock(asked)), Kind::Time) => holds(comparison, asked, at),
        (Test::Until(comparison, Span::Clock(asked)), Kind::Time) => holds(comparison, asked, -at),
        // No other question asks which time it was.
        (test, kind @ Kind::Time) => evaluate::value_holds(test, &kind, &Value::Time(Timestamp::UNIX_EPOCH)),
        (test, kind) => evaluate::value_holds(test, &kind, &i64::try_from(at).map_or(Value::Empty, Value::Number)),
    }
}

impl Slots {
    /// Makes room for what a question asks about.
    pub(super) fn see(&mut self, leaf: &Leaf) {
        match role(leaf) {
            Role::Rank => {
                let slot = self.rank_slot(&leaf.field);
                for cut in cuts(&leaf.test) {
                    self.ranked[slot].cuts.add(cut);
                }
            }
            Role::Code => {
                self.code_slot(CodedBy::Field(leaf.field.clone()));
            }
            Role::Change => {
                self.code_slot(CodedBy::Change(leaf.field.clone()));
            }
            Role::Name | Role::Member | Role::Search | Role::Ask => {}
        }
    }

    /// After everything was seen: cuts are in order from here on.
    pub(super) fn sort(&mut self) {
        self.ranked.iter_mut().for_each(|ranked| ranked.cuts.sort());
    }

    /// Makes what finds all needles of each text at once, by what is rare in recent ones.
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

    /// Makes what finds each literal of a text alone.
    pub(super) fn build_finders(&mut self) {
        let finder = |literal: &Literally| match literal {
            Literally::Searched(_, find) => Some(Finder::new(find)),
            Literally::Named(_) => None,
        };
        self.finders = self.literals.iter().map(finder).collect();
    }

    /// Gives each coded slot its bits among those of all, in this order, as far as there is room.
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
            CodedBy::EventKind => (Key::EventKind, Use::Code, 2),
            CodedBy::Field(field) => (Key::of(field), Use::Code, values_of(&field.kind())),
            CodedBy::Change(field) => (Key::of(field), Use::Change, values_of(&field.kind()).pow(2)),
        };
        let next = self.coded.len();
        let slot = *self.places.entry((key, used)).or_insert(next as u16);
        if usize::from(slot) == next {
            self.coded.push(Coded { what, codes, bits: None });
        }
        slot.into()
    }

    fn rank_slot(&mut self, field: &FieldRef) -> usize {
        let next = self.ranked.len();
        let slot = *self.places.entry((Key::of(field), Use::Rank)).or_insert(next as u16);
        if usize::from(slot) == next {
            let cuts = if field.kind() == Kind::Time { Cuts::Ages(vec![]) } else { Cuts::Numbers(vec![]) };
            self.ranked.push(Ranked { field: field.clone(), cuts });
        }
        slot.into()
    }

    fn fold_slot(&mut self, field: &FieldRef) -> usize {
        let next = self.folded.len();
        let slot = *self.places.entry((Key::of(field), Use::Fold)).or_insert(next as u16);
        if usize::from(slot) == next {
            self.folded.push(field.clone());
        }
        slot.into()
    }

    pub(super) fn named_slot(&mut self, field: &FieldRef) -> u16 {
        let next = self.named.len();
        let slot = *self.places.entry((Key::of(field), Use::Name)).or_insert(next as u16);
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
        let slot = *self.places.entry((Key::of(field), Use::Search)).or_insert(next as u16);
        if usize::from(slot) == next {
            let folded = self.fold_slot(field);
            self.searched.push(Searched { folded, needles: Needles::default(), empty: None });
        }
        slot
    }

    /// The codes for which the answer is what is wanted, with their slot.
    pub(super) fn code_mask(&mut self, leaf: &Leaf, want: bool) -> (u16, u64) {
        let kind = leaf.field.kind();
        let values = values(&kind);
        let mut mask = 0;
        let slot = if let Test::Changed { from, to } = &leaf.test {
            for (was_code, was) in values.iter().enumerate() {
                for (is_code, is) in values.iter().enumerate() {
                    let holds = evaluate::changed(was, is, from.as_ref(), to.as_ref());
                    mask |= u64::from(holds == want) << (was_code * values.len() + is_code);
                }
            }
            self.code_slot(CodedBy::Change(leaf.field.clone()))
        } else {
            for (code, value) in values.iter().enumerate() {
                mask |= u64::from(evaluate::value_holds(&leaf.test, &kind, value) == want) << code;
            }
            self.code_slot(CodedBy::Field(leaf.field.clone()))
        };
        (slot as u16, mask)
    }

    /// The ranks for which the answer is what is wanted, in order, with their slot and the highest rank there is.
    pub(super) fn ranks(&mut self, leaf: &Leaf, want: bool) -> (u16, Vec<RangeInclusive<u32>>, u32) {
        let slot = self.rank_slot(&leaf.field);
        let all = &self.ranked[slot].cuts;
        let most = all.rank(i128::MAX);
        let cuts = cuts(&leaf.test);
        // Below the first cut, and from each on up to the next.
        let least = cuts.first().copied().unwrap_or(0).saturating_sub(1);
        let unknown = evaluate::value_holds(&leaf.test, &leaf.field.kind(), &Value::Empty);
        let mut regions = vec![(0, unknown), (1, rank_holds(leaf, least))];
        regions.extend(cuts.iter().map(|cut| (all.rank(*cut), rank_holds(leaf, *cut))));
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

    /// The literal that a named field is called this, or a set has it.
    pub(super) fn name(&mut self, slot: u16, name: &str) -> u32 {
        let named = &mut self.named[usize::from(slot)];
        if let Some(literal) = named.names.get(name) {
            return *literal;
        }
        let literal = self.literals.len() as u32;
        named.names.insert(name.into(), literal);
        self.literals.push(Literally::Named(slot));
        literal
    }

    /// The literal that there is nothing in a named field.
    pub(super) fn no_name(&mut self, slot: u16) -> u32 {
        let next = self.literals.len() as u32;
        let literal = *self.named[usize::from(slot)].empty.get_or_insert(next);
        if literal == next {
            self.literals.push(Literally::Named(slot));
        }
        literal
    }

    /// The literal of something in a text.
    pub(super) fn find(&mut self, slot: u16, find: Find) -> u32 {
        let next = self.literals.len() as u32;
        let searched = &mut self.searched[usize::from(slot)];
        let literal = match &find {
            Find::Nothing => *searched.empty.get_or_insert(next),
            find => searched.needles.literal(find, next),
        };
        if literal == next {
            self.literals.push(Literally::Searched(slot, find));
        }
        literal
    }

    /// The number of a question; the same regex over the same text is the same question.
    pub(super) fn question(&mut self, question: Question) -> u32 {
        self.questions.push(question);
        (self.questions.len() - 1) as u32
    }

    /// The literal of a regex that is searched for in every text; nothing where the question is none about a regex.
    pub(super) fn regex_literal(&mut self, question: u32) -> Option<u32> {
        let Question::Regex(folded, pattern) = &self.questions[question as usize] else { return None };
        let slot = self.searched.iter().position(|searched| searched.folded == *folded)?;
        let next = self.literals.len() as u32;
        let needles = &mut self.searched[slot].needles;
        let literal = needles.literal(&Find::Regex(question), next);
        if literal == next {
            needles.add_regex(pattern.clone(), literal);
            self.literals.push(Literally::Searched(slot as u16, Find::Regex(question)));
        }
        Some(literal)
    }

    /// The text that is searched by a slot, by the number under which it is folded.
    pub(super) fn folded_by(&self, slot: u16) -> usize {
        self.searched[usize::from(slot)].folded
    }
}

impl Key {
    fn of(field: &FieldRef) -> Self {
        match field {
            FieldRef::Known(field) => Self::Known(field.name),
            FieldRef::Custom(field) => Self::Custom(field.name.as_str().into()),
        }
    }
}
