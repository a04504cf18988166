//! From rules to an index, and from a ticket to the rules that hold.

use super::{
    expr::{Builder, Expr},
    filing::{Place, file},
    frequencies::{Frequencies, Recent},
    layout::{BLOCK, Layout, NO_SLOT, Shelf},
    slots::Slots,
    state::State,
};
use crate::{
    desk::{Desk, Facts, FieldRef},
    lang::rules::{Condition, On},
};

/// Up to how many rules are asked one after the other: looking anything up would take longer.
pub(crate) const MAX_UNINDEXED: usize = 40;

/// Conditions, numbered, ready to be asked of tickets. Never changes once it is made.
#[derive(Debug)]
pub struct Index {
    slots: Slots,
    /// What each rule asks.
    exprs: Vec<(u32, Expr)>,
    /// How they are found; nothing where they are few, and asked one after the other.
    layout: Option<Layout>,
    /// How many numbers there are.
    rules: usize,
    /// How many alternatives a ticket is expected to have looked at.
    expected: f64,
}

/// What a search needs room for. Made once and used for many tickets.
#[derive(Debug)]
pub struct Searcher {
    state: State,
    /// The rules that hold, a bit each.
    found: Vec<u64>,
    /// Which words of `found` have any.
    summary: Vec<u64>,
    /// How many tickets were searched for, and how many alternatives were looked at.
    pub(crate) tickets: u64,
    pub(crate) looked_at: u64,
}

impl Index {
    /// Files conditions under their numbers, each with the kinds of events it is about, where it is about some only. What
    /// is rare among the recent tickets is looked for first; without any, good guesses are made. Up to `max_unindexed` rules
    /// are asked one after the other.
    pub fn new<'r>(
        conditions: impl Iterator<Item = (usize, Option<On>, &'r Condition)> + Clone,
        recent: &[Recent],
        desk: &Desk,
        max_unindexed: usize,
    ) -> Self {
        let mut slots = Slots::default();
        for (_, _, condition) in conditions.clone() {
            condition.leaves(&mut |leaf, _| slots.see(leaf));
        }
        let event = slots.event_kind();
        slots.sort();
        let mut uses = vec![0_usize; slots.coded.len()];
        let mut builder = Builder::new(&mut slots);
        let mut built = vec![];
        let mut rules = 0;
        for (number, on, condition) in conditions {
            rules = rules.max(number + 1);
            let mut expr = builder.build(condition, true);
            if let Some(On { created, updated }) = on.filter(|on| !(on.created && on.updated)) {
                let mask = u64::from(created) | u64::from(updated) << 1;
                expr = super::expr::all(vec![Expr::Code { slot: event, mask }, expr]);
            }
            if expr != Expr::Never {
                count_codes(&expr, &mut uses);
                built.push((number as u32, expr));
            }
        }
        let mut by_use: Vec<usize> = (0..uses.len()).collect();
        by_use.sort_by_key(|slot| std::cmp::Reverse(uses[*slot]));
        slots.assign_bits(&by_use);
        slots.build_needles(recent, desk);
        if built.len() <= max_unindexed {
            slots.build_finders();
            return Self { slots, exprs: built, layout: None, rules, expected: 0.0 };
        }
        let frequencies = Frequencies::of(&slots, recent, desk);
        let mut drafts = vec![];
        for (number, expr) in &built {
            file(*number, expr.clone(), &slots, &frequencies, &mut drafts);
        }
        let expected = drafts.iter().map(|draft| draft.expected(&frequencies)).sum();
        // What rules are filed under is searched for in every text.
        for draft in &mut drafts {
            if let Place::Regex(question) = draft.place
                && let Some(literal) = slots.regex_literal(question)
            {
                draft.place = Place::Literal(literal);
            }
        }
        slots.searched.iter_mut().for_each(|searched| searched.needles.build_regexes());
        let layout = Layout::of(drafts, &slots);
        Self { slots, exprs: built, layout: Some(layout), rules, expected }
    }

    /// Room for searches.
    pub fn searcher(&self) -> Searcher {
        let words = self.rules.div_ceil(64);
        Searcher {
            state: State::new(&self.slots),
            found: vec![0; words],
            summary: vec![0; words.div_ceil(64)],
            tickets: 0,
            looked_at: 0,
        }
    }

    /// How many alternatives a ticket is expected to have looked at; 0 where all are.
    pub(crate) fn expected(&self) -> f64 {
        self.expected
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(super) fn exprs(&self) -> &[(u32, Expr)] {
        &self.exprs
    }
}

impl Searcher {
    /// Finds the rules that hold for a ticket; [`Self::next`] and [`Self::each`] tell which.
    pub fn search(&mut self, index: &Index, facts: Facts<'_>) {
        self.tickets += 1;
        self.state.forget();
        self.clear();
        if index.layout.is_some() {
            self.state.read_all(&index.slots, facts);
        }
        self.look_up(index, facts);
    }

    /// Finds the rules that hold after these fields of the ticket have changed.
    pub(crate) fn search_again(&mut self, index: &Index, changed: &dyn Fn(&FieldRef) -> bool, facts: Facts<'_>) {
        if index.layout.is_none() {
            self.state.forget();
        } else if !self.state.read_again(&index.slots, changed, facts) {
            return;
        }
        self.clear();
        self.look_up(index, facts);
    }

