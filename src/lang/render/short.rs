//! Diagnostics as one line each, as compilers print them.

use std::fmt::Write;

use crate::{
    desk::visible::Visible,
    lang::{diagnostic::Diagnostic, span::SourceSet},
};

/// `rules/a.twite:3:8: error TW0203: unknown field …`
pub fn short(diagnostics: &[Diagnostic], sources: &SourceSet) -> String {
    let mut out = String::new();
    for d in diagnostics {
        let (start, _) = sources.region(d.span());
        let (file, message) = (Visible(d.file()), Visible(&d.message));
        let (line, column, level, code) = (start.line, start.column, d.severity.as_str(), d.code.id);
        // Writing to a `String` never fails.
        let _ = writeln!(out, "{file}:{line}:{column}: {level} {code}: {message}");
    }
    out
}
