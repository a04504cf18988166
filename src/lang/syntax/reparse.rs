//! The second look at what did not parse: each bad part is parsed again, alone and strictly, for the
//! exact place and what was expected there.

use std::ops::Range;

use pest::{
    Parser as _,
    error::{ErrorVariant, InputLocation},
};

use super::{
    SyntaxKind, SyntaxNode, SyntaxToken,
    characters::described,
    expected::phrase,
    foreign_syntax::range,
    grammar::{Grammar, Rule},
    is_keyword, is_name,
    recovery::Repairs,
    scan::{found_at, lexeme},
};
use crate::{
    desk::field::FIELDS,
    lang::{
        codes,
        diagnostic::{Diagnostic, TextDiagnostic},
        suggest::listed,
    },
};

const ITEMS: &[&str] = &["let", "trigger", "automation", "view", "report", "macro", "test"];
const TRIGGER_PARTS: &[&str] = &["on", "when", "then"];
const VIEW_PARTS: &[&str] = &["where", "columns", "group by", "sort by", "visible to"];
const AUTOMATION_PARTS: &[&str] = &["when", "runs triggers", "then"];
const REPORT_PARTS: &[&str] = &["where", "measure", "by", "over", "compare to", "chart", "visible to"];
const MACRO_PARTS: &[&str] = &["then", "visible to"];
const TEST_PARTS: &[&str] = &["given", "at", "when", "expect"];
const ACTIONS: &[&str] = &[
    "set",
    "clear",
    "add tags",
    "remove tags",
    "assign to",
    "reply",
    "note",
    "notify",
    "remind",
    "webhook",
    "snooze for",
    "merge into",
    "stop",
];

/// What can stand at one level of a file.
pub(super) struct Level {
    pub(super) known: &'static [&'static str],
    pub(super) code: &'static codes::Code,
    /// What one of these is called.
    pub(super) what: &'static str,
}

impl Level {
    /// The words these start with.
    pub(super) fn starts(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().filter_map(|known| known.split(' ').next())
    }
}

/// What can stand where a bad part stands, the likeliest first.
pub(super) fn levels(bad: &SyntaxNode) -> Vec<Level> {
    let parts = |known, what| Level { known, code: &codes::TW0113, what };
    let parts_of = |item: SyntaxKind| match item {
        SyntaxKind::Automation => parts(AUTOMATION_PARTS, "part of an automation"),
        SyntaxKind::Macro => parts(MACRO_PARTS, "part of a macro"),
        SyntaxKind::View => parts(VIEW_PARTS, "part of a view"),
        SyntaxKind::Report => parts(REPORT_PARTS, "part of a report"),
        SyntaxKind::Test => parts(TEST_PARTS, "part of a test"),
        _ => parts(TRIGGER_PARTS, "part of a trigger"),
    };
    match (bad.kind(), bad.parent()) {
        (SyntaxKind::BadItem | SyntaxKind::BadCondition, _) | (_, None) => {
            vec![Level { known: ITEMS, code: &codes::TW0104, what: "item" }]
        }
        (SyntaxKind::BadAction, Some(then)) => {
            let item = then.parent().map_or(SyntaxKind::Trigger, |item| item.kind());
            vec![Level { known: ACTIONS, code: &codes::TW0114, what: "action" }, parts_of(item)]
        }
        (_, Some(item)) => vec![parts_of(item.kind())],
    }
}

