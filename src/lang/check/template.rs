//! Checks texts with placeholders, whose syntax is a subset of the Liquid template language.

use std::ops::Range;

use super::{Checker, value::shortened};
use crate::{
    desk::{FieldRef, Scope},
    lang::{
        codes,
        diagnostic::Diagnostic,
        rules::{Filter, Part, Template},
        suggest::{did_you_mean, listed, nearest},
        syntax::{SyntaxToken, range, text::Text},
    },
};

/// Maximum length of a text with placeholders, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

const FILTERS: &[&str] = &["default", "upcase", "downcase", "capitalize", "strip_newlines", "truncate", "first_word"];

/// Placeholder names of other help desks, with their equivalents.
const ELSEWHERE: &[(&str, &str)] = &[
    ("ticket.title", "ticket.subject"),
    ("ticket.url", "ticket.link"),
    ("ticket.via", "ticket.channel"),
    ("ticket.ticket_type", "ticket.type"),
    ("ticket.created_at", "ticket.created"),
    ("ticket.updated_at", "ticket.updated"),
    ("ticket.group.name", "ticket.group"),
    ("ticket.brand.name", "ticket.brand"),
    ("ticket.assignee.name", "ticket.assignee"),
    ("ticket.requester.first_name", "ticket.requester.name | first_word"),
    ("ticket.comments", "ticket.latest_comment"),
    ("ticket.latest_public_comment_formatted", "ticket.latest_public_comment"),
];

impl Checker<'_, '_> {
    /// Checks a text and all its placeholders.
    pub(super) fn template(&mut self, token: &SyntaxToken) -> Option<Template> {
        let text = Text::of(token);
        if text.value.len() > MAX_TEXT_BYTES {
            let message = format!("text too long: more than {MAX_TEXT_BYTES} bytes");
            self.error(&codes::TW0109, range(token), message);
            return None;
        }
        let mut parts = vec![];
        let mut fine = text.bad_escapes.is_empty();
        let mut at = 0;
        while let Some(rest) = text.value.get(at..).filter(|r| !r.is_empty()) {
            let open = match (rest.find("{{"), rest.find("{%")) {
                (Some(placeholder), None) => placeholder,
                (Some(placeholder), Some(tag)) if placeholder < tag => placeholder,
                (_, Some(tag)) => {
                    let end = rest.get(tag..).and_then(|r| r.find("%}")).map_or(rest.len(), |end| tag + end + 2);
                    let error =
                        Diagnostic::new(&codes::TW0309, text.span(at + tag..at + end), "Liquid tags are not supported");
                    self.report(error.with_help("write two triggers, or `{{… | default: \"…\"}}` for an empty value"));
                    fine = false;
                    at += end;
                    continue;
                }
                (None, None) => {
                    parts.push(Part::Text(rest.to_owned()));
                    break;
                }
            };
            if open > 0 {
                parts.push(Part::Text(rest.get(..open).unwrap_or_default().to_owned()));
            }
            let Some(close) = placeholder_end(rest, open + 2) else {
                let span = text.span(at + open..at + open + 2);
                let error = Diagnostic::new(&codes::TW0309, span, "unclosed placeholder: expected `}}`");
                self.report(error);
                return None;
            };
            let inner = at + open + 2..at + close;
            match self.placeholder(&text, inner) {
                Some(part) => parts.push(part),
                None => fine = false,
            }
            at += close + 2;
        }
        fine.then_some(Template { parts })
    }

