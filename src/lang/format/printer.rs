//! Tokens to text: separators, indentation, and comments where they belong.

use std::borrow::Cow;

use super::WIDTH;
use crate::{
    desk::{Kind, field::known},
    lang::{
        ast::is_text,
        display::{Grouped, Quoted, Tag},
        syntax::{SyntaxKind, SyntaxNode, SyntaxToken, text::Text},
    },
};

/// What stands between two tokens, from less to more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    Nothing,
    Space,
    /// A new line, with no empty one before it.
    Tight,
    /// A new line; an empty one before it is kept.
    Line,
    /// An empty line.
    Blank,
}

pub(super) struct Printer {
    out: String,
    /// What comes before the next token.
    gap: Gap,
    /// In steps of two spaces.
    indent: usize,
    /// A comment has ended a line in the middle of something: what follows stands one step further in.
    continued: bool,
    /// A comment ends the line at hand: nothing more can stand on it.
    after_comment: bool,
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { out: String::new(), gap: Gap::Nothing, indent: 0, continued: false, after_comment: false }
    }

    /// Sets what comes before the next token.
    pub(super) fn gap(&mut self, gap: Gap) {
        self.gap = gap;
        self.continued = false;
    }

    /// Sets what comes before the next token, unless a comment has ended the line.
    pub(super) fn gap_before(&mut self, gap: Gap) {
        if self.gap < Gap::Tight {
            self.gap = gap;
        }
    }

    /// Prints a comma where none stood.
    pub(super) fn comma(&mut self) {
        self.out.push(',');
        self.gap = Gap::Space;
    }

    /// Prints something one step further in.
    pub(super) fn indented(&mut self, print: impl FnOnce(&mut Self)) {
        self.indent += 1;
        print(self);
        self.indent -= 1;
    }

    /// The column the next token would start in, were it on this line.
    pub(super) fn column(&self) -> usize {
        let indented = self.indent * 2;
        if self.gap >= Gap::Tight {
            return indented;
        }
        let line = self.out.rsplit('\n').next().unwrap_or_default().chars().count();
        if line == 0 { indented } else { line + usize::from(self.gap == Gap::Space) }
    }

    /// Whether a text fits on the line at hand.
    pub(super) fn fits(&self, text: &str) -> bool {
        !text.contains('\n') && self.column() + text.chars().count() <= WIDTH
    }

    /// Prints a token, after the comments that stand before it.
    pub(super) fn token(&mut self, token: &SyntaxToken) {
        self.comments_before(token);
        self.break_if_due();
        let text = spelled(token);
        match text.starts_with("\"\"\"") && text.contains('\n') {
            true => self.long_text(&text),
            false => self.out.push_str(&text),
        }
        self.gap = Gap::Space;
        self.continued = false;
    }

    /// Prints a closing brace whose comments have been printed.
    pub(super) fn closed(&mut self, brace: &SyntaxToken) {
        self.break_if_due();
        self.out.push_str(brace.text());
        self.gap = Gap::Space;
    }

    /// Prints the comments before a token, and not the token.
    pub(super) fn comments_before(&mut self, token: &SyntaxToken) {
        let mut trivia = vec![];
        let mut before = token.prev_token();
        while let Some(token) = before.filter(|t| t.kind().is_trivia()) {
            before = token.prev_token();
            trivia.push(token);
        }
        trivia.reverse();
        self.comments(&trivia);
    }

    /// Prints the comments behind the last token of a file.
    pub(super) fn comments_at_end(&mut self, file: &SyntaxNode) {
        let mut trivia = vec![];
        let mut last = file.last_token();
        while let Some(token) = last.filter(|t| t.kind().is_trivia()) {
            last = token.prev_token();
            trivia.push(token);
        }
        trivia.reverse();
        self.comments(&trivia);
    }

    fn comments(&mut self, trivia: &[SyntaxToken]) {
        let mut newlines = 0;
        let mut wanted = self.gap;
        for token in trivia {
            if token.kind() == SyntaxKind::Whitespace {
                newlines += token.text().matches('\n').count();
                continue;
            }
            if newlines == 0 && !self.after_comment && !self.out.is_empty() && !self.out.ends_with('\n') {
                self.out.push_str("  ");
            } else {
                self.gap = match wanted {
                    Gap::Line if newlines > 1 => Gap::Blank,
                    Gap::Nothing | Gap::Space => Gap::Tight,
                    gap => gap,
                };
                // A comment between two things keeps its distance from the one before it.
                self.continued |= wanted <= Gap::Space && !self.out.is_empty();
                self.break_if_due();
                // What follows the comment belongs to it, and stands below it.
                wanted = if wanted == Gap::Blank { Gap::Line } else { wanted };
            }
            self.out.push_str(token.text().trim_end());
            self.after_comment = true;
            newlines = 0;
            if wanted <= Gap::Space {
                self.continued = true;
                wanted = Gap::Tight;
            }
        }
        self.gap = match wanted {
            Gap::Line if newlines > 1 => Gap::Blank,
            gap => gap,
        };
    }

    fn break_if_due(&mut self) {
        match self.gap {
            Gap::Nothing => {}
            _ if self.out.is_empty() => {}
            Gap::Space => self.out.push(' '),
            gap => {
                self.out.push_str(if gap == Gap::Blank { "\n\n" } else { "\n" });
                self.out.push_str(&"  ".repeat(self.indent + usize::from(self.continued)));
                self.after_comment = false;
            }
        }
        self.gap = Gap::Nothing;
    }

    /// A text over several lines: its lines and its closing quotes stand one step further in than the line
    /// it starts on.
    fn long_text(&mut self, literal: &str) {
        let inner = literal.strip_prefix("\"\"\"").and_then(|t| t.strip_suffix("\"\"\"")).unwrap_or_default();
        let lines: Vec<&str> = inner.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect();
        let [first, lines @ .., last] = lines.as_slice() else { return self.out.push_str(literal) };
        // Where text stands beside the quotes, moving it would change it.
        if !first.trim().is_empty() || !last.trim().is_empty() {
            return self.out.push_str(literal);
        }
        let indent = "  ".repeat(self.indent + 1);
        self.out.push_str("\"\"\"\n");
        for line in lines {
            let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
            let kept = line.get(blank.min(last.len())..).unwrap_or_default();
            if !kept.is_empty() {
                self.out.push_str(&indent);
                self.out.push_str(kept);
            }
            self.out.push('\n');
        }
        self.out.push_str(&indent);
        self.out.push_str("\"\"\"");
    }

    /// The text, with one line break at its end.
    pub(super) fn finish(mut self) -> String {
        let end = self.out.trim_end().len();
        self.out.truncate(end);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}

