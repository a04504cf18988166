//! Checks texts with placeholders, whose syntax is a subset of the Liquid template language.

use super::{Checker, value::shortened};
use crate::{
    desk::{FieldRef, Owner, Scope, text::is_blank},
    lang::{
        ast::{self, AstNode, TemplatePart},
        codes,
        diagnostic::Diagnostic,
        rules::{Filter, Part, Template, is_of_agent},
        suggest::{did_you_mean, listed, nearest},
        syntax::{range, text::Text},
    },
};

/// Maximum length of a text with placeholders, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

const FILTERS: &[&str] = &["default", "upcase", "downcase", "capitalize", "strip_newlines", "truncate", "first_word"];

/// Placeholder names of other help desks, with their equivalents.
pub(super) const ELSEWHERE: &[(&str, &str)] = &[
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
    ("ticket.assignee.first_name", "ticket.assignee | first_word"),
    ("ticket.due_date", "ticket.due"),
    ("ticket.latest_comment_formatted", "ticket.latest_comment"),
    ("ticket.latest_comment_html", "ticket.latest_comment"),
    ("current_user.name", "agent.name"),
    ("current_user.first_name", "agent.name | first_word"),
    ("current_user.email", "agent.email"),
    ("agent.first_name", "agent.name | first_word"),
    ("me.name", "agent.name"),
    ("me.email", "agent.email"),
    ("ticket.updater.name", "agent.name"),
    ("contact.name", "ticket.requester.name"),
    ("contact.first_name", "ticket.requester.name | first_word"),
    ("ticket.comments_formatted", "ticket.conversation"),
    ("ticket.public_comments", "ticket.latest_public_comment"),
    ("ticket.public_comments_formatted", "ticket.latest_public_comment"),
    ("ticket.messages", "ticket.conversation"),
    ("ticket.history", "ticket.conversation"),
    ("ticket.thread", "ticket.conversation"),
    ("conversation", "ticket.conversation"),
    ("ticket.latest_public_comment_formatted", "ticket.latest_public_comment"),
];

const NO_TAGS: &str = "write two triggers, or `{{… | default: \"…\"}}` for an empty value";

impl Checker<'_, '_> {
    /// Checks a text and all its placeholders.
    pub(super) fn template(&mut self, node: &ast::Template) -> Option<Template> {
        self.template_of(node, false)
    }

    /// As [`Self::template`]; the body of a mail may end with the conversation.
    pub(super) fn template_of(&mut self, node: &ast::Template, is_mail: bool) -> Option<Template> {
        let text = node.text();
        if text.value.len() > MAX_TEXT_BYTES {
            let message = format!("text too long: more than {MAX_TEXT_BYTES} bytes");
            self.error(&codes::TW0109, node.span(), message);
            return None;
        }
        let mut parts = vec![];
        let mut fine = text.bad_escapes.is_empty();
        for part in node.parts() {
            match part {
                TemplatePart::Text(chunk) => match text.decoded(range(&chunk)) {
                    "" => {}
                    chunk => parts.push(Part::Text(chunk.to_owned())),
                },
                TemplatePart::Placeholder(node) if is_conversation(&text, &node) => {
                    match self.conversation(&node, is_mail) {
                        Some(part) => parts.push(part),
                        None => fine = false,
                    }
                }
                TemplatePart::Placeholder(node) => match self.placeholder(&text, &node) {
                    Some(part) => parts.push(part),
                    None => fine = false,
                },
                TemplatePart::Tag(tag) => {
                    self.report(
                        Diagnostic::new(&codes::TW0309, range(&tag), "Liquid tags are not supported")
                            .with_help(NO_TAGS),
                    );
                    fine = false;
                }
            }
        }
        let after = parts.iter().skip_while(|part| **part != Part::Conversation).skip(1);
        if !{ after }.all(|part| matches!(part, Part::Text(text) if is_blank(text))) {
            let error = Diagnostic::new(&codes::TW0309, node.span(), "`{{ticket.conversation}}` must end the body");
            self.report(error.with_help("write what comes after it before it"));
            fine = false;
        }
        fine.then_some(Template { parts })
    }

