//! Lexes texts with placeholders into the nodes of the tree, by a subset of the syntax of Liquid.
//!
//! A `Template` is a string literal in an action. Its children are `OpenQuote`, any number of `TextChunk`, `Placeholder`
//! and `LiquidTag` (which Twite does not support), and `CloseQuote`, which an unclosed literal lacks:
//!
//! ```text
//! "Hi {{ticket.requester.name | first_word | default: 'you'}}!"
//! Placeholder = PlaceholderStart PlaceholderPath? Filter* PlaceholderEnd
//! Filter      = Pipe FilterName? (Colon Argument?)?
//! ```
//!
//! A placeholder without `PlaceholderEnd` is unclosed, and the rest of the text is its `TextChunk`. `Gap` is white space
//! inside a placeholder.
//!
//! The decoded value is lexed, not the literal: in a string in `"`, the quotes of an argument are escaped.

use std::ops::Range;

use rowan::GreenNodeBuilder;

use super::{SyntaxKind, raw, text::Text};

/// Whether string literals directly below this node are templates.
pub(super) fn may_stand_in(parent: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(
        parent,
        K::SetAction
            | K::ReplyAction
            | K::DirectAction
            | K::AskAction
            | K::NoteAction
            | K::MessagePart
            | K::LanguageText
    )
}

/// Writes the literal at `span` of the file as a template.
pub(super) fn build(green: &mut GreenNodeBuilder<'static>, file: &str, span: Range<usize>) {
    let text = Text::decode(file.get(span.clone()).unwrap_or_default(), span.start);
    let mut lexer = Lexer { green, file, text: &text, written: span.start };
    lexer.green.start_node(raw(SyntaxKind::Template));
    lexer.until(text.inner.start, SyntaxKind::OpenQuote);
    lexer.parts();
    lexer.until(text.inner.end, SyntaxKind::TextChunk);
    lexer.until(span.end, SyntaxKind::CloseQuote);
    lexer.green.finish_node();
}

struct Lexer<'t> {
    green: &'t mut GreenNodeBuilder<'static>,
    file: &'t str,
    text: &'t Text,
    /// Offset in the file; the text before it is already in the tree.
    written: usize,
}

impl Lexer<'_> {
    fn parts(&mut self) {
        let value = self.text.value.as_str();
        let mut at = 0;
        while let Some(rest) = value.get(at..) {
            match (rest.find("{{"), rest.find("{%")) {
                (None, None) => return,
                (Some(open), tag) if tag.is_none_or(|tag| open < tag) => {
                    let inner = at + open + 2;
                    let Some(close) = placeholder_end(value, inner) else {
                        self.start(SyntaxKind::Placeholder, at + open, SyntaxKind::TextChunk);
                        self.token(SyntaxKind::PlaceholderStart, at + open..inner);
                        self.until(self.text.inner.end, SyntaxKind::TextChunk);
                        return self.green.finish_node();
                    };
                    self.placeholder(inner..close);
                    at = close + 2;
                }
                (_, tag) => {
                    let tag = at + tag.unwrap_or_default();
                    let end = value.get(tag..).and_then(|tag| tag.find("%}")).map_or(value.len(), |end| tag + end + 2);
                    self.until(self.text.span(tag..end).start, SyntaxKind::TextChunk);
                    self.token(SyntaxKind::LiquidTag, tag..end);
                    at = end;
                }
            }
        }
    }

    /// Writes a closed placeholder. The range is that between its braces.
    fn placeholder(&mut self, inner: Range<usize>) {
        self.start(SyntaxKind::Placeholder, inner.start - 2, SyntaxKind::TextChunk);
        self.token(SyntaxKind::PlaceholderStart, inner.start - 2..inner.start);
        for (index, piece) in pieces(&self.text.value, inner.clone()).into_iter().enumerate() {
            if index == 0 {
                self.trimmed(SyntaxKind::PlaceholderPath, piece);
                continue;
            }
            self.start(SyntaxKind::Filter, piece.start - 1, SyntaxKind::Gap);
            self.token(SyntaxKind::Pipe, piece.start - 1..piece.start);
            let colon =
                self.text.value.get(piece.clone()).and_then(|filter| filter.find(':')).map(|at| piece.start + at);
            self.trimmed(SyntaxKind::FilterName, piece.start..colon.unwrap_or(piece.end));
            if let Some(colon) = colon {
                self.token(SyntaxKind::Colon, colon..colon + 1);
                self.trimmed(SyntaxKind::Argument, colon + 1..piece.end);
            }
            self.green.finish_node();
        }
        self.token(SyntaxKind::PlaceholderEnd, inner.end..inner.end + 2);
        self.green.finish_node();
    }

    /// Starts a node at an offset of the value; what is between it and the token before is written first.
    fn start(&mut self, node: SyntaxKind, at: usize, before: SyntaxKind) {
        self.until(self.text.span(at..at + 1).start, before);
        self.green.start_node(raw(node));
    }

    /// Writes a part of the value without the white space around it, unless it is empty.
    fn trimmed(&mut self, kind: SyntaxKind, part: Range<usize>) {
        let piece = self.text.value.get(part.clone()).unwrap_or_default();
        let start = part.start + piece.len() - piece.trim_start().len();
        if !piece.trim().is_empty() {
            self.token(kind, start..start + piece.trim().len());
        }
    }

    /// Writes a part of the value as a token.
    fn token(&mut self, kind: SyntaxKind, part: Range<usize>) {
        let span = self.text.span(part);
        self.until(span.start, SyntaxKind::Gap);
        self.until(span.end, kind);
    }

    /// Writes the file up to an offset as a token, unless it is already written.
    fn until(&mut self, end: usize, kind: SyntaxKind) {
        if let Some(token) = self.file.get(self.written..end).filter(|token| !token.is_empty()) {
            self.green.token(raw(kind), token);
            self.written = end;
        }
    }
}

