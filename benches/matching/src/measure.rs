//! Builds engines, checks that they agree, and times them.

use std::{
    hint::black_box,
    sync::Barrier,
    time::{Duration, Instant},
};

use crate::{engines::Engine, memory::Allocated, rules::RuleSet, tickets::Case};

/// Shortest duration of a round, so that the clock's resolution does not matter.
const MIN_ROUND: Duration = Duration::from_millis(20);
/// A slow engine's round takes fewer tickets to stay below this.
const MAX_ROUND: Duration = Duration::from_millis(500);
/// Fewest tickets of a round.
pub const MIN_TICKETS: usize = 16;

/// An entry in the list of engines.
#[derive(Debug)]
pub struct Candidate {
    pub name: &'static str,
    build: fn(&RuleSet) -> Box<dyn Built>,
}

impl Candidate {
    /// An engine measured on one thread.
    pub const fn one<E: Engine + 'static>() -> Self {
        Self { name: E::NAME, build: |rules| Box::new(Run::<E>::build(rules)) }
    }

    /// An engine that is also measured on several threads that share it.
    pub const fn shared<E>() -> Self
    where
        E: Engine + Sync + 'static,
        E::Input: Sync,
    {
        Self { name: E::NAME, build: |rules| Box::new(Run::<E> { together: Some(Run::together), ..Run::build(rules) }) }
    }

    pub fn build(&self, rules: &RuleSet) -> Box<dyn Built> {
        (self.build)(rules)
    }
}

/// An engine with its rules compiled.
pub trait Built {
    /// Cost of building it.
    fn cost(&self) -> Cost;

    /// Prepares the tickets and matches each one.
    ///
    /// # Panics
    /// If a result differs from `right`, with the first rule that differs.
    fn take(&mut self, cases: &[Case], right: &[Vec<u32>]);

    /// Nanoseconds per ticket, over one round.
    fn round(&mut self) -> f64;

    /// Allocations per ticket.
    fn allocations(&mut self) -> f64;

    /// Nanoseconds of wall-clock time per ticket when this many threads share the rules.
    fn together(&self, threads: usize) -> Option<f64>;
}

/// Cost of building an engine.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub time: Duration,
    /// Bytes it holds.
    pub bytes: i64,
}

struct Run<E: Engine> {
    engine: E,
    cost: Cost,
    inputs: Vec<E::Input>,
    scratch: E::Scratch,
    out: Vec<u32>,
    /// Tickets per round, and passes over them.
    tickets: usize,
    times: usize,
    together: Option<fn(&Self, usize) -> f64>,
}

impl<E: Engine> Run<E> {
    fn build(rules: &RuleSet) -> Self {
        let build = || {
            let (before, from) = (Allocated::now(), Instant::now());
            let engine = E::build(rules);
            let cost = Cost { time: from.elapsed(), bytes: Allocated::now().live - before.live };
            (engine, cost)
        };
        let (mut engine, mut cost) = build();
        // A quick build is repeated: the first one also pays for lazily initialised statics.
        if cost.time < MIN_ROUND {
            drop(engine);
            (engine, cost) = build();
        }
        let scratch = engine.scratch();
        Self { engine, cost, inputs: vec![], scratch, out: vec![], tickets: 0, times: 1, together: None }
    }

    fn pass(&mut self) -> usize {
        let mut matches = 0;
        for input in &self.inputs[..self.tickets] {
            self.out.clear();
            self.engine.matches(black_box(input), &mut self.scratch, &mut self.out);
            matches += black_box(&self.out).len();
        }
        matches
    }
}

impl<E> Run<E>
where
    E: Engine + Sync,
    E::Input: Sync,
{
    fn together(&self, threads: usize) -> f64 {
        let (engine, inputs, times) = (&self.engine, &self.inputs[..self.tickets], self.times);
        let start = Barrier::new(threads);
        let work = || {
            let (mut scratch, mut out) = (engine.scratch(), vec![]);
            let mut pass = || {
                for input in inputs {
                    out.clear();
                    engine.matches(black_box(input), &mut scratch, &mut out);
                    black_box(&out);
                }
            };
            pass();
            start.wait();
            let from = Instant::now();
            (0..times).for_each(|_| pass());
            (from, Instant::now())
        };
        let spans: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it has not panicked")).collect()
        });
        let (first, last) = (spans.iter().map(|(from, _)| *from).min(), spans.iter().map(|(_, to)| *to).max());
        let took = first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first);
        took.as_nanos() as f64 / (threads * times * inputs.len()) as f64
    }
}

impl<E: Engine> Built for Run<E> {
    fn cost(&self) -> Cost {
        self.cost
    }

    fn take(&mut self, cases: &[Case], right: &[Vec<u32>]) {
        self.inputs = cases.iter().zip(right).map(|(case, right)| self.engine.input(case, right)).collect();
        self.tickets = cases.len();
        let mut took = Duration::ZERO;
        for (n, (input, right)) in self.inputs.iter().zip(right).enumerate() {
            self.out.clear();
            let from = Instant::now();
            self.engine.matches(input, &mut self.scratch, &mut self.out);
            took += from.elapsed();
            agree(E::NAME, n, &self.out, right);
        }
        let one = took / u32::try_from(self.tickets).unwrap_or(u32::MAX).max(1);
        let fit = MAX_ROUND.as_nanos() / one.as_nanos().max(1);
        self.tickets = self.tickets.min(MIN_TICKETS.max(usize::try_from(fit).unwrap_or(usize::MAX)));
        let pass = one.as_nanos() * self.tickets as u128;
        self.times = usize::try_from(MIN_ROUND.as_nanos() / pass.max(1)).unwrap_or(usize::MAX).max(1);
    }

    fn round(&mut self) -> f64 {
        // Warms the caches, which other engines have used since; a real desk matches all the time.
        if self.times > 1 {
            black_box(self.pass());
        }
        let from = Instant::now();
        for _ in 0..self.times {
            black_box(self.pass());
        }
        from.elapsed().as_nanos() as f64 / (self.times * self.tickets) as f64
    }

    fn allocations(&mut self) -> f64 {
        let before = Allocated::now();
        self.pass();
        (Allocated::now().times - before.times) as f64 / self.tickets as f64
    }

    fn together(&self, threads: usize) -> Option<f64> {
        self.together.map(|together| together(self, threads))
    }
}

/// Panics with the first rule whose result is wrong.
fn agree(engine: &str, ticket: usize, out: &[u32], right: &[u32]) {
    if out == right {
        return;
    }
    if let Some(rule) = right.iter().find(|rule| !out.contains(rule)) {
        panic!("{engine}: rule {rule} matches ticket {ticket}, and is not among its {} matches", out.len());
    }
    if let Some(rule) = out.iter().find(|rule| !right.contains(rule)) {
        panic!("{engine}: rule {rule} does not match ticket {ticket}, and is among its {} matches", out.len());
    }
    panic!("{engine}: the matches of ticket {ticket} are not in ascending order, or there twice: {out:?}");
}
