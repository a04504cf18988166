//! Error recovery: finds the lines inside a bad part that start a part of their own, spelled correctly or not.
//!
//! The text is parsed again with these lines marked and misspelled first words corrected, so that an error in one part
//! hides no errors in its neighbours. The tree keeps the original text.

use std::{collections::BTreeMap, ops::Range};

use super::{
    SyntaxKind, SyntaxNode, SyntaxToken,
    foreign_syntax::range,
    is_keyword,
    parts::{ACTIONS, Level, Part, levels},
    scan::is_quote,
};
use crate::lang::{
    codes,
    diagnostic::{Diagnostic, TextDiagnostic},
    foreign::{STARTS, phrase, translated},
    suggest::{did_you_mean, nearest},
};

/// Maximum number of times a text is parsed again. Each time can reveal errors one level deeper, from items down to
/// actions and facts.
pub(super) const MAX_ROUNDS: usize = 4;
/// Markers that the grammar reads as the start of a part, an action or a fact. They are Unicode noncharacters, which
/// are not meant to occur in text.
const PART: char = '\u{FDD0}';
const ACTION: char = '\u{FDD1}';
const FACT: char = '\u{FDD2}';

/// The edits made to a text before it is parsed again, by byte offset.
#[derive(Default)]
pub(super) struct Repairs(BTreeMap<usize, Repair>);

#[derive(Default)]
struct Repair {
    /// The marker to insert before the word.
    mark: Option<char>,
    /// The correction, if the word is misspelled.
    word: Option<Misspelt>,
    /// The error that there is no `then` before the word.
    then: Option<TextDiagnostic>,
}

struct Misspelt {
    length: usize,
    meant: &'static str,
    error: TextDiagnostic,
}

impl Repairs {
    /// Adds the repairs for the bad nodes of a tree. Returns whether any of them is new.
    pub(super) fn find(&mut self, root: &SyntaxNode, text: &str) -> bool {
        let before = self.0.len();
        for node in root.descendants().filter(|node| node.kind().is_bad()) {
            let mut found = |token: &SyntaxToken, repair| {
                self.0.entry(range(token).start).or_insert(repair);
            };
            match node.kind() {
                SyntaxKind::BadMessagePart
                | SyntaxKind::BadLanguageText
                | SyntaxKind::BadRecipient
                | SyntaxKind::BadTitle
                | SyntaxKind::BadFacts
                | SyntaxKind::ExtraOpen
                | SyntaxKind::ExtraClose => {}
                SyntaxKind::BadFact | SyntaxKind::BadComment => facts(&node, text, &mut found),
                _ => parts(&node, text, &mut found),
            }
        }
        self.0.len() > before
    }

    /// The errors about misspelled words and missing keywords.
    pub(super) fn errors(&self) -> impl Iterator<Item = TextDiagnostic> {
        let misspelt = self.0.values().filter_map(|repair| repair.word.as_ref()).map(|word| word.error.clone());
        misspelt.chain(self.0.values().filter_map(|repair| repair.then.clone()))
    }

    /// Whether a misspelled word starts at this offset.
    pub(super) fn corrects(&self, start: usize) -> bool {
        self.0.get(&start).is_some_and(|repair| repair.word.is_some())
    }

    /// Applies the repairs to a text.
    pub(super) fn apply(&self, text: &str) -> Repaired {
        let mut repaired = Repaired { text: String::with_capacity(text.len()), edits: vec![] };
        let mut at = 0;
        let copy = |repaired: &mut Repaired, span: Range<usize>| {
            // A marker character in the original text must not act as a marker.
            let copied = text.get(span).unwrap_or_default().chars();
            repaired.text.extend(
                copied.map(|c| if matches!(c, PART | ACTION | FACT) { char::REPLACEMENT_CHARACTER } else { c }),
            );
        };
        for (&start, repair) in &self.0 {
            copy(&mut repaired, at..start);
            at = start;
            if let Some(mark) = repair.mark {
                repaired.edit(start..start, mark.encode_utf8(&mut [0; 4]));
            }
            if repair.then.is_some() {
                repaired.edit(start..start, "then ");
            }
            if let Some(word) = &repair.word {
                at = start + word.length;
                repaired.edit(start..at, word.meant);
            }
        }
        copy(&mut repaired, at..text.len());
        repaired
    }
}

