//! Typed views of the tree: what stands where in an item, by name instead of by kind.
//!
//! A view holds nothing but its node. Whatever the grammar leaves out of a broken item is `None` or
//! missing from the iterator, so that the rest of it can still be checked.

use std::ops::Range;

use super::syntax::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken, text::Text};

/// An item of a file.
#[derive(Debug, Clone)]
pub enum Item {
    /// `let NAME = …`
    Let(SyntaxNode),
    /// `trigger "…" { … }`
    Trigger(SyntaxNode),
    /// `automation "…" { … }`
    Automation(SyntaxNode),
    /// `view "…" { … }`
    View(SyntaxNode),
    /// `report "…" { … }`
    Report(SyntaxNode),
    /// `macro "…" { … }`
    Macro(SyntaxNode),
    /// `test "…" { … }`
    Test(SyntaxNode),
}

/// The items of a file, in order. Those that could not be read at all are left out.
pub fn items(file: &SyntaxNode) -> impl Iterator<Item = Item> {
    file.children().filter_map(|node| match node.kind() {
        SyntaxKind::LetItem => Some(Item::Let(node)),
        SyntaxKind::Trigger => Some(Item::Trigger(node)),
        SyntaxKind::Automation => Some(Item::Automation(node)),
        SyntaxKind::View => Some(Item::View(node)),
        SyntaxKind::Report => Some(Item::Report(node)),
        SyntaxKind::Macro => Some(Item::Macro(node)),
        SyntaxKind::Test => Some(Item::Test(node)),
        _ => None,
    })
}

/// What every view of a node offers.
pub(crate) trait NodeExt {
    /// The first child of a kind.
    fn part(&self, kind: SyntaxKind) -> Option<SyntaxNode>;
    /// The children of a kind.
    fn parts(&self, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode>;
    /// The tokens directly in it, without white space and comments.
    fn tokens(&self) -> impl Iterator<Item = SyntaxToken>;
    /// The first token of a kind directly in it.
    fn token(&self, kind: SyntaxKind) -> Option<SyntaxToken>;
    /// Whether a keyword stands directly in it.
    fn says(&self, keyword: &str) -> bool;
    /// The text literals directly in it.
    fn texts(&self) -> impl Iterator<Item = SyntaxToken>;
    /// The values directly in it: literals, names, lists.
    fn values(&self) -> impl Iterator<Item = SyntaxElement>;
    /// Where it stands.
    fn span(&self) -> Range<usize>;
    /// Whether a part of it did not parse.
    fn is_broken(&self) -> bool;
}

impl NodeExt for SyntaxNode {
    fn part(&self, kind: SyntaxKind) -> Option<SyntaxNode> {
        self.children().find(|c| c.kind() == kind)
    }

    fn parts(&self, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode> {
        self.children().filter(move |c| c.kind() == kind)
    }

    fn tokens(&self) -> impl Iterator<Item = SyntaxToken> {
        self.children_with_tokens().filter_map(|e| e.into_token()).filter(|t| !t.kind().is_trivia())
    }

    fn token(&self, kind: SyntaxKind) -> Option<SyntaxToken> {
        self.tokens().find(|t| t.kind() == kind)
    }

    fn says(&self, keyword: &str) -> bool {
        self.tokens().any(|t| t.kind() == SyntaxKind::Keyword && t.text() == keyword)
    }

    fn texts(&self) -> impl Iterator<Item = SyntaxToken> {
        self.tokens().filter(|t| is_text(t.kind()))
    }

    fn values(&self) -> impl Iterator<Item = SyntaxElement> {
        self.children_with_tokens().filter(|e| is_value(e.kind()))
    }

    fn span(&self) -> Range<usize> {
        self.text_range().into()
    }

    fn is_broken(&self) -> bool {
        self.descendants().any(|d| d.kind().is_bad())
    }
}

/// Whether a token is a text literal, in whatever quotes.
pub(crate) fn is_text(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::String | SyntaxKind::WrongQuotes)
}

/// Whether this is a literal, a name or a list.
pub(crate) fn is_value(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    is_text(kind) || matches!(kind, K::Path | K::Number | K::Instant | K::Duration | K::List)
}

/// The title of an item, and where it stands.
pub(crate) fn title(item: &SyntaxNode) -> Option<(String, Range<usize>)> {
    item.texts().next().map(|t| (Text::of(&t).value, t.text_range().into()))
}

/// The documentation of an item: the `##` lines right above it.
pub(crate) fn doc(item: &SyntaxNode) -> Option<String> {
    let mut lines = vec![];
    let mut before = item.prev_sibling_or_token();
    while let Some(SyntaxElement::Token(token)) = before {
        match token.kind() {
            SyntaxKind::Whitespace if token.text().matches('\n').count() <= 1 => {}
            SyntaxKind::Comment => match token.text().strip_prefix("##") {
                Some(line) => lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()),
                None => break,
            },
            _ => break,
        }
        before = token.prev_sibling_or_token();
    }
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The place of a value.
pub(crate) fn span_of(element: &SyntaxElement) -> Range<usize> {
    element.text_range().into()
}
