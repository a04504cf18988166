//! A request, and its query string read as strictly as X reads it.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::{
    answer::{Answer, wrong},
    clock,
    endpoint::Endpoint,
};

/// The most parameters a request may have.
const MOST_PARAMETERS: usize = 64;

/// A request, taken off the wire.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) authorization: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as a form.
    pub(super) fn form(&self) -> Form {
        Form(url::form_urlencoded::parse(&self.body).take(MOST_PARAMETERS).map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// A form or query, by name.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a request's parameters and collects what is wrong with them.
pub(super) struct Query<'a> {
    call: &'a Call,
    wrong: Vec<Value>,
}

impl<'a> Query<'a> {
    /// Refuses parameters the endpoint does not have, and those given twice.
    pub(super) fn new(call: &'a Call, endpoint: &Endpoint) -> Self {
        let mut query = Self { call, wrong: Vec::new() };
        let known: Vec<&str> = endpoint.parameters.concat();
        for (at, (name, value)) in call.query.iter().enumerate() {
            if at >= MOST_PARAMETERS {
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

    /// What was wrong, as an answer.
    pub(super) fn finish(self) -> Result<(), Answer> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Answer::invalid(self.wrong)) }
    }

    pub(super) fn sent(&self, name: &str) -> bool {
        self.call.parameter(name).is_some()
    }

    /// A list of words, each of which must be one of `known`.
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

    /// A list of ids.
    pub(super) fn ids(&mut self, name: &str, most: usize) -> Vec<u64> {
        let Some(value) = self.call.parameter(name) else {
            self.fault(name, "", "is missing");
            return Vec::new();
        };
        let parts: Vec<&str> = value.split(',').collect();
        if parts.len() > most {
            self.fault(name, value, &format!("has {} ids; at most {most} are allowed", parts.len()));
            return Vec::new();
        }
        parts.into_iter().filter_map(|id| self.read_id(name, id)).collect()
    }

    pub(super) fn id(&mut self, name: &str) -> Option<u64> {
        let value = self.call.parameter(name)?;
        self.read_id(name, value)
    }

    /// An id in the path.
    pub(super) fn read_id(&mut self, name: &str, value: &str) -> Option<u64> {
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

/// An id as X writes it.
pub(super) fn parse_id(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