/// A token in its one spelling.
pub(super) fn spelled(token: &SyntaxToken) -> Cow<'_, str> {
    let text = token.text();
    let parent = token.parent();
    let place = parent.as_ref().map(|p| match (p.kind(), p.parent()) {
        (SyntaxKind::List, Some(outer)) => outer,
        _ => p.clone(),
    });
    let Some(place) = place else { return text.into() };
    let name_of = matches!(place.kind(), SyntaxKind::AssignAction | SyntaxKind::Recipient | SyntaxKind::Audience);
    if name_of && token.kind() == SyntaxKind::Path {
        return Quoted(text).to_string().into();
    }
    let tags = matches!(place.kind(), SyntaxKind::TagsAction | SyntaxKind::HasTest | SyntaxKind::TagList);
    if tags && is_text(token.kind()) && !text.starts_with("\"\"\"") {
        let tag = Tag(&Text::of(token).value).to_string();
        // What stays in quotes stays as it was written, with its escapes.
        return if tag.starts_with('"') { text.into() } else { tag.into() };
    }
    match (token.kind(), asked_field(&place)) {
        (SyntaxKind::Number, Some(Kind::Number)) => grouped(text),
        (SyntaxKind::Number, _) if place.kind() == SyntaxKind::Duration => grouped(text),
        (SyntaxKind::Path, Some(Kind::Declared(_))) if is_value_of(token, &place) => Quoted(text).to_string().into(),
        _ => text.into(),
    }
}

/// The kind of the built-in field that a value stands with.
fn asked_field(place: &SyntaxNode) -> Option<Kind> {
    let field = |node: &SyntaxNode| {
        let path = node.children_with_tokens().filter_map(|e| e.into_token()).find(|t| t.kind() == SyntaxKind::Path)?;
        // Inside `requester { … }` names go without it.
        let names = [path.text().to_owned(), format!("requester.{path}"), format!("post.{path}")];
        let nested =
            node.kind() == SyntaxKind::Fact && node.ancestors().filter(|n| n.kind() == SyntaxKind::Fact).count() > 1;
        names.iter().skip(usize::from(nested)).find_map(|name| known(name)).map(|f| f.kind.clone())
    };
    match place.kind() {
        SyntaxKind::SetAction | SyntaxKind::Fact => field(place),
        // Bands are numbers, whatever else stands there.
        SyntaxKind::Split => Some(Kind::Number),
        SyntaxKind::IsTest | SyntaxKind::CompareTest | SyntaxKind::InTest | SyntaxKind::ChangedTest => {
            field(&place.parent()?)
        }
        _ => None,
    }
}

/// Whether a name is a value, not the field itself, which comes first in actions and facts.
fn is_value_of(token: &SyntaxToken, place: &SyntaxNode) -> bool {
    let first = place.children_with_tokens().filter_map(|e| e.into_token()).find(|t| t.kind() == SyntaxKind::Path);
    !matches!(place.kind(), SyntaxKind::SetAction | SyntaxKind::Fact) || first.as_ref() != Some(token)
}

/// A number with `_` between its thousands, where it has five digits or more, or any `_` already.
fn grouped(text: &str) -> Cow<'_, str> {
    match text.replace('_', "").parse::<i64>() {
        Ok(number) if text.contains('_') || number.unsigned_abs() >= 10_000 => Grouped(number).to_string().into(),
        _ => text.into(),
    }
}
