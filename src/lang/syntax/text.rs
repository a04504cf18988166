//! String literals in rules: their values, and where each character of a value is in the file.

use std::ops::Range;

use super::{
    SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken,
    scan::{is_quote, three_quotes},
};

/// A decoded string literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The decoded value. An unknown escape sequence stays as it is written, so that whatever rewrites the text loses none of it.
    pub value: String,
    /// Spans of unknown escape sequences in the file.
    pub bad_escapes: Vec<Range<usize>>,
    /// Where the value comes from, ascending.
    pieces: Vec<Piece>,
    /// Range in the file between the quotes.
    pub(super) inner: Range<usize>,
}

/// A piece of a value: an escape sequence, or text in which the offsets in the value and in the file advance together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Offset in the value where the piece starts.
    value: usize,
    /// Range in the file.
    file: Range<usize>,
}

impl Text {
    /// Decodes a string literal, in single or triple double quotes or in wrong quotes, or an entry of a list file. A missing closing quote is
    /// tolerated.
    pub fn of(token: &SyntaxToken) -> Self {
        if token.kind() == SyntaxKind::Entry {
            let mut text =
                Self { value: String::new(), bad_escapes: vec![], pieces: vec![], inner: token.text_range().into() };
            text.value.push_str(token.text());
            text.pieces.push(Piece { value: 0, file: token.text_range().into() });
            return text;
        }
        Self::decode(token.text(), token.text_range().start().into())
    }

    /// Decodes the literal that a template consists of.
    pub(crate) fn of_template(template: &SyntaxNode) -> Self {
        Self::decode(&template.text().to_string(), template.text_range().start().into())
    }

    /// Decodes a string literal or a template.
    pub(crate) fn of_element(element: &SyntaxElement) -> Self {
        match element {
            SyntaxElement::Node(node) => Self::of_template(node),
            SyntaxElement::Token(token) => Self::of(token),
        }
    }

    pub(super) fn decode(literal: &str, start: usize) -> Self {
        let mut text = Self { value: String::new(), bad_escapes: vec![], pieces: vec![], inner: start..start };
        match three_quotes(literal) {
            Some(open) => {
                let inner = literal.get(open..).unwrap_or_default();
                let close = inner.char_indices().rev().nth(2).map(|(at, _)| at);
                let close = close.filter(|at| three_quotes(inner.get(*at..).unwrap_or_default()).is_some());
                let inner = inner.get(..close.unwrap_or(inner.len())).unwrap_or(inner);
                text.inner = start + open..start + open + inner.len();
                text.long(inner, start + open);
            }
            None => {
                let open = literal.chars().next().map_or(0, char::len_utf8);
                let inner = literal.get(open..).unwrap_or_default();
                let closed = inner.chars().next_back().filter(|c| is_quote(*c));
                let inner = inner.get(..inner.len() - closed.map_or(0, char::len_utf8)).unwrap_or(inner);
                text.inner = start + open..start + open + inner.len();
                text.piece(inner, start + open);
            }
        }
        text
    }

    /// Decodes a multi-line string. The line breaks after the opening and before the closing quotes are dropped, and
    /// every line loses the indentation of the closing quotes.
    fn long(&mut self, inner: &str, start: usize) {
        let Some((first, _)) = inner.split_once('\n').filter(|(first, _)| first.trim().is_empty()) else {
            return self.piece(inner, start);
        };
        let last = inner.rsplit('\n').next().unwrap_or_default();
        let indent = if last.trim().is_empty() { last.len() } else { 0 };
        let body_end = if last.trim().is_empty() { inner.len() - last.len() - 1 } else { inner.len() };
        let mut at = first.len() + 1;
        let mut fresh = true;
        for line in inner.get(at..body_end).unwrap_or_default().split('\n') {
            let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
            let cut = blank.min(indent);
            if !fresh {
                self.push('\n', start + at - 1..start + at);
            }
            fresh = false;
            let kept = line.get(cut..).unwrap_or_default();
            self.piece(kept.strip_suffix('\r').unwrap_or(kept), start + at + cut);
            at += line.len() + 1;
        }
    }