    fn clear(&mut self) {
        for (n, summary) in self.summary.iter_mut().enumerate() {
            while *summary != 0 {
                let word = n * 64 + summary.trailing_zeros() as usize;
                self.found[word] = 0;
                *summary &= *summary - 1;
            }
        }
    }

    /// The first rule at `from` or behind it that was found.
    pub fn next(&self, from: usize) -> Option<usize> {
        let (word, bit) = (from / 64, from % 64);
        let here = self.found.get(word)? & (u64::MAX << bit);
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        let next = word + 1;
        let mut summary = self.summary.get(next / 64)? & (u64::MAX << (next % 64));
        let mut n = next / 64;
        while summary == 0 {
            n += 1;
            summary = *self.summary.get(n)?;
        }
        let word = n * 64 + summary.trailing_zeros() as usize;
        Some(word * 64 + self.found[word].trailing_zeros() as usize)
    }

    /// Every rule that was found, in order.
    pub fn each(&self, mut tell: impl FnMut(usize)) {
        for (n, summary) in self.summary.iter().enumerate() {
            let mut summary = *summary;
            while summary != 0 {
                let word = n * 64 + summary.trailing_zeros() as usize;
                let mut found = self.found[word];
                while found != 0 {
                    tell(word * 64 + found.trailing_zeros() as usize);
                    found &= found - 1;
                }
                summary &= summary - 1;
            }
        }
    }

    fn look_up(&mut self, index: &Index, facts: Facts<'_>) {
        let slots = &index.slots;
        match &index.layout {
            None => {
                for (rule, expr) in &index.exprs {
                    if self.state.holds(expr, slots, facts) {
                        mark(&mut self.found, &mut self.summary, *rule);
                    }
                }
            }
            Some(layout) => {
                let mut search = Search { layout, slots, facts, searcher: self, looked_at: 0 };
                search.look_up();
                self.looked_at += search.looked_at;
            }
        }
    }
}

/// A search under way.
struct Search<'a> {
    layout: &'a Layout,
    slots: &'a Slots,
    facts: Facts<'a>,
    searcher: &'a mut Searcher,
    looked_at: u64,
}

impl Search<'_> {
    fn look_up(&mut self) {
        for list in 0..self.searcher.state.lists() {
            for n in 0..self.searcher.state.list(list).len() {
                let shelf = self.layout.shelves[self.searcher.state.list(list)[n] as usize];
                self.look_at(shelf, shelf.lead);
            }
        }
        for set in &self.layout.sets {
            let state = &self.searcher.state;
            let code = |(slot, step): &(u16, u32)| state.known_code(usize::from(*slot)) as u32 * step;
            let place = set.first + set.slots.iter().map(code).sum::<u32>();
            self.look_at(self.layout.shelves[place as usize], set.lead);
        }
    }

    /// Looks at the rules in one place.
    #[inline]
    fn look_at(&mut self, shelf: Shelf, lead: u16) {
        let (start, end) = (shelf.start as usize, shelf.end as usize);
        if start == end {
            return;
        }
        let rank = if lead == NO_SLOT { 0 } else { self.searcher.state.known_rank(usize::from(lead)) };
        if end - start <= BLOCK {
            self.look_through(start, end, rank);
            return;
        }
        let mut at = start;
        while at < end && self.layout.clauses[at].low <= rank {
            let upto = end.min((at / BLOCK + 1) * BLOCK);
            // Where nobody in a block goes so high, it is passed over.
            if self.layout.tops[at / BLOCK] >= rank && !self.look_through(at, upto, rank) {
                return;
            }
            at = upto;
        }
    }

    /// Looks at some rules that lie together, up to the first that starts too high; whether there was none.
    #[inline]
    fn look_through(&mut self, start: usize, end: usize, rank: u32) -> bool {
        let layout = self.layout;
        let bits = self.searcher.state.bits;
        for clause in &layout.clauses[start..end] {
            if clause.low > rank {
                return false;
            }
            self.looked_at += 1;
            if rank <= clause.high && clause.forbidden & bits == 0 && (clause.rest == 0 || self.holds(clause.rest)) {
                mark(&mut self.searcher.found, &mut self.searcher.summary, clause.rule);
            }
        }
        true
    }

    /// Whether the rest of a clause holds.
    #[inline(never)]
    fn holds(&mut self, rest: u32) -> bool {
        let (state, slots, facts) = (&mut self.searcher.state, self.slots, self.facts);
        self.layout.rest(rest).iter().all(|part| state.holds(part, slots, facts))
    }
}

#[inline]
fn mark(found: &mut [u64], summary: &mut [u64], rule: u32) {
    let word = rule as usize / 64;
    found[word] |= 1 << (rule % 64);
    summary[word / 64] |= 1 << (word % 64);
}

fn count_codes(expr: &Expr, uses: &mut [usize]) {
    match expr {
        Expr::Code { slot, .. } => uses[usize::from(*slot)] += 1,
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| count_codes(part, uses)),
        _ => {}
    }
}
