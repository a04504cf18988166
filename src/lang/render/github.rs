//! Diagnostics as GitHub Actions workflow commands, which annotate files.
//!
//! Escaped by the rules of `@actions/core`; control characters are also written as `\u{…}`.

use std::{collections::HashMap, fmt::Write, path::Path};

use super::{elsewhere, in_words, repository::Repository};
use crate::{
    desk::visible::{visible, visible_lines},
    lang::{
        diagnostic::{Diagnostic, Severity},
        sources::name,
        span::SourceSet,
    },
};

/// Maximum number of annotations of one level that GitHub shows per step.
const MAX_SHOWN: usize = 10;

/// One line per diagnostic: `::error file=…,line=…,col=…,title=TW0203::…`. The most serious come first; if GitHub will not show
/// all, a last line counts them. Files are named relative to the root of the work tree that contains `directory`;
/// relative names start from `directory`.
pub fn github(diagnostics: &[Diagnostic], sources: &SourceSet, directory: &Path) -> String {
    let repository = Repository::around(directory);
    let mut names: HashMap<&str, String> = HashMap::new();
    let of = |severity| diagnostics.iter().filter(move |d| d.severity == severity);
    let (errors, warnings, notes) = (of(Severity::Error), of(Severity::Warning), of(Severity::Note));
    let mut out = String::new();
    for d in errors.clone().chain(warnings.clone()).chain(notes.clone()) {
        let (start, end) = sources.region(d.span());
        let mut message = visible(&d.message).into_owned();
        for more in elsewhere(d).map(in_words).chain(d.help.clone()) {
            message.push('\n');
            message.push_str(&more);
        }
        let file = names.entry(&**d.file()).or_insert_with(|| {
            let path = repository.below(d.file()).unwrap_or_else(|elsewhere| elsewhere);
            property(&name(&path))
        });
        // GitHub accepts columns only if the span is within one line.
        let columns = match start.line == end.line {
            true => format!(",col={},endColumn={}", start.column, end.column),
            false => String::new(),
        };
        // Writing to a `String` never fails.
        let _ = writeln!(
            out,
            "::{} file={file},line={},endLine={}{columns},title={}::{}",
            match d.severity {
                Severity::Note => "notice",
                severity => severity.as_str(),
            },
            start.line,
            end.line,
            d.code.id,
            data(&message)
        );
    }
    let (errors, warnings, notes) = (errors.count(), warnings.count(), notes.count());
    if [errors, warnings, notes].into_iter().any(|count| count > MAX_SHOWN) {
        let notes = if notes > 0 { format!(", notes: {notes}") } else { String::new() };
        let _ = writeln!(
            out,
            "::notice title=twite check::errors: {errors}, warnings: {warnings}{notes}. GitHub shows the first {MAX_SHOWN} of \
             each in a step; all of them stand in its log."
        );
    }
    out
}

/// Escapes the message of a command.
fn data(text: &str) -> String {
    visible_lines(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a command's property. A line break in a file name is percent-encoded, because it is part of the
/// name.
fn property(text: &str) -> String {
    let escaped = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    visible(&escaped).replace(':', "%3A").replace(',', "%2C")
}
