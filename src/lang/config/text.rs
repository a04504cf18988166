//! The text of `twite.toml` before it is parsed. What the TOML parser cannot explain, such as a merge conflict or a
//! character of another script, is reported and replaced, so that the rest is read.

use std::ops::Range;

use crate::lang::{
    check::is_suppression,
    codes,
    diagnostic::TextDiagnostic as Diagnostic,
    lines::LINE_ENDS,
    syntax::{SyntaxKind, conflicts, misleading_characters, mixed_words},
};

/// A part of a TOML text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Keys, values other than strings, and white space.
    Code,
    Comment,
    String,
    /// A string in typographic quotation marks.
    WrongQuotes,
}

/// The diagnostics about the characters of a text, and a text of the same length without the reported errors.
pub(super) fn readable(text: &str) -> (Vec<Diagnostic>, String) {
    let (mut found, ours) = conflicts(text).unwrap_or_else(|| (vec![], text.to_owned()));
    let parts = parts(&ours);
    let mut bytes = ours.clone().into_bytes();
    let mut put = |span: Range<usize>, with: &[u8], at_end: bool| {
        let Some(place) = bytes.get_mut(span) else { return };
        place.fill(b' ');
        let from = if at_end { place.len() - with.len() } else { 0 };
        place.iter_mut().skip(from).zip(with).for_each(|(byte, with)| *byte = *with);
    };
    let kinds = parts.iter().map(|(part, span)| {
        let kind = if *part == Part::Code { SyntaxKind::Whitespace } else { SyntaxKind::Comment };
        (kind, span.clone())
    });
    for diagnostic in misleading_characters(&ours, kinds) {
        for edit in diagnostic.fix.iter().filter(|_| diagnostic.is_error()).flat_map(|fix| &fix.edits) {
            let is_code = parts.iter().any(|(part, span)| *part == Part::Code && span.contains(&edit.span.start));
            let ends_line = ours.get(edit.span.clone()).is_some_and(|text| text.starts_with(LINE_ENDS));
            put(edit.span.clone(), if is_code && ends_line { b"\n" } else { b"" }, false);
        }
        found.push(diagnostic);
    }
    for (part, span) in &parts {
        let piece = ours.get(span.clone()).unwrap_or_default();
        match part {
            Part::Comment if is_suppression(piece) => {
                let message = "unsupported suppression: warnings about `twite.toml` cannot be suppressed";
                let help = "delete the comment and mend the cause; `twite explain CODE` says how";
                found.push(Diagnostic::new(&codes::TW0492, span.clone(), message).with_help(help));
            }
            Part::Comment => {}
            _ => found.extend(mixed_words(span.start, piece)),
        }
        let mut inner = piece.chars();
        if let (Part::WrongQuotes, Some(open), Some(close)) = (part, inner.next(), inner.next_back()) {
            put(span.start..span.start + open.len_utf8(), b"\"", true);
            put(span.end - close.len_utf8()..span.end, b"\"", false);
            let inner = inner.as_str();
            let error = Diagnostic::new(&codes::TW0107, span.clone(), "strings use straight double quotes");
            let error = error.with_help(format!("write \"{inner}\""));
            found.push(error.with_fix(span.clone(), format!("\"{inner}\"")));
        }
    }
    // Only whole characters are replaced, so this is UTF-8.
    (found, String::from_utf8(bytes).unwrap_or(ours))
}

/// Splits a text into parts, which cover it.
fn parts(text: &str) -> Vec<(Part, Range<usize>)> {
    let (mut parts, mut code, mut at) = (vec![], 0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| rest.starts_with(quotes));
        let (part, length) = if rest.starts_with('#') {
            (Part::Comment, line(rest))
        } else if let Some(quotes) = quotes {
            (Part::String, string(rest, quotes))
        } else if let Some(length) = wrong_quotes(rest) {
            (Part::WrongQuotes, length)
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        parts.extend((code < at).then_some((Part::Code, code..at)));
        parts.push((part, at..at + length));
        at += length;
        code = at;
    }
    parts.extend((code < text.len()).then_some((Part::Code, code..text.len())));
    parts
}

/// Length of the first line, without its line end, in bytes.
fn line(rest: &str) -> usize {
    let line = rest.split('\n').next().unwrap_or_default();
    if line.len() < rest.len() { line.strip_suffix('\r').unwrap_or(line).len() } else { line.len() }
}

/// Length of the string at the start, in bytes. An unclosed one ends with its line, or with the text.
fn string(rest: &str, quotes: &str) -> usize {
    let (is_basic, is_long) = (quotes.starts_with('"'), quotes.len() == 3);
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(quotes.len()) {
        match c {
            '\n' if !is_long => return line(rest),
            _ if escaped => escaped = false,
            '\\' if is_basic => escaped = true,
            _ if rest.get(at..).is_some_and(|rest| rest.starts_with(quotes)) => return at + quotes.len(),
            _ => {}
        }
    }
    rest.len()
}

/// Length of the string in typographic quotation marks at the start, in bytes; `None` if there is none, or if its
/// contents could not be put between straight ones.
fn wrong_quotes(rest: &str) -> Option<usize> {
    const DOUBLE: &[char] = &['“', '”', '„', '«', '»'];
    const SINGLE: &[char] = &['‘', '’', '‚', '‹', '›'];
    let open = rest.chars().next()?;
    let marks = [DOUBLE, SINGLE].into_iter().find(|marks| marks.contains(&open))?;
    let end = rest.char_indices().skip(1).find(|(_, c)| marks.contains(c) || matches!(c, '"' | '\\' | '\n' | '\r'))?;
    marks.contains(&end.1).then_some(end.0 + end.1.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_text() {
        use Part::{Code, Comment, String, WrongQuotes};
        for (text, expected) in [
            ("a = \"#\" # \"b\r\nc = 1", vec![Code, String, Code, Comment, Code]),
            (
                "a = \"\"\"\n\\\"\"\"\" # b\n'#' = '''\n#'''",
                vec![Code, String, Code, Comment, Code, String, Code, String],
            ),
            ("a = \"open\n# b", vec![Code, String, Code, Comment]),
            ("a = “it’s” # ‘", vec![Code, WrongQuotes, Code, Comment]),
            ("a = “open\nb = 1", vec![Code]),
            ("", vec![]),
        ] {
            let parts = parts(text);
            assert_eq!(parts.iter().map(|(part, _)| *part).collect::<Vec<_>>(), expected, "{text}");
            let covered = parts.iter().fold(0, |at, (_, span)| if span.start == at { span.end } else { usize::MAX });
            assert_eq!(covered, text.len(), "{text}");
        }
    }
}
