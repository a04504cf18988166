//! The formatter: one layout for every rule file.
//!
//! The order of tokens and the positions of comments among them stay the same. Only white space and commas change, and
//! the spelling of values that can be written in several ways: `10_000`, `"Social"`, `vip`. The result is parsed again
//! and compared with the original before it is returned, so that a bug in the formatter cannot change a rule. All line
//! ends become those of most lines; a byte order mark is kept.

mod layout;
mod printer;

use super::{
    ast::{doc, is_text},
    diagnostic::{Diagnostic, TextDiagnostic},
    syntax::{SyntaxElement, SyntaxKind, SyntaxNode, parse, text::Text},
};

/// Maximum width of a line, in characters.
const WIDTH: usize = 100;

/// Why a text was not formatted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotFormatted {
    /// The text does not parse. Contains its syntax errors, which name no file.
    #[error("it has errors")]
    Broken(Vec<TextDiagnostic>),
    /// A bug in the formatter: the result would have a different meaning.
    #[error("formatting it would change what it says; please report this file")]
    Unsound,
}

/// Formats a rule file.
///
/// # Errors
/// If the text does not parse, or the result would have a different meaning.
pub fn format(text: &str) -> Result<String, NotFormatted> {
    let parsed = parse(text);
    if parsed.errors.iter().any(Diagnostic::is_error) {
        return Err(NotFormatted::Broken(parsed.errors));
    }
    let tree = parsed.tree();
    let mut formatted = layout::file(&tree).replace("\r\n", "\n");
    // Line ends are those of most lines.
    if 2 * text.matches("\r\n").count() > text.matches('\n').count() {
        formatted = formatted.replace('\n', "\r\n");
    }
    if text.starts_with('\u{FEFF}') {
        formatted.insert(0, '\u{FEFF}');
    }
    if formatted == text {
        return Ok(formatted);
    }
    let again = parse(&formatted);
    let same = !again.errors.iter().any(Diagnostic::is_error) && meaning(&tree) == meaning(&again.tree());
    if same && comments(&tree) == comments(&again.tree()) && docs(&tree) == docs(&again.tree()) {
        Ok(formatted)
    } else {
        Err(NotFormatted::Unsound)
    }
}

/// The content of a tree without its layout: its nodes, and its tokens with one spelling per value.
fn meaning(tree: &SyntaxNode) -> Vec<(SyntaxKind, String)> {
    let of_template = |e: &SyntaxElement| {
        e.kind().is_template_token() || matches!(e.kind(), SyntaxKind::Placeholder | SyntaxKind::Filter)
    };
    let elements = tree.descendants_with_tokens().filter(|e| !e.kind().is_trivia() && !of_template(e));
    elements
        .filter(|e| e.kind() != SyntaxKind::Comma)
        .map(|element| match element {
            text if is_text(text.kind()) => (SyntaxKind::Path, Text::of_element(&text).value),
            rowan::NodeOrToken::Node(node) => (node.kind(), String::new()),
            rowan::NodeOrToken::Token(token) if token.kind() == SyntaxKind::Number => {
                let digits = token.text().replace('_', "");
                (token.kind(), digits.parse::<i64>().map_or(digits, |number| number.to_string()))
            }
            rowan::NodeOrToken::Token(token) => (token.kind(), token.text().to_owned()),
        })
        .collect()
}

/// The documentation of each item.
fn docs(tree: &SyntaxNode) -> Vec<Option<String>> {
    tree.children().map(|item| doc(&item)).collect()
}

fn comments(tree: &SyntaxNode) -> Vec<String> {
    let tokens = tree.descendants_with_tokens().filter_map(|e| e.into_token());
    tokens.filter(|t| t.kind() == SyntaxKind::Comment).map(|t| t.text().trim_end().to_owned()).collect()
}
