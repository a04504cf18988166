//! Parser for the JSON object of a control command. All errors are reported together.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde_json::Value;

use super::{SimError, world::Fields};

/// The members of a command that were not read yet, and the errors of those that were.
#[derive(Debug)]
pub(super) struct Arguments {
    command: String,
    given: Fields,
    known: Vec<&'static str>,
    wrong: Vec<String>,
}

impl Arguments {
    /// Parses a body; an empty body counts as an empty object.
    pub(super) fn read(command: &str, body: &[u8]) -> Result<Self, SimError> {
        let refuse = |why: String| Err(SimError::Command(format!("`/sim/{command}` takes a JSON object: {why}")));
        let given = match serde_json::from_slice(body) {
            _ if body.trim_ascii().is_empty() => Fields::new(),
            Ok(Value::Object(given)) => given,
            Ok(other) => return refuse(format!("this is {}", kind(&other))),
            Err(error) => return refuse(error.to_string()),
        };
        Ok(Self { command: command.to_owned(), given, known: Vec::new(), wrong: Vec::new() })
    }

    /// Fails if a member was missing, of the wrong type, or unknown.
    pub(super) fn finish(mut self) -> Result<(), SimError> {
        for name in self.given.keys() {
            let near = self.known.iter().find(|known| strsim::osa_distance(known, name) <= 2);
            self.wrong.push(match (near, self.known.as_slice()) {
                (Some(near), _) => format!("there is no `{name}`, did you mean `{near}`?"),
                (None, []) => format!("there is no `{name}`: it takes nothing"),
                (None, known) => format!("there is no `{name}`: it takes `{}`", known.join("`, `")),
            });
        }
        match self.wrong.as_slice() {
            [] => Ok(()),
            wrong => Err(SimError::Command(format!("`/sim/{}`: {}", self.command, wrong.join("; ")))),
        }
    }

    /// An optional string.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Option<String> {
        self.read_as(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A required string.
    pub(super) fn text(&mut self, name: &'static str) -> String {
        self.needed(name, Self::optional_text)
    }

    /// An optional boolean.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read_as(name, "`true` or `false`", Value::as_bool)
    }

    /// An optional integer in a range.
    pub(super) fn optional_number<N: TryFrom<i64>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<N> {
        let wanted = match (*range.start(), *range.end()) {
            (least, i64::MAX) => format!("a whole number of at least {least}"),
            (least, most) => format!("a whole number from {least} to {most}"),
        };
        self.read_as(name, &wanted, |value| N::try_from(value.as_i64().filter(|number| range.contains(number))?).ok())
    }

    /// A required integer in a range.
    pub(super) fn number<N: TryFrom<i64> + Default>(&mut self, name: &'static str, range: RangeInclusive<i64>) -> N {
        self.needed(name, |arguments, name| arguments.optional_number(name, range))
    }

    /// An optional list of strings.
    pub(super) fn optional_texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.read_as(name, "a list of texts", |value| value.as_array()?.iter().map(text).collect())
    }

    /// A required list of strings.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.needed(name, Self::optional_texts)
    }

    /// An object with string values; empty if it is left out.
    pub(super) fn pairs(&mut self, name: &'static str) -> BTreeMap<String, String> {
        let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        self.read_as(name, "an object of texts", |value| value.as_object()?.iter().map(pair).collect())
            .unwrap_or_default()
    }

    /// An optional value that `read` parses from a string; `wanted` describes it in error messages.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.read_as(name, wanted, |value| read(value.as_str()?))
    }

    /// Adds an error that the caller found.
    pub(super) fn refuse(&mut self, why: &str) {
        self.wrong.push(why.to_owned());
    }

    fn needed<T: Default>(&mut self, name: &'static str, read: impl FnOnce(&mut Self, &'static str) -> Option<T>) -> T {
        if self.given.get(name).is_none_or(Value::is_null) {
            self.wrong.push(format!("`{name}` is missing"));
        }
        read(self, name).unwrap_or_default()
    }

    fn read_as<T>(&mut self, name: &'static str, wanted: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.known.push(name);
        let value = self.given.shift_remove(name).filter(|value| !value.is_null())?;
        let read = read(&value);
        if read.is_none() {
            let found = match &value {
                Value::String(_) | Value::Number(_) | Value::Bool(_) => value.to_string(),
                other => kind(other).to_owned(),
            };
            self.wrong.push(format!("`{name}` is {wanted}, not {found}"));
        }
        read
    }
}

/// The type of a JSON value, for error messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
