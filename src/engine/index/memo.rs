//! Memoised reads of one ticket: each slot is read once, when first needed.

use super::{
    expr::Expr,
    needles::NeedleScratch,
    slots::{ListSource, LiteralSource, Names, Slots, Unindexed},
};
use crate::{
    desk::{Facts, FieldRef, Value, field, text::Folder},
    engine::evaluate,
};

/// Marks the code of a slot that was not read yet.
const UNREAD: u8 = u8::MAX;
/// Marks the rank of a slot that was not read yet.
const UNRANKED: u32 = u32::MAX;

/// The slots of one ticket. Reused for the next ticket without allocating.
#[derive(Debug, Default)]
pub(super) struct Memo {
    codes: Vec<u8>,
    ranks: Vec<u32>,
    /// The ticket's codes as bits, one range per coded slot.
    pub(super) bits: u64,
    /// Which literals are true, a bit each.
    truths: Vec<u64>,
    /// The true literals as lists: one per named slot, then one per searched slot.
    present: Vec<Vec<u32>>,
    /// Which lists of `present` were read.
    read: Vec<bool>,
    folded: Vec<Folder>,
    /// Which texts were folded.
    folds: Vec<bool>,
    needle_scratch: Vec<NeedleScratch>,
    /// Results of unindexed predicates, each with the generation it belongs to.
    results: Vec<(u32, bool)>,
    generation: u32,
}

impl Memo {
    /// Memory for these slots.
    pub(super) fn new(slots: &Slots) -> Self {
        let lists = slots.named.len() + slots.searched.len();
        Self {
            codes: vec![UNREAD; slots.coded.len()],
            ranks: vec![UNRANKED; slots.ranked.len()],
            bits: 0,
            truths: vec![0; slots.literals.len().div_ceil(64)],
            present: vec![vec![]; lists],
            read: vec![false; lists],
            folded: slots.folded.iter().map(|_| Folder::default()).collect(),
            folds: vec![false; slots.folded.len()],
            needle_scratch: slots.searched.iter().map(|_| NeedleScratch::default()).collect(),
            results: vec![(0, false); slots.unindexed.len()],
            generation: 0,
        }
    }

    /// Clears the values of the last ticket.
    pub(super) fn clear(&mut self) {
        self.codes.fill(UNREAD);
        self.ranks.fill(UNRANKED);
        for list in 0..self.present.len() {
            self.clear_list(list);
        }
        self.folds.fill(false);
        self.clear_results();
    }

    fn clear_list(&mut self, list: usize) {
        if std::mem::take(&mut self.read[list]) {
            for literal in self.present[list].drain(..) {
                self.truths[literal as usize / 64] &= !(1 << (literal % 64));
            }
        }
    }

    fn clear_results(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        // When the counter wraps around, results of an old generation would count as current.
        if self.generation == 0 {
            self.results.fill((0, false));
            self.generation = 1;
        }
    }

    /// Reads every slot.
    pub(super) fn read_all(&mut self, slots: &Slots, facts: Facts<'_>) {
        self.bits = 0;
        for slot in 0..slots.coded.len() {
            self.code(slots, slot, facts);
        }
        for slot in 0..slots.ranked.len() {
            self.rank(slots, slot, facts);
        }
        for list in 0..self.present.len() {
            self.read_list(slots, list, facts);
        }
    }