    /// Checks the placeholder of the conversation.
    fn conversation(&mut self, node: &ast::Placeholder, is_mail: bool) -> Option<Part> {
        let message = match () {
            () if !is_mail => "`ticket.conversation` is for the body of mails to agents: it has private notes",
            () if node.end().is_none() => return self.placeholder_end(node),
            () if node.filters().next().is_some() => "`ticket.conversation` takes no filters",
            () => return Some(Part::Conversation),
        };
        let error = Diagnostic::new(&codes::TW0309, node.span(), message);
        self.report(match is_mail {
            true => error.with_help("write `{{ticket.conversation}}`; it is limited to the latest messages"),
            false => error.with_help("write `{{ticket.latest_public_comment}}`"),
        });
        None
    }

    /// Reports a placeholder that is not closed.
    fn placeholder_end(&mut self, node: &ast::Placeholder) -> Option<Part> {
        let span = node.start().map_or_else(|| node.span(), |start| range(&start));
        let error = Diagnostic::new(&codes::TW0309, span, "unclosed placeholder: expected `}}`");
        self.report(error.with_help("write `}}` after the name and its filters"));
        None
    }

    fn placeholder(&mut self, text: &Text, node: &ast::Placeholder) -> Option<Part> {
        if node.end().is_none() {
            return self.placeholder_end(node);
        }
        // Unknown escapes have already been reported.
        if text.bad_escapes.iter().any(|escape| node.span().contains(&escape.start)) {
            return None;
        }
        let field = self.placeholder_field(text, node);
        let filters: Vec<_> = node.filters().map(|filter| self.filter(text, &filter)).collect();
        let filters = filters.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Part::Placeholder { field: field?, filters })
    }

    fn placeholder_field(&mut self, text: &Text, node: &ast::Placeholder) -> Option<FieldRef> {
        let Some(path) = node.path() else {
            let error = Diagnostic::new(&codes::TW0208, node.span(), "empty placeholder");
            self.report(error.with_help("write `ticket.` and a field in it, as in `{{ticket.id}}`"));
            return None;
        };
        let span = range(&path);
        let name = text.decoded(span.clone());
        let found = match name.strip_prefix("ticket.") {
            Some(field) => FieldRef::find(field, self.context.desk).filter(|f| f.scope() != Scope::Event),
            None => FieldRef::find(name, self.context.desk).filter(|f| name == "comment.text" || is_of_agent(f)),
        };
        if found.as_ref().is_some_and(is_of_agent) && !self.acts {
            let message = format!("`{name}` is of the agent who acts, and nobody does in an automation");
            let help = "`{{ticket.assignee}}` is the agent of the ticket";
            self.report(Diagnostic::new(&codes::TW0304, span, message).with_help(help));
            return None;
        }
        if found.as_ref().is_some_and(|field| field.scope() == Scope::Event && !is_of_agent(field)) && !self.told {
            let message = format!("`{name}` is of the comment that a trigger runs on, and there is none here");
            let help = "write `{{ticket.latest_public_comment}}` or `{{ticket.description}}`";
            self.report(Diagnostic::new(&codes::TW0304, span, message).with_help(help));
            return None;
        }
        let is_custom = name.strip_prefix("ticket.").is_some_and(|name| Owner::split(name).1.starts_with("field."));
        if found.is_some() || is_custom && self.context.has_gap("field") {
            return found;
        }
        if name.starts_with(['#', '/', '^']) {
            let message = format!("blocks such as `{}` are not supported", shortened(name));
            self.report(Diagnostic::new(&codes::TW0309, span, message).with_help(NO_TAGS));
            return None;
        }
        let diagnostic = |message| Diagnostic::new(&codes::TW0208, span.clone(), message);
        if let Some((_, here)) = ELSEWHERE.iter().find(|(there, _)| *there == name) {
            let diagnostic = diagnostic(format!("unknown placeholder `{name}`"));
            self.report(diagnostic.with_help(format!("write `{{{{{here}}}}}`")).with_guess(span, *here));
            return None;
        }
        let known = self.context.field_names.iter().filter(|n| {
            !n.contains(' ') && !n.starts_with("comment.") && !n.starts_with("agent.") && *n != "updated_via"
        });
        let mut known: Vec<String> = known.map(|n| format!("ticket.{n}")).collect();
        known.extend(["comment.text", "agent.name", "agent.email"].map(str::to_owned));
        let bare = format!("ticket.{name}");
        let suggestion = known.iter().find(|k| **k == bare).map(String::as_str);
        let suggestion = suggestion.or_else(|| nearest(name, known.iter().map(String::as_str)));
        let diagnostic = diagnostic(format!("unknown placeholder `{}`{}", shortened(name), did_you_mean(suggestion)));
        self.report(match suggestion {
            Some(meant) => diagnostic.with_guess(span, meant.to_owned()),
            None => diagnostic.with_help("write `ticket.` and a field, `comment.text`, `agent.name` or `agent.email`"),
        });
        None
    }

    fn filter(&mut self, text: &Text, node: &ast::Filter) -> Option<Filter> {
        let Some(name) = node.name() else {
            let error = Diagnostic::new(&codes::TW0209, node.span(), "expected a filter after `|`");
            self.report(error.with_help(known_filters()));
            return None;
        };
        let (name, span) = (text.decoded(range(&name)), range(&name));
        let whole = span.start..node.span().end;
        let argument = node.argument().map(|argument| text.decoded(range(&argument)));
        let argument = argument.or_else(|| node.colon().map(|_| ""));
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
        let diagnostic = match name {
            "default" => Diagnostic::new(&codes::TW0309, whole, "`default` takes a string in quotes")
                .with_help("write `default: \"there\"`, with `\\\"` inside a string in `\"`"),
            "truncate" => Diagnostic::new(&codes::TW0309, whole, "`truncate` takes a number of characters")
                .with_help("write `truncate: 40`"),
            name if FILTERS.contains(&name) => {
                Diagnostic::new(&codes::TW0309, whole, format!("`{name}` takes no argument"))
            }
            name => {
                let suggestion = nearest(name, FILTERS.iter().copied());
                let message = format!("unknown filter `{}`{}", shortened(name), did_you_mean(suggestion));
                Diagnostic::new(&codes::TW0209, span, message).with_help(known_filters())
            }
        };
        self.report(diagnostic);
        None
    }

    /// Whether the body of a webhook is valid JSON when its placeholders are replaced. Reports an error if not.
    pub(super) fn is_json(&mut self, body: &ast::Template) -> bool {
        let text = body.text();
        // Replace each placeholder with a string of the same length, so that offsets in the JSON and the text agree.
        let mut json = text.value.clone();
        for placeholder in body.placeholders() {
            let part = text.part(placeholder.span());
            json.replace_range(part.clone(), &"x".repeat(part.len()));
        }
        let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&json) else { return true };
        let line_start: usize = json.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (line_start + error.column().saturating_sub(1)).min(json.len().saturating_sub(1));
        let at = (0..=at).rev().find(|at| json.is_char_boundary(*at)).unwrap_or(0);
        let length = json.get(at..).and_then(|r| r.chars().next()).map_or(0, char::len_utf8);
        let span = if length == 0 { body.span() } else { text.span(at..at + length) };
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        let error = Diagnostic::new(&codes::TW0308, span, format!("invalid JSON: {why}"));
        self.report(
            error.with_help("write placeholders inside JSON strings: `\"name\": \"{{ticket.requester.name}}\"`"),
        );
        false
    }
}

/// Whether a placeholder is that of the conversation.
fn is_conversation(text: &Text, node: &ast::Placeholder) -> bool {
    node.path().is_some_and(|path| text.decoded(range(&path)) == "ticket.conversation")
}

fn known_filters() -> String {
    format!("filters are {}", listed(FILTERS.iter().copied()))
}
