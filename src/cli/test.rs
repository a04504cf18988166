//! `twite test`: runs the tests that rule files carry.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use owo_colors::OwoColorize;
use regex::Regex;
use serde::Serialize;
use tokio::time::Instant;

use super::{CliError, FINDINGS, FINE, junit::junit, terminal};
use crate::{
    desk::visible::Visible,
    engine::{Coverage, Missing, Outcome, Ran, RuleSet, Share, TestReport, run_tests},
    lang::{display::Quoted, rules::RuleTest},
};

/// Run the tests that rule files carry.
///
/// Where paths are files, the whole set around them is loaded, and their tests are run. The exit status is 1 where a test
/// failed, or less came up than `--min` asks for; 2 where no test matches `--filter`.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Run only the tests whose titles match this regular expression.
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Say what no test has seen: the answers to conditions, both of each, rules that never fired, and macros that were
    /// never applied.
    #[arg(long)]
    coverage: bool,
    /// Fail where the tests have seen less than this share of all that.
    #[arg(long, value_name = "PERCENT", requires = "coverage", value_parser = percent)]
    min: Option<f64>,
    /// Fail where there is no test.
    #[arg(long)]
    fail_on_empty: bool,
    #[command(flatten)]
    rules: super::source::Source,
}

fn percent(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=100.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 100".to_owned())
}

impl Test {
    /// Runs the tests and prints what became of them.
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let chosen = self.rules.choose()?;
        let rules = RuleSet::new(self.rules.load_chosen(&chosen)?);
        let wanted = |test: &&Arc<RuleTest>| {
            chosen.is_about(&test.span.file) && self.filter.as_ref().is_none_or(|filter| filter.is_match(&test.title))
        };
        let tests: Vec<_> = rules.tests.iter().filter(wanted).cloned().collect();
        if let (Some(filter), []) = (&self.filter, tests.as_slice()) {
            let tests = rules.tests.iter().filter(|test| chosen.is_about(&test.span.file)).count();
            return Err(CliError::Usage(format!("no test has a title that matches `{filter}`; there are {tests}")));
        }
        let started = Instant::now();
        let (tests, coverage) = run_tests(&rules, &tests, self.coverage);
        let results = Results::of(tests, coverage, started.elapsed());
        let mut out = match self.format {
            Format::Human => terminal::people(),
            Format::Json => terminal::json(),
            Format::Junit => terminal::verbatim(),
        };
        out.write_all(
            results.print(self.format, terminal::colored(&io::stdout())).map_err(io::Error::from)?.as_bytes(),
        )?;
        out.flush()?;
        if let (Some(min), Some(covered)) = (self.min, &results.coverage)
            && !covered.reaches(min)
        {
            let Covered { percent, seen, total, .. } = covered;
            writeln!(
                terminal::remarks(),
                "coverage is {percent:.1} % ({seen} of {total}), less than the {min} % asked for"
            )?;
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
    /// How long all of them took.
    #[serde(skip)]
    took: Duration,
}

/// What the tests have seen, and what not.
#[derive(Debug, Serialize)]
struct Covered {
    /// The share of all that came up, rounded down.
    percent: f64,
    seen: usize,
    total: usize,
    /// Of the answers to conditions, two each.
    answers: Share,
    /// Of the triggers and automations.
    fired: Share,
    /// Of the macros.
    applied: Share,
    missing: Vec<Missing>,
    never_ran: Vec<Ran>,
}

impl Covered {
    fn of(coverage: &Coverage) -> Self {
        let all = coverage.all();
        Self {
            // 1,999 of 2,000 is not 100.0 %.
            percent: (10.0 * all.percent()).floor() / 10.0,
            seen: all.seen,
            total: all.total,
            answers: coverage.answers(),
            fired: coverage.fired(),
            applied: coverage.applied_macros(),
            missing: coverage.missing(),
            never_ran: coverage.never_ran(),
        }
    }

    fn reaches(&self, min: f64) -> bool {
        Share { seen: self.seen, total: self.total }.percent() >= min
    }
}

impl Results {
    fn of(tests: Vec<TestReport>, coverage: Option<Coverage>, took: Duration) -> Self {
        let count = |fits: fn(&Outcome) -> bool| tests.iter().filter(|t| fits(&t.outcome)).count();
        Self {
            passed: count(|o| *o == Outcome::Passed),
            failed: count(|o| matches!(o, Outcome::Failed { .. })),
            skipped: count(|o| *o == Outcome::Skipped),
            coverage: coverage.as_ref().map(Covered::of),
            tests,
            took,
        }
    }