    /// Reads the slots of changed fields again. Returns whether any condition can have changed.
    pub(super) fn read_again(&mut self, slots: &Slots, changed: &dyn Fn(&FieldRef) -> bool, facts: Facts<'_>) -> bool {
        // Opening hours depend on group and account; rules cannot change the account.
        let other_hours = field::known("group").is_some_and(|group| changed(&FieldRef::Known(group)));
        let mut different = slots.unindexed.iter().any(|predicate| match predicate {
            Unindexed::Predicate(predicate) => {
                predicate.fields().any(changed) || (predicate.asks_hours() && other_hours)
            }
            Unindexed::Regex(..) | Unindexed::Shared(_) => false,
        });
        for (slot, coded) in slots.coded.iter().enumerate() {
            if coded.field().is_some_and(changed) && self.codes[slot] != UNREAD {
                let before = std::mem::replace(&mut self.codes[slot], UNREAD);
                if let Some(shift) = coded.bits {
                    self.bits &= !(1 << (shift + u32::from(before)));
                }
                different |= self.code(slots, slot, facts) != before;
            }
        }
        for (slot, ranked) in slots.ranked.iter().enumerate() {
            if changed(&ranked.field) {
                let before = std::mem::replace(&mut self.ranks[slot], UNRANKED);
                different |= self.rank(slots, slot, facts) != before;
            }
        }
        for (fold, field) in slots.folded.iter().enumerate() {
            if changed(field) {
                self.folds[fold] = false;
                different = true;
            }
        }
        for list in 0..self.present.len() {
            let field = match slots.named.get(list) {
                Some(named) => &named.field,
                None => &slots.folded[slots.searched[list - slots.named.len()].folded],
            };
            if changed(field) && self.read[list] {
                let before = self.present[list].clone();
                self.clear_list(list);
                self.read_list(slots, list, facts);
                different |= before != self.present[list];
            }
        }
        if different {
            self.clear_results();
        }
        different
    }

