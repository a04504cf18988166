//! One line each, as compilers write them.

use std::fmt::Write;

use super::region;
use crate::lang::{
    diagnostic::{Diagnostic, Severity},
    sources::Sources,
};

/// `rules/a.twite:3:8: error TW0203: unknown field …`
pub fn short(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for d in diagnostics {
        let (start, _) = region(d, sources, &d.span());
        let severity = if d.severity == Severity::Error { "error" } else { "warning" };
        let place = format!("{}:{}:{}", d.file, start.line, start.column);
        // Writing to a string never fails.
        let _ = writeln!(out, "{place}: {severity} {}: {}", d.code.id, d.message);
    }
    out
}
