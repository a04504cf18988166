//! Builds the index, and probes it.

use super::{
    build::Builder,
    expr::Expr,
    frequencies::Frequencies,
    layout::{BLOCK_CLAUSES, Layout, NO_SLOT, PostingList},
    memo::Memo,
    posting::{Key, post},
    recent::Recent,
    slots::Slots,
};
use crate::{
    desk::{Declarations, Facts, FieldRef},
    lang::rules::{Condition, On},
};

/// Maximum number of rules without posting lists: evaluating so few for each ticket is faster.
pub(crate) const MAX_UNINDEXED: usize = 40;

/// An immutable index over numbered conditions.
#[derive(Debug)]
pub struct Index {
    slots: Slots,
    /// The condition of each rule.
    exprs: Vec<(u32, Expr)>,
    /// The posting lists; `None` if there are too few rules for them.
    layout: Option<Layout>,
    /// One more than the highest rule number.
    rules: usize,
    /// The estimated number of clauses probed for a ticket.
    expected: f64,
}

/// Reused memory of a search: made once, used for many tickets.
#[derive(Debug)]
pub struct Scratch {
    memo: Memo,
    /// The rules that hold, a bit each.
    found: Vec<u64>,
    /// Which words of `found` are not zero, a bit each.
    summary: Vec<u64>,
    /// Tickets searched for, and clauses probed for them.
    pub(crate) tickets: u64,
    pub(crate) probed: u64,
}

