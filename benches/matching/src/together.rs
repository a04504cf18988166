//! Cost of Twite's other operations, compared with matching one ticket at a time: matching 512 tickets as a batch, and
//! whole decisions with the actions and trace of what fires.

use std::{fmt::Write as _, hint::black_box, sync::Arc, time::Instant};

use twite::{
    desk::Facts,
    engine::{RuleSet, decide, decide_plainly, index::Batch},
};

use crate::{rules, table, tickets};

/// Plain decisions are slow, so fewer tickets and fewer rules are measured.
const PLAIN_TICKETS: usize = 16;
const MAX_PLAIN_RULES: usize = 10_000;

/// One row per operation, one value per number of rules; `None` where it would take too long.
#[derive(Debug, Default)]
pub struct Together {
    rows: Vec<(&'static str, Vec<Option<f64>>)>,
}

impl Together {
    /// Measures one number of rules, after checking that all operations give the same results.
    pub fn measure(&mut self, rules: &rules::RuleSet, tickets: &[tickets::Case], rounds: usize) {
        let set = RuleSet::learned(Arc::clone(rules.checked()), rules.recent());
        let cases = tickets;
        let facts: Vec<Facts<'_>> = cases
            .iter()
            .map(|c| Facts { ticket: &c.ticket, event: Some(&c.event), now: c.now, desk: &set.desk })
            .collect();
        let batch = Batch::new(set.triggers());
        let (mut room, mut searcher) = (batch.scratch(), set.triggers().scratch());

        let mut found = vec![vec![]; cases.len()];
        batch.search(&facts, &mut room, |ticket, rule| found[ticket].push(rule));
        for (facts, found) in facts.iter().zip(&found) {
            let mut alone = vec![];
            searcher.search(set.triggers(), *facts);
            searcher.each(|rule| alone.push(rule));
            assert_eq!(*found, alone, "a block finds what tickets find alone");
        }
        let decided = |case: &tickets::Case| decide(&set, &case.ticket, &case.event, case.now);
        let fired: usize = cases.iter().map(|case| decided(case).fired.len()).sum();
        let plain = (set.rules().triggers.len() <= MAX_PLAIN_RULES).then(|| {
            let cases = &cases[..PLAIN_TICKETS.min(cases.len())];
            let from = Instant::now();
            let plain = |case: &tickets::Case| decide_plainly(&set, &case.ticket, &case.event, case.now);
            let plain: Vec<_> = cases.iter().map(plain).collect();
            let took = from.elapsed().as_nanos() as f64 / cases.len() as f64;
            assert!(cases.iter().zip(plain).all(|(case, plain)| decided(case) == plain), "both ways decide the same");
            took
        });
        let of = cases.len() as f64;
        self.add("rules that fired", Some(fired as f64 / of));
        self.add(
            "matching, ns",
            Some(
                median(rounds, || {
                    for facts in &facts {
                        searcher.search(set.triggers(), *facts);
                        searcher.each(|rule| {
                            black_box(rule);
                        });
                    }
                }) / of,
            ),
        );
        self.add(
            "matching, 512 tickets together, ns",
            Some(
                median(rounds, || {
                    batch.search(&facts, &mut room, |ticket, rule| {
                        black_box((ticket, rule));
                    });
                }) / of,
            ),
        );
        self.add(
            "deciding, ns",
            Some(
                median(rounds, || {
                    for case in cases {
                        black_box(decided(case));
                    }
                }) / of,
            ),
        );
        self.add("deciding plainly, ns", plain);
    }

    fn add(&mut self, what: &'static str, figure: Option<f64>) {
        match self.rows.iter_mut().find(|(known, _)| *known == what) {
            Some((_, figures)) => figures.push(figure),
            None => self.rows.push((what, vec![figure])),
        }
    }

    /// The results as Markdown.
    pub fn table(&self, workload: &str, counts: &[usize]) -> String {
        let mut text = format!("{workload}, by number of rules: Twite's ways, for a ticket.\n\n| what |");
        counts
            .iter()
            .for_each(|count| write!(text, " {} |", table::grouped(*count as f64)).expect("a string takes all"));
        text += "\n| --- |";
        text += &" ---: |".repeat(counts.len());
        for (what, figures) in &self.rows {
            write!(text, "\n| {what} |").expect("a string takes anything");
            for figure in figures {
                let shown = figure.map_or("-".to_owned(), |figure| match what.ends_with("ns") {
                    true => table::grouped(figure),
                    false => table::short(figure),
                });
                write!(text, " {shown} |").expect("a string takes anything");
            }
        }
        text + "\n"
    }
}

fn median(rounds: usize, mut work: impl FnMut()) -> f64 {
    // Warms the caches.
    work();
    let mut took: Vec<f64> = (0..rounds)
        .map(|_| {
            let from = Instant::now();
            work();
            from.elapsed().as_nanos() as f64
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}