/// What is wrong with every part that did not parse.
pub(super) fn errors(root: &SyntaxNode, text: &str, repairs: &Repairs) -> Vec<TextDiagnostic> {
    let bad = |node: SyntaxNode| match node.kind() {
        kind if kind.is_bad() => bad_part(&node, kind, text, repairs),
        // A bad condition of no length leaves no node.
        SyntaxKind::LetItem if node.children().next().is_none() => {
            let end = usize::from(node.text_range().end());
            Some(exact(Rule::only_condition, end..end, text))
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
        .filter(|t| !t.kind().is_trivia() && t.kind() != SyntaxKind::Mode);
    let first = words.next();
    // The misspelt word is what is wrong with it.
    if first.as_ref().is_some_and(|first| repairs.corrects(range(first).start)) {
        return None;
    }
    let word = first.as_ref().map(|t| t.text()).unwrap_or_default();
    let strict = match (kind, word) {
        (SyntaxKind::BadCondition, _) => Some(Rule::only_condition),
        (SyntaxKind::BadComment, _) => Some(Rule::only_comment),
        (SyntaxKind::BadFact, _) => Some(Rule::only_fact),
        (SyntaxKind::BadMessagePart, _) => Some(Rule::only_message_part),
        (SyntaxKind::BadItem, _) => ITEMS.contains(&word).then_some(Rule::only_item),
        (SyntaxKind::BadAction, _) => {
            ACTIONS.iter().any(|a| a.split(' ').next() == Some(word)).then_some(Rule::only_action)
        }
        (SyntaxKind::BadTriggerPart, "on") => Some(Rule::only_on),
        (SyntaxKind::BadTriggerPart | SyntaxKind::BadAutomationPart, "when") => Some(Rule::only_when),
        (SyntaxKind::BadAutomationPart, "runs") => Some(Rule::only_runs),
        (SyntaxKind::BadViewPart | SyntaxKind::BadReportPart, "where") => Some(Rule::only_where),
        (SyntaxKind::BadViewPart, "columns") => Some(Rule::only_columns),
        (SyntaxKind::BadViewPart, "group") => Some(Rule::only_group),
        (SyntaxKind::BadViewPart, "sort") => Some(Rule::only_sort),
        (SyntaxKind::BadMacroPart | SyntaxKind::BadViewPart | SyntaxKind::BadReportPart, "visible") => {
            Some(Rule::only_visible)
        }
        (SyntaxKind::BadReportPart, "measure") => Some(Rule::only_measure),
        (SyntaxKind::BadReportPart, "by") => Some(Rule::only_by),
        (SyntaxKind::BadReportPart, "over") => Some(Rule::only_over),
        (SyntaxKind::BadReportPart, "compare") => Some(Rule::only_compare),
        (SyntaxKind::BadReportPart, "chart") => Some(Rule::only_chart),
        (SyntaxKind::BadTestPart, "given") => Some(Rule::only_given),
        (SyntaxKind::BadTestPart, "at") => Some(Rule::only_at),
        (SyntaxKind::BadTestPart, "when") => Some(Rule::only_happens),
        (SyntaxKind::BadTestPart, "expect") => Some(Rule::only_expect),
        _ => None,
    };
    let Level { known, code, what } = levels(node).into_iter().next()?;
    Some(match (strict, first) {
        (Some(rule), _) => exact(rule, span, text),
        (None, Some(first)) => unknown(&first, &mut words, known, code, what),
        (None, None) => Diagnostic::new(&codes::TW0101, span, format!("expected {}", listed(known.iter().copied()))),
    })
}

/// A part that starts with a word nothing starts with.
fn unknown(
    first: &SyntaxToken,
    rest: &mut dyn Iterator<Item = SyntaxToken>,
    known: &[&'static str],
    code: &'static codes::Code,
    what: &str,
) -> TextDiagnostic {
    let word = first.text();
    let plain = matches!(first.kind(), SyntaxKind::Word | SyntaxKind::Path | SyntaxKind::Keyword);
    let help = format!("here can stand {}", listed(known.iter().copied()));
    if !plain {
        let message = format!("expected {}, found `{}`", listed(known.iter().copied()), shown(word));
        return match word {
            "}" => {
                Diagnostic::new(&codes::TW0101, range(first), "a `}` that closes nothing").with_guess(range(first), "")
            }
            _ => Diagnostic::new(&codes::TW0101, range(first), message),
        };
    }
    let diagnostic = Diagnostic::new(code, range(first), format!("unknown {what} `{word}`"));
    let hint = match (word, what) {
        ("close", "action") => Some("a ticket is closed with `set status to closed`"),
        ("on", "part of an automation") => {
            Some("an automation waits for no event: what must hold stands behind `when`")
        }
        ("when", "part of a macro") => Some("a macro has no condition: an agent decides when it is applied"),
        ("if" | "where", "part of a trigger" | "part of an automation") => {
            Some("conditions of a trigger stand behind `when`")
        }
        ("do" | "actions", "part of a trigger") => Some("actions stand behind `then`"),
        ("else", _) => Some("there is no `else`: write a second trigger with the opposite condition"),
        ("rule", "item") => Some("a rule about events is a `trigger`"),
        _ if rest.next().is_some_and(|t| matches!(t.text(), "is" | "in" | "has" | "and" | "or")) => {
            Some("a condition stands behind `when`, or `where` in a view")
        }
        _ if ACTIONS.iter().any(|a| a.split(' ').next() == Some(word)) => Some("actions stand behind `then`"),
        _ => None,
    };
    diagnostic.with_help(hint.map_or(help, str::to_owned))
}

/// Parses a bad part again for the exact place.
fn exact(rule: Rule, span: Range<usize>, text: &str) -> TextDiagnostic {
    let slice = text.get(span.clone()).unwrap_or_default();
    let (at, expected, wanted) = match Grammar::parse(rule, slice) {
        Ok(_) => (slice.len(), None, vec![]),
        Err(error) => {
            let at = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            let wanted = match error.variant {
                ErrorVariant::ParsingError { positives, .. } => positives,
                ErrorVariant::CustomError { .. } => vec![],
            };
            (at, phrase(&wanted), wanted)
        }
    };
    let at = span.start + at;
    let place = found_at(text, at);
    let found = text.get(place.clone()).unwrap_or_default();
    let before = last_word(text, span.start, place.start);
    let ended = place.start >= span.end;
    let found_words = match found {
        "" => "the end of the file".to_owned(),
        found if !found.is_ascii() && found.chars().all(|c| !c.is_alphanumeric()) && found.chars().count() == 1 => {
            format!("{} (`{}`)", found.chars().map(described).collect::<String>(), shown(found))
        }
        found => format!("`{}`", shown(found)),
    };
    let message = match expected {
        Some(expected) => format!("expected {expected}, found {found_words}"),
        None => format!("{found_words} makes no sense here"),
    };
    let diagnostic = Diagnostic::new(&codes::TW0101, place.clone(), message);
    if let Some(help) = reserved(before, found, &wanted) {
        return diagnostic.with_help(help);
    }
    match hint(before, found, ended) {
        Some((help, Some(fix))) => diagnostic.with_help(help).with_guess(fix, ""),
        Some((help, None)) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

/// The way out where a word of the language stands for a value or a name: the word that was found, or the one before it,
/// which has been taken for what it means.
fn reserved(before: &str, found: &str, wanted: &[Rule]) -> Option<String> {
    let is_reserved = |word: &str| word.starts_with(char::is_alphabetic) && !is_name(word);
    let wants = |rule| wanted.contains(&rule);
    let quoted = |word: &str| {
        Some(format!("`{word}` is a word of the language: where it is meant as a value, write `\"{word}\"`"))
    };
    match is_reserved(found) {
        true if wants(Rule::string) && wants(Rule::path) => quoted(found),
        true if wants(Rule::path) => {
            Some(format!("`{found}` is a word of the language, and nothing has it for a name"))
        }
        // `has not` and `is in` go on, with `any of` and a list.
        _ if matches!(before, "not" | "in")
            && (wants(Rule::kw_any) || wants(Rule::list) || wants(Rule::lparen))
            && !wants(Rule::string) =>
        {
            quoted(before)
        }
        // Among the facts of a test, `is` may stand before the value.
        _ if before == "is" && wants(Rule::string) && !wants(Rule::kw_not) => quoted(before),
        _ => None,
    }
}

/// The slips that a list of expected words does not explain.
fn hint(before: &str, found: &str, ended: bool) -> Option<(String, Option<Range<usize>>)> {
    let word = |s: &str| s.chars().next().is_some_and(char::is_alphabetic);
    let help = match found {
        "," if !before.is_empty() && before.bytes().all(|b| b.is_ascii_digit()) => {
            "digits are grouped with `_`, as in `10_000`; several values stand in parentheses".into()
        }
        "," => "several values stand in parentheses: `in (a, b)`, or `has any of (a, b)` for tags".into(),
        "like" | "includes" | "include" => "texts are searched with `contains`, `starts with` or `matches`".into(),
        "contain" => "write `contains`".into(),
        "equals" | "equal" => "write `is`".into(),
        "order" => "rows are put in order by `sort by`".into(),
        "else" => "there is no `else`: write a second trigger with the opposite condition".into(),
        "agent" if !is_keyword(before) => {
            "an agent of a group is chosen by `next agent of group` or `least busy agent of group`".into()
        }
        "(" if before == "is" => "write `in (…)`".into(),
        ";" => "nothing ends with `;` here: leave it out".into(),
        _ if ended && matches!(before, "and" | "or" | "not") => format!("something is missing behind `{before}`"),
        _ if is_field(found) && !ended => format!("between two questions stands `and` or `or`: write `and {found}`"),
        _ if word(found) && is_field(before) && !ended => {
            format!("between a field and its value stands a question: write `{before} is {found}`")
        }
        _ if word(found) && word(before) && !ended && !is_keyword(before) => {
            format!("a name of several words stands in double quotes: `\"{before} {found}\"`")
        }
        _ => return None,
    };
    Some((help, None))
}

fn is_field(word: &str) -> bool {
    word.starts_with("field.") || FIELDS.iter().any(|field| field.name == word)
}

/// The last lexeme before a place, within a part.
fn last_word(text: &str, from: usize, to: usize) -> &str {
    let (mut at, mut last) = (from, "");
    while at < to {
        let lexeme = lexeme(text, at);
        let word = text.get(lexeme.clone()).unwrap_or_default();
        if !word.trim().is_empty() && !word.starts_with('#') {
            last = word;
        }
        at = lexeme.end.max(at + 1);
    }
    last
}

/// What was found, short enough for a message.
fn shown(found: &str) -> String {
    let line = found.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(30).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if shown.len() < found.len() && line.chars().count() > 30 {
        shown.push('…');
    }
    match found.chars().next() {
        Some(c) if c.is_control() => format!("U+{:04X}", u32::from(c)),
        _ => shown,
    }
}
