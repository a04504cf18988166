//! Parses each bad part again, alone and with a strict rule, to find the exact position of the error and what was
//! expected there.

use std::ops::Range;

use pest::{
    Parser as _,
    error::{ErrorVariant, InputLocation},
};

use super::{
    SyntaxKind, SyntaxNode, SyntaxToken,
    advice::{Advice, BadPart, shown},
    characters::described,
    expected::phrase as phrase_of,
    foreign_syntax::range,
    grammar::{Grammar, Rule},
    parts::{ACTIONS, Level, levels},
    recovery::Repairs,
    scan::found_at,
};
use crate::{
    desk::{
        field::{Field, known},
        visible::is_control,
    },
    lang::{
        ast::{NodeExt as _, beside},
        codes,
        diagnostic::{Diagnostic, TextDiagnostic},
        display::Quoted,
        foreign::{STARTS, phrase, translated},
        suggest::listed,
    },
};

/// The message about a `}` without a `{`.
pub(super) const UNMATCHED_CLOSE: &str = "unmatched `}`";

/// The errors in all parts that did not parse.
pub(super) fn errors(root: &SyntaxNode, text: &str, repairs: &Repairs) -> Vec<TextDiagnostic> {
    let bad = |node: SyntaxNode| match node.kind() {
        kind if kind.is_bad() => bad_part(&node, kind, text, repairs),
        // An empty bad condition leaves no node in the tree.
        SyntaxKind::LetItem if node.children().next().is_none() => {
            let end = usize::from(node.text_range().end());
            Some(exact(Rule::only_condition, end..end, text, Some("let vip = tags has vip")))
        }
        SyntaxKind::ListItem if node.values().nth(1).is_none() && node.children().next().is_none() => {
            let end = usize::from(node.text_range().end());
            Some(exact(Rule::only_list, end..end, text, Some("list vips = (\"ada\", \"grace\")")))
        }
        _ => None,
    };
    root.descendants().filter_map(bad).collect()
}

fn bad_part(node: &SyntaxNode, kind: SyntaxKind, text: &str, repairs: &Repairs) -> Option<TextDiagnostic> {
    let span: Range<usize> = node.text_range().into();
    let mut words = node
        .descendants_with_tokens()
        .filter_map(|e| e.into_token())
        .filter(|t| !t.kind().is_trivia() && t.kind() != SyntaxKind::Mode)
        // Control characters have an error of their own.
        .filter(|t| !t.text().chars().all(is_control));
    let first = words.next();
    if first.is_none() && !span.is_empty() {
        return None;
    }
    // Its first word is misspelled, which is already reported.
    if first.as_ref().is_some_and(|first| repairs.corrects(range(first).start)) {
        return None;
    }
    let word = first.as_ref().map(|t| t.text()).unwrap_or_default();
    match kind {
        SyntaxKind::ExtraOpen | SyntaxKind::ExtraClose => {
            let message = if word == "}" { UNMATCHED_CLOSE.to_owned() } else { format!("unmatched `{word}`") };
            let error = Diagnostic::new(&codes::TW0101, span.clone(), message);
            return Some(error.with_guess(span, ""));
        }
        SyntaxKind::BadTitle => {
            let title = Quoted(text.get(span.clone()).unwrap_or_default()).to_string();
            let message = format!("expected a string in double quotes, found `{word}`");
            let error = Diagnostic::new(&codes::TW0101, span.clone(), message);
            return Some(error.with_help(format!("write {title}")).with_guess(span, title));
        }
        SyntaxKind::BadFacts => {
            let message = format!("expected `{{`, found `{word}`");
            let error = Diagnostic::new(&codes::TW0101, range(first.as_ref()?), message);
            return Some(error.with_help("write facts in braces: `given ticket { … }`"));
        }
        SyntaxKind::BadFact if node.prev_sibling().is_some_and(|fact| beside(&fact).as_ref() == Some(node)) => {
            let message = format!("expected `,` or a new line, found `{}`", shown(word));
            let help = "write one fact on each line, or separate them by `,`";
            return Some(Diagnostic::new(&codes::TW0101, span, message).with_help(help));
        }
        _ => {}
    }
    let level = levels(node).into_iter().next()?;
    let strict = match kind {
        SyntaxKind::BadCondition if node.parent().is_some_and(|item| item.kind() == SyntaxKind::ListItem) => {
            Some(Rule::only_list)
        }
        SyntaxKind::BadCondition | SyntaxKind::BadOperand => Some(Rule::only_condition),
        SyntaxKind::BadRecipient => Some(Rule::only_recipient),
        SyntaxKind::BadComment => Some(Rule::only_comment),
        SyntaxKind::BadFact => Some(Rule::only_fact),
        SyntaxKind::BadMessagePart => Some(Rule::only_message_part),
        SyntaxKind::BadLanguageText => Some(Rule::only_language_text),
        _ => level.part(word).and_then(|part| part.alone),
    };
    let example = level.part(word).map(|part| part.example);
    Some(match (strict, first) {
        (Some(rule), _) => exact(rule, span, text, example),
        (None, Some(first)) => unknown(&first, &mut words, level),
        (None, None) => Diagnostic::new(&codes::TW0101, span, format!("expected {}", listed(level.known()))),
    })
}

