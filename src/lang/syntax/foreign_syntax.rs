//! Errors for operators and quotes of other languages, such as `!=`: the grammar accepts them, and the message says
//! what to write instead. Also for unclosed strings and braces, and for unknown escape sequences.

use std::ops::Range;

use super::{SyntaxKind, SyntaxNode, SyntaxToken, expected::phrase, grammar::Rule, text::Text};
use crate::lang::{
    ast::{NodeExt, is_text},
    codes,
    diagnostic::{Diagnostic, TextDiagnostic},
};

/// The errors about foreign syntax, unclosed delimiters and unknown escape sequences in a tree.
pub(super) fn errors(root: &SyntaxNode, text: &str) -> Vec<TextDiagnostic> {
    root.descendants_with_tokens()
        .filter_map(|element| match element {
            rowan::NodeOrToken::Token(token) => token_slip(&token),
            rowan::NodeOrToken::Node(node) if node.kind() == SyntaxKind::Template => {
                let literal = node.text().to_string();
                // A text that starts with `"` and ends with another quote is in wrong quotes.
                let mixed = literal.ends_with(['“', '”', '„', '»']) && !literal.starts_with("\"\"\"");
                let quoted = literal.starts_with('"') && !mixed;
                let span = node.text_range().into();
                Some(if quoted { string_errors(&literal, span) } else { wrong_quotes(&literal, span) })
            }
            rowan::NodeOrToken::Node(node) => unclosed(&node, text).or_else(|| left_out(&node)),
        })
        .flatten()
        .collect()
}

fn in_bad_part(token: &SyntaxToken) -> bool {
    token.parent_ancestors().any(|node| node.kind().is_bad())
}

fn token_slip(token: &SyntaxToken) -> Option<Vec<TextDiagnostic>> {
    use SyntaxKind as K;
    let span = range(token);
    match token.kind() {
        K::String => Some(string_errors(token.text(), span)),
        _ if in_bad_part(token) => None,
        K::WrongQuotes => Some(wrong_quotes(token.text(), span)),
        K::WrongAnd => Some(vec![instead(token, "and", true)]),
        K::WrongOr => Some(vec![instead(token, "or", true)]),
        K::WrongNot => Some(vec![instead(token, "not ", true)]),
        K::WrongOp => {
            let (write, safe) = match (token.text(), token.parent().map(|p| p.kind())) {
                (_, Some(K::SetAction)) => ("to", true),
                // `is not` is no comparison of lengths of time.
                ("!=" | "!==" | "<>" | "≠", Some(K::TimeQuestion)) => {
                    let message = "durations are compared with `<`, `<=`, `>` or `>=`";
                    return Some(vec![Diagnostic::new(&codes::TW0301, span, message)]);
                }
                ("!=" | "!==" | "<>" | "≠", _) => ("is not", true),
                ("≤", _) => ("<=", true),
                ("≥", _) => (">=", true),
                ("=>", _) => (">=", false),
                ("=<", _) => ("<=", true),
                _ => ("is", true),
            };
            Some(vec![instead(token, write, safe)])
        }
        _ => None,
    }
}

/// The errors in a string literal: unclosed, or its unknown escape sequences.
fn string_errors(literal: &str, span: Range<usize>) -> Vec<TextDiagnostic> {
    let quotes = if literal.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
    let inner = literal.strip_prefix(quotes).unwrap_or_default();
    if !closed(inner, quotes) {
        let missing = format!("unclosed string: expected `{quotes}`");
        return vec![Diagnostic::new(&codes::TW0102, span, missing).with_help(if quotes.len() == 1 {
            "a string in `\"` must end on the same line; for several lines, use `\"\"\"`"
        } else {
            "close it with `\"\"\"` on a line of its own"
        })];
    }
    bad_escapes(literal, span.start, &Text::decode(literal, span.start))
}

/// The errors in a literal in the quotes of another language.
fn wrong_quotes(literal: &str, span: Range<usize>) -> Vec<TextDiagnostic> {
    let text = Text::decode(literal, span.start);
    let quoted = crate::lang::display::Quoted(&text.value).to_string();
    let escapes = bad_escapes(literal, span.start, &text);
    let error = Diagnostic::new(&codes::TW0107, span.clone(), "strings use straight double quotes");
    // Elsewhere, a backslash in such quotes may stand for itself, so it is not known which text is meant.
    let has_backslash = literal.contains('\\');
    let mut errors = vec![match has_backslash {
        false => error.with_help(format!("write {quoted}")).with_fix(span, quoted),
        true if escapes.is_empty() => {
            let inner = text.inner.start - span.start..text.inner.end - span.start;
            let literally = crate::lang::display::Quoted(literal.get(inner).unwrap_or_default()).to_string();
            error.with_help(format!("write {literally}, or {quoted} if its escape sequences are meant"))
        }
        true => error.with_help(format!("write {quoted}")),
    }];
    errors.extend(escapes);
    errors
}

