//! Cost of matching many rules against one ticket: Twite beside other engines, on the same rules and tickets.
//!
//! ```sh
//! cargo run --release --manifest-path benches/matching/Cargo.toml
//! ```
//!
//! Before it is timed, every engine is checked on every ticket against native closures.

#![cfg_attr(not(feature = "others"), allow(dead_code, reason = "some of it is there for the engines of others alone"))]

mod arguments;
mod condition;
mod conversations;
mod engines;
mod measure;
mod memory;
mod plot;
mod random;
mod rules;
mod syntax;
mod table;
mod tickets;
mod together;
mod words;
mod workload;

use std::{collections::HashMap, path::Path, process::ExitCode, time::Instant};

use arguments::Arguments;
use engines::{Closures, Engine as _};
use measure::{Built, Candidate, MIN_TICKETS};
use rules::RuleSet;
use table::{Measured, Row};
use tickets::Names;
use together::Together;
use workload::Workload;

/// Numbers of rules.
const COUNTS: &[usize] = &[10, 100, 1_000, 10_000, 100_000];
/// Number of tickets.
const TICKETS: usize = 512;
const QUICK_TICKETS: usize = 64;
/// Rounds per engine, in turn; the tables show the median.
const ROUNDS: usize = 7;
/// Longest build, in seconds; what is expected to take longer is left out.
const MAX_BUILD_SECONDS: f64 = 20.0;
/// Longest round, in seconds; what is expected to take longer is left out.
const MAX_ROUND_SECONDS: f64 = 2.0;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let candidates: Vec<&Candidate> = engines::ALL
        .iter()
        .filter(|c| c.name == "limit" || arguments.engines.is_empty() || arguments.engines.iter().any(|e| e == c.name))
        .collect();
    if let Some(unknown) = arguments.engines.iter().find(|e| candidates.iter().all(|c| c.name != **e)) {
        let known: Vec<_> = engines::ALL.iter().map(|c| c.name).collect();
        eprintln!("{unknown} is no engine; there are {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    let names = Names::new();
    if let Some(file) = &arguments.conversations {
        conversations::compare(file, &names, arguments.quick);
        return ExitCode::SUCCESS;
    }
    for workload in &arguments.workloads {
        let counts: Vec<usize> = COUNTS.iter().copied().filter(|count| *count <= arguments.max).collect();
        if let Some(directory) = &arguments.write {
            write(directory, *workload, &names, arguments.max);
            continue;
        }
        let (rows, together) = measure(*workload, &names, &counts, &candidates, &arguments);
        print(*workload, &counts, &rows);
        println!("{}", together.table(workload.name(), &counts));
        if let Some(file) = &arguments.svg {
            let file = if arguments.workloads.len() == 1 { file.clone() } else { beside(file, *workload) };
            plot::draw(&file, *workload, &counts, &rows).expect("there is room for a picture");
        }
    }
    ExitCode::SUCCESS
}

/// File name of one workload's plot: `costs-dense.svg` beside `costs.svg`.
fn beside(file: &Path, workload: Workload) -> std::path::PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{}.svg", workload.name()))
}

fn write(directory: &Path, workload: Workload, names: &Names, count: usize) {
    let directory = directory.join(workload.name());
    std::fs::create_dir_all(&directory).expect("there is room for rules");
    RuleSet::new(names, workload.conditions(names, count)).write_files(&directory);
}

fn measure(
    workload: Workload,
    names: &Names,
    counts: &[usize],
    candidates: &[&Candidate],
    arguments: &Arguments,
) -> (Vec<Row>, Together) {
    println!("## {}\n", workload.name());
    let cases = workload.tickets(names, if arguments.quick { QUICK_TICKETS } else { TICKETS });
    let mut rows: Vec<_> = candidates.iter().map(|c| Row { engine: c.name, measured: vec![] }).collect();
    let mut together = Together::default();
    for count in counts {
        let rules = RuleSet::new(names, workload.conditions(names, *count));
        let right = Closures::build(&rules);
        let right: Vec<_> = cases.iter().map(|case| right.answer(case)).collect();
        let matches = right.iter().map(Vec::len).sum::<usize>() as f64 / right.len() as f64;
        let from = Instant::now();
        rules.checked();
        println!(
            "{} rules: {} matches a ticket, {} needles in texts, {} tags; files read and checked in {} ms.  ",
            table::grouped(*count as f64),
            table::short(matches),
            table::grouped(condition::needles(&rules.conditions).len() as f64),
            condition::tags(&rules.conditions).len(),
            table::short(from.elapsed().as_secs_f64() * 1e3),
        );
        let mut built: Vec<(usize, Box<dyn Built>)> = vec![];
        for (at, candidate) in candidates.iter().enumerate() {
            match too_long(&rows[at], counts) {
                Some(why) => eprintln!("{} {count}: left {} out: {why}", workload.name(), candidate.name),
                None => {
                    eprintln!("{} {count}: {}", workload.name(), candidate.name);
                    let mut engine = candidate.build(&rules);
                    engine.take(&cases, &right);
                    built.push((at, engine));
                }
            }
        }
        together.measure(&rules, &cases, if arguments.quick { 1 } else { ROUNDS });
        let mut measured = take_turns(&mut built, if arguments.quick { 1 } else { ROUNDS });
        for (at, row) in rows.iter_mut().enumerate() {
            row.measured.push(measured.remove(&at));
        }
    }
    println!();
    (rows, together)
}

