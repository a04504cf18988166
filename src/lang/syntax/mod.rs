//! The parser: text to syntax tree.
//!
//! [`parse`] never fails: it returns a tree that contains every byte of the text, and the errors in the text. The
//! grammar is in `grammar/twite.pest`; the parser generated from it is private to this module, and no message names a
//! grammar rule.

mod advice;
mod characters;
pub(crate) use characters::{misleading_characters, mixed_words};
mod conflict;
pub(crate) use conflict::conflicts;
mod expected;
mod foreign_syntax;
mod grammar;
mod kind;
mod list_file;
mod parts;
mod recovery;
mod reparse;
mod scan;
mod template;
pub mod text;

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use pest::{Parser as _, iterators::Pair};
use rowan::TokenAtOffset;

pub(crate) use foreign_syntax::range;
pub use kind::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken, Twite};
pub(crate) use list_file::parse_list;
pub use scan::MAX_NESTING;
pub(crate) use scan::{is_quote, runs_together};

use self::{
    grammar::{Grammar, Rule},
    recovery::{Repaired, Repairs},
    reparse::UNMATCHED_CLOSE,
};
use super::{
    ast::is_text,
    codes,
    diagnostic::{Diagnostic, Edit, TextDiagnostic},
};

/// A parsed text.
#[derive(Debug, Clone)]
pub struct Parse {
    tree: rowan::GreenNode,
    /// Errors and warnings, sorted by the start of their spans.
    pub errors: Vec<TextDiagnostic>,
}

impl Parse {
    /// The syntax tree, which contains every byte of the text.
    pub fn tree(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.tree.clone())
    }
}

/// Parses a rule file.
pub fn parse(text: &str) -> Parse {
    if let Some(error) = too_deep(text, 0) {
        return Parse { tree: unparsed(text), errors: vec![error] };
    }
    let (conflicts, ours) = conflicts(text).unzip();
    let read = ours.as_deref().unwrap_or(text);
    // Without the other side of a conflict, what was a string may be code.
    if let Some(error) = ours.as_deref().and_then(|ours| too_deep(ours, 0)) {
        return Parse { tree: unparsed(text), errors: vec![error] };
    }
    let mut repairs = Repairs::default();
    let Some(mut tree) = tree(text, &repairs.apply(read)) else {
        // Should be unreachable, because the grammar accepts any text; if it happens, it is reported and the text is
        // kept.
        let error = Diagnostic::new(&codes::TW0101, scan::found_at(text, 0), "cannot parse this file");
        return Parse { tree: unparsed(text), errors: vec![error] };
    };
    for _ in 0..recovery::MAX_ROUNDS {
        if !repairs.find(&SyntaxNode::new_root(tree.clone()), read) {
            break;
        }
        tree = self::tree(text, &repairs.apply(read)).unwrap_or(tree);
    }
    let mut parse = Parse { tree, errors: conflicts.unwrap_or_default() };
    let root = parse.tree();
    parse.errors.extend(repairs.errors());
    parse.errors.extend(foreign_syntax::errors(&root, read));
    parse.errors.extend(reparse::errors(&root, read, &repairs));
    parse.errors.extend(characters::diagnostics(&root, text));
    parse.errors.sort_by_key(|e| e.span().start);
    drop_partners(&mut parse.errors, text);
    for edit in parse.errors.iter_mut().filter_map(|error| error.fix.as_mut()).flat_map(|fix| &mut fix.edits) {
        set_apart(edit, &root, text);
    }
    parse
}

/// Adds the spaces to an edit without which it would run together with the tokens beside it, or those with each other.
/// Within a token, such as a text or a comment, nothing is added.
fn set_apart(edit: &mut Edit<Range<usize>>, root: &SyntaxNode, text: &str) {
    let is_between = |at: usize| {
        let tokens = u32::try_from(at).ok().filter(|_| at <= text.len()).map(|at| root.token_at_offset(at.into()));
        matches!(tokens, Some(TokenAtOffset::Between(..)))
    };
    let before = text.get(..edit.span.start).and_then(|before| before.chars().next_back());
    let before = before.filter(|_| is_between(edit.span.start));
    let after = text.get(edit.span.end..).and_then(|after| after.chars().next());
    let after = after.filter(|_| is_between(edit.span.end));
    let meet =
        |last: Option<char>, next: Option<char>| last.zip(next).is_some_and(|(last, next)| runs_together(last, next));
    if meet(edit.text.chars().next_back(), after) {
        edit.text.push(' ');
    }
    if meet(before, edit.text.chars().next().or(after)) {
        edit.text.insert(0, ' ');
    }
}

