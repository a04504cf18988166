//! Renders templates.

use unicode_segmentation::UnicodeSegmentation;

use crate::{
    desk::{Facts, Value},
    lang::rules::{Filter, Part, Template},
};

/// Maximum bytes of placeholder values in one rendered text. The template's own text is never truncated, so that JSON
/// stays valid.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Renders a template.
pub fn render(template: &Template, facts: Facts<'_>) -> String {
    fill(template, facts, String::push_str)
}

/// Renders a JSON template: values are escaped for JSON strings.
pub fn render_json(template: &Template, facts: Facts<'_>) -> String {
    fill(template, facts, |text, value| {
        let quoted = serde_json::Value::from(value).to_string();
        text.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    })
}

fn fill(template: &Template, facts: Facts<'_>, push: impl Fn(&mut String, &str)) -> String {
    let mut left = MAX_VALUE_BYTES;
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(own) => text.push_str(own),
            Part::Placeholder { field, filters } => {
                let value = filters.iter().fold(plain(&field.read(facts)), |value, filter| apply(filter, value));
                let value = value.get(..value.floor_char_boundary(left)).unwrap_or_default();
                left -= value.len();
                push(&mut text, value);
            }
        }
    }
    text
}

/// A value as plain text: an empty value as the empty string, tags separated by spaces.
fn plain(value: &Value<'_>) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Word(text) | Value::Text(text) => text.clone().into_owned(),
        Value::Set(tags) => tags.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        Value::YesNo(_) | Value::Number(_) | Value::Time(_) => value.to_string(),
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