/// The error for a part that starts with an unknown word.
fn unknown(first: &SyntaxToken, rest: &mut dyn Iterator<Item = SyntaxToken>, level: &Level) -> TextDiagnostic {
    let word = first.text();
    let plain = matches!(first.kind(), SyntaxKind::Word | SyntaxKind::Path | SyntaxKind::Keyword);
    let rest: Vec<_> = rest.take(2).collect();
    let words: Vec<&str> = std::iter::once(word).chain(rest.iter().map(|token| token.text())).collect();
    let help = start_of(&words, level);
    let error = |message: String| Diagnostic::new(&codes::TW0101, range(first), message);
    match word {
        "}" => error(UNMATCHED_CLOSE.into()).with_guess(range(first), ""),
        // A mode is at the start of any other bad item, and not its first word.
        "disabled" | "shadow" => error(format!("expected an item after `{word}`")).with_help(help),
        _ if !plain => error(format!("expected {}, found `{}`", listed(level.known()), shown(word))).with_help(help),
        _ => Diagnostic::new(level.code, range(first), format!("unknown {} `{word}`", level.what)).with_help(help),
    }
}

/// Help about a part that starts with these words.
fn start_of(words: &[&str], level: &Level) -> String {
    let is = |wanted: &[&str]| words.get(1).is_some_and(|second| wanted.contains(second));
    let first = words.first().copied().unwrap_or_default();
    if level.what == "item" && ["if", "on", "when", "then"].contains(&first.to_lowercase().as_str()) {
        return "write `trigger \"…\" {` before it, and `}` after its last action".into();
    }
    if level.what == "volume clause" && matches!(first, "more" | "over" | "count" | "within" | ">" | ">=") {
        return "write `at least 20 tickets within 10 minutes`".into();
    }
    if let Some(help) = phrase(&[STARTS], words, 0) {
        return help;
    }
    match (first, level.what) {
        ("then", "volume clause") => {
            "a volume does nothing by itself: write a trigger with `when volume \"…\" starts`".into()
        }
        ("on", "automation clause") => "automations have no events; write the condition after `when`".into(),
        ("when", "macro clause") => "macros have no condition: an agent applies them".into(),
        ("macro", "test clause") => "to apply a macro, write `when macro \"…\"`".into(),
        (name, "item") if is(&["="]) => format!("to name a condition, write `let {name} = …`"),
        (name, "action") if known(name).is_some_and(Field::is_writable) => {
            format!("to set a field, write `set {name} to …`")
        }
        _ if is(&["is", "in", "has", "and", "or"]) => {
            "write conditions after `when`, or after `where` in a view".into()
        }
        (word, _) if ACTIONS.part(word).is_some() => "write actions after `then`".into(),
        (word, _) => match translated(word, level.known()).and_then(|words| level.part(words.split(' ').next()?)) {
            Some(meant) => format!("did you mean `{}`? It is written as in `{}`", meant.words, meant.example),
            None => format!("expected {}", listed(level.known())),
        },
    }
}

/// The syntax error in a bad part, found by parsing it again with a strict rule.
pub(super) fn exact(rule: Rule, span: Range<usize>, text: &str, example: Option<&str>) -> TextDiagnostic {
    let slice = text.get(span.clone()).unwrap_or_default();
    let (at, wanted) = match Grammar::parse(rule, slice) {
        Ok(_) => (slice.len(), vec![]),
        Err(error) => {
            let at = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            match error.variant {
                ErrorVariant::ParsingError { positives, .. } => (at, positives),
                ErrorVariant::CustomError { .. } => (at, vec![]),
            }
        }
    };
    let place = found_at(text, span.start + at);
    let part = BadPart::new(rule, text, span, place.clone(), wanted);
    let found_words = match part.run() {
        "" => "end of file".to_owned(),
        found if !found.is_ascii() && found.chars().all(|c| !c.is_alphanumeric()) && found.chars().count() == 1 => {
            format!("{} (`{}`)", found.chars().map(described).collect::<String>(), shown(found))
        }
        found => format!("`{}`", shown(found)),
    };
    let (expected, help, fix) = match part.advice() {
        Some(Advice { expected, help, fix }) => (expected, Some(help), fix),
        None => (None, example.map(|example| format!("as in `{example}`")), None),
    };
    let message = match expected.or_else(|| phrase_of(&part.wanted)) {
        Some(expected) => format!("expected {expected}, found {found_words}"),
        None => format!("unexpected {found_words}"),
    };
    let mut diagnostic = Diagnostic::new(&codes::TW0101, place, message);
    diagnostic.help = help;
    match fix {
        Some((span, write)) => diagnostic.with_guess(span, write),
        None => diagnostic,
    }
}
