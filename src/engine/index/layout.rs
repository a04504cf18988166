//! The rules as they lie in memory, in the order in which they are looked at.

use rustc_hash::FxHashMap;

use super::{
    expr::Expr,
    filing::{Draft, Place},
    slots::Slots,
};

/// How many rules a block has: those whose number is too low are skipped by the block.
pub(super) const BLOCK: usize = 16;
/// The most cells of one set of fields.
const MOST_CELLS: usize = 4096;
/// How many rules are worth a set of fields of their own, and how many sets there are at most.
const LEAST_IN_A_SET: usize = 4;
const MOST_SETS: usize = 48;
/// No ranked slot.
pub(super) const NO_SLOT: u16 = u16::MAX;

/// A rule, or one alternative of it, and what is checked of it first. There are very many: they are kept small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clause {
    /// The bits the ticket must not have.
    pub(super) forbidden: u64,
    /// The rank of the place's number must be at least and at most this.
    pub(super) low: u32,
    pub(super) high: u32,
    /// The number of the rule.
    pub(super) rule: u32,
    /// What is to be checked one by one, as a place in [`Layout::rests`]; 0 is nothing.
    pub(super) rest: u32,
}

/// The fields whose values rules are filed under together.
#[derive(Debug)]
pub(super) struct CellSet {
    /// The coded slots, and what a step in each is worth.
    pub(super) slots: Vec<(u16, u32)>,
    /// The place of its first cell.
    pub(super) first: u32,
    /// The ranked slot by which its cells are in order.
    pub(super) lead: u16,
}

/// The clauses in one place, which are in order of what they ask of one ranked slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shelf {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) lead: u16,
}

/// All rules in their places: those under literals first, then those in cells.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) clauses: Vec<Clause>,
    /// The highest upper rank in each block.
    pub(super) tops: Vec<u32>,
    /// The places: one for each literal, then the cells.
    pub(super) shelves: Vec<Shelf>,
    pub(super) sets: Vec<CellSet>,
    /// What is checked one by one, each from its place to the next.
    pub(super) rests: Vec<Expr>,
    pub(super) rest_starts: Vec<u32>,
}

/// The fields of a set, and its ranked slot.
type Fields = (Vec<u16>, u16);

impl Layout {
    /// Lays drafts out. Regexes have become literals by now.
    pub(super) fn of(drafts: Vec<Draft>, slots: &Slots) -> Self {
        let mut layout = Self { rest_starts: vec![0, 0], ..Self::default() };
        let literals = slots.literals.len();
        let leads = leads(&drafts, literals);
        let sets = layout.choose_sets(&drafts, slots);
        let mut places = literals as u32;
        for set in &mut layout.sets {
            let (mut worth, first) = (1, places);
            for (slot, step) in &mut set.slots {
                *step = worth;
                worth *= slots.coded[usize::from(*slot)].codes as u32;
            }
            set.first = first;
            places += worth;
        }
        let mut placed: Vec<(u32, Clause)> = vec![];
        for draft in drafts {
            match &draft.place {
                Place::Literal(literal) => {
                    let lead = leads[*literal as usize];
                    let clause = layout.clause(&draft, lead, slots);
                    placed.push((*literal, clause));
                }
                Place::Cells(cells) => {
                    let (set, lead) = {
                        let set = fields(&draft, cells, slots).into_iter().find_map(|fields| sets.get(&fields));
                        // The last resort is a set, whatever else is.
                        let Some(set) = set else { continue };
                        (*set, layout.sets[*set].lead)
                    };
                    let clause = layout.clause(&draft, lead, slots);
                    layout.in_cells(set, cells, slots, |place| placed.push((place, clause)));
                }
                // Made a literal before.
                Place::Regex(_) => {}
            }
        }
        placed.sort_by_key(|(place, clause)| (*place, clause.low, std::cmp::Reverse(clause.high), clause.rule));
        layout.shelves = leads.iter().map(|lead| Shelf { start: 0, end: 0, lead: *lead }).collect();
        layout.shelves.resize(places as usize, Shelf { start: 0, end: 0, lead: NO_SLOT });
        for (at, (place, _)) in (0..).zip(&placed) {
            let shelf = &mut layout.shelves[*place as usize];
            if shelf.end == 0 {
                shelf.start = at;
            }
            shelf.end = at + 1;
        }
        layout.clauses = placed.into_iter().map(|(_, clause)| clause).collect();
        layout.order_rests();
        layout.tops =
            layout.clauses.chunks(BLOCK).map(|block| block.iter().map(|c| c.high).max().unwrap_or(0)).collect();
        layout
    }