/// Byte offset of the `}}` that closes a placeholder; a `}}` in quotes is skipped.
fn placeholder_end(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let mut quoted = Quoted::default();
    let mut closing = rest.char_indices().filter(|(_, c)| !quoted.includes(*c)).map(|(at, _)| at);
    let end = closing.find(|at| rest.get(*at..).is_some_and(|rest| rest.starts_with("}}")));
    // An unclosed quote: the first `}}` closes the placeholder.
    end.or_else(|| rest.find("}}")).map(|at| from + at)
}

/// Splits a placeholder at `|` outside quotes: at least one piece.
fn pieces(text: &str, inner: Range<usize>) -> Vec<Range<usize>> {
    let mut quoted = Quoted::default();
    let mut pieces = vec![];
    let mut from = inner.start;
    for (at, c) in text.get(inner.clone()).unwrap_or_default().char_indices() {
        if !quoted.includes(c) && c == '|' {
            pieces.push(from..inner.start + at);
            from = inner.start + at + 1;
        }
    }
    pieces.push(from..inner.end);
    pieces
}

/// The quote that is open.
#[derive(Default)]
struct Quoted(Option<char>);

impl Quoted {
    /// Whether the next character is quoted, or a quotation mark.
    fn includes(&mut self, c: char) -> bool {
        match self.0 {
            Some(quote) => {
                if c == quote {
                    self.0 = None;
                }
                true
            }
            None => {
                self.0 = matches!(c, '"' | '\'').then_some(c);
                self.0.is_some()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lang::{
        ast::{AstNode as _, Placeholder},
        syntax::{SyntaxKind, SyntaxNode, parse},
    };

    fn template(literal: &str) -> SyntaxNode {
        let text = format!("trigger \"a\" {{ then reply {literal} }}");
        let mut nodes = parse(&text).tree().descendants();
        nodes.find(|node| node.kind() == SyntaxKind::Template).unwrap()
    }

    /// The tokens of a template with their kinds; nodes are in brackets.
    fn shape(node: &SyntaxNode) -> String {
        let parts = node.children_with_tokens().map(|element| match element {
            rowan::NodeOrToken::Node(node) => format!("[{:?} {}]", node.kind(), shape(&node)),
            rowan::NodeOrToken::Token(token) => format!("{:?} {token}", token.kind()),
        });
        parts.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_text_is_split_into_chunks_and_placeholders() {
        assert_eq!(shape(&template("\"\"")), "OpenQuote \"; CloseQuote \"");
        assert_eq!(
            shape(&template(r#""a {{b.c|d | e: \"|}}\"}}{% f %}""#)),
            r#"OpenQuote "; TextChunk a ; [Placeholder PlaceholderStart {{; PlaceholderPath b.c; "#.to_owned()
                + r#"[Filter Pipe |; FilterName d]; Gap  ; "#
                + r#"[Filter Pipe |; Gap  ; FilterName e; Colon :; Gap  ; Argument \"|}}\"]; PlaceholderEnd }}]; "#
                + r#"LiquidTag {% f %}; CloseQuote ""#
        );
    }

    #[test]
    fn a_broken_placeholder_keeps_its_parts() {
        for (literal, expected) in [
            ("\"a {{b c\"", "[Placeholder PlaceholderStart {{; TextChunk b c]"),
            ("\"a {{}}\"", "[Placeholder PlaceholderStart {{; PlaceholderEnd }}]"),
            (
                "\"a {{ | : }}\"",
                "[Placeholder PlaceholderStart {{; Gap  ; [Filter Pipe |; Gap  ; Colon :]; Gap  ; PlaceholderEnd }}]",
            ),
            ("\"a {{b'}}\"", "[Placeholder PlaceholderStart {{; PlaceholderPath b'; PlaceholderEnd }}]"),
            ("\"a {{b\\q}}\"", "[Placeholder PlaceholderStart {{; PlaceholderPath b\\q; PlaceholderEnd }}]"),
        ] {
            let expected = format!("OpenQuote \"; TextChunk a ; {expected}; CloseQuote \"");
            assert_eq!(shape(&template(literal)), expected);
        }
        // An unclosed literal has no closing quote.
        assert_eq!(shape(&template("\"{{b")), "OpenQuote \"; [Placeholder PlaceholderStart {{; TextChunk b }]");
    }

    #[test]
    fn the_value_of_a_path_has_neither_escapes_nor_indentation() {
        let node = template("\"\"\"\r\n   \\u{7B}{\r\n   a\\u{62} |\r\n   c }}\r\n   \"\"\"");
        let placeholder = node.children().find_map(Placeholder::cast).unwrap();
        let text = super::Text::of_template(&node);
        let decoded =
            |token: Option<crate::lang::syntax::SyntaxToken>| text.decoded(token.unwrap().text_range().into());
        assert_eq!(text.value, "{{\nab |\nc }}");
        assert_eq!(placeholder.syntax().text().to_string(), "\\u{7B}{\r\n   a\\u{62} |\r\n   c }}");
        assert_eq!(decoded(placeholder.path()), "ab");
        assert_eq!(decoded(placeholder.filters().next().unwrap().name()), "c");
    }
}
