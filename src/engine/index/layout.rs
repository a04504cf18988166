//! The memory layout of posting lists.

use rustc_hash::FxHashMap;

use super::{
    expr::Expr,
    posting::{Key, Posting},
    slots::Slots,
};

/// Clauses per block. A block is skipped if the highest upper bound in it is too low.
pub(super) const BLOCK_CLAUSES: usize = 16;
/// Maximum number of cells in one cell set.
const MAX_CELLS: usize = 4096;
/// Minimum number of rules that share a cell set, and maximum number of cell sets.
const MIN_RULES_PER_SET: usize = 4;
const MAX_SETS: usize = 48;
/// The sort slot of a list that is not sorted by a rank.
pub(super) const NO_SLOT: u16 = u16::MAX;

/// A rule, or one alternative of it, with its cheapest checks inline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clause {
    /// Bits of [`Memo::bits`](super::memo::Memo::bits) the ticket must not have.
    pub(super) forbidden: u64,
    /// The bounds, both inclusive, of the rank the list is sorted by.
    pub(super) low: u32,
    pub(super) high: u32,
    /// The number of the rule.
    pub(super) rule: u32,
    /// The rest of its condition: an index into [`Layout::residual_starts`]; 0 is none.
    pub(super) residual: u32,
}

/// Coded slots whose combined values (cells) are keys of posting lists.
#[derive(Debug)]
pub(super) struct CellSet {
    /// The slots, with the stride of each.
    pub(super) slots: Vec<(u16, u32)>,
    /// The list of its first cell.
    pub(super) first: u32,
    /// The ranked slot its lists are sorted by.
    pub(super) sort_slot: u16,
}

/// A range of clauses, sorted by the lower bound each sets for one ranked slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct PostingList {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) sort_slot: u16,
}

/// All posting lists: one per literal, then one per cell.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) clauses: Vec<Clause>,
    /// The highest upper bound in each block.
    pub(super) block_max: Vec<u32>,
    /// One list per literal, then one per cell.
    pub(super) lists: Vec<PostingList>,
    pub(super) sets: Vec<CellSet>,
    /// The residuals of all clauses, and the start of each.
    pub(super) residuals: Vec<Expr>,
    pub(super) residual_starts: Vec<u32>,
}

/// The fields of a set, and the slot its lists are sorted by.
type Fields = (Vec<u16>, u16);

impl Layout {
    /// Lays out postings. Regex keys have become literals.
    pub(super) fn of(postings: Vec<Posting>, slots: &Slots) -> Self {
        let mut layout = Self { residual_starts: vec![0, 0], ..Self::default() };
        let literals = slots.literals.len();
        let sort_slots = sort_slots(&postings, literals);
        let sets = layout.choose_sets(&postings, slots);
        let mut lists = literals as u32;
        for set in &mut layout.sets {
            let (mut stride, first) = (1, lists);
            for (slot, slot_stride) in &mut set.slots {
                *slot_stride = stride;
                stride *= slots.coded[usize::from(*slot)].codes as u32;
            }
            set.first = first;
            lists += stride;
        }
        let mut placed: Vec<(u32, Clause)> = vec![];
        for posting in postings {
            match &posting.key {
                Key::Literal(literal) => {
                    let sort_slot = sort_slots[*literal as usize];
                    let clause = layout.clause(&posting, sort_slot, slots);
                    placed.push((*literal, clause));
                }
                Key::Cells(cells) => {
                    let (set, sort_slot) = {
                        let set = fields(&posting, cells, slots).into_iter().find_map(|fields| sets.get(&fields));
                        // Never `None`: every posting fits the cell set without fields, which always exists.
                        let Some(set) = set else { continue };
                        (*set, layout.sets[*set].sort_slot)
                    };
                    let clause = layout.clause(&posting, sort_slot, slots);
                    layout.for_each_cell(set, cells, slots, |list| placed.push((list, clause)));
                }
                // Regex keys were replaced by literals before.
                Key::Regex(_) => {}
            }
        }
        placed.sort_by_key(|(list, clause)| (*list, clause.low, std::cmp::Reverse(clause.high), clause.rule));
        layout.lists =
            sort_slots.iter().map(|sort_slot| PostingList { start: 0, end: 0, sort_slot: *sort_slot }).collect();
        layout.lists.resize(lists as usize, PostingList { start: 0, end: 0, sort_slot: NO_SLOT });
        for (at, (list, _)) in (0..).zip(&placed) {
            let list = &mut layout.lists[*list as usize];
            if list.end == 0 {
                list.start = at;
            }
            list.end = at + 1;
        }
        layout.clauses = placed.into_iter().map(|(_, clause)| clause).collect();
        layout.order_residuals();
        layout.block_max =
            layout.clauses.chunks(BLOCK_CLAUSES).map(|block| block.iter().map(|c| c.high).max().unwrap_or(0)).collect();
        layout
    }