    fn placeholder(&mut self, text: &Text, inner: Range<usize>) -> Option<Part> {
        let mut pieces = pipes(text.value.get(inner.clone()).unwrap_or_default(), inner.start);
        let path = pieces.remove(0);
        let name = text.value.get(path.clone()).unwrap_or_default();
        let field = self.placeholder_field(text, name, path);
        let filters: Vec<_> = pieces.into_iter().map(|piece| self.filter(text, piece)).collect();
        let filters = filters.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Part::Placeholder { field: field?, filters })
    }

    fn placeholder_field(&mut self, text: &Text, name: &str, part: Range<usize>) -> Option<FieldRef> {
        let found = match name.strip_prefix("ticket.") {
            Some(field) => FieldRef::find(field, self.context.desk).filter(|f| f.scope() != Scope::Event),
            None => (name == "comment.text").then(|| FieldRef::find(name, self.context.desk)).flatten(),
        };
        if found.is_some() || name.starts_with("ticket.field.") && self.context.has_gap("field") {
            return found;
        }
        let (message, help, fix) = if name.is_empty() {
            ("empty placeholder".to_owned(), None, None)
        } else if let Some((_, here)) = ELSEWHERE.iter().find(|(there, _)| *there == name) {
            (format!("unknown placeholder `{name}`"), Some(format!("write `{{{{{here}}}}}`")), Some(*here))
        } else {
            let mut known: Vec<String> =
                self.context.field_names.iter().filter(|n| !n.contains(' ')).cloned().collect();
            known.retain(|n| !n.starts_with("comment.") && n != "updated_via");
            let mut known: Vec<String> = known.into_iter().map(|n| format!("ticket.{n}")).collect();
            known.push("comment.text".into());
            let bare = format!("ticket.{name}");
            let suggestion = known.iter().find(|k| **k == bare).map(String::as_str);
            let suggestion = suggestion.or_else(|| nearest(name, known.iter().map(String::as_str)));
            let message = format!("unknown placeholder `{}`{}", shortened(name), did_you_mean(suggestion));
            let diagnostic = Diagnostic::new(&codes::TW0208, text.span(part.clone()), message);
            let fixed = suggestion.map(str::to_owned);
            self.report(match fixed {
                Some(meant) => diagnostic.with_guess(text.span(part), meant),
                None => diagnostic.with_help("write `ticket.` and a field, or `comment.text`"),
            });
            return None;
        };
        let mut diagnostic = Diagnostic::new(&codes::TW0208, text.span(part.clone()), message);
        diagnostic.help = help;
        self.report(match fix {
            Some(here) => diagnostic.with_guess(text.span(part), here),
            None => diagnostic,
        });
        None
    }

    fn filter(&mut self, text: &Text, piece: Range<usize>) -> Option<Filter> {
        let written = text.value.get(piece.clone()).unwrap_or_default();
        let (name, argument) = match written.split_once(':') {
            Some((name, argument)) => (name.trim_end(), Some(argument.trim())),
            None => (written, None),
        };
        let quoted = |a: &str| {
            let inner = |q: char| a.strip_prefix(q).and_then(|a| a.strip_suffix(q)).map(str::to_owned);
            inner('"').or_else(|| inner('\''))
        };
        let filter = match (name, argument) {
            ("default", Some(argument)) => quoted(argument).map(Filter::Default),
            ("truncate", Some(argument)) => argument.parse().ok().filter(|n| *n > 0).map(Filter::Truncate),
            ("upcase", None) => Some(Filter::Upcase),
            ("downcase", None) => Some(Filter::Downcase),
            ("capitalize", None) => Some(Filter::Capitalize),
            ("strip_newlines", None) => Some(Filter::StripNewlines),
            ("first_word", None) => Some(Filter::FirstWord),
            _ => None,
        };
        if filter.is_some() {
            return filter;
        }
        let span = text.span(piece.start..piece.start + name.len());
        let diagnostic = match name {
            "default" => Diagnostic::new(&codes::TW0309, text.span(piece), "`default` takes a string in quotes")
                .with_help("write `default: \"there\"`, with `\\\"` inside a string in `\"`"),
            "truncate" => Diagnostic::new(&codes::TW0309, text.span(piece), "`truncate` takes a number of characters")
                .with_help("write `truncate: 40`"),
            name if FILTERS.contains(&name) => {
                Diagnostic::new(&codes::TW0309, text.span(piece), format!("`{name}` takes no argument"))
            }
            name => {
                let suggestion = nearest(name, FILTERS.iter().copied());
                let message = format!("unknown filter `{}`{}", shortened(name), did_you_mean(suggestion));
                let help = format!("filters are {}", listed(FILTERS.iter().copied()));
                Diagnostic::new(&codes::TW0209, span, message).with_help(help)
            }
        };
        self.report(diagnostic);
        None
    }

    /// Whether the body of a webhook is valid JSON when its placeholders are replaced. Reports an error if not.
    pub(super) fn is_json(&mut self, token: &SyntaxToken, body: &Template) -> bool {
        let text = Text::of(token);
        // Replace each placeholder with a string of the same length, so that offsets in the JSON and the text agree.
        let mut json = String::new();
        let mut rest = text.value.as_str();
        for part in &body.parts {
            match part {
                Part::Text(piece) => {
                    json.push_str(piece);
                    rest = rest.get(piece.len()..).unwrap_or_default();
                }
                Part::Placeholder { .. } => {
                    let length = placeholder_end(rest, 2).map_or(rest.len(), |end| end + 2);
                    json.push_str(&"x".repeat(length));
                    rest = rest.get(length..).unwrap_or_default();
                }
            }
        }
        let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&json) else { return true };
        let line_start: usize = json.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (line_start + error.column().saturating_sub(1)).min(json.len().saturating_sub(1));
        let at = (0..=at).rev().find(|at| json.is_char_boundary(*at)).unwrap_or(0);
        let length = json.get(at..).and_then(|r| r.chars().next()).map_or(0, char::len_utf8);
        let span = if length == 0 { range(token) } else { text.span(at..at + length) };
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        let error = Diagnostic::new(&codes::TW0308, span, format!("invalid JSON: {why}"));
        self.report(
            error.with_help("write placeholders inside JSON strings: `\"name\": \"{{ticket.requester.name}}\"`"),
        );
        false
    }
}

/// Byte offset of the `}}` that closes a placeholder; a `}}` in quotes is skipped.
fn placeholder_end(text: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.get(from..)?.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '}' && text.get(from + at..).is_some_and(|r| r.starts_with("}}")) => return Some(from + at),
            None => {}
        }
    }
    // An unclosed quote: the first `}}` closes the placeholder.
    text.get(from..)?.find("}}").map(|at| from + at)
}

/// Splits a placeholder at `|` outside quotes: the byte ranges of the trimmed pieces, at least one.
fn pipes(inner: &str, start: usize) -> Vec<Range<usize>> {
    let mut pieces = vec![];
    let (mut quote, mut from) = (None, 0);
    let bars = inner.char_indices().filter(|(_, c)| {
        match quote {
            Some(q) if *c == q => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(*c),
            _ => {}
        }
        quote.is_none() && *c == '|'
    });
    for at in bars.map(|(at, _)| at).chain([inner.len()]) {
        let piece = inner.get(from..at).unwrap_or_default();
        let lead = piece.len() - piece.trim_start().len();
        let begin = start + from + lead;
        pieces.push(begin..begin + piece.trim().len());
        from = at + 1;
    }
    pieces
}
