//! Which of many rules hold for each of many tickets, by columns.
//!
//! A block of tickets is read first: every code, rank, literal and question becomes a column of bits, one for each ticket.
//! Then each rule is a few operations on such columns, whole words of 64 tickets at a time, and what several rules
//! ask is worked out once. That pays where tickets are many: files of them, backtests, previews.

use rustc_hash::FxHashMap;

use super::{
    expr::Expr,
    search::Index,
    slots::{Question, Slots},
    state::State,
};
use crate::desk::Facts;

/// How many tickets are looked at together.
pub const BLOCK: usize = 512;
const WORDS: usize = BLOCK / 64;

/// A bit for each ticket of a block.
type Column = [u64; WORDS];

const NONE: Column = [0; WORDS];
const ALL: Column = [u64::MAX; WORDS];

/// The rules of an index as operations on columns.
#[derive(Debug)]
pub struct Batch<'i> {
    index: &'i Index,
    /// What is worked out, each from what stands before it.
    steps: Vec<Step>,
    /// The rules, and the step that says where each holds.
    rules: Vec<(u32, u32)>,
}

/// What a column is worked out from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Always,
    Never,
    Code {
        slot: u16,
        mask: u64,
    },
    Rank {
        slot: u16,
        low: u32,
        high: u32,
    },
    Literal {
        literal: u32,
        want: bool,
    },
    /// All of these steps, and the answers to these questions, which are asked of those tickets only for which it comes to
    /// them.
    All(Box<[u32]>, Box<[(u32, bool)]>),
    Any(Box<[u32]>),
}

/// What a block of tickets needs room for.
#[derive(Debug)]
pub struct Room {
    state: State,
    /// For each coded slot, a column for each code.
    codes: Vec<Vec<Column>>,
    /// For each ranked slot, the tickets by rank.
    ranks: Vec<Ladder>,
    literals: Vec<Column>,
    /// The literals that any ticket of the block has.
    present: Vec<u32>,
    /// For each question, the tickets it was asked of, and those for which the answer is yes.
    asked: Vec<(Column, Column)>,
    columns: Vec<Column>,
}

/// The tickets of a block by the rank of one slot.
#[derive(Debug, Default)]
struct Ladder {
    /// The rank of each ticket, and its place in the block; in order, once all are there.
    ranks: Vec<(u32, u32)>,
    /// The ranks that occur, in order, each with the tickets of this rank or a higher one.
    rungs: Vec<(u32, Column)>,
}

impl Ladder {
    fn build(&mut self) {
        self.ranks.sort_unstable();
        self.rungs.clear();
        let mut column = NONE;
        for (rank, ticket) in self.ranks.iter().rev() {
            column[*ticket as usize / 64] |= 1 << (ticket % 64);
            match self.rungs.last_mut() {
                Some((last, tickets)) if last == rank => *tickets = column,
                _ => self.rungs.push((*rank, column)),
            }
        }
        self.rungs.reverse();
    }

    /// The tickets of this rank or a higher one.
    fn from(&self, rank: u32) -> &Column {
        let rung = self.rungs.partition_point(|(rung, _)| *rung < rank);
        self.rungs.get(rung).map_or(&NONE, |(_, tickets)| tickets)
    }
}

impl<'i> Batch<'i> {
    /// Turns the rules of an index into operations on columns.
    pub fn new(index: &'i Index) -> Self {
        let mut batch = Self { index, steps: vec![], rules: vec![] };
        let mut known = FxHashMap::default();
        for (rule, expr) in index.exprs() {
            let step = batch.step(expr, &mut known);
            batch.rules.push((*rule, step));
        }
        batch
    }

    /// The step that works out a condition; the same condition is worked out once.
    fn step(&mut self, expr: &Expr, known: &mut FxHashMap<Step, u32>) -> u32 {
        let step = match expr {
            Expr::Never => Step::Never,
            Expr::Always => Step::Always,
            Expr::Code { slot, mask } => Step::Code { slot: *slot, mask: *mask },
            Expr::Rank { slot, low, high } => Step::Rank { slot: *slot, low: *low, high: *high },
            Expr::Literal { literal, want } => Step::Literal { literal: *literal, want: *want },
            Expr::Question { question, want } => match self.shared(*question) {
                // Only what is wanted is ever shared.
                Some(shared) if *want => return self.step(shared, known),
                _ => Step::All(Box::default(), [(*question, *want)].into()),
            },
            Expr::All(parts) => {
                let (mut steps, mut questions) = (vec![], vec![]);
                for part in parts {
                    match part {
                        Expr::Question { question, want } if self.shared(*question).is_none() => {
                            questions.push((*question, *want));
                        }
                        part => steps.push(self.step(part, known)),
                    }
                }
                Step::All(steps.into(), questions.into())
            }
            Expr::Any(parts) => Step::Any(parts.iter().map(|part| self.step(part, known)).collect()),
        };
        *known.entry(step).or_insert_with_key(|step| {
            self.steps.push(step.clone());
            (self.steps.len() - 1) as u32
        })
    }

