//! Prints tokens as text, with separators, indentation and comments.

use std::borrow::Cow;

use super::WIDTH;
use crate::{
    desk::{
        Kind, TimeOfDay,
        field::{Declared, Members, known},
    },
    lang::{
        ast::{NodeExt as _, is_text},
        display::{Grouped, Quoted, Tag},
        syntax::{SyntaxKind, SyntaxNode, SyntaxToken, text::Text},
    },
};

/// The separator between two tokens, from least to most space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    Nothing,
    Space,
    /// A line break; an empty line in the source is removed.
    Tight,
    /// A line break; an empty line in the source is kept.
    Line,
    /// An empty line.
    Blank,
}

pub(super) struct Printer {
    out: String,
    /// The separator before the next token.
    gap: Gap,
    /// Indentation level; each is two spaces.
    indent: usize,
    /// A comment has broken a line inside a clause: the rest is indented one more level.
    continued: bool,
    /// The current line ends with a comment, so nothing can be added to it.
    after_comment: bool,
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { out: String::new(), gap: Gap::Nothing, indent: 0, continued: false, after_comment: false }
    }

    /// Sets the separator before the next token.
    pub(super) fn gap(&mut self, gap: Gap) {
        self.gap = gap;
        self.continued = false;
    }

    /// Sets the separator before the next token, unless a line break is already due, as after a comment.
    pub(super) fn gap_before(&mut self, gap: Gap) {
        if self.gap < Gap::Tight {
            self.gap = gap;
        }
    }

    /// Prints a comma that is not in the source.
    pub(super) fn comma(&mut self) {
        self.out.push(',');
        self.gap = Gap::Space;
    }

    /// Prints with one more level of indentation.
    pub(super) fn indented(&mut self, print: impl FnOnce(&mut Self)) {
        self.indent += 1;
        print(self);
        self.indent -= 1;
    }

    /// The column where the next token will start, in characters from 0.
    pub(super) fn column(&self) -> usize {
        let indented = self.indent * 2;
        if self.gap >= Gap::Tight {
            return indented;
        }
        let line = self.out.rsplit('\n').next().unwrap_or_default().chars().count();
        if line == 0 { indented } else { line + usize::from(self.gap == Gap::Space) }
    }

    /// Whether a text fits on the current line.
    pub(super) fn fits(&self, text: &str) -> bool {
        !text.contains('\n') && self.column() + text.chars().count() <= WIDTH
    }

    /// Prints a token, after the comments before it.
    pub(super) fn token(&mut self, token: &SyntaxToken) {
        self.comments_before(token);
        self.break_if_due();
        self.text(&spelled(token));
    }

    /// Prints a template, after the comments before it.
    pub(super) fn template(&mut self, template: &SyntaxNode) {
        if let Some(first) = template.first_token() {
            self.comments_before(&first);
        }
        self.break_if_due();
        self.text(&template.text().to_string());
    }

    fn text(&mut self, text: &str) {
        match text.starts_with("\"\"\"") && text.contains('\n') {
            true => self.long_text(text),
            false => self.out.push_str(text),
        }
        self.gap = Gap::Space;
        self.continued = false;
    }

    /// Prints a closing brace. The comments before it must already be printed.
    pub(super) fn closed(&mut self, brace: &SyntaxToken) {
        self.break_if_due();
        self.out.push_str(brace.text());
        self.gap = Gap::Space;
    }

    /// Prints the comments before a token, but not the token.
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

    /// Prints the comments after the last token of a file.
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
                // A comment inside a clause is indented one more level, like the lines after it.
                self.continued |= wanted <= Gap::Space && !self.out.is_empty();
                self.break_if_due();
                // The comment belongs to what follows, so no empty line is added between them.
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

    /// Prints a multi-line string: its lines and closing quotes are indented one level more than the line it starts on.
    fn long_text(&mut self, literal: &str) {
        let inner = literal.strip_prefix("\"\"\"").and_then(|t| t.strip_suffix("\"\"\"")).unwrap_or_default();
        let lines: Vec<&str> = inner.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect();
        let [first, lines @ .., last] = lines.as_slice() else { return self.out.push_str(literal) };
        // If there is text on the line of the opening or closing quotes, reindenting could change the value.
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

/// The text of a token in its canonical spelling.
pub(super) fn spelled(token: &SyntaxToken) -> Cow<'_, str> {
    let text = token.text();
    let parent = token.parent();
    let place = parent.as_ref().map(|p| match (p.kind(), p.parent()) {
        (SyntaxKind::List, Some(outer)) => outer,
        _ => p.clone(),
    });
    let Some(place) = place else { return text.into() };
    let name_of = matches!(
        place.kind(),
        SyntaxKind::AssignAction
            | SyntaxKind::Recipient
            | SyntaxKind::Audience
            | SyntaxKind::Hours
            | SyntaxKind::ByAgent
    );
    // Without quotes, `me` is the agent who acts.
    if token.kind() == SyntaxKind::Path && text == "me" {
        return text.into();
    }
    if token.kind() == SyntaxKind::Path && parent.is_some_and(|parent| takes_list(&parent)) {
        return text.into();
    }
    if name_of && token.kind() == SyntaxKind::Path {
        return Quoted(text).to_string().into();
    }
    if asked_field(&place) == Some(Kind::Set(Members::Declared(Declared::Agent))) {
        let is_name = token.kind() == SyntaxKind::Path && is_value_of(token, &place);
        return if is_name { Quoted(text).to_string().into() } else { text.into() };
    }
    let tags = matches!(
        place.kind(),
        SyntaxKind::TagsAction | SyntaxKind::HasTest | SyntaxKind::TagList | SyntaxKind::ChoiceList
    );
    if tags && is_text(token.kind()) && !text.starts_with("\"\"\"") {
        let tag = Tag(&Text::of(token).value).to_string();
        // A tag that needs quotes keeps its text and escape sequences.
        return if tag.starts_with('"') { text.into() } else { tag.into() };
    }
    match (token.kind(), asked_field(&place)) {
        (SyntaxKind::Number, Some(Kind::Number)) => grouped(text),
        (SyntaxKind::Number, _) if place.kind() == SyntaxKind::Duration => grouped(text),
        (SyntaxKind::Sign, _) => if text == "+" { "+" } else { "-" }.into(),
        (SyntaxKind::ClockTime, _) => text.parse().map_or(text.into(), |time: TimeOfDay| time.to_string().into()),
        // The name of a field that it is compared with.
        (SyntaxKind::Path, _) if known(text).is_some() || text.starts_with("field.") => text.into(),
        (SyntaxKind::Path, Some(Kind::Declared(_))) if is_value_of(token, &place) => Quoted(text).to_string().into(),
        _ => text.into(),
    }
}