/// Drops the error about a `}` whose `{` has an error of its own.
fn drop_partners(errors: &mut Vec<TextDiagnostic>, text: &str) {
    let mut open = 0_usize;
    errors.retain(|error| {
        let word = text.get(error.span().clone()).unwrap_or_default();
        let is_partner = open > 0 && word == "}" && error.message == UNMATCHED_CLOSE;
        open = if is_partner { open - 1 } else { open + usize::from(word == "{") };
        !is_partner
    });
}

/// The error that a text, which starts at an offset, is nested too deep to be parsed.
fn too_deep(text: &str, start: usize) -> Option<TextDiagnostic> {
    let place = scan::too_deep(text)?;
    let error = Diagnostic::new(&codes::TW0108, start + place.start..start + place.end, "nesting too deep");
    Some(error.with_help(format!("at most {MAX_NESTING} levels are allowed; name parts of the condition with `let`")))
}

/// Parses the repaired text, and builds the tree of the original text from the result.
fn tree(text: &str, repaired: &Repaired) -> Option<rowan::GreenNode> {
    let file = Grammar::parse(Rule::file, &repaired.text).ok()?.next()?;
    let mut builder = Builder { text, repaired, green: rowan::GreenNodeBuilder::new(), written: 0 };
    builder.node(file, SyntaxKind::File);
    Some(builder.green.finish())
}

/// Whether a text is a valid name without quotes: words separated by dots, none of them reserved.
pub(crate) fn is_name(text: &str) -> bool {
    Grammar::parse(Rule::path, text).is_ok_and(|path| path.as_str().len() == text.len())
}

/// A part of an item that can be described without its item.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LonePart {
    Where,
    Columns,
    Sort,
    Action,
}

impl LonePart {
    /// The grammar rule, and an example for messages.
    const fn rule(self) -> (Rule, &'static str) {
        match self {
            Self::Where => (Rule::only_where, "where status < solved"),
            Self::Columns => (Rule::only_columns, "columns id, subject"),
            Self::Sort => (Rule::only_sort, "sort by updated descending"),
            Self::Action => (Rule::only_action, "set priority to high"),
        }
    }
}

/// The syntax error of a range of a text that is to be this part.
pub(crate) fn error_in(part: LonePart, text: &str, range: Range<usize>) -> Option<TextDiagnostic> {
    let written = text.get(range.clone())?;
    too_deep(written, range.start).or_else(|| {
        let (rule, example) = part.rule();
        Grammar::parse(rule, written).err().map(|_| reparse::exact(rule, range, text, Some(example)))
    })
}

/// Whether a text is one value, such as a word, a string or a length of time.
pub(crate) fn is_value(text: &str) -> bool {
    Grammar::parse(Rule::value, text).is_ok_and(|value| value.as_str().len() == text.len())
}

/// Whether a text is values separated by commas, without comments.
pub(crate) fn are_values(text: &str) -> bool {
    let mut end = 0;
    Grammar::parse(Rule::only_values, text).is_ok_and(|mut values| {
        values.all(|value| {
            let between = text.get(end..value.as_span().start());
            end = value.as_span().end();
            !between.is_some_and(|between| between.contains('#'))
        })
    })
}

/// Whether a word is a keyword anywhere in the grammar.
fn is_keyword(word: &str) -> bool {
    static KEYWORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let names = Rule::all_rules().iter().map(|rule| format!("{rule:?}"));
        names.filter_map(|name| name.strip_prefix("kw_").map(str::to_owned)).collect()
    });
    KEYWORDS.contains(word)
}