/// Why an engine is not measured with the next number of rules; `None` if it is.
fn too_long(row: &Row, counts: &[usize]) -> Option<String> {
    let [.., last] = row.measured.as_slice() else { return None };
    let Some(last) = last else { return Some("fewer rules were too many".to_owned()) };
    let at = row.measured.len();
    let more = counts[at] as f64 / counts[at - 1] as f64;
    let round = last.ticket * more * MIN_TICKETS as f64 / 1e9;
    if round > MAX_ROUND_SECONDS {
        return Some(format!("a round would take some {} s", table::short(round)));
    }
    // Some engines grow faster than the number of rules.
    let before = at.checked_sub(2).and_then(|at| row.measured[at]);
    let growth = before.map_or(more, |before| (last.build / before.build).max(more));
    let build = last.build / 1e3 * growth;
    (build > MAX_BUILD_SECONDS).then(|| format!("building it would take some {} s", table::short(build)))
}

fn take_turns(built: &mut [(usize, Box<dyn Built>)], rounds: usize) -> HashMap<usize, Measured> {
    let mut tickets: Vec<Vec<f64>> = vec![vec![]; built.len()];
    let mut threads: Vec<Option<(Vec<f64>, Vec<f64>)>> = vec![None; built.len()];
    for _ in 0..rounds {
        for ((_, engine), rounds) in built.iter_mut().zip(&mut tickets) {
            rounds.push(engine.round());
        }
        for ((_, engine), rounds) in built.iter_mut().zip(&mut threads) {
            if let (Some(one), Some(two)) = (engine.together(1), engine.together(2)) {
                let (ones, twos) = rounds.get_or_insert_default();
                ones.push(one);
                twos.push(two);
            }
        }
    }
    let each = built.iter_mut().zip(tickets).zip(threads);
    let measured = each.map(|(((at, engine), tickets), threads)| {
        let cost = engine.cost();
        let measured = Measured {
            ticket: median(tickets),
            allocations: engine.allocations(),
            build: cost.time.as_secs_f64() * 1e3,
            bytes: cost.bytes as f64,
            threads: threads.map(|(one, two)| (median(one), median(two))),
        };
        (*at, measured)
    });
    measured.collect()
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn print(workload: Workload, counts: &[usize], rows: &[Row]) {
    let limit: Vec<_> = rows.iter().filter(|row| row.engine == "limit").flat_map(|row| &row.measured).collect();
    let of_limit = |m: &Measured, at: usize| limit[at].map(|limit| table::short(m.ticket / limit.ticket));
    let title = |what: &str| format!("{}, by number of rules: {what}.", workload.name());
    let tables = [
        table::table(&title("nanoseconds for a ticket"), counts, rows, |m, _| Some(table::grouped(m.ticket))),
        table::table(&title("times the limit"), counts, rows, of_limit),
        table::table(&title("milliseconds to build"), counts, rows, |m, _| Some(table::short(m.build))),
        table::table(&title("bytes held for each rule"), counts, rows, |m, at| {
            Some(table::grouped(m.bytes / counts[at] as f64))
        }),
        table::table(&title("allocations for a ticket"), counts, rows, |m, _| Some(table::short(m.allocations))),
        table::table(&title("nanoseconds for a ticket with one thread, and with two"), counts, rows, |m, _| {
            m.threads.map(|(one, two)| format!("{} / {}", table::grouped(one), table::grouped(two)))
        }),
    ];
    println!("{}", tables.join("\n"));
}