    /// Which sets of fields there are: those that many rules are best filed under, and the empty one.
    fn choose_sets(&mut self, drafts: &[Draft], slots: &Slots) -> FxHashMap<Fields, usize> {
        let mut wanted: FxHashMap<Fields, usize> = FxHashMap::default();
        for draft in drafts {
            if let Place::Cells(cells) = &draft.place
                && let Some(best) = fields(draft, cells, slots).into_iter().next()
            {
                *wanted.entry(best).or_default() += 1;
            }
        }
        let mut wanted: Vec<_> = wanted.into_iter().filter(|(_, rules)| *rules >= LEAST_IN_A_SET).collect();
        wanted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        wanted.truncate(MOST_SETS);
        let last_resort = (vec![], NO_SLOT);
        if !wanted.iter().any(|(fields, _)| *fields == last_resort) {
            wanted.push((last_resort, 0));
        }
        let mut sets = FxHashMap::default();
        for (fields, _) in wanted {
            let steps = fields.0.iter().map(|slot| (*slot, 0)).collect();
            self.sets.push(CellSet { slots: steps, first: 0, lead: fields.1 });
            sets.insert(fields, self.sets.len() - 1);
        }
        sets
    }

    fn in_cells(&self, set: usize, cells: &[(u16, u64)], slots: &Slots, mut place: impl FnMut(u32)) {
        let set = &self.sets[set];
        let mut places = vec![set.first];
        for (slot, step) in &set.slots {
            let mask = cells.iter().find(|(s, _)| s == slot).map_or(u64::MAX, |(_, mask)| *mask);
            let codes = (0..slots.coded[usize::from(*slot)].codes as u32).filter(|code| mask & (1 << code) != 0);
            let codes: Vec<u32> = codes.collect();
            places = places.iter().flat_map(|place| codes.iter().map(move |code| place + code * step)).collect();
        }
        places.into_iter().for_each(&mut place);
    }

    fn clause(&mut self, draft: &Draft, lead: u16, slots: &Slots) -> Clause {
        let mut clause = Clause { forbidden: 0, low: 0, high: u32::MAX, rule: draft.rule, rest: 0 };
        let before = self.rests.len();
        for part in &draft.parts {
            match part {
                Expr::Code { slot, mask } if slots.coded[usize::from(*slot)].bits.is_some() => {
                    let coded = &slots.coded[usize::from(*slot)];
                    if let Some(shift) = coded.bits {
                        let every = if coded.codes == 64 { u64::MAX } else { (1 << coded.codes) - 1 };
                        clause.forbidden |= (!mask & every) << shift;
                    }
                }
                Expr::Rank { slot, low, high } if *slot == lead => (clause.low, clause.high) = (*low, *high),
                part => self.rests.push(part.clone()),
            }
        }
        if self.rests.len() > before {
            clause.rest = (self.rest_starts.len() - 1) as u32;
            self.rest_starts.push(self.rests.len() as u32);
        }
        clause
    }

    /// Brings what is checked one by one into the order of the clauses, so that what is looked at together lies together.
    fn order_rests(&mut self) {
        let mut places = vec![0; self.rest_starts.len()];
        let (mut rests, mut starts) = (Vec::with_capacity(self.rests.len()), vec![0, 0]);
        for at in 0..self.clauses.len() {
            let old = self.clauses[at].rest;
            if old != 0 && places[old as usize] == 0 {
                places[old as usize] = (starts.len() - 1) as u32;
                rests.extend_from_slice(self.rest(old));
                starts.push(rests.len() as u32);
            }
            self.clauses[at].rest = places[old as usize];
        }
        (self.rests, self.rest_starts) = (rests, starts);
    }

    /// What is still to be checked of a clause.
    pub(super) fn rest(&self, rest: u32) -> &[Expr] {
        let (from, to) = (self.rest_starts[rest as usize], self.rest_starts[rest as usize + 1]);
        &self.rests[from as usize..to as usize]
    }
}

/// The ranked slot that most rules under each literal ask about.
fn leads(drafts: &[Draft], literals: usize) -> Vec<u16> {
    let mut counts: Vec<Vec<(u16, u32)>> = vec![vec![]; literals];
    for draft in drafts {
        let Place::Literal(literal) = draft.place else { continue };
        for part in &draft.parts {
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

/// The sets of fields a draft can be filed under, best first; the last one is always there.
fn fields(draft: &Draft, cells: &[(u16, u64)], slots: &Slots) -> Vec<Fields> {
    let lead = draft.parts.iter().find_map(|part| if let Expr::Rank { slot, .. } = part { Some(*slot) } else { None });
    let lead = lead.unwrap_or(NO_SLOT);
    let mut some: Vec<u16> = vec![];
    let mut worth = 1;
    for (slot, _) in cells {
        let codes = slots.coded[usize::from(*slot)].codes;
        if worth * codes <= MOST_CELLS {
            worth *= codes;
            some.push(*slot);
        }
    }
    vec![(some, lead), (vec![], lead), (vec![], NO_SLOT)]
}
