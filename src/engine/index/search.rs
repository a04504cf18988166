//! From rules to an index, and from a ticket to the rules that hold.

use super::{
    expr::{Builder, Expr},
    filing::{Place, file},
    frequencies::{Frequencies, Recent},
    layout::{BLOCK, Layout, NO_SLOT},
    slots::{BIT_WORDS, Slots},
    state::State,
};
use crate::{
    desk::{Desk, Facts, FieldRef},
    lang::rules::{Condition, On},
};

/// Up to how many rules are asked one after the other: looking anything up would take longer.
const FEW: usize = 40;

/// What tests do otherwise than everybody else.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Up to how many rules are asked one after the other.
    pub few: usize,
    /// A mistake that is made on purpose, to see whether it is noticed.
    pub flaw: Option<Flaw>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { few: FEW, flaw: None }
    }
}

/// A mistake for tests to notice. All but the last are made when an index is built.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A rule's last alternative is not filed.
    LosesAnAlternative,
    /// A rule is found from one number too high.
    CutsTooHigh,
    /// What must not be is not checked.
    AllowsTheForbidden,
    /// What actions change is not heard of.
    IsDeaf,
}

/// Conditions, numbered, ready to be asked of tickets. Never changes once it is made.
#[derive(Debug)]
pub struct Index {
    slots: Slots,
    kind: Kind,
    /// How many numbers there are.
    rules: usize,
    /// How many alternatives a ticket is expected to have looked at.
    expected: f64,
}

#[derive(Debug)]
enum Kind {
    /// Asked one after the other.
    Few(Vec<(u32, Expr)>),
    /// Looked up.
    Many(Layout),
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
    pub tickets: u64,
    pub looked_at: u64,
}

impl Index {
    /// Files conditions under their numbers, each with the kinds of events it is about, where it is about some only. What
    /// is rare among the recent tickets is looked for first; without any, good guesses are made.
    pub fn new<'r>(
        conditions: impl Iterator<Item = (usize, Option<On>, &'r Condition)> + Clone,
        recent: &[Recent],
        desk: &Desk,
        tuning: Tuning,
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
        if built.len() <= tuning.few {
            slots.build_finders();
            return Self { slots, kind: Kind::Few(built), rules, expected: 0.0 };
        }
        slots.searched.iter_mut().for_each(|searched| searched.needles.build());
        let frequencies = Frequencies::of(&slots, recent, desk);
        let mut drafts = vec![];
        for (number, expr) in built {
            file(number, expr, &slots, &frequencies, &mut drafts);
        }
        let expected = drafts
            .iter()
            .map(|draft| match &draft.place {
                Place::Literal(literal) => frequencies.literal(*literal),
                Place::Cells(cells) => cells.iter().map(|(slot, mask)| frequencies.code(*slot, *mask)).product(),
                Place::Regex(_) => 0.1,
            })
            .sum();
        // What rules are filed under is searched for in every text.
        for draft in &mut drafts {
            if let Place::Regex(question) = draft.place
                && let Some(literal) = slots.regex_literal(question)
            {
                draft.place = Place::Literal(literal);
            }
        }
        slots.searched.iter_mut().for_each(|searched| searched.needles.build_regexes());
        if tuning.flaw == Some(Flaw::LosesAnAlternative) {
            let last = drafts.iter().rposition(|draft| drafts.iter().filter(|d| d.rule == draft.rule).count() > 1);
            last.map(|last| drafts.remove(last));
        }
        let mut layout = Layout::of(drafts, &slots);
        match tuning.flaw {
            Some(Flaw::CutsTooHigh) => layout.clauses.iter_mut().filter(|c| c.low > 0).for_each(|c| c.low += 1),
            Some(Flaw::AllowsTheForbidden) => layout.clauses.iter_mut().for_each(|c| c.forbidden = [0; BIT_WORDS]),
            _ => {}
        }
        Self { slots, kind: Kind::Many(layout), rules, expected }
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
    pub fn expected(&self) -> f64 {
        self.expected
    }

    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Few(_) => "few".into(),
            Kind::Many(l) => format!(
                "{} sets {:?}, {} clauses, {} rests",
                l.sets.len(),
                l.sets
                    .iter()
                    .map(|s| {
                        let places: usize =
                            s.slots.iter().map(|(slot, _)| self.slots.coded[*slot as usize].codes).product();
                        let n = l.starts[s.first as usize + places] - l.starts[s.first as usize];
                        (s.slots.len(), s.lead as i16, n)
                    })
                    .collect::<Vec<_>>(),
                l.clauses.len(),
                l.rests.len()
            ),
        }
    }

    /// How many bytes it takes, roughly.
    pub fn bytes(&self) -> usize {
        let needles: usize = self.slots.searched.iter().map(|searched| searched.needles.bytes()).sum();
        needles
            + match &self.kind {
                Kind::Few(rules) => rules.len() * size_of::<(u32, Expr)>(),
                Kind::Many(layout) => layout.bytes(),
            }
    }
}

