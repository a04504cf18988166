//! Reads `*.list` files: one entry a line.
//!
//! An entry stands as it is, or in double quotes, as a string in a rule file; `until 2027-03-31` behind it is its last
//! day. `#` starts a comment only if a blank
//! follows, and an entry with a `#` that could be taken for a comment is an error: `#fail` may be a hashtag, or an entry
//! that somebody wanted to put out of use.

use std::ops::Range;

use super::{Parse, SyntaxKind, SyntaxNode, characters, foreign_syntax, raw, scan::is_quote};
use crate::lang::{
    codes,
    diagnostic::{Diagnostic, TextDiagnostic},
    display::Quoted,
};

/// Maximum number of entries of a file.
const MAX_ENTRIES: usize = 100_000;
/// Maximum length of an entry, in bytes.
const MAX_ENTRY_BYTES: usize = 1_000;
const UNTIL: &str = "until";

/// Parses a list file.
pub(crate) fn parse_list(text: &str) -> Parse {
    let mut list = List { green: rowan::GreenNodeBuilder::new(), errors: vec![], entries: 0 };
    list.green.start_node(raw(SyntaxKind::File));
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        list.line(line, at);
        at += line.len();
    }
    list.green.finish_node();
    let mut parse = Parse { tree: list.green.finish(), errors: list.errors };
    let root: SyntaxNode = parse.tree();
    parse.errors.extend(foreign_syntax::errors(&root, text));
    parse.errors.extend(characters::diagnostics(&root, text));
    parse.errors.sort_by_key(|e| e.span().start);
    parse
}

struct List {
    green: rowan::GreenNodeBuilder<'static>,
    errors: Vec<TextDiagnostic>,
    entries: usize,
}

impl List {
    /// Reads a line that starts at an offset.
    fn line(&mut self, line: &str, at: usize) {
        let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
        let content = line.trim_matches(blank);
        let start = line.len() - line.trim_start_matches(blank).len();
        let (before, behind) = (line.get(..start), line.get(start + content.len()..));
        self.token(SyntaxKind::Whitespace, before.unwrap_or_default());
        self.content(content, at + start);
        self.token(SyntaxKind::Whitespace, behind.unwrap_or_default());
    }

    /// Reads a line without the blanks around it.
    fn content(&mut self, content: &str, at: usize) {
        let comment =
            if content.starts_with('"') { comment_in(content, after_string(content)) } else { comment_in(content, 0) };
        let (entry, comment) = content.split_at(comment.unwrap_or(content.len()));
        let trimmed = entry.trim_end();
        if !trimmed.is_empty() {
            self.entry(trimmed, at..at + trimmed.len());
            self.token(SyntaxKind::Whitespace, entry.get(trimmed.len()..).unwrap_or_default());
        }
        self.token(SyntaxKind::Comment, comment);
    }

    fn entry(&mut self, content: &str, span: Range<usize>) {
        self.entries += 1;
        let (entry, day) = match last_day(content) {
            Some(at) => content.split_at(at),
            None => (content, ""),
        };
        let (entry, blanks) = entry.split_at(entry.trim_end().len());
        let string = entry.starts_with('"').then(|| after_string(entry)).filter(|end| *end == entry.len());
        self.green.start_node(raw(SyntaxKind::ListEntry));
        self.token(if string.is_some() { SyntaxKind::String } else { SyntaxKind::Entry }, entry);
        self.token(SyntaxKind::Whitespace, blanks);
        if !day.is_empty() {
            let (until, day) = day.split_at(UNTIL.len());
            self.green.start_node(raw(SyntaxKind::LastDay));
            self.token(SyntaxKind::Keyword, until);
            let (blanks, day) = day.split_at(day.len() - day.trim_start().len());
            self.token(SyntaxKind::Whitespace, blanks);
            self.token(SyntaxKind::Instant, day);
            self.green.finish_node();
        }
        self.green.finish_node();
        let span = span.start..span.start + entry.len();
        if let Some(error) = self.error(entry, string.is_some(), span) {
            self.errors.push(error);
        }
    }

    /// The error in an entry, if there is one.
    fn error(&self, entry: &str, string: bool, span: Range<usize>) -> Option<TextDiagnostic> {
        let quoted = Quoted(entry);
        if self.entries == MAX_ENTRIES + 1 {
            let message = format!("list too long: more than {MAX_ENTRIES} entries");
            return Some(Diagnostic::new(&codes::TW0109, span, message));
        }
        if entry.len() > MAX_ENTRY_BYTES {
            let message = format!("entry too long: more than {MAX_ENTRY_BYTES} bytes");
            return Some(Diagnostic::new(&codes::TW0109, span, message));
        }
        let error = |message: &str| Diagnostic::new(&codes::TW0122, span.clone(), message);
        if string {
            return None;
        }
        if entry.starts_with('"') {
            return Some(
                error("expected one entry a line, in quotes or without")
                    .with_help("an entry in quotes ends at its closing quote; inside it, write `\\\"` for a quote"),
            );
        }
        if entry.starts_with('#') || entry.contains(" #") || entry.contains("\t#") {
            let comment = entry.replacen('#', "# ", 1);
            let help = format!(
                "for a comment, write a blank after `#`: `{comment}`; for the entry, write it in quotes: `{quoted}`"
            );
            return Some(error("a `#` that may be part of the entry, or start a comment").with_help(help));
        }
        let ends = |c: char| is_quote(c) || c == '\'';
        if entry.chars().count() > 1 && entry.starts_with(ends) && entry.ends_with(ends) {
            let inner = entry.trim_matches(ends);
            let error = error("wrong quotation marks").with_help("write the entry without quotes, or in double quotes");
            return Some(error.with_guess(span.clone(), Quoted(inner).to_string()));
        }
        if let Some(inner) = entry.strip_suffix(',') {
            let help = format!("write one entry a line without commas, or the entry in quotes: `{quoted}`");
            return Some(
                error("an entry that ends with a comma").with_help(help).with_guess(span.clone(), inner.trim_end()),
            );
        }
        None
    }

