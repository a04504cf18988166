//! `twite test`: runs the tests in rule files.

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use regex::Regex;
use tokio::time::Instant;

use super::{CliError, Exit, terminal};
use crate::{
    engine::{RuleSet, run_tests},
    lang::rules::RuleTest,
    present::{
        self,
        test_results::{Covered, TestResults},
    },
};

/// Run the tests in rule files.
///
/// For a file, the whole rule set that contains it is loaded, but only its tests are run. The exit status is 1 if a test
/// fails or the coverage is below `--min`, and 2 if no test matches `--filter`.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Run only the tests whose titles match this regular expression.
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Report coverage: conditions that were never true or never false, rules that never fired, and macros that were
    /// never applied.
    #[arg(long)]
    coverage: bool,
    /// Fail if the coverage is below this percentage.
    #[arg(long, value_name = "PERCENT", requires = "coverage", value_parser = percent)]
    min: Option<f64>,
    /// Fail if there are no tests.
    #[arg(long)]
    fail_on_empty: bool,
    #[command(flatten)]
    rules: super::source::Source,
}

fn percent(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=100.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

impl Test {
    /// Runs the tests and prints the results.
    pub(crate) fn run(self) -> Result<Exit, CliError> {
        let chosen = self.rules.choose()?;
        let rules = RuleSet::new(self.rules.load_chosen(&chosen)?);
        let wanted = |test: &&Arc<RuleTest>| {
            chosen.is_about(&test.span.file) && self.filter.as_ref().is_none_or(|filter| filter.is_match(&test.title))
        };
        let tests: Vec<_> = rules.tests.iter().filter(wanted).cloned().collect();
        if let (Some(filter), []) = (&self.filter, tests.as_slice()) {
            let tests = rules.tests.iter().filter(|test| chosen.is_about(&test.span.file)).count();
            return Err(CliError::Usage(format!("none of the {tests} tests matches `{filter}`")));
        }
        let started = Instant::now();
        let (tests, coverage) = run_tests(&rules, &tests, self.coverage);
        let results = TestResults::new(tests, coverage.as_ref(), started.elapsed());
        let (mut out, text) = match self.format {
            Format::Human => (terminal::people(), results.text(terminal::style(&io::stdout()))),
            Format::Json => (terminal::json(), present::json(&results)?),
            Format::Junit => (terminal::verbatim(), results.junit()),
        };
        out.write_all(text.as_bytes())?;
        out.flush()?;
        if let (Some(min), Some(covered)) = (self.min, &results.coverage)
            && !covered.reaches(min)
        {
            let Covered { percent, seen, total, .. } = covered;
            writeln!(
                terminal::remarks(),
                "coverage is {percent:.1} % ({seen} of {total}), below the minimum of {min} %"
            )?;
        }
        Ok(self.exit(&results))
    }

    fn exit(&self, results: &TestResults) -> Exit {
        let covered = match (&results.coverage, self.min) {
            (Some(covered), Some(min)) => covered.reaches(min),
            _ => true,
        };
        let empty = results.passed + results.failed == 0;
        match results.failed == 0 && covered && !(self.fail_on_empty && empty) {
            true => Exit::Fine,
            false => Exit::Findings,
        }
    }
}

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// JUnit XML, for CI systems.
    Junit,
}
