//! Unresolved git merge conflicts: the lines between `<<<<<<<` and `>>>>>>>`.

use std::ops::Range;

use crate::lang::{
    codes,
    diagnostic::{Diagnostic, TextDiagnostic},
};

/// Errors about unresolved merge conflicts, and the text with our side of each only: the rest is replaced by spaces, so
/// the length stays the same. `None` if there are no conflicts.
pub(crate) fn conflicts(text: &str) -> Option<(Vec<TextDiagnostic>, String)> {
    if !text.contains("<<<<<<<") && !text.contains(">>>>>>>") {
        return None;
    }
    let (mut errors, mut left_out) = (vec![], vec![]);
    // The current conflict's `<<<<<<<` line, and the offset of the first `|||||||` or `=======` line in it.
    let (mut open, mut theirs): (Option<Range<usize>>, Option<usize>) = (None, None);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let span = at..at + line.trim_end_matches(['\r', '\n']).len();
        at += line.len();
        match marker(line) {
            Some('<') => {
                errors.extend(open.replace(span.clone()).map(|open| unfinished(open, None)));
                left_out.push(span);
            }
            Some('>') => {
                left_out.push(theirs.take().unwrap_or(span.start)..span.end);
                errors.push(match open.take() {
                    Some(open) => unfinished(open, Some(span)),
                    None => unfinished(span, None),
                });
            }
            // Only inside a conflict: elsewhere, such a line may belong to a string.
            Some(_) if open.is_some() => {
                left_out.push(span.clone());
                theirs = theirs.or(Some(span.start));
            }
            _ => {}
        }
    }
    errors.extend(open.map(|open| unfinished(open, None)));
    if errors.is_empty() {
        return None;
    }
    let mut ours = text.as_bytes().to_vec();
    for span in left_out {
        let bytes = ours.get_mut(span).unwrap_or_default();
        bytes.iter_mut().filter(|byte| !matches!(byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    }
    Some((errors, String::from_utf8(ours).ok()?))
}

/// The marker character of a line that starts with exactly seven of it.
fn marker(line: &str) -> Option<char> {
    let first = line.chars().next().filter(|c| "<|=>".contains(*c))?;
    let rest = line.trim_start_matches(first);
    (line.len() - rest.len() == 7 && (rest.trim().is_empty() || rest.starts_with(' '))).then_some(first)
}

fn unfinished(start: Range<usize>, end: Option<Range<usize>>) -> TextDiagnostic {
    let error = Diagnostic::new(&codes::TW0119, start, "unresolved merge conflict")
        .with_help("keep what you want from both sides, and delete the lines with `<<<<<<<`, `=======` and `>>>>>>>`");
    match end {
        Some(end) => error.with_label("conflict starts here").and_label(end, "and ends here"),
        None => error,
    }
}
