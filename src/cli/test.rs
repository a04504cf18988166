//! `twite test`: runs the tests that rule files carry.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use clap::{Args, ValueEnum};
use owo_colors::OwoColorize;
use regex::Regex;
use serde::Serialize;

use super::{CliError, FINDINGS, FINE, junit::junit, terminal};
use crate::{
    engine::{Coverage, Missing, Outcome, TestReport, run_test},
    lang::rules::Rules,
};

/// Run the tests that rule files carry.
///
/// The exit status is 1 where a test failed, or less was covered than `--min` asks for.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Run only the tests whose titles match this regular expression.
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// List the conditions of triggers that no test has seen both hold and not hold.
    #[arg(long)]
    coverage: bool,
    /// Fail where the tests have seen less than this share of the answers to conditions.
    #[arg(long, value_name = "PERCENT", requires = "coverage")]
    min: Option<f64>,
    /// Fail where there is no test.
    #[arg(long)]
    fail_on_empty: bool,
    #[command(flatten)]
    rules: super::source::Source,
}

impl Test {
    /// Runs the tests and prints what became of them.
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let rules = self.rules.load()?;
        let wanted = |title: &str| self.filter.as_ref().is_none_or(|filter| filter.is_match(title));
        let results = Results::of(&rules, wanted, self.coverage);
        let mut out = terminal::out(self.format == Format::Human);
        out.write_all(
            results.print(self.format, terminal::colored(&io::stdout())).map_err(io::Error::from)?.as_bytes(),
        )?;
        out.flush()?;
        if let (Some(min), Some(Covered { percent, .. })) = (self.min, &results.coverage)
            && *percent < min
        {
            writeln!(terminal::remarks(), "coverage is {percent:.1} %, less than the {min} % asked for")?;
        }
        Ok(if results.fine(self.fail_on_empty, self.min) { FINE } else { FINDINGS })
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// JUnit XML, for CI systems.
    Junit,
}

/// The results of all tests, in the order of the rule files.
#[derive(Debug, Serialize)]
struct Results {
    passed: usize,
    failed: usize,
    skipped: usize,
    tests: Vec<TestReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Covered>,
}

/// Which answers of which questions the tests have seen.
#[derive(Debug, Serialize)]
struct Covered {
    percent: f64,
    seen: usize,
    total: usize,
    missing: Vec<Missing>,
}

impl Results {
    /// Runs the tests whose titles are wanted.
    fn of(rules: &Rules, wanted: impl Fn(&str) -> bool, with_coverage: bool) -> Self {
        let mut coverage = Coverage::new(rules);
        let tests = rules.tests.iter().filter(|test| wanted(&test.title));
        let tests: Vec<_> = tests.map(|test| run_test(rules, test, &mut coverage)).collect();
        let count = |fits: fn(&Outcome) -> bool| tests.iter().filter(|t| fits(&t.outcome)).count();
        Self {
            passed: count(|o| *o == Outcome::Passed),
            failed: count(|o| matches!(o, Outcome::Failed { .. })),
            skipped: count(|o| *o == Outcome::Skipped),
            coverage: with_coverage.then(|| Covered {
                percent: coverage.percent(),
                seen: coverage.seen(),
                total: coverage.total(),
                missing: coverage.missing(),
            }),
            tests,
        }
    }

    /// Whether every test passed, there are any where some must be, and enough was covered.
    fn fine(&self, fail_on_empty: bool, min: Option<f64>) -> bool {
        let covered = self.coverage.as_ref().map_or(100.0, |c| c.percent);
        self.failed == 0 && !(fail_on_empty && self.tests.is_empty()) && min.is_none_or(|min| covered >= min)
    }

    fn print(&self, format: Format, color: bool) -> serde_json::Result<String> {
        Ok(match format {
            Format::Human => self.human(color),
            Format::Json => serde_json::to_string_pretty(self)? + "\n",
            Format::Junit => junit(&self.tests),
        })
    }

    fn human(&self, color: bool) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = self.write(&mut text, color);
        text
    }

    fn write(&self, text: &mut String, color: bool) -> std::fmt::Result {
        let paint = |sign: &str| match (color, sign) {
            (true, "✓") => sign.green().to_string(),
            (true, "✗") => sign.red().to_string(),
            _ => sign.to_owned(),
        };
        for report in &self.tests {
            match &report.outcome {
                Outcome::Passed => writeln!(text, "{} {}", paint("✓"), report.test)?,
                Outcome::Skipped => writeln!(text, "- {} (disabled)", report.test)?,
                Outcome::Failed { failures } => {
                    writeln!(text, "{} {}", paint("✗"), report.test)?;
                    for failure in failures {
                        let place = &failure.place;
                        writeln!(text, "    {}:{}: expected {}", place.file, place.line, failure.expected)?;
                        writeln!(text, "      but {}", failure.found)?;
                        failure.because.iter().try_for_each(|line| writeln!(text, "        {line}"))?;
                    }
                }
            }
        }
        if self.tests.is_empty() {
            writeln!(text, "no tests found")?;
        } else {
            writeln!(text, "\n{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)?;
        }
        match &self.coverage {
            Some(coverage) => coverage.write(text),
            None => Ok(()),
        }
    }
}

impl Covered {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\ncoverage: {:.1} %, {} of {} answers seen", self.percent, self.seen, self.total)?;
        for missing in &self.missing {
            let answer = if missing.never { "yes" } else { "no" };
            let (place, rule) = (&missing.place, &missing.rule);
            writeln!(text, "  {}:{}: never {answer}: {}, in {rule:?}", place.file, place.line, missing.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Failure, lang::rules::Place};

    fn results() -> Results {
        let place = |line| Place { file: "rules/tests.twite".into(), start: 0, end: 0, line };
        let report = |test: &str, outcome| TestReport { test: test.into(), place: place(3), outcome };
        let failure = Failure {
            place: place(9),
            expected: "\"Escalate\" fires".into(),
            found: "these conditions did not hold".into(),
            because: vec!["✗ requester.followers >= 10_000  (12)".into(), "✗ requester.verified  (no)".into()],
        };
        let missing = |never| Missing {
            rule: "Escalate".into(),
            text: "requester.verified".into(),
            place: Place { file: "rules/people.twite".into(), ..place(4) },
            never,
        };
        Results {
            passed: 1,
            failed: 1,
            skipped: 1,
            tests: vec![
                report("a verified requester is escalated", Outcome::Passed),
                report("not now", Outcome::Skipped),
                report("a large audience is escalated", Outcome::Failed { failures: vec![failure] }),
            ],
            coverage: Some(Covered {
                percent: 66.666,
                seen: 4,
                total: 6,
                missing: vec![missing(true), missing(false)],
            }),
        }
    }

    #[test]
    fn results_are_readable() {
        insta::assert_snapshot!(results().print(Format::Human, false).unwrap());
    }

    #[test]
    fn results_are_data() {
        insta::assert_snapshot!(results().print(Format::Json, false).unwrap());
    }

    #[test]
    fn no_tests_are_no_failure_unless_asked() {
        let none = Results { passed: 0, failed: 0, skipped: 0, tests: vec![], coverage: None };
        assert_eq!(none.print(Format::Human, false).unwrap(), "no tests found\n");
        assert!(none.fine(false, None) && !none.fine(true, None));
    }

    #[test]
    fn failures_and_little_coverage_are_no_success() {
        assert!(!results().fine(false, None));
        let passed = || Results { failed: 0, ..results() };
        assert!(passed().fine(true, Some(66.0)) && !passed().fine(false, Some(67.0)));
    }
}