/// A tree with the whole text as one bad item, for a text that was not parsed.
fn unparsed(text: &str) -> rowan::GreenNode {
    let mut green = rowan::GreenNodeBuilder::new();
    green.start_node(raw(SyntaxKind::File));
    green.start_node(raw(SyntaxKind::BadItem));
    green.token(raw(SyntaxKind::AnyChar), text);
    green.finish_node();
    green.finish_node();
    green.finish()
}

/// The tokens below a node other than white space and comments, where a template counts as one token: nothing can be
/// put between its parts.
pub fn lexemes(node: &SyntaxNode) -> impl Iterator<Item = SyntaxElement> {
    node.descendants_with_tokens().filter(|element| match element {
        SyntaxElement::Node(node) => node.kind() == SyntaxKind::Template,
        SyntaxElement::Token(token) => !token.kind().is_trivia() && !token.kind().is_template_token(),
    })
}

fn raw(kind: SyntaxKind) -> rowan::SyntaxKind {
    <Twite as rowan::Language>::kind_to_raw(kind)
}

/// Builds the tree from the parser's matches. White space and comments are added just before the token or node that
/// follows them, so that no node ends with trivia, and trivia between two items belongs to neither.
struct Builder<'t> {
    text: &'t str,
    repaired: &'t Repaired,
    green: rowan::GreenNodeBuilder<'static>,
    /// Offset in bytes; the text before it is already in the tree.
    written: usize,
}

impl Builder<'_> {
    fn node(&mut self, pair: Pair<'_, Rule>, parent: SyntaxKind) {
        let kind = SyntaxKind::of(pair.as_rule());
        let span = self.repaired.written(pair.as_span().start())..self.repaired.written(pair.as_span().end());
        if kind == SyntaxKind::File {
            self.green.start_node(raw(kind));
            pair.into_inner().for_each(|child| self.node(child, kind));
            self.trivia(self.text.len());
            self.green.finish_node();
        } else if kind.is_trivia() || span.is_empty() {
            // Trivia is written before the next token. Empty matches, such as a missing brace, are left out.
        } else if is_text(kind) && template::may_stand_in(parent) {
            self.trivia(span.start);
            template::build(&mut self.green, self.text, span.clone());
            self.written = span.end;
        } else if kind.is_token() {
            self.trivia(span.start);
            self.green.token(raw(kind), self.text.get(span.clone()).unwrap_or_default());
            self.written = span.end;
        } else {
            self.trivia(span.start);
            self.green.start_node(raw(kind));
            pair.into_inner().for_each(|child| self.node(child, kind));
            self.green.finish_node();
        }
    }

    /// Writes white space and comments up to an offset.
    fn trivia(&mut self, to: usize) {
        while self.written < to {
            let rest = self.text.get(self.written..to).unwrap_or_default();
            let comment = rest.starts_with('#');
            let length = if comment { rest.find('\n') } else { rest.find('#') }.unwrap_or(rest.len());
            // A carriage return before the end of the line is white space, not part of the comment.
            let length = if comment { rest.get(..length).unwrap_or(rest).trim_end_matches('\r').len() } else { length };
            let kind = if comment { SyntaxKind::Comment } else { SyntaxKind::Whitespace };
            let piece = rest.get(..length).unwrap_or(rest);
            self.green.token(raw(kind), piece);
            self.written += piece.len().max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_the_text() {
        for text in
            ["", " ", "# a", "let a = b # c\n", "trigger \"A\" {", "trigger \"A\" { then stop } }}", "\u{FEFF}x\0"]
        {
            assert_eq!(parse(text).tree().to_string(), text);
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_the_end() {
        for open in ["(", "not (", "{", "'\"\"\"'(", "! ("] {
            let text = format!("let a = {}b", open.repeat(10_000));
            let parse = parse(&text);
            assert_eq!(parse.tree().to_string(), text);
            assert_eq!(parse.errors.first().map(|e| e.code.id), Some("TW0108"), "{open}");
        }
        let text = format!("let a = {}b{}", "(".repeat(120), ")".repeat(120));
        assert!(parse(&text).errors.is_empty(), "{:?}", parse(&text).errors);
        let text = format!("let a = {} b", "not ".repeat(100_000));
        assert!(parse(&text).errors.is_empty());
    }
}