fn instead(token: &SyntaxToken, write: &str, safe: bool) -> TextDiagnostic {
    let message = format!("unknown operator `{}`: write `{}`", token.text(), write.trim());
    let diagnostic = Diagnostic::new(&codes::TW0106, range(token), message);
    if safe { diagnostic.with_fix(range(token), write) } else { diagnostic.with_guess(range(token), write) }
}

fn bad_escapes(literal: &str, start: usize, text: &Text) -> Vec<TextDiagnostic> {
    let written = |place: &Range<usize>| literal.get(place.start - start..place.end - start).unwrap_or_default();
    text.bad_escapes.iter().map(|place| bad_escape(written(place), place.clone())).collect()
}

fn bad_escape(written: &str, place: Range<usize>) -> TextDiagnostic {
    Diagnostic::new(&codes::TW0112, place.clone(), format!("unknown escape sequence `{written}`"))
        .with_help("escape sequences are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{1F600}`; for a backslash, write `\\\\`")
        .with_guess(place.start..place.start, "\\")
}

fn closed(inner: &str, quotes: &str) -> bool {
    let Some(body) = inner.strip_suffix(quotes) else { return false };
    // A quote after an odd number of backslashes is escaped, so it does not close the string.
    body.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0
}

/// The error for a node whose `{` is unclosed.
fn unclosed(node: &SyntaxNode, text: &str) -> Option<Vec<TextDiagnostic>> {
    let opening = open_brace(node)?;
    // Only the innermost node is reported: one missing brace leaves all enclosing nodes unclosed.
    if node.descendants().skip(1).any(|inner| open_brace(&inner).is_some()) {
        return None;
    }
    let end = usize::from(node.text_range().end());
    let place = super::scan::found_at(text, end);
    Some(vec![
        Diagnostic::new(&codes::TW0103, place, "unclosed `{`")
            .with_label("expected `}` before this")
            .and_label(range(&opening), "this `{` is unclosed")
            .with_guess(end..end, "\n}"),
    ])
}

/// The error for an item without a title, or a notification without a recipient.
fn left_out(node: &SyntaxNode) -> Option<Vec<TextDiagnostic>> {
    use SyntaxKind as K;
    let (missing, found) = match node.kind() {
        K::Trigger | K::Automation | K::View | K::Report | K::Macro | K::Test => {
            let titled = node.tokens().any(|token| is_text(token.kind()));
            (Rule::string, node.token(K::OpenBrace).filter(|_| !titled && node.part(K::BadTitle).is_none())?)
        }
        K::NotifyAction => {
            let named = node.part(K::Recipient).or_else(|| node.part(K::BadRecipient)).is_some();
            (Rule::recipient, node.part(K::Message).filter(|_| !named)?.token(K::OpenBrace)?)
        }
        K::RemindAction => {
            let named = node.part(K::Recipient).or_else(|| node.part(K::BadRecipient)).is_some();
            (Rule::recipient, node.tokens().nth(1).filter(|_| !named)?)
        }
        _ => return None,
    };
    let message = format!("expected {}, found `{}`", phrase(&[missing])?, found.text());
    let help = match missing {
        Rule::string => "write a title in double quotes before it",
        _ => "write who is told, as in `notify group \"…\" {`",
    };
    Some(vec![Diagnostic::new(&codes::TW0101, range(&found), message).with_help(help)])
}

/// The `{` of a node without a `}`. In the grammar, each rule with a `{` ends with `close`, but for a `{` too many.
fn open_brace(node: &SyntaxNode) -> Option<SyntaxToken> {
    let closed = node.kind() == SyntaxKind::ExtraOpen || node.part(SyntaxKind::Close).is_some();
    node.token(SyntaxKind::OpenBrace).filter(|_| !closed)
}

/// The span of a token, in bytes.
pub(crate) fn range(token: &SyntaxToken) -> Range<usize> {
    token.text_range().into()
}