/// A text with the repairs applied.
pub(super) struct Repaired {
    pub(super) text: String,
    /// The span of each edit in the repaired text, and the span that it replaces in the original, in ascending order.
    edits: Vec<(Range<usize>, Range<usize>)>,
}

impl Repaired {
    fn edit(&mut self, written: Range<usize>, instead: &str) {
        let start = self.text.len();
        self.text.push_str(instead);
        self.edits.push((start..self.text.len(), written));
    }

    /// Converts an offset in the repaired text to an offset in the original.
    pub(super) fn written(&self, at: usize) -> usize {
        let before = self.edits.partition_point(|(here, _)| here.start < at);
        match before.checked_sub(1).and_then(|last| self.edits.get(last)) {
            Some((here, written)) => written.end + at.saturating_sub(here.end),
            None => at,
        }
    }
}

/// Calls `found` with each token that starts a fact, in the block that contains a bad fact.
fn facts(node: &SyntaxNode, text: &str, found: &mut dyn FnMut(&SyntaxToken, Repair)) {
    let Some(block) = node.parent() else { return };
    let is_bad = |child: &SyntaxNode| matches!(child.kind(), SyntaxKind::BadFact | SyntaxKind::BadComment);
    // Search each block once, for its first bad fact.
    if block.children().find(is_bad).as_ref() != Some(node) {
        return;
    }
    let tokens = block.descendants_with_tokens().filter_map(|e| e.into_token()).filter(|t| !t.kind().is_trivia());
    let mut before = SyntaxKind::OpenBrace;
    for token in tokens {
        let goes_on = matches!(before, SyntaxKind::OpenBrace | SyntaxKind::Comma);
        if !goes_on && token.text().starts_with(char::is_alphabetic) && starts_line(&token, text) {
            found(&token, Repair { mark: Some(FACT), ..Repair::default() });
        }
        before = token.kind();
    }
}