    fn token(&mut self, kind: SyntaxKind, text: &str) {
        if !text.is_empty() {
            self.green.token(raw(kind), text);
        }
    }
}

/// Where the last day of an entry starts: `until`, and a word that starts with a digit.
fn last_day(content: &str) -> Option<usize> {
    let from = if content.starts_with('"') { after_string(content) } else { 0 };
    let at = from + content.get(from..)?.rfind(UNTIL)?;
    let (before, behind) = (content.get(..at)?, content.get(at + UNTIL.len()..)?);
    let day = behind.trim_start();
    let is_day = day.starts_with(|c: char| c.is_ascii_digit()) && !day.contains(char::is_whitespace);
    let stands_alone = before.ends_with(char::is_whitespace) && day.len() < behind.len();
    (is_day && stands_alone && !before.trim().is_empty()).then_some(at)
}

/// The offset after the string that a text starts with; its length if the string is not closed.
fn after_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The offset of the first comment from an offset on: a `#` at the start of the line or after a blank, with a blank or
/// the end of the line behind it.
fn comment_in(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let starts = rest.match_indices('#').map(|(at, _)| from + at);
    starts.into_iter().find(|at| {
        let (before, behind) = text.split_at(*at);
        let behind = behind.trim_start_matches('#');
        (before.is_empty() || before.ends_with(char::is_whitespace))
            && (behind.is_empty() || behind.starts_with(char::is_whitespace))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{ast::NodeExt as _, syntax::SyntaxToken};

    #[test]
    fn a_line_is_an_entry_or_a_comment_or_an_error() {
        // The entries as they are written, the comments, and the codes of errors.
        for (text, entries, comments, errors) in [
            ("", vec![], vec![], vec![]),
            ("ada\n\n  bob \r\n", vec!["ada", "bob"], vec![], vec![]),
            ("\u{feff}ada", vec!["ada"], vec![], vec![]),
            (
                "# people\nada # the first\n#\n## more\n",
                vec!["ada"],
                vec!["# people", "# the first", "#", "## more"],
                vec![],
            ),
            ("money back", vec!["money back"], vec![], vec![]),
            ("c#", vec!["c#"], vec![], vec![]),
            ("#fail", vec!["#fail"], vec![], vec!["TW0122"]),
            ("issue #1", vec!["issue #1"], vec![], vec!["TW0122"]),
            ("\"#fail\" # a hashtag", vec!["\"#fail\""], vec!["# a hashtag"], vec![]),
            ("\"a # b\"", vec!["\"a # b\""], vec![], vec![]),
            (r#""say \"hi\"""#, vec![r#""say \"hi\"""#], vec![], vec![]),
            ("\"a\" \"b\"", vec!["\"a\" \"b\""], vec![], vec!["TW0122"]),
            ("\"a", vec!["\"a"], vec![], vec!["TW0102"]),
            ("“a”", vec!["“a”"], vec![], vec!["TW0122"]),
            ("don't", vec!["don't"], vec![], vec![]),
            ("ada,\nbob", vec!["ada,", "bob"], vec![], vec!["TW0122"]),
            ("well, yes", vec!["well, yes"], vec![], vec![]),
            ("ada until 2026-12-31 # the trial", vec!["ada"], vec!["# the trial"], vec![]),
            ("\"a # until 2026-12-31\"\tuntil  31.12.2026", vec!["\"a # until 2026-12-31\""], vec![], vec![]),
            ("open until late", vec!["open until late"], vec![], vec![]),
            ("until 2026-12-31", vec!["until 2026-12-31"], vec![], vec![]),
            ("valid until 9 pm", vec!["valid until 9 pm"], vec![], vec![]),
            ("not_until 2026-12-31", vec!["not_until 2026-12-31"], vec![], vec![]),
        ] {
            let parse = parse_list(text);
            assert_eq!(parse.tree().to_string(), text);
            let tokens: Vec<_> = parse.tree().descendants_with_tokens().filter_map(|e| e.into_token()).collect();
            let of = |is: fn(SyntaxKind) -> bool| -> Vec<&str> {
                tokens.iter().filter(|token| is(token.kind())).map(|token| token.text()).collect()
            };
            let is_entry = |token: &&SyntaxToken| token.parent().is_some_and(|p| p.kind() == SyntaxKind::ListEntry);
            let written = tokens.iter().filter(is_entry).map(|token| token.text());
            assert_eq!(written.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>(), entries, "{text:?}");
            assert_eq!(of(|kind| kind == SyntaxKind::Comment), comments, "{text:?}");
            assert_eq!(parse.errors.iter().map(|e| e.code.id).collect::<Vec<_>>(), errors, "{text:?}");
            assert_eq!(
                parse.tree().children().flat_map(|entry| entry.values().collect::<Vec<_>>()).count(),
                entries.len()
            );
        }
    }

    #[test]
    fn lists_are_bounded() {
        let codes = |text: String| parse_list(&text).errors.into_iter().map(|e| e.code.id).collect::<Vec<_>>();
        assert_eq!(codes("a\n".repeat(MAX_ENTRIES)), [] as [&str; 0]);
        assert_eq!(codes("a\n".repeat(MAX_ENTRIES + 2)), ["TW0109"]);
        assert_eq!(codes("a".repeat(MAX_ENTRY_BYTES + 1)), ["TW0109"]);
    }
}
