//! Parses each bad part again, alone and with a strict rule, to find the exact position of the error and what was
//! expected there.

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
    parts::{ACTIONS, Level, levels},
    recovery::Repairs,
    scan::{found_at, is_part, lexeme},
};
use crate::{
    desk::{Kind, Status, field::FIELDS, visible::is_control},
    lang::{
        ast::{NodeExt as _, beside},
        codes,
        diagnostic::{Diagnostic, TextDiagnostic},
        display::Quoted,
        suggest::{for_how_long, listed},
    },
};

/// The errors in all parts that did not parse.
pub(super) fn errors(root: &SyntaxNode, text: &str, repairs: &Repairs) -> Vec<TextDiagnostic> {
    let bad = |node: SyntaxNode| match node.kind() {
        kind if kind.is_bad() => bad_part(&node, kind, text, repairs),
        // An empty bad condition leaves no node in the tree.
        SyntaxKind::LetItem if node.children().next().is_none() => {
            let end = usize::from(node.text_range().end());
            Some(exact(Rule::only_condition, end..end, text))
        }
        SyntaxKind::ListItem if node.values().nth(1).is_none() && node.children().next().is_none() => {
            let end = usize::from(node.text_range().end());
            Some(exact(Rule::only_list, end..end, text))
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
            let error = Diagnostic::new(&codes::TW0101, span.clone(), format!("unmatched `{word}`"));
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
            return Some(Diagnostic::new(&codes::TW0101, range(first.as_ref()?), message));
        }
        SyntaxKind::BadFact if node.prev_sibling().is_some_and(|fact| beside(&fact).as_ref() == Some(node)) => {
            let message = format!("expected `,` or a new line, found `{}`", shown(word));
            return Some(Diagnostic::new(&codes::TW0101, span, message));
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
        _ => level.part(word).and_then(|part| part.alone),
    };
    Some(match (strict, first) {
        (Some(rule), _) => exact(rule, span, text),
        (None, Some(first)) => unknown(&first, &mut words, level),
        (None, None) => Diagnostic::new(&codes::TW0101, span, format!("expected {}", listed(level.known()))),
    })
}

/// The error for a part that starts with an unknown word.
fn unknown(first: &SyntaxToken, rest: &mut dyn Iterator<Item = SyntaxToken>, level: &Level) -> TextDiagnostic {
    let word = first.text();
    let plain = matches!(first.kind(), SyntaxKind::Word | SyntaxKind::Path | SyntaxKind::Keyword);
    let help = format!("expected {}", listed(level.known()));
    if !plain {
        let message = format!("expected {}, found `{}`", listed(level.known()), shown(word));
        return match word {
            "}" => Diagnostic::new(&codes::TW0101, range(first), "unmatched `}`").with_guess(range(first), ""),
            _ => Diagnostic::new(&codes::TW0101, range(first), message),
        };
    }
    if matches!(word, "disabled" | "shadow") {
        // A mode is at the start of any other bad item, and not its first word.
        let message = format!("expected an item after `{word}`");
        return Diagnostic::new(&codes::TW0101, range(first), message).with_help(help);
    }
    let diagnostic = Diagnostic::new(level.code, range(first), format!("unknown {} `{word}`", level.what));
    let hint = match (word, level.what) {
        ("close", "action") => Some("to close a ticket, write `set status to closed`"),
        ("on", "automation clause") => Some("automations have no events; write the condition after `when`"),
        ("when", "macro clause") => Some("macros have no condition: an agent applies them"),
        ("if" | "where", "trigger clause" | "automation clause") => Some("write the condition after `when`"),
        ("do" | "actions", "trigger clause") => Some("write actions after `then`"),
        ("else", _) => Some("there is no `else`; write a second trigger with the opposite condition"),
        ("macro", "test clause") => Some("to apply a macro, write `when macro \"…\"`"),
        ("rule", "item") => Some("a rule that runs on events is a `trigger`"),
        _ if rest.next().is_some_and(|t| matches!(t.text(), "is" | "in" | "has" | "and" | "or")) => {
            Some("write conditions after `when`, or after `where` in a view")
        }
        _ if ACTIONS.part(word).is_some() => Some("write actions after `then`"),
        _ => None,
    };
    diagnostic.with_help(hint.map_or(help, str::to_owned))
}

/// The syntax error in a bad part, found by parsing it again with a strict rule.
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
    let before = words(text, span.start..place.start).last().unwrap_or_default();
    let ended = place.start >= span.end;
    let found_words = match found {
        "" => "end of file".to_owned(),
        found if !found.is_ascii() && found.chars().all(|c| !c.is_alphanumeric()) && found.chars().count() == 1 => {
            format!("{} (`{}`)", found.chars().map(described).collect::<String>(), shown(found))
        }
        found => format!("`{}`", shown(found)),
    };
    let message = match expected {
        Some(expected) => format!("expected {expected}, found {found_words}"),
        None => format!("unexpected {found_words}"),
    };
    let diagnostic = Diagnostic::new(&codes::TW0101, place.clone(), message);
    // If the keyword is on the next line, most likely the value is missing, rather than named like the keyword.
    let apart = text.get(span.start..place.start).is_some_and(last_line_is_blank);
    if let Some(help) = reserved(before, if apart { "" } else { found }, &wanted) {
        return diagnostic.with_help(help);
    }
    if wanted.contains(&Rule::equals) {
        return diagnostic;
    }
    if rule == Rule::only_expect && !ended {
        let is_effect = matches!(before, "assign" | "merge" | "note" | "notify" | "remind" | "reply");
        match found {
            "and" | "," => return diagnostic.with_help("write a second `expect`"),
            found if is_effect && found.starts_with('"') => {
                return diagnostic.with_help(format!("write `{before} contains {}`", shown(found)));
            }
            _ => {}
        }
    }
    if let Some(help) = how_long_ago(text, span.start..place.start, found, &wanted).filter(|_| !ended) {
        return diagnostic.with_help(help);
    }
    match hint(before, found, ended, &wanted) {
        Some((help, Some(fix))) => diagnostic.with_help(help).with_guess(fix, ""),
        Some((help, None)) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

fn last_line_is_blank(text: &str) -> bool {
    text.rsplit_once('\n').is_some_and(|(_, line)| line.trim().is_empty())
}

/// Help if a reserved word is used as a value or name. That is the token found, or the one before it, which was parsed
/// as a keyword.
fn reserved(before: &str, found: &str, wanted: &[Rule]) -> Option<String> {
    let is_reserved = |word: &str| word.starts_with(char::is_alphabetic) && !is_name(word);
    let wants = |rule| wanted.contains(&rule);
    let quoted = |word: &str| Some(format!("`{word}` is a reserved word; to use it as a value, write `\"{word}\"`"));
    match is_reserved(found) {
        true if wants(Rule::string) && wants(Rule::path) => quoted(found),
        true if wants(Rule::path) => Some(format!("`{found}` is a reserved word and cannot be a name")),
        // `not` or `in` was parsed as an operator, after which `any of` or a list is expected.
        _ if matches!(before, "not" | "in")
            && (wants(Rule::kw_any) || wants(Rule::list) || wants(Rule::lparen))
            && !wants(Rule::string) =>
        {
            quoted(before)
        }
        // In the facts of a test, an optional `is` precedes the value.
        _ if before == "is" && wants(Rule::string) && !wants(Rule::kw_not) => quoted(before),
        _ => None,
    }
}

/// Help for common mistakes that the list of expected words does not explain.
fn hint(before: &str, found: &str, ended: bool, wanted: &[Rule]) -> Option<(String, Option<Range<usize>>)> {
    let word = |s: &str| s.chars().next().is_some_and(char::is_alphabetic);
    let is_count = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let wants = |rule| wanted.contains(&rule);
    // A condition can end or go on here; a list of events has `and` as well, and commas.
    let in_condition = wants(Rule::kw_and) && !wants(Rule::comma);
    let help = match found {
        "," if is_count(before) => "group digits with `_`, as in `10_000`; write lists in parentheses".into(),
        "/" if is_count(before) => "write a date as `2026-12-24`; write lists in parentheses: `in (a, b)`".into(),
        "," if in_condition && !ended => {
            "join conditions with `and` or `or`; write lists in parentheses: `in (a, b)`, or `has any of (a, b)` for tags"
                .into()
        }
        "/" if in_condition => "write lists in parentheses: `in (a, b)`".into(),
        "[" => "write lists in parentheses, as in `(a, b)`".into(),
        "@" => "write a handle without `@`".into(),
        "between" if is_field(before) => format!("write `{before} >= 10 and {before} <= 20`, for example"),
        "of" if in_condition && before == "all" => {
            "`all of` is for tags; for texts, write `subject contains \"a\" and subject contains \"b\"`".into()
        }
        "of" if in_condition && before == "none" => {
            "`none of` is for tags; for texts, write `not subject contains any of (\"a\", \"b\")`".into()
        }
        "of" if in_condition && before == "any" => {
            "write `any of` after `has`, `contains`, `contains word` or `starts with`".into()
        }
        _ if is_decimal(before) && Grammar::parse(Rule::unit, found).is_ok() => {
            "a duration is a whole number: write `90 minutes` instead of `1.5 hours`".into()
        }
        _ if wants(Rule::kw_to) && is_field(before) => format!("write `set {before} to {found}`"),
        _ if wants(Rule::kw_to) && Grammar::parse(Rule::unit, before).is_ok() => {
            "to choose the last days of a report, write `over last 30 days`".into()
        }
        "like" | "includes" | "include" => "to search a text, use `contains`, `starts with` or `matches`".into(),
        "contain" => "write `contains`".into(),
        "equals" | "equal" => "write `is`".into(),
        "order" => "to sort rows, use `sort by`".into(),
        "am" | "pm" if is_count(before) => "write a time of day as `18:00`".into(),
        "between" if before == "day" => "write both ends: `time of day >= 09:00 and time of day < 17:00`, for example".into(),
        "changed" if before == "status" && wants(Rule::comparison) => "write `time since status_changed`".into(),
        "else" => "there is no `else`; write a second trigger with the opposite condition".into(),
        "agent" if !is_keyword(before) => "write `next agent of group` or `least busy agent of group`".into(),
        "(" if before == "is" => "write `in (…)`".into(),
        ";" => "delete the `;`".into(),
        _ if ended && matches!(before, "and" | "or" | "not") => format!("expected a condition after `{before}`"),
        "last" if wants(Rule::comma) && !ended => "to choose the days of a report, write `over last 30 days`".into(),
        _ if is_field(found) && !ended && in_condition => {
            format!("join conditions with `and` or `or`: write `and {found}`")
        }
        _ if word(found) && is_field(before) && !ended && in_condition => {
            format!("missing operator: write `{before} is {found}`")
        }
        _ if word(found) && wants(Rule::string) && !wants(Rule::path) && !ended && !is_keyword(found) => {
            format!("write it in double quotes: `\"{found}\"`")
        }
        _ if word(found) && word(before) && !ended && !is_keyword(before) && !is_keyword(found) && !is_field(found) => {
            format!("write a name of several words in double quotes: `\"{before} {found}\"`")
        }
        _ => return None,
    };
    Some((help, None))
}

/// Help if a condition goes on with how long ago something was, as in `status is open for 4 days`. `before` is the part
/// up to what was found.
fn how_long_ago(text: &str, before: Range<usize>, found: &str, wanted: &[Rule]) -> Option<String> {
    const LONGER: &[&str] = &["after", "ago", "before", "for", "longer", "more", "older", "over", "since", "than"];
    const SHORTER: &[&str] = &["last", "less", "newer", "this", "today", "under", "within", "younger"];
    let wants = |rule| wanted.contains(&rule);
    if wants(Rule::comma) || !(wants(Rule::kw_and) || wants(Rule::comparison)) {
        return None;
    }
    let is_time = |word: &str| FIELDS.iter().any(|field| field.kind == Kind::Time && field.name == word);
    let words: Vec<_> = words(text, before).collect();
    let last = words.last().copied().unwrap_or_default();
    let is_shorter = SHORTER.contains(&found) || found == "than" && SHORTER.contains(&last);
    let is_count = found.starts_with(|c: char| c.is_ascii_digit()) && is_time(last);
    let is_shorter = is_shorter && (is_time(last) || !matches!(found, "last" | "this" | "today"));
    if !is_shorter && !is_count && !LONGER.contains(&found) {
        return None;
    }
    let operator = if is_shorter { "<=" } else { ">=" };
    let is_status = |word: &&&str| Status::WORDS.rank(word).is_some();
    Some(match (words.iter().rfind(|word| is_time(word)), words.iter().rfind(is_status)) {
        (Some(time), _) => format!("write `time since {time} {operator} 4 days`, for example"),
        (None, Some(status)) => for_how_long(status, &format!("{operator} 4 days")),
        (None, None) => {
            let times = FIELDS.iter().filter(|field| field.kind == Kind::Time).map(|field| field.name);
            format!(
                "a time is a condition of its own: write `time since updated {operator} 4 days`, for example; times are {}",
                listed(times)
            )
        }
    })
}

fn is_decimal(word: &str) -> bool {
    word.contains('.') && word.parse::<f64>().is_ok()
}

fn is_field(word: &str) -> bool {
    word.starts_with("field.") || FIELDS.iter().any(|field| field.name == word)
}

/// The lexemes in a range, without white space and comments. A path is one.
fn words(text: &str, within: Range<usize>) -> impl Iterator<Item = &str> {
    let mut at = within.start;
    let lexemes = std::iter::from_fn(move || {
        let mut lexeme = (at < within.end).then(|| lexeme(text, at))?;
        let is_word = text.get(lexeme.clone()).is_some_and(|word| word.starts_with(is_part));
        while is_word
            && let Some(next) = text.get(lexeme.end..).and_then(|rest| rest.strip_prefix('.'))
            && next.starts_with(is_part)
        {
            lexeme.end += 1 + next.find(|c| !is_part(c)).unwrap_or(next.len());
        }
        at = lexeme.end.max(at + 1);
        Some(text.get(lexeme).unwrap_or_default())
    });
    lexemes.filter(|word| !word.trim().is_empty() && !word.starts_with('#'))
}

/// The text that was found, shortened for a message.
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