    /// Decodes a piece of the literal and its escape sequences.
    fn piece(&mut self, piece: &str, start: usize) {
        let mut chars = piece.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            // CR LF decodes to LF, so that the value does not depend on the line ends of the file.
            if c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n') {
                continue;
            }
            if c != '\\' {
                self.push(c, start + at..start + at + c.len_utf8());
                continue;
            }
            let escaped = match chars.next() {
                Some((_, c @ ('"' | '\\'))) => Some(c),
                Some((_, 'n')) => Some('\n'),
                Some((_, 't')) => Some('\t'),
                Some((_, 'u')) => {
                    let rest = piece.get(at + 2..).unwrap_or_default();
                    let digits = rest.strip_prefix('{').and_then(|r| r.split_once('}')).map(|(digits, _)| digits);
                    let digits = digits.filter(|d| d.len() <= 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
                    for _ in 0..digits.map_or(0, |d| d.len() + 2) {
                        chars.next();
                    }
                    digits.and_then(|d| u32::from_str_radix(d, 16).ok()).and_then(char::from_u32)
                }
                _ => None,
            };
            let end = chars.peek().map_or(piece.len(), |(at, _)| *at);
            match escaped {
                Some(c) => self.push(c, start + at..start + end),
                None => {
                    let written = piece.get(at..end).unwrap_or_default();
                    for (i, c) in written.char_indices() {
                        self.push(c, start + at + i..start + at + i + c.len_utf8());
                    }
                    self.bad_escapes.push(start + at..start + end);
                }
            }
        }
    }

    fn push(&mut self, c: char, file: Range<usize>) {
        let value = self.value.len();
        self.value.push(c);
        match self.pieces.last_mut() {
            Some(last)
                if file.len() == c.len_utf8()
                    && last.file.end == file.start
                    && last.file.len() == value - last.value =>
            {
                last.file.end = file.end;
            }
            _ => self.pieces.push(Piece { value, file }),
        }
    }

    /// The span in the file of a part of the value.
    pub fn span(&self, part: Range<usize>) -> Range<usize> {
        let start = self.in_file(part.start).start;
        let end = if part.is_empty() { start } else { self.in_file(part.end - 1).end };
        start..end.max(start)
    }

    /// The range in the file of the byte at an offset of the value; that of its escape sequence, if it has one.
    fn in_file(&self, offset: usize) -> Range<usize> {
        let next = self.pieces.partition_point(|piece| piece.value <= offset);
        let piece = next.checked_sub(1).and_then(|i| self.pieces.get(i));
        let Some(piece) = piece.filter(|_| offset < self.value.len()) else { return self.inner.end..self.inner.end };
        let end = self.pieces.get(next).map_or(self.value.len(), |next| next.value);
        if piece.file.len() != end - piece.value {
            return piece.file.clone();
        }
        let at = piece.file.start + offset - piece.value;
        at..at + 1
    }

    /// The range of the value that a span in the file decodes to.
    pub(crate) fn part(&self, span: Range<usize>) -> Range<usize> {
        self.in_value(span.start)..self.in_value(span.end)
    }

    fn in_value(&self, offset: usize) -> usize {
        let at = self.pieces.partition_point(|piece| piece.file.end <= offset);
        self.pieces.get(at).map_or(self.value.len(), |piece| piece.value + offset.saturating_sub(piece.file.start))
    }

    /// What a span in the file decodes to.
    pub(crate) fn decoded(&self, span: Range<usize>) -> &str {
        self.value.get(self.part(span)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(literal: &str) -> String {
        Text::decode(literal, 0).value
    }

    #[test]
    fn escapes_say_what_they_say_elsewhere() {
        assert_eq!(value(r#""a\"b\\c\n\t\u{1F600}""#), "a\"b\\c\n\t😀");
        let bad = Text::decode(r#""\d \u{110000} \q""#, 0).bad_escapes;
        assert_eq!(bad, [1..3, 4..14, 15..17]);
        assert_eq!(value(r#""\d \u{110000} \q""#), r"\d \u{110000} \q");
    }

    #[test]
    fn long_texts_lose_the_indentation_of_their_closing_quotes() {
        assert_eq!(value("\"\"\"\n    one\n      two\n\n    three\n    \"\"\""), "one\n  two\n\nthree");
        assert_eq!(value("\"\"\"\r\n  one\r\n  two\r\n  \"\"\""), "one\ntwo");
        assert_eq!(value("\"\"\"on one line\"\"\""), "on one line");
        assert_eq!(value("\"\"\"one\r\ntwo\"\"\""), "one\ntwo");
        assert_eq!(value("\"\"\"\n\"\"\""), "");
    }

    #[test]
    fn every_character_knows_its_place() {
        let literal = "\"\"\"\n  a\\\"é{{x}}\n  {{y}}\n  \"\"\"";
        let text = Text::decode(literal, 0);
        for name in ["{{x}}", "{{y}}", "é"] {
            let at = text.value.find(name).unwrap();
            assert_eq!(&literal[text.span(at..at + name.len())], name);
        }
    }
}
