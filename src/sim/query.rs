//! Received requests, and strict parsing of their query strings.

use std::{borrow::Cow, ops::RangeInclusive};

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, wrong},
    clock,
    endpoint::Endpoint,
};

/// Maximum number of parameters that are checked in a query or read from a URL-encoded form.
const MAX_PARAMETERS: usize = 64;

/// A received HTTP request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) authorization: Option<String>,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    /// The parts of a `multipart/form-data` body.
    pub(super) parts: Vec<(String, Vec<u8>)>,
}

impl Call {
    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_v1(&self) -> bool {
        self.path.starts_with("/1.1/")
    }

    pub(super) fn is_json(&self) -> bool {
        self.content_type.starts_with("application/json")
    }

    /// The fields of a form, from a multipart, JSON or URL-encoded body and from the query.
    pub(super) fn form(&self) -> Form<'_> {
        let owned = |(k, v): (Cow<'_, str>, Cow<'_, str>)| (k.into_owned(), Cow::Owned(v.into_owned().into_bytes()));
        let mut fields: Vec<(String, Cow<'_, [u8]>)> = if self.is_json() {
            let body: Map<String, Value> = serde_json::from_slice(&self.body).unwrap_or_default();
            let text = |value: Value| if let Value::String(text) = value { text } else { value.to_string() };
            body.into_iter().map(|(k, v)| (k, Cow::Owned(text(v).into_bytes()))).collect()
        } else if self.parts.is_empty() {
            url::form_urlencoded::parse(&self.body).take(MAX_PARAMETERS).map(owned).collect()
        } else {
            self.parts.iter().map(|(k, v)| (k.clone(), Cow::Borrowed(v.as_slice()))).collect()
        };
        fields.extend(self.query.iter().map(|(k, v)| (k.clone(), Cow::Borrowed(v.as_bytes()))));
        Form(fields)
    }
}

/// Form fields, looked up by name.
pub(super) struct Form<'a>(Vec<(String, Cow<'a, [u8]>)>);

impl Form<'_> {
    /// The value of a field, if it is UTF-8.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The value of a field, as bytes.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }
}

/// Parser for query parameters, which collects errors.
pub(super) struct Query<'a> {
    call: &'a Call,
    wrong: Vec<Value>,
}

impl<'a> Query<'a> {
    /// Records unknown and repeated parameters as errors, except for API version 1.1, which ignores them.
    pub(super) fn new(call: &'a Call, endpoint: &Endpoint) -> Self {
        let mut query = Self { call, wrong: Vec::new() };
        let known: Vec<&str> = endpoint.parameters.concat();
        for (at, (name, value)) in call.query.iter().enumerate() {
            if at >= MAX_PARAMETERS || call.is_v1() {
                break;
            }
            if !known.contains(&name.as_str()) {
                query.wrong.push(json!({
                    "parameters": {name: [value]},
                    "message": format!("The query parameter [{name}] is not one of [{}]", known.join(",")),
                }));
            } else if call.query.iter().take(at).any(|(earlier, _)| earlier == name) {
                query.fault(name, value, "is given twice");
            }
        }
        query
    }

    pub(super) fn fault(&mut self, name: &str, value: &str, why: &str) {
        self.wrong.push(wrong(name, value, why));
    }

    /// Adds an error in X's format.
    pub(super) fn push(&mut self, error: Value) {
        self.wrong.push(error);
    }

    /// Returns the collected errors as one error response.
    pub(super) fn finish(self) -> Result<(), Answer> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Answer::invalid(self.wrong)) }
    }

    pub(super) fn sent(&self, name: &str) -> bool {
        self.call.parameter(name).is_some()
    }

    /// A comma-separated list of words, each of which must be in `known`.
    pub(super) fn words(&mut self, name: &str, known: &[&str]) -> Vec<String> {
        let Some(value) = self.call.parameter(name) else { return Vec::new() };
        let mut words: Vec<String> = Vec::new();
        for word in value.split(',') {
            if !known.contains(&word) {
                self.fault(name, word, &format!("is not one of [{}]", known.join(",")));
            } else if !words.iter().any(|w| w == word) {
                words.push(word.to_owned());
            }
        }
        words
    }

    /// A required list of at most `most` ids.
    pub(super) fn ids(&mut self, name: &str, most: usize) -> Vec<u64> {
        self.list(name, most).into_iter().filter_map(|id| self.read_id(name, id)).collect()
    }

    /// A required list of at most `most` handles.
    pub(super) fn handles(&mut self, name: &str, most: usize) -> Vec<&'a str> {
        self.list(name, most).into_iter().filter(|handle| self.read_handle(name, handle)).collect()
    }

    fn list(&mut self, name: &str, most: usize) -> Vec<&'a str> {
        let Some(value) = self.call.parameter(name) else {
            self.fault(name, "", "can not be empty");
            return Vec::new();
        };
        let parts: Vec<&str> = value.split(',').collect();
        if parts.len() > most {
            self.fault(name, value, &format!("size must be between 1 and {most}"));
            return Vec::new();
        }
        parts
    }

    /// Checks that `value` has the form of a handle, and records an error if not.
    pub(super) fn read_handle(&mut self, name: &str, value: &str) -> bool {
        let handle = is_handle(value);
        if !handle {
            self.fault(name, value, "does not match ^[A-Za-z0-9_]{1,15}$");
        }
        handle
    }

    pub(super) fn id(&mut self, name: &str) -> Option<u64> {
        let value = self.call.parameter(name)?;
        self.read_id(name, value)
    }

    fn read_id(&mut self, name: &str, value: &str) -> Option<u64> {
        let id = parse_id(value);
        if id.is_none() {
            self.fault(name, value, "does not match ^[0-9]{1,19}$");
        }
        id
    }

    pub(super) fn time(&mut self, name: &str) -> Option<i64> {
        let value = self.call.parameter(name)?;
        let time = clock::read(value);
        if time.is_none() {
            self.fault(name, value, "is no time such as 2026-11-16T07:01:00Z");
        }
        time
    }

    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<usize>, default: usize) -> usize {
        let Some(value) = self.call.parameter(name) else { return default };
        match value.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                self.fault(name, value, &format!("is not between {} and {}", range.start(), range.end()));
                default
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.call.parameter(name)
    }
}

/// Whether a text has the form of a handle.
pub(super) fn is_handle(text: &str) -> bool {
    (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Parses an id of 1 to 19 digits.
pub(super) fn parse_id(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
