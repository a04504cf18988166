//! JUnit XML, which CI systems read test results from.

use std::fmt::{self, Write};

use crate::engine::{Outcome, TestReport};

/// One suite with a case for each test. Files and lines are attributes of the cases.
pub(super) fn junit(reports: &[TestReport]) -> String {
    let mut xml = String::new();
    // Writing to a text does not fail.
    let _ = write_suite(&mut xml, reports);
    xml
}

fn write_suite(xml: &mut String, reports: &[TestReport]) -> fmt::Result {
    let failed = reports.iter().filter(|r| matches!(r.outcome, Outcome::Failed { .. })).count();
    let skipped = reports.iter().filter(|r| r.outcome == Outcome::Skipped).count();
    let counts = format!(r#"tests="{}" failures="{failed}" errors="0" skipped="{skipped}""#, reports.len());
    writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(xml, r#"<testsuites name="twite test" {counts}>"#)?;
    writeln!(xml, r#"  <testsuite name="rules" {counts}>"#)?;
    for report in reports {
        let (name, file) = (Escaped(&report.test), Escaped(&report.place.file));
        let line = report.place.line;
        write!(xml, r#"    <testcase name="{name}" classname="{file}" file="{file}" line="{line}""#)?;
        match &report.outcome {
            Outcome::Passed => writeln!(xml, "/>")?,
            Outcome::Skipped => writeln!(xml, "><skipped/></testcase>")?,
            Outcome::Failed { failures } => {
                writeln!(xml, ">")?;
                for failure in failures {
                    let message = format!("expected {}: {}", failure.expected, failure.found);
                    write!(xml, r#"      <failure message="{}">"#, Escaped(&message))?;
                    write!(xml, "{}:{}", Escaped(&failure.place.file), failure.place.line)?;
                    for line in &failure.because {
                        write!(xml, "\n{}", Escaped(line))?;
                    }
                    writeln!(xml, "</failure>")?;
                }
                writeln!(xml, "    </testcase>")?;
            }
        }
    }
    writeln!(xml, "  </testsuite>\n</testsuites>")
}

/// A text between tags or quotes. Characters that XML 1.0 cannot hold at all are replaced.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' => f.write_str("&#10;")?,
                '\r' => f.write_str("&#13;")?,
                '\t' => f.write_str("&#9;")?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c if c.is_ascii_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Failure, lang::rules::Place};

    #[test]
    fn whatever_a_test_is_called_the_xml_is_well_formed() {
        let place = |line| Place { file: "rules/<a> & \"b\".twite".into(), start: 0, end: 0, line };
        let report = |test: &str, outcome| TestReport { test: test.into(), place: place(3), outcome };
        let failure = Failure {
            place: place(9),
            expected: "subject is \"a\u{1b}<b>\"".into(),
            found: "it does not hold".into(),
            because: vec!["✗ subject is \"a\"  (\"]]>\n\")".into()],
        };
        let reports = [
            report("fine", Outcome::Passed),
            report("<off> & 'gone'", Outcome::Skipped),
            report("bad\u{0}\u{ffff}", Outcome::Failed { failures: vec![failure.clone(), failure] }),
        ];
        insta::assert_snapshot!(junit(&reports));
    }
}