impl Searcher {
    /// Finds the rules that hold for a ticket; [`Self::next`] and [`Self::each`] tell which.
    pub fn search(&mut self, index: &Index, facts: Facts<'_>) {
        self.tickets += 1;
        self.state.forget();
        self.clear();
        match &index.kind {
            Kind::Few(_) => {}
            Kind::Many(_) => self.state.read_all(&index.slots, facts),
        }
        self.look_up(index, facts);
    }

    /// Finds the rules that hold after these fields of the ticket have changed.
    pub(crate) fn search_again(&mut self, index: &Index, changed: &dyn Fn(&FieldRef) -> bool, facts: Facts<'_>) {
        match &index.kind {
            Kind::Few(_) => self.state.forget(),
            Kind::Many(_) => {
                if !self.state.read_again(&index.slots, changed, facts) {
                    return;
                }
            }
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
        match &index.kind {
            Kind::Few(rules) => {
                for (rule, expr) in rules {
                    if self.state.holds(expr, slots, facts) {
                        mark(&mut self.found, &mut self.summary, *rule);
                    }
                }
            }
            Kind::Many(layout) => {
                for list in 0..self.state.lists() {
                    for n in 0..self.state.list(list).len() {
                        let literal = self.state.list(list)[n];
                        self.look_at(layout, literal as usize, layout.leads[literal as usize], slots, facts);
                    }
                }
                for set in &layout.sets {
                    let code = |(slot, step): &(u16, u32)| self.state.known_code(usize::from(*slot)) as u32 * step;
                    let place = set.first + set.slots.iter().map(code).sum::<u32>();
                    self.look_at(layout, place as usize, set.lead, slots, facts);
                }
            }
        }
    }

    /// Looks at the rules in one place.
    #[inline]
    fn look_at(&mut self, layout: &Layout, place: usize, lead: u16, slots: &Slots, facts: Facts<'_>) {
        let (mut at, end) = (layout.starts[place] as usize, layout.starts[place + 1] as usize);
        if at == end {
            return;
        }
        let rank = if lead == NO_SLOT { 0 } else { self.state.known_rank(usize::from(lead)) };
        let bits = self.state.bits;
        while at < end {
            let block = at / BLOCK;
            let upto = end.min((block + 1) * BLOCK);
            if layout.tops[block] < rank {
                // Nobody in this block goes so high; but further down its lowest may go too high for all that follow.
                if layout.clauses[at].low > rank {
                    return;
                }
                at = upto;
                continue;
            }
            for clause in &layout.clauses[at..upto] {
                if clause.low > rank {
                    return;
                }
                self.looked_at += 1;
                if rank <= clause.high && allowed(&clause.forbidden, &bits) {
                    let holds = clause.rest == 0 || {
                        let rest = layout.rest(clause.rest);
                        rest.iter().all(|part| self.state.holds(part, slots, facts))
                    };
                    if holds {
                        mark(&mut self.found, &mut self.summary, clause.rule);
                    }
                }
            }
            at = upto;
        }
    }
}

#[inline]
fn allowed(forbidden: &[u64; BIT_WORDS], bits: &[u64; BIT_WORDS]) -> bool {
    forbidden.iter().zip(bits).fold(0, |any, (f, b)| any | (f & b)) == 0
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
