//! TW0418: a pattern of another language in a text that is compared literally.

use super::{Check, Context, File, Lint};
use crate::{
    desk::{FieldRef, Kind},
    lang::{
        ast::{AstNode, NodeExt, Predicate, Question, is_text, span_of},
        check::value::written,
        codes::Code,
        diagnostic::{Diagnostic, Grade, Severity},
        display::{Quoted, Tag},
        syntax::{SyntaxElement, SyntaxKind, SyntaxNode},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0418",
        title: "pattern in a plain text",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0418.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Unsafe),
    check: Check::Nodes(&[SyntaxKind::Question], check),
};

fn check(context: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let Some(question) = Question::cast(node.clone()) else { return };
    let (Some(name), Some(predicate)) = (question.name(), question.predicate()) else { return };
    let kind = FieldRef::find(name.text(), context.context.desk).map(|field| field.kind());
    let of_tags = match (kind, &predicate) {
        (Some(Kind::Set(_)), Predicate::Has(_)) => true,
        (Some(Kind::Text), predicate) if !matches!(predicate, Predicate::Matches(_)) => false,
        _ => return,
    };
    for value in predicate.syntax().values() {
        let (values, listed) = match &value {
            SyntaxElement::Node(list) if list.kind() == SyntaxKind::List => (list.values().collect(), true),
            value => (vec![value.clone()], false),
        };
        for value in values.into_iter().filter(|value| is_text(value.kind())) {
            let text = written(&value);
            let Some(sign) = sign(&text) else { continue };
            let span = file.source.span(span_of(&value));
            let message = match sign {
                Sign::Alternative => "`|` is searched for as it stands".to_owned(),
                Sign::Wildcard(c) => format!("`{c}` is compared as it stands and stands for no other text"),
                Sign::Regex(sign) => format!("`{sign}` is compared as it stands and is no pattern"),
            };
            let warning = Diagnostic::new(&LINT.code, span.clone(), message);
            let plain =
                matches!(predicate, Predicate::Contains(_) | Predicate::Starts(_) | Predicate::Ends(_)) && !listed;
            found.push(match sign {
                Sign::Wildcard(c) if of_tags && text.trim_matches(c).len() + 1 == text.len() && text.ends_with(c) => {
                    let start = Tag(text.trim_end_matches(c)).to_string();
                    warning.with_help(format!("write `{} has any starting with {start}`", name.text()))
                }
                _ if of_tags => {
                    warning.with_help("`has` compares whole tags: write each tag, as in `has any of (a, b)`")
                }
                Sign::Alternative if plain => {
                    let texts: Vec<_> = text.split('|').map(|text| Quoted(text.trim()).to_string()).collect();
                    let any = format!("any of ({})", texts.join(", "));
                    warning.with_help(format!("write `{any}`")).with_guess(span, any)
                }
                Sign::Alternative => warning.with_help("write each text as a value of the list"),
                Sign::Wildcard(c) if plain => {
                    let text = Quoted(text.trim_matches(c)).to_string();
                    warning
                        .with_help("`contains` finds a text anywhere, and `starts with` at the start")
                        .with_guess(span, text)
                }
                Sign::Wildcard(_) => warning.with_help(format!("write `{} contains \"…\"`", name.text())),
                Sign::Regex(_) => warning.with_help(format!("for a pattern, write `{} matches \"…\"`", name.text())),
            });
        }
    }
}

/// What shows that a text is meant as a pattern.
enum Sign {
    /// `a|b`
    Alternative,
    /// `*` of shells, `%` of SQL.
    Wildcard(char),
    /// A part of a regular expression.
    Regex(&'static str),
}

fn sign(text: &str) -> Option<Sign> {
    const REGEX: &[&str] = &[".*", ".+", "\\d", "\\w", "\\s", "\\b", "(?", "[a-z", "[0-9", "[A-Z"];
    let inner = |c: char| text.trim_matches(c);
    if let Some(sign) = REGEX.iter().find(|sign| text.contains(*sign)) {
        return Some(Sign::Regex(sign));
    }
    if text.strip_prefix('^').is_some_and(|rest| rest.starts_with(char::is_alphanumeric)) {
        return Some(Sign::Regex("^"));
    }
    // `100%` and `5*` are texts that people write.
    let ends = |c| text.ends_with(c) && inner(c).ends_with(char::is_alphabetic);
    let starts = |c| text.starts_with(c) && inner(c).starts_with(char::is_alphanumeric);
    let is_tail =
        |c: char| ends(c) || text.ends_with(c) && inner(c).ends_with('_') && !inner(c).trim_matches('_').is_empty();
    if starts('*') || is_tail('*') {
        return Some(Sign::Wildcard('*'));
    }
    if starts('%') {
        return Some(Sign::Wildcard('%'));
    }
    let mut parts = text.split('|');
    let is_word = |part: &str| part.starts_with(char::is_alphanumeric) && part.ends_with(char::is_alphanumeric);
    (text.contains('|') && parts.all(is_word)).then_some(Sign::Alternative)
}
