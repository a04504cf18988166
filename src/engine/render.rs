//! Renders templates.

use unicode_segmentation::UnicodeSegmentation;

use crate::{
    desk::{
        Facts, FieldRef, Kind, Value,
        field::{Declared, Members},
    },
    lang::rules::{Filter, Part, Template},
};

/// Maximum bytes of placeholder values in one rendered text. The template's own text is never truncated, so that JSON
/// stays valid.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Separates what would otherwise be a mention, a tag or a link: a zero-width space, which X counts as one character.
const SEPARATOR: char = '\u{200B}';

/// Renders a template.
pub fn render(template: &Template, facts: Facts<'_>) -> String {
    fill(template, facts, |text, value, _| text.push_str(value))
}

/// Renders the template of a public post. Values that strangers choose, such as their names, do not mention, tag or link
/// anything there: a zero-width space breaks them up. The template's own text is kept.
pub fn render_public(template: &Template, facts: Facts<'_>) -> String {
    let mut foreign = vec![];
    let text = fill(template, facts, |text, value, is_foreign| {
        let start = text.len();
        text.push_str(value);
        foreign.extend(is_foreign.then_some(start..text.len()));
    });
    let is_foreign = |at: usize| foreign.iter().any(|value| value.contains(&at));
    let mut inert = String::with_capacity(text.len());
    let mut before = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        inert.push(c);
        let Some((after, next)) = chars.peek() else { break };
        let joins = match c {
            '@' | '＠' => next.is_ascii_alphanumeric() || *next == '_',
            '#' | '＃' => !next.is_whitespace() && (!next.is_ascii_punctuation() || *next == '_'),
            '$' => next.is_ascii_alphabetic(),
            '.' => next.is_alphabetic(),
            _ => false,
        };
        if joins && (is_foreign(at) || is_foreign(*after) || (c == '.' && is_foreign(before))) {
            inert.push(SEPARATOR);
        }
        before = at;
    }
    inert
}

/// Whether a stranger chooses the value of a field: its text or tags. The handle is X's: it has neither sigils nor dots.
fn is_foreign(field: &FieldRef) -> bool {
    const OWN: &[&str] =
        &["requester.handle", "assignee", "watchers", "group", "account", "brand", "link", "agent.name", "agent.email"];
    matches!(field.kind(), Kind::Text | Kind::Set(_) | Kind::Declared(_)) && !OWN.contains(&&*field.name())
}

/// Renders a JSON template: values are escaped for JSON strings.
pub fn render_json(template: &Template, facts: Facts<'_>) -> String {
    fill(template, facts, |text, value, _| {
        let quoted = serde_json::Value::from(value).to_string();
        text.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    })
}

/// Renders a template, with `push` for the values: the text so far, the value, and whether a stranger chose it.
fn fill(template: &Template, facts: Facts<'_>, mut push: impl FnMut(&mut String, &str, bool)) -> String {
    let mut left = MAX_VALUE_BYTES;
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(own) => text.push_str(own),
            // Added when the mail is sent.
            Part::Conversation => {}
            Part::Placeholder { field, filters } => {
                let value = plain(&field.read(facts), &field.kind());
                // An empty value can only become the text of a `default` filter.
                let is_foreign = !value.is_empty() && is_foreign(field);
                let value = filters.iter().fold(value, |value, filter| apply(filter, value));
                let value = value.get(..value.floor_char_boundary(left)).unwrap_or_default();
                left -= value.len();
                push(&mut text, value, is_foreign);
            }
        }
    }
    text
}

/// A value as plain text: an empty value as the empty string, tags and choices separated by spaces, agents by commas.
fn plain(value: &Value<'_>, kind: &Kind) -> String {
    let between = match kind {
        Kind::Set(Members::Declared(Declared::Agent)) => ", ",
        _ => " ",
    };
    match value {
        Value::Empty => String::new(),
        Value::Word(text) | Value::Text(text) => text.clone().into_owned(),
        Value::Set(tags) => tags.iter().map(String::as_str).collect::<Vec<_>>().join(between),
        Value::YesNo(_)
        | Value::Number(_)
        | Value::Decimal(_)
        | Value::Time(_)
        | Value::TimeOfDay(_)
        | Value::Date(_) => value.to_string(),
    }
}

fn apply(filter: &Filter, value: String) -> String {
    match filter {
        Filter::Default(text) if value.is_empty() => text.clone(),
        Filter::Default(_) => value,
        Filter::Upcase => value.to_uppercase(),
        Filter::Downcase => value.to_lowercase(),
        Filter::Capitalize => {
            let mut chars = value.chars();
            let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
            first + &chars.as_str().to_lowercase()
        }
        Filter::StripNewlines => value.replace(['\r', '\n'], ""),
        Filter::Truncate(most) => match value.graphemes(true).nth(*most) {
            None => value,
            Some(_) if *most == 0 => String::new(),
            Some(_) => value.graphemes(true).take(most - 1).collect::<String>() + "…",
        },
        Filter::FirstWord => value.split_whitespace().next().unwrap_or_default().to_owned(),
    }
}