    /// Chooses the cell sets that enough rules share, and the cell set without fields, which fits every posting.
    fn choose_sets(&mut self, postings: &[Posting], slots: &Slots) -> FxHashMap<Fields, usize> {
        let mut wanted: FxHashMap<Fields, usize> = FxHashMap::default();
        for posting in postings {
            if let Key::Cells(cells) = &posting.key
                && let Some(best) = fields(posting, cells, slots).into_iter().next()
            {
                *wanted.entry(best).or_default() += 1;
            }
        }
        let mut wanted: Vec<_> = wanted.into_iter().filter(|(_, rules)| *rules >= MIN_RULES_PER_SET).collect();
        wanted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        wanted.truncate(MAX_SETS);
        let empty_set = (vec![], NO_SLOT);
        if !wanted.iter().any(|(fields, _)| *fields == empty_set) {
            wanted.push((empty_set, 0));
        }
        let mut sets = FxHashMap::default();
        for (fields, _) in wanted {
            let slots = fields.0.iter().map(|slot| (*slot, 0)).collect();
            self.sets.push(CellSet { slots, first: 0, sort_slot: fields.1 });
            sets.insert(fields, self.sets.len() - 1);
        }
        sets
    }

    fn for_each_cell(&self, set: usize, cells: &[(u16, u64)], slots: &Slots, mut each: impl FnMut(u32)) {
        let set = &self.sets[set];
        let mut lists = vec![set.first];
        for (slot, stride) in &set.slots {
            let mask = cells.iter().find(|(s, _)| s == slot).map_or(u64::MAX, |(_, mask)| *mask);
            let codes = (0..slots.coded[usize::from(*slot)].codes as u32).filter(|code| mask & (1 << code) != 0);
            let codes: Vec<u32> = codes.collect();
            lists = lists.iter().flat_map(|list| codes.iter().map(move |code| list + code * stride)).collect();
        }
        lists.into_iter().for_each(&mut each);
    }

    fn clause(&mut self, posting: &Posting, sort_slot: u16, slots: &Slots) -> Clause {
        let mut clause = Clause { forbidden: 0, low: 0, high: u32::MAX, rule: posting.rule, residual: 0 };
        let before = self.residuals.len();
        for part in &posting.parts {
            match part {
                Expr::Code { slot, mask } if slots.coded[usize::from(*slot)].bits.is_some() => {
                    let coded = &slots.coded[usize::from(*slot)];
                    if let Some(shift) = coded.bits {
                        let every = if coded.codes == 64 { u64::MAX } else { (1 << coded.codes) - 1 };
                        clause.forbidden |= (!mask & every) << shift;
                    }
                }
                Expr::Rank { slot, low, high } if *slot == sort_slot => (clause.low, clause.high) = (*low, *high),
                part => self.residuals.push(part.clone()),
            }
        }
        if self.residuals.len() > before {
            clause.residual = (self.residual_starts.len() - 1) as u32;
            self.residual_starts.push(self.residuals.len() as u32);
        }
        clause
    }

    /// Sorts the residuals in the order of their clauses, for memory locality.
    fn order_residuals(&mut self) {
        let mut moved = vec![0; self.residual_starts.len()];
        let (mut residuals, mut starts) = (Vec::with_capacity(self.residuals.len()), vec![0, 0]);
        for at in 0..self.clauses.len() {
            let old = self.clauses[at].residual;
            if old != 0 && moved[old as usize] == 0 {
                moved[old as usize] = (starts.len() - 1) as u32;
                residuals.extend_from_slice(self.residual(old));
                starts.push(residuals.len() as u32);
            }
            self.clauses[at].residual = moved[old as usize];
        }
        (self.residuals, self.residual_starts) = (residuals, starts);
    }

    /// A residual, by its index.
    pub(super) fn residual(&self, residual: u32) -> &[Expr] {
        let (from, to) = (self.residual_starts[residual as usize], self.residual_starts[residual as usize + 1]);
        &self.residuals[from as usize..to as usize]
    }
}

/// For each literal, the ranked slot that most of its postings bound.
fn sort_slots(postings: &[Posting], literals: usize) -> Vec<u16> {
    let mut counts: Vec<Vec<(u16, u32)>> = vec![vec![]; literals];
    for posting in postings {
        let Key::Literal(literal) = posting.key else { continue };
        for part in &posting.parts {
            if let Expr::Rank { slot, .. } = part {
                let counts = &mut counts[literal as usize];
                match counts.iter_mut().find(|(s, _)| s == slot) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((*slot, 1)),
                }
            }
        }
    }
    counts.iter().map(|c| c.iter().max_by_key(|(_, count)| *count).map_or(NO_SLOT, |(slot, _)| *slot)).collect()
}

/// The cell sets a posting can use, best first; the last one always exists.
fn fields(posting: &Posting, cells: &[(u16, u64)], slots: &Slots) -> Vec<Fields> {
    let sort_slot =
        posting.parts.iter().find_map(|part| if let Expr::Rank { slot, .. } = part { Some(*slot) } else { None });
    let sort_slot = sort_slot.unwrap_or(NO_SLOT);
    let mut some: Vec<u16> = vec![];
    let mut size = 1;
    for (slot, _) in cells {
        let codes = slots.coded[usize::from(*slot)].codes;
        if size * codes <= MAX_CELLS {
            size *= codes;
            some.push(*slot);
        }
    }
    vec![(some, sort_slot), (vec![], sort_slot), (vec![], NO_SLOT)]
}
