//! Workflow commands of GitHub's CI: annotations in the changed files.

use std::fmt::Write;

use super::region;
use crate::lang::{
    diagnostic::{Diagnostic, Severity},
    sources::Sources,
};

/// `::error file=…,line=…,col=…,title=TW0203::…`
pub fn github(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for d in diagnostics {
        let (start, end) = region(d, sources, &d.span());
        let severity = if d.severity == Severity::Error { "error" } else { "warning" };
        let message = match &d.help {
            Some(help) => format!("{}\n{help}", d.message),
            None => d.message.clone(),
        };
        // Columns are only understood within one line.
        let columns = match start.line == end.line {
            true => format!(",col={},endColumn={}", start.column, end.column),
            false => String::new(),
        };
        // Writing to a string never fails.
        let _ = writeln!(
            out,
            "::{severity} file={},line={},endLine={}{columns},title={}::{}",
            property(&d.file),
            start.line,
            end.line,
            d.code.id,
            data(&message)
        );
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