/// Whether a name that is the operand is that of a list.
fn takes_list(test: &SyntaxNode) -> bool {
    match test.kind() {
        SyntaxKind::InTest => true,
        SyntaxKind::HasTest => test.tokens().any(|token| token.kind() == SyntaxKind::Keyword && token.text() == "of"),
        _ => false,
    }
}

/// The kind of the built-in field that a value belongs to.
fn asked_field(place: &SyntaxNode) -> Option<Kind> {
    let field = |node: &SyntaxNode| {
        let path = node.children_with_tokens().filter_map(|e| e.into_token()).find(|t| t.kind() == SyntaxKind::Path)?;
        // Names inside `requester { … }` or `post { … }` have no prefix.
        let names = [path.text().to_owned(), format!("requester.{path}"), format!("post.{path}")];
        let nested =
            node.kind() == SyntaxKind::Fact && node.ancestors().filter(|n| n.kind() == SyntaxKind::Fact).count() > 1;
        names.iter().skip(usize::from(nested)).find_map(|name| known(name)).map(|f| f.kind.clone())
    };
    match place.kind() {
        SyntaxKind::SetAction | SyntaxKind::Fact => field(place),
        SyntaxKind::TagsAction => known(place.token(SyntaxKind::SetField)?.text()).map(|field| field.kind.clone()),
        // A number in a split is the limit of a band.
        SyntaxKind::Split => Some(Kind::Number),
        SyntaxKind::IsTest
        | SyntaxKind::CompareTest
        | SyntaxKind::InTest
        | SyntaxKind::HasTest
        | SyntaxKind::ChangedTest
        | SyntaxKind::ChoiceList => field(&place.parent()?),
        _ => None,
    }
}

/// Whether a name is a value. In actions and facts, the first name is the field.
fn is_value_of(token: &SyntaxToken, place: &SyntaxNode) -> bool {
    let first = place.children_with_tokens().filter_map(|e| e.into_token()).find(|t| t.kind() == SyntaxKind::Path);
    !matches!(place.kind(), SyntaxKind::SetAction | SyntaxKind::Fact) || first.as_ref() != Some(token)
}

/// A number without leading zeros, with `_` as thousands separator if it has at least five digits or already contains `_`.
fn grouped(text: &str) -> Cow<'_, str> {
    match text.replace('_', "").parse::<i64>() {
        Ok(number) if text.contains('_') || number.unsigned_abs() >= 10_000 => Grouped(number).to_string().into(),
        Ok(number) => number.to_string().into(),
        Err(_) => text.into(),
    }
}