    /// The true literals of the slots that were read.
    pub(super) fn present(&self) -> impl Iterator<Item = u32> + '_ {
        self.present.iter().flatten().copied()
    }

    /// The number of lists of true literals.
    pub(super) fn lists(&self) -> usize {
        self.present.len()
    }

    /// One of the lists of true literals.
    pub(super) fn list(&self, list: usize) -> &[u32] {
        &self.present[list]
    }

    pub(super) fn code(&mut self, slots: &Slots, slot: usize, facts: Facts<'_>) -> u8 {
        let known = self.codes[slot];
        if known != UNREAD {
            return known;
        }
        let coded = &slots.coded[slot];
        let code = coded.read(facts);
        self.codes[slot] = code;
        if let Some(shift) = coded.bits {
            self.bits |= 1 << (shift + u32::from(code));
        }
        code
    }

    pub(super) fn rank(&mut self, slots: &Slots, slot: usize, facts: Facts<'_>) -> u32 {
        let known = self.ranks[slot];
        if known != UNRANKED {
            return known;
        }
        let rank = slots.ranked[slot].read(facts);
        self.ranks[slot] = rank;
        rank
    }

    /// The rank of a slot that was read.
    pub(super) fn known_rank(&self, slot: usize) -> u32 {
        self.ranks[slot]
    }

    /// The code of a slot that was read.
    pub(super) fn known_code(&self, slot: usize) -> usize {
        self.codes[slot].into()
    }

    fn is_true(&self, literal: u32) -> bool {
        self.truths[literal as usize / 64] & (1 << (literal % 64)) != 0
    }

    fn read_list(&mut self, slots: &Slots, list: usize, facts: Facts<'_>) {
        if std::mem::replace(&mut self.read[list], true) {
            return;
        }
        match slots.named.get(list) {
            Some(named) => {
                if let Names::Folded(fold) = named.of {
                    self.fold(slots, fold, facts);
                }
                let Self { truths, present, folded, .. } = self;
                let present = &mut present[list];
                let mut make = |literal: Option<&u32>| {
                    if let Some(literal) = literal {
                        make_true(slots, truths, present, *literal);
                    }
                };
                match named.of {
                    Names::Folded(fold) => match folded[fold].folded() {
                        "" => make(named.empty.as_ref()),
                        text => make(named.names.get(text)),
                    },
                    Names::Word => match named.field.read(facts) {
                        Value::Word(word) => make(named.names.get(&*word)),
                        _ => make(named.empty.as_ref()),
                    },
                    Names::Set => match named.field.read(facts) {
                        Value::Set(tags) if !tags.is_empty() => {
                            tags.iter().for_each(|tag| make(named.names.get(tag.as_str())));
                        }
                        _ => make(named.empty.as_ref()),
                    },
                }
            }
            None => {
                let searched = &slots.searched[list - slots.named.len()];
                self.fold(slots, searched.folded, facts);
                let Self { truths, present, folded, needle_scratch, .. } = self;
                let present = &mut present[list];
                let text = folded[searched.folded].folded();
                match searched.empty {
                    Some(literal) if text.is_empty() => make_true(slots, truths, present, literal),
                    _ if text.is_empty() => {}
                    _ => {
                        let needle_scratch = &mut needle_scratch[list - slots.named.len()];
                        searched.needles.search(text, needle_scratch, |literal| {
                            make_true(slots, truths, present, literal);
                        });
                    }
                }
            }
        }
    }

    /// Folds a text, once.
    fn fold(&mut self, slots: &Slots, fold: usize, facts: Facts<'_>) {
        if !std::mem::replace(&mut self.folds[fold], true) {
            let text = match &slots.folded[fold] {
                FieldRef::Known(field) => (field.read)(facts),
                custom => custom.read(facts),
            };
            match text {
                Value::Text(text) | Value::Word(text) => self.folded[fold].fold(&text),
                _ => self.folded[fold].fold(""),
            };
        }
    }

    /// Whether a condition holds.
    pub(super) fn holds(&mut self, expr: &Expr, slots: &Slots, facts: Facts<'_>) -> bool {
        match expr {
            Expr::Never => false,
            Expr::Always => true,
            Expr::Code { slot, mask } => mask & (1 << self.code(slots, usize::from(*slot), facts)) != 0,
            Expr::Rank { slot, low, high } => {
                let rank = self.rank(slots, usize::from(*slot), facts);
                *low <= rank && rank <= *high
            }
            Expr::Literal { literal, want } => self.literal(*literal, slots, facts) == *want,
            Expr::Unindexed { predicate, want } => self.unindexed(*predicate as usize, slots, facts) == *want,
            Expr::All(parts) => parts.iter().all(|part| self.holds(part, slots, facts)),
            Expr::Any(parts) => parts.iter().any(|part| self.holds(part, slots, facts)),
        }
    }

    /// Whether a literal is true. Without posting lists, its slot is read now, and a text is searched for this needle alone.
    fn literal(&mut self, literal: u32, slots: &Slots, facts: Facts<'_>) -> bool {
        if let Some(finder) = slots.finders.get(literal as usize) {
            match (&slots.literals[literal as usize], finder) {
                (LiteralSource::Searched(slot, _), Some(finder)) => {
                    let fold = slots.searched[usize::from(*slot)].folded;
                    self.fold(slots, fold, facts);
                    return finder.finds(self.folded[fold].folded());
                }
                (LiteralSource::List(ListSource::Searched(slot), _), _) => {
                    self.read_list(slots, slots.named.len() + usize::from(*slot), facts);
                }
                (
                    LiteralSource::Named(slot)
                    | LiteralSource::List(ListSource::Named(slot), _)
                    | LiteralSource::Searched(slot, _),
                    _,
                ) => self.read_list(slots, usize::from(*slot), facts),
            }
        }
        self.is_true(literal)
    }

    /// The result of an unindexed predicate.
    pub(super) fn unindexed(&mut self, predicate: usize, slots: &Slots, facts: Facts<'_>) -> bool {
        let (generation, known) = self.results[predicate];
        if generation == self.generation {
            return known;
        }
        let result = match &slots.unindexed[predicate] {
            Unindexed::Predicate(predicate) => evaluate::predicate_holds(predicate, facts),
            Unindexed::Regex(fold, pattern) => {
                self.fold(slots, *fold, facts);
                let text = self.folded[*fold].folded();
                !text.is_empty() && pattern.regex.is_match(text)
            }
            Unindexed::Shared(expr) => self.holds(expr, slots, facts),
        };
        self.results[predicate] = (self.generation, result);
        result
    }
}

/// Makes a literal true, and those of the lists that contain it.
fn make_true(slots: &Slots, truths: &mut [u64], present: &mut Vec<u32>, literal: u32) {
    let mut make = |literal: u32| {
        let (word, bit) = (literal as usize / 64, 1 << (literal % 64));
        let is_new = truths[word] & bit == 0;
        if is_new {
            truths[word] |= bit;
            present.push(literal);
        }
        is_new
    };
    if make(literal)
        && !slots.lists.is_empty()
        && let Some(lists) = slots.lists.get(&literal)
    {
        lists.iter().for_each(|list| {
            make(*list);
        });
    }
}
