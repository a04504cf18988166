//! Test results as JUnit XML, following the schema of Jenkins' xUnit plugin.
//!
//! One `testsuite` per rule file. The schema has no attribute for the line of a failure, so its text contains the line.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use super::markup::Markup;
use crate::engine::{Outcome, TestReport};

/// The tests as JUnit XML. Tests run in parallel, so each is reported with an equal share of `took`, the total time.
pub(super) fn junit(reports: &[TestReport], took: Duration) -> String {
    let mut xml = String::new();
    // Writing to a string does not fail.
    let _ = write_suites(&mut xml, reports, took);
    xml
}

fn write_suites(xml: &mut String, reports: &[TestReport], took: Duration) -> fmt::Result {
    let count = |reports: &[TestReport], fits: fn(&Outcome) -> bool| {
        reports.iter().filter(|report| fits(&report.outcome)).count()
    };
    let failed = |reports: &[TestReport]| count(reports, |o| matches!(o, Outcome::Failed { .. }));
    let skipped = |reports: &[TestReport]| count(reports, |o| *o == Outcome::Skipped);
    let one = took.as_secs_f64() / reports.len().max(1) as f64;
    let time = |reports: &[TestReport]| format!("{:.6}", one * reports.len() as f64);
    writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let counts = format!(r#"tests="{}" failures="{}" errors="0""#, reports.len(), failed(reports));
    writeln!(xml, r#"<testsuites name="twite test" {counts} time="{}">"#, time(reports))?;
    for suite in reports.chunk_by(|one, next| one.span.file == next.span.file) {
        let Some(first) = suite.first() else { continue };
        let file = Markup(&first.span.file);
        let (tests, failures, skipped) = (suite.len(), failed(suite), skipped(suite));
        let counts = format!(r#"tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}""#);
        writeln!(xml, r#"  <testsuite name="{file}" file="{file}" {counts} time="{}">"#, time(suite))?;
        for report in suite {
            let (name, time) = (Markup(&report.test), time(std::slice::from_ref(report)));
            write!(xml, r#"    <testcase name="{name}" classname="{file}" time="{time}""#)?;
            write_outcome(xml, &report.outcome)?;
        }
        writeln!(xml, "  </testsuite>")?;
    }
    writeln!(xml, "</testsuites>")
}

fn write_outcome(xml: &mut String, outcome: &Outcome) -> fmt::Result {
    match outcome {
        Outcome::Passed => writeln!(xml, "/>"),
        Outcome::Skipped => writeln!(xml, "><skipped/></testcase>"),
        Outcome::Failed { failures } => {
            writeln!(xml, ">")?;
            for failure in failures {
                let message = format!("expected {}: {}", failure.expected, failure.found);
                write!(xml, r#"      <failure type="expectation" message="{}">"#, Markup(&message))?;
                write!(xml, "{}:{}", Markup(&failure.span.file), failure.span.line)?;
                for line in &failure.because {
                    write!(xml, "\n{}", Markup(line))?;
                }
                writeln!(xml, "</failure>")?;
            }
            writeln!(xml, "    </testcase>")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Failure, lang::rules::Span};

    #[test]
    fn whatever_a_test_is_called_the_xml_is_well_formed() {
        let span = |line| Span { file: "rules/<a> & \"b\".twite".into(), start: 0, end: 0, line };
        let report = |test: &str, outcome| TestReport { test: test.into(), span: span(3), outcome };
        let failure = Failure {
            span: span(9),
            expected: "subject is \"a\u{1b}<b>\"".into(),
            found: "it is false".into(),
            because: vec!["✗ subject is \"a\"  (\"]]>\n\")".into()],
        };
        let reports = [
            report("fine", Outcome::Passed),
            report("<off> & 'gone'", Outcome::Skipped),
            report("bad\u{0}\u{ffff}", Outcome::Failed { failures: vec![failure.clone(), failure] }),
        ];
        insta::assert_snapshot!(junit(&reports, Duration::from_millis(3)));
    }
}