/// Calls `found` with each token of a bad part that starts a part of its own.
fn parts(node: &SyntaxNode, text: &str, found: &mut dyn FnMut(&SyntaxToken, Repair)) {
    let levels = levels(node);
    let operand = node.kind() == SyntaxKind::BadOperand;
    let in_let = operand && node.ancestors().any(|node| node.kind() == SyntaxKind::LetItem);
    let item = matches!(node.kind(), SyntaxKind::BadItem | SyntaxKind::BadCondition) || in_let;
    let tokens: Vec<_> = node
        .descendants_with_tokens()
        .filter_map(|e| e.into_token())
        .filter(|t| !t.kind().is_trivia() && t.kind() != SyntaxKind::Mode)
        .collect();
    let mut depth = 0_usize;
    // Whether the word before is `then`, misspelled.
    let mut meant_then = false;
    let mut misses_then = misses_then(node);
    for (index, token) in tokens.iter().enumerate() {
        match token.kind() {
            SyntaxKind::OpenBrace => depth += 1,
            SyntaxKind::CloseBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        let word = token.text();
        if depth > 0 || !word.starts_with(char::is_alphabetic) || !(index == 0 && !operand || starts_line(token, text))
        {
            continue;
        }
        let near = |by: usize| tokens.get(index + by).map(|t| t.text()).unwrap_or_default();
        let before = index.checked_sub(1).and_then(|i| tokens.get(i)).map(|t| t.text()).unwrap_or_default();
        // Not a start: a token that continues a list or a condition, or one with an operator after it.
        let goes_on = matches!(before, "(" | "and" | "or")
            || (before == "," && tokens.get(index + 1).is_none_or(|next| starts_line(next, text)))
            || matches!(near(1), "," | ")" | "is" | "has" | "contains" | "matches" | "changed" | "starts" | "ends")
            // `given in sample …` is a clause.
            || (near(1) == "in" && near(2) != "sample")
            || near(1).starts_with(['=', '<', '>', '!', '≠', '≤', '≥']);
        let has_title = near(1).starts_with(is_quote) || near(2) == "=";
        let starts = if item { has_title } else { !goes_on };
        if !starts {
            continue;
        }
        let is_lone = index == 1 && !levels.iter().any(|level| level.starts().any(|start| start == before));
        if misses_then && !meant_then && !is_lone && ACTIONS.part(word).is_some() {
            misses_then = false;
            let message = format!("expected `then`, found `{word}`");
            let error = Diagnostic::new(&codes::TW0101, range(token), message);
            let at = range(token).start;
            let then = error.with_help("write actions after `then`").with_guess(at..at, "then ");
            found(token, Repair { mark: Some(PART).filter(|_| index > 0), then: Some(then), ..Repair::default() });
            continue;
        }
        meant_then = false;
        for (level, mark) in levels.iter().zip(if levels.len() == 2 { [ACTION, PART] } else { [PART, PART] }) {
            let mark = Some(mark).filter(|_| index > 0 && !item);
            if level.starts().any(|start| start == word) {
                if mark.is_some() {
                    found(token, Repair { mark, ..Repair::default() });
                }
            } else if let Some(part) = misspelt(word, level).filter(|_| !(levels.len() == 2 && has_help(word))) {
                let error = Diagnostic::new(
                    level.code,
                    range(token),
                    format!("unknown {} `{word}`{}", level.what, did_you_mean(Some(part.words))),
                )
                .with_guess(
                    range(token),
                    match near(1) {
                        _ if is_followed_by(token, part.start()) => "",
                        next if next == part.second() => part.start(),
                        _ => part.words,
                    },
                )
                .with_help(format!("as in `{}`", part.example));
                meant_then = part.start() == "then";
                let meant = if is_followed_by(token, part.start()) { "" } else { part.start() };
                let word = Some(Misspelt { length: word.len(), meant, error });
                found(token, Repair { mark, word, ..Repair::default() });
            } else {
                continue;
            }
            break;
        }
    }
}

/// Whether this word comes next, which may be in the next part, as in `internal note "…"`.
fn is_followed_by(token: &SyntaxToken, word: &str) -> bool {
    let mut next = std::iter::successors(token.next_token(), SyntaxToken::next_token);
    next.find(|token| !token.kind().is_trivia()).is_some_and(|next| next.text() == word)
}

/// Whether a bad part is in a rule that has no `then` before it, so that it may be or contain actions.
fn misses_then(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let is_clause = |node: &SyntaxNode| {
        matches!(node.kind(), K::BadTriggerPart | K::BadAutomationPart | K::BadMacroPart | K::WhenClause)
    };
    node.ancestors().find(is_clause).is_some_and(|clause| {
        let mut before = std::iter::successors(clause.prev_sibling(), SyntaxNode::prev_sibling);
        !before.any(|clause| clause.kind() == K::ThenClause)
    })
}

/// The part that a misspelled or foreign word most likely starts; `None` if the word is itself a keyword or resembles
/// none, or if there is more to say about it.
fn misspelt(word: &str, level: &Level) -> Option<&'static Part> {
    let by_meaning = translated(word, level.known());
    let start =
        by_meaning.or_else(|| nearest(word, level.starts()).filter(|_| !is_keyword(word) && !has_help(word)))?;
    level.parts.iter().find(|part| part.words == start || part.start() == start)
}

/// Whether there is more to say about a word at the start of a part.
fn has_help(word: &str) -> bool {
    phrase(&[STARTS], &[word], 0).is_some()
}

fn starts_line(token: &SyntaxToken, text: &str) -> bool {
    let before = text.get(..range(token).start).unwrap_or_default();
    before.trim_end_matches([' ', '\t']).ends_with('\n')
}