    /// Whether every test passed, there are any where some must be, and enough was covered.
    fn fine(&self, fail_on_empty: bool, min: Option<f64>) -> bool {
        let covered = match (&self.coverage, min) {
            (Some(covered), Some(min)) => covered.reaches(min),
            _ => true,
        };
        self.failed == 0 && !(fail_on_empty && self.tests.len() == self.skipped) && covered
    }

    fn print(&self, format: Format, color: bool) -> serde_json::Result<String> {
        Ok(match format {
            Format::Human => self.human(color),
            Format::Json => serde_json::to_string_pretty(self)? + "\n",
            Format::Junit => junit(&self.tests, self.took),
        })
    }

    fn human(&self, color: bool) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = self.write(&mut text, color);
        text
    }

    fn write(&self, text: &mut String, color: bool) -> std::fmt::Result {
        let (passed, failed) = if terminal::ascii() { ("ok", "FAILED") } else { ("✓", "✗") };
        let (passed, failed) = match color {
            true => (passed.green().to_string(), failed.red().to_string()),
            false => (passed.to_owned(), failed.to_owned()),
        };
        for report in &self.tests {
            match &report.outcome {
                Outcome::Passed => writeln!(text, "{passed} {}", Visible(&report.test))?,
                Outcome::Skipped => writeln!(text, "- {} (disabled)", Visible(&report.test))?,
                Outcome::Failed { failures } => {
                    writeln!(text, "{failed} {}", Visible(&report.test))?;
                    for failure in failures {
                        let span = &failure.span;
                        let (file, expected) = (Visible(&span.file), Visible(&failure.expected));
                        writeln!(text, "    {file}:{}: expected {expected}", span.line)?;
                        writeln!(text, "      but {}", Visible(&failure.found))?;
                        failure.because.iter().try_for_each(|line| writeln!(text, "        {}", Visible(line)))?;
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
        let Self { percent, answers, fired, applied, .. } = self;
        let shares = [("answers seen", answers), ("rules fired", fired), ("macros applied", applied)]
            .into_iter()
            .filter(|(_, share)| share.total > 0)
            .map(|(what, share)| format!("{} of {} {what}", share.seen, share.total))
            .collect::<Vec<_>>();
        let shares =
            if shares.is_empty() { "there is nothing that tests could show".to_owned() } else { shares.join(", ") };
        writeln!(text, "\ncoverage: {percent:.1} %, {shares}")?;
        for Ran { kind, title, span } in &self.never_ran {
            let never = if *kind == "macro" { "applied" } else { "fired" };
            writeln!(text, "  {}:{}: never {never}: {kind} {}", Visible(&span.file), span.line, Quoted(title))?;
        }
        for missing in &self.missing {
            let answer = if missing.never { "yes" } else { "no" };
            let (file, line, asked, rule) = (&missing.span.file, missing.span.line, &missing.text, &missing.rule);
            writeln!(text, "  {}:{line}: never {answer}: {}, in {}", Visible(file), Visible(asked), Quoted(rule))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Failure, lang::rules::Span};

    fn results() -> Results {
        let span = |line| Span { file: "rules/tests.twite".into(), start: 0, end: 0, line };
        let report = |test: &str, outcome| TestReport { test: test.into(), span: span(3), outcome };
        let failure = Failure {
            span: span(9),
            expected: "\"Escalate\" fires".into(),
            found: "these conditions did not hold".into(),
            because: vec!["✗ requester.followers >= 10_000  (12)".into(), "✗ requester.verified  (no)".into()],
        };
        let missing = |never| Missing {
            rule: "Escalate".into(),
            text: "requester.verified".into(),
            span: Span { file: "rules/people.twite".into(), ..span(4) },
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
                percent: 66.6,
                seen: 6,
                total: 9,
                answers: Share { seen: 4, total: 6 },
                fired: Share { seen: 1, total: 2 },
                applied: Share { seen: 1, total: 1 },
                missing: vec![missing(true), missing(false)],
                never_ran: vec![Ran { kind: "trigger", title: "Escalate".into(), span: span(2) }],
            }),
            took: Duration::ZERO,
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
        let none = Results { passed: 0, failed: 0, skipped: 0, tests: vec![], coverage: None, took: Duration::ZERO };
        assert_eq!(none.print(Format::Human, false).unwrap(), "no tests found\n");
        assert!(none.fine(false, None) && !none.fine(true, None));
        let skipped: Vec<_> = results().tests.into_iter().filter(|t| t.outcome == Outcome::Skipped).collect();
        let skipped = Results { skipped: skipped.len(), tests: skipped, ..none };
        assert!(skipped.fine(false, None) && !skipped.fine(true, None));
    }

    #[test]
    fn failures_and_little_coverage_are_no_success() {
        assert!(!results().fine(false, None));
        let passed = || Results { failed: 0, ..results() };
        assert!(passed().fine(true, Some(66.0)) && !passed().fine(false, Some(67.0)));
    }
}