impl Index {
    /// Indexes numbered conditions, each with its kinds of events. Selectivity is estimated from recent tickets. If
    /// there are at most `max_unindexed` rules, no posting lists are built, and every rule is evaluated for each
    /// ticket.
    pub fn new<'r>(
        conditions: impl Iterator<Item = (usize, Option<On>, &'r Condition)> + Clone,
        recent: &[Recent],
        desk: &Declarations,
        max_unindexed: usize,
    ) -> Self {
        let mut slots = Slots::default();
        for (_, _, condition) in conditions.clone() {
            condition.predicates(&mut |predicate, _| slots.register(predicate));
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
        let mut postings = vec![];
        for (number, expr) in &built {
            post(*number, expr.clone(), &slots, &frequencies, &mut postings);
        }
        let expected = postings.iter().map(|posting| posting.expected(&frequencies)).sum();
        // A regex that is a key is matched against every text, so it becomes a literal of its slot.
        for posting in &mut postings {
            if let Key::Regex(predicate) = posting.key
                && let Some(literal) = slots.regex_literal(predicate)
            {
                posting.key = Key::Literal(literal);
            }
        }
        slots.searched.iter_mut().for_each(|searched| searched.needles.build_regexes());
        let layout = Layout::of(postings, &slots);
        Self { slots, exprs: built, layout: Some(layout), rules, expected }
    }

    /// Memory for searches.
    pub fn scratch(&self) -> Scratch {
        let words = self.rules.div_ceil(64);
        Scratch {
            memo: Memo::new(&self.slots),
            found: vec![0; words],
            summary: vec![0; words.div_ceil(64)],
            tickets: 0,
            probed: 0,
        }
    }

    /// The estimated number of clauses probed for a ticket; 0 without posting lists.
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

impl Scratch {
    /// Finds the rules that hold on a ticket; [`Self::next`] and [`Self::each`] read them.
    pub fn search(&mut self, index: &Index, facts: Facts<'_>) {
        self.tickets += 1;
        self.memo.clear();
        self.clear();
        if index.layout.is_some() {
            self.memo.read_all(&index.slots, facts);
        }
        self.probe(index, facts);
    }

    /// Finds the rules that hold after these fields of the ticket have changed.
    pub(crate) fn search_again(&mut self, index: &Index, changed: &dyn Fn(&FieldRef) -> bool, facts: Facts<'_>) {
        if index.layout.is_none() {
            self.memo.clear();
        } else if !self.memo.read_again(&index.slots, changed, facts) {
            return;
        }
        self.clear();
        self.probe(index, facts);
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

    /// The first rule found at or after `from`.
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

    /// Calls `visit` with every rule that was found, in order.
    pub fn each(&self, mut visit: impl FnMut(usize)) {
        for (n, summary) in self.summary.iter().enumerate() {
            let mut summary = *summary;
            while summary != 0 {
                let word = n * 64 + summary.trailing_zeros() as usize;
                let mut found = self.found[word];
                while found != 0 {
                    visit(word * 64 + found.trailing_zeros() as usize);
                    found &= found - 1;
                }
                summary &= summary - 1;
            }
        }
    }

    fn probe(&mut self, index: &Index, facts: Facts<'_>) {
        let slots = &index.slots;
        match &index.layout {
            None => {
                for (rule, expr) in &index.exprs {
                    if self.memo.holds(expr, slots, facts) {
                        set_bit(&mut self.found, &mut self.summary, *rule);
                    }
                }
            }
            Some(layout) => {
                let mut search = Search { layout, slots, facts, scratch: self, probed: 0 };
                search.probe();
                self.probed += search.probed;
            }
        }
    }
}

/// One probe of all lists.
struct Search<'a> {
    layout: &'a Layout,
    slots: &'a Slots,
    facts: Facts<'a>,
    scratch: &'a mut Scratch,
    probed: u64,
}

impl Search<'_> {
    fn probe(&mut self) {
        for list in 0..self.scratch.memo.lists() {
            for n in 0..self.scratch.memo.list(list).len() {
                let list = self.layout.lists[self.scratch.memo.list(list)[n] as usize];
                self.probe_list(list, list.sort_slot);
            }
        }
        for set in &self.layout.sets {
            let memo = &self.scratch.memo;
            let code = |(slot, stride): &(u16, u32)| memo.known_code(usize::from(*slot)) as u32 * stride;
            let list = set.first + set.slots.iter().map(code).sum::<u32>();
            self.probe_list(self.layout.lists[list as usize], set.sort_slot);
        }
    }

    /// Probes one posting list.
    #[inline]
    fn probe_list(&mut self, list: PostingList, sort_slot: u16) {
        let (start, end) = (list.start as usize, list.end as usize);
        if start == end {
            return;
        }
        let rank = if sort_slot == NO_SLOT { 0 } else { self.scratch.memo.known_rank(usize::from(sort_slot)) };
        if end - start <= BLOCK_CLAUSES {
            self.scan_block(start, end, rank);
            return;
        }
        let mut at = start;
        while at < end && self.layout.clauses[at].low <= rank {
            let upto = end.min((at / BLOCK_CLAUSES + 1) * BLOCK_CLAUSES);
            // Skip the block if all upper bounds in it are below the rank.
            if self.layout.block_max[at / BLOCK_CLAUSES] >= rank && !self.scan_block(at, upto, rank) {
                return;
            }
            at = upto;
        }
    }

    /// Scans clauses up to the first whose lower bound is above the rank. Returns false if there was one.
    #[inline]
    fn scan_block(&mut self, start: usize, end: usize, rank: u32) -> bool {
        let layout = self.layout;
        let bits = self.scratch.memo.bits;
        for clause in &layout.clauses[start..end] {
            if clause.low > rank {
                return false;
            }
            self.probed += 1;
            if rank <= clause.high
                && clause.forbidden & bits == 0
                && (clause.residual == 0 || self.holds(clause.residual))
            {
                set_bit(&mut self.scratch.found, &mut self.scratch.summary, clause.rule);
            }
        }
        true
    }

    /// Whether the residual of a clause holds.
    #[inline(never)]
    fn holds(&mut self, residual: u32) -> bool {
        let (memo, slots, facts) = (&mut self.scratch.memo, self.slots, self.facts);
        self.layout.residual(residual).iter().all(|part| memo.holds(part, slots, facts))
    }
}

#[inline]
fn set_bit(found: &mut [u64], summary: &mut [u64], rule: u32) {
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