    /// The condition that a question stands for, where several rules share it.
    fn shared(&self, question: u32) -> Option<&'i Expr> {
        match &self.index.slots().questions[question as usize] {
            Question::Shared(shared) => Some(shared),
            Question::Leaf(_) | Question::Regex(..) => None,
        }
    }

    /// Room for blocks of tickets.
    pub fn room(&self) -> Room {
        let slots = self.index.slots();
        Room {
            state: State::new(slots),
            codes: slots.coded.iter().map(|coded| vec![NONE; coded.codes]).collect(),
            ranks: slots.ranked.iter().map(|_| Ladder::default()).collect(),
            literals: vec![NONE; slots.literals.len()],
            present: vec![],
            asked: vec![(NONE, NONE); slots.questions.len()],
            columns: vec![NONE; self.steps.len()],
        }
    }

    /// Finds the rules that hold for each ticket of a block, which is at most [`BLOCK`] of them. `found` is told the place
    /// of each ticket in the block and the number of a rule that holds, all tickets of one rule after those of another;
    /// rules come in order.
    pub fn search(&self, tickets: &[Facts<'_>], room: &mut Room, mut found: impl FnMut(usize, usize)) {
        let tickets = &tickets[..tickets.len().min(BLOCK)];
        self.read(tickets, room);
        let mut here = NONE;
        (0..tickets.len()).for_each(|ticket| here[ticket / 64] |= 1 << (ticket % 64));
        for (at, step) in self.steps.iter().enumerate() {
            room.columns[at] = self.work_out(step, tickets, &here, room);
        }
        for (rule, step) in &self.rules {
            let column = &room.columns[*step as usize];
            for (word, (bits, here)) in column.iter().zip(&here).enumerate() {
                let mut bits = bits & here;
                while bits != 0 {
                    found(word * 64 + bits.trailing_zeros() as usize, *rule as usize);
                    bits &= bits - 1;
                }
            }
        }
    }

    fn read(&self, tickets: &[Facts<'_>], room: &mut Room) {
        let slots: &Slots = self.index.slots();
        room.codes.iter_mut().for_each(|codes| codes.fill(NONE));
        room.ranks.iter_mut().for_each(|ladder| ladder.ranks.clear());
        for literal in room.present.drain(..) {
            room.literals[literal as usize] = NONE;
        }
        room.asked.fill((NONE, NONE));
        for (ticket, facts) in tickets.iter().enumerate() {
            let (word, bit) = (ticket / 64, 1 << (ticket % 64));
            let state = &mut room.state;
            state.forget();
            state.read_all(slots, *facts);
            for (slot, codes) in room.codes.iter_mut().enumerate() {
                codes[state.known_code(slot)][word] |= bit;
            }
            for (slot, ladder) in room.ranks.iter_mut().enumerate() {
                ladder.ranks.push((state.known_rank(slot), ticket as u32));
            }
            for literal in state.present() {
                let column = &mut room.literals[literal as usize];
                if *column == NONE {
                    room.present.push(literal);
                }
                column[word] |= bit;
            }
        }
        room.ranks.iter_mut().for_each(Ladder::build);
    }

    fn work_out(&self, step: &Step, tickets: &[Facts<'_>], here: &Column, room: &mut Room) -> Column {
        match step {
            Step::Always => ALL,
            Step::Never => NONE,
            Step::Code { slot, mask } => {
                let codes = room.codes[usize::from(*slot)].iter().enumerate();
                codes.filter(|(code, _)| mask & (1 << code) != 0).fold(NONE, |any, (_, column)| or(any, column))
            }
            Step::Rank { slot, low, high } => {
                let ladder = &room.ranks[usize::from(*slot)];
                let mut column = *ladder.from(*low);
                let above = ladder.from(high.saturating_add(1));
                column.iter_mut().zip(above).for_each(|(column, above)| *column &= !above);
                column
            }
            Step::Literal { literal, want } => wanted(&room.literals[*literal as usize], *want),
            Step::All(steps, questions) => {
                let mut all = *here;
                for step in steps {
                    all = and(all, &room.columns[*step as usize]);
                    if all == NONE {
                        return NONE;
                    }
                }
                questions.iter().fold(all, |all, (question, want)| {
                    and(all, &wanted(&self.ask(*question, &all, tickets, room), *want))
                })
            }
            Step::Any(steps) => steps.iter().fold(NONE, |any, step| or(any, &room.columns[*step as usize])),
        }
    }

    /// The answers to a question for some of the tickets.
    fn ask(&self, question: u32, of: &Column, tickets: &[Facts<'_>], room: &mut Room) -> Column {
        let slots = self.index.slots();
        let (asked, answers) = &mut room.asked[question as usize];
        for word in 0..WORDS {
            let mut bits = of[word] & !asked[word];
            asked[word] |= bits;
            while bits != 0 {
                let bit = bits.trailing_zeros();
                room.state.forget();
                let yes = room.state.answer(question as usize, slots, tickets[word * 64 + bit as usize]);
                answers[word] |= u64::from(yes) << bit;
                bits &= bits - 1;
            }
        }
        *answers
    }
}

fn or(mut a: Column, b: &Column) -> Column {
    a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
    a
}

fn and(mut a: Column, b: &Column) -> Column {
    a.iter_mut().zip(b).for_each(|(a, b)| *a &= b);
    a
}

fn wanted(column: &Column, want: bool) -> Column {
    if want { *column } else { column.map(|word| !word) }
}
