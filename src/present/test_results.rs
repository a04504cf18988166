//! The results of rule tests, as text, JSON and JUnit XML.

use std::{fmt::Write as _, time::Duration};

use owo_colors::OwoColorize;
use serde::Serialize;

use super::junit::junit;
use crate::{
    desk::visible::Visible,
    engine::{Coverage, Missing, Outcome, Ran, Share, TestReport},
    lang::{display::Quoted, render::Style},
};

/// The results of all tests, in the order of the rule files.
#[derive(Debug, Serialize)]
pub(crate) struct TestResults {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    tests: Vec<TestReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<Covered>,
    /// The total time of all tests.
    #[serde(skip)]
    took: Duration,
}

/// The rule coverage of the tests, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Covered {
    /// The percentage covered, of predicates, rules and macros together, rounded down to one decimal.
    pub(crate) percent: f64,
    pub(crate) seen: usize,
    pub(crate) total: usize,
    /// The share of predicate results that were seen. Each predicate has two: true and false.
    answers: Share,
    /// The share of triggers and automations that fired.
    fired: Share,
    /// The share of rules with a cap (`at most …`) that were held back.
    held_back: Share,
    /// The share of macros that were applied.
    applied: Share,
    /// The share of service level agreements that applied to a ticket.
    slas: Share,
    /// The share of volumes that started.
    volumes: Share,
    missing: Vec<Missing>,
    never_ran: Vec<Ran>,
    never_held_back: Vec<Ran>,
}

impl Covered {
    fn new(coverage: &Coverage<'_>) -> Self {
        let all = coverage.all();
        Self {
            // Rounded down, so that 1,999 of 2,000 is not shown as 100.0 %.
            percent: (10.0 * all.percent()).floor() / 10.0,
            seen: all.seen,
            total: all.total,
            answers: coverage.answers(),
            fired: coverage.fired(),
            held_back: coverage.held_back(),
            applied: coverage.applied_macros(),
            slas: coverage.applied_slas(),
            volumes: coverage.started_volumes(),
            missing: coverage.missing(),
            never_ran: coverage.never_ran(),
            never_held_back: coverage.never_held_back(),
        }
    }

    /// Whether the coverage is at least `min` percent.
    pub(crate) fn reaches(&self, min: f64) -> bool {
        Share { seen: self.seen, total: self.total }.percent() >= min
    }
}

impl TestResults {
    /// Summarizes the reports of tests; `took` is their total time.
    pub(crate) fn new(tests: Vec<TestReport>, coverage: Option<&Coverage<'_>>, took: Duration) -> Self {
        let count = |fits: fn(&Outcome) -> bool| tests.iter().filter(|t| fits(&t.outcome)).count();
        Self {
            passed: count(|o| *o == Outcome::Passed),
            failed: count(|o| matches!(o, Outcome::Failed { .. })),
            skipped: count(|o| *o == Outcome::Skipped),
            coverage: coverage.map(Covered::new),
            tests,
            took,
        }
    }

    /// The results as text.
    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text, style);
        text
    }

    /// The results as JUnit XML.
    pub(crate) fn junit(&self) -> String {
        junit(&self.tests, self.took)
    }

    fn write(&self, text: &mut String, style: Style) -> std::fmt::Result {
        let (passed, failed) = if style.ascii { ("ok", "FAILED") } else { ("✓", "✗") };
        let (passed, failed) = match style.color {
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
        let Self { percent, answers, fired, held_back, applied, slas, volumes, .. } = self;
        let shares = [
            ("condition outcomes", answers),
            ("rules fired", fired),
            ("caps reached", held_back),
            ("macros applied", applied),
            ("slas applied", slas),
            ("volumes started", volumes),
        ];
        let shares = shares
            .into_iter()
            .filter(|(_, share)| share.total > 0)
            .map(|(what, share)| format!("{} of {} {what}", share.seen, share.total))
            .collect::<Vec<_>>();
        let shares = if shares.is_empty() { "nothing to cover".to_owned() } else { shares.join(", ") };
        writeln!(text, "\ncoverage: {percent:.1} %, {shares}")?;
        for Ran { kind, title, span } in &self.never_ran {
            let never = match *kind {
                "macro" | "sla" => "applied",
                "volume" => "started",
                _ => "fired",
            };
            writeln!(text, "  {}:{}: never {never}: {kind} {}", Visible(&span.file), span.line, Quoted(title))?;
        }
        for Ran { kind, title, span } in &self.never_held_back {
            writeln!(text, "  {}:{}: never held back: {kind} {}", Visible(&span.file), span.line, Quoted(title))?;
        }
        for missing in &self.missing {
            let answer = if missing.never { "true" } else { "false" };
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

    fn results() -> TestResults {
        let span = |line| Span { file: "rules/tests.twite".into(), start: 0, end: 0, line };
        let report = |test: &str, outcome| TestReport { test: test.into(), span: span(3), outcome };
        let failure = Failure {
            span: span(9),
            expected: "\"Escalate\" fires".into(),
            found: "these conditions were false".into(),
            because: vec!["✗ requester.followers >= 10_000  (12)".into(), "✗ requester.verified  (no)".into()],
        };
        let missing = |never| Missing {
            rule: "Escalate".into(),
            text: "requester.verified".into(),
            span: Span { file: "rules/people.twite".into(), ..span(4) },
            never,
        };
        TestResults {
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
                held_back: Share { seen: 0, total: 1 },
                applied: Share { seen: 1, total: 1 },
                slas: Share { seen: 0, total: 1 },
                volumes: Share { seen: 0, total: 1 },
                missing: vec![missing(true), missing(false)],
                never_ran: vec![
                    Ran { kind: "trigger", title: "Escalate".into(), span: span(2) },
                    Ran { kind: "sla", title: "Social".into(), span: span(30) },
                    Ran { kind: "volume", title: "Outage".into(), span: span(40) },
                ],
                never_held_back: vec![Ran { kind: "trigger", title: "Thank once".into(), span: span(20) }],
            }),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn results_are_readable() {
        insta::assert_snapshot!(results().text(Style::default()));
    }

    #[test]
    fn results_are_data() {
        insta::assert_snapshot!(crate::present::json(&results()).unwrap());
    }
}
