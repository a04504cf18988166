//! JSON request bodies: schemas as data, and validation with X's error messages.
//!
//! X reports the messages of its JSON schema validator: `$.media.media_ids: string found, array expected`.

use serde_json::{Map, Value, json};

use super::{answer::Answer, query::parse_id};

/// The schema of a JSON value.
#[derive(Debug)]
pub(super) enum Shape {
    /// A string with `min` to `max` characters.
    Text {
        min: usize,
        max: usize,
    },
    /// An id, as a string of digits.
    Id,
    Bool,
    Integer {
        min: i64,
        max: i64,
    },
    Enum(&'static [&'static str]),
    List {
        of: &'static Shape,
        min: usize,
        max: usize,
    },
    /// An object with these members and no others: name, whether it is required, shape.
    Object(&'static [(&'static str, bool, Shape)]),
    Any,
}

/// A string of any length.
pub(super) const TEXT: Shape = Shape::Text { min: 0, max: usize::MAX };

/// Parses a body and validates it against its schema.
pub(super) fn read(body: &[u8], shape: &Shape) -> Result<Value, Answer> {
    let Ok(value) = serde_json::from_slice(body) else {
        let message = "Requests with bodies must have content-type of application/json.";
        return Err(Answer::invalid(vec![json!({"parameters": {}, "message": message})]));
    };
    let mut errors = Vec::new();
    shape.check(&value, "$", &mut errors);
    if errors.is_empty() { Ok(value) } else { Err(Answer::invalid(errors)) }
}

impl Shape {
    fn check(&self, value: &Value, place: &str, errors: &mut Vec<Value>) {
        let mut fail = |why: String| errors.push(fault(place, value, &why));
        match (self, value) {
            (Self::Any, _) | (Self::Bool, Value::Bool(_)) => {}
            (Self::Text { min, max }, Value::String(text)) => {
                let length = text.chars().count();
                if length < *min {
                    fail(format!("must be at least {min} characters long"));
                } else if length > *max {
                    fail(format!("may only be {max} characters long"));
                }
            }
            (Self::Id, Value::String(text)) => {
                if parse_id(text).is_none() {
                    fail("does not match the regex pattern ^[0-9]{1,19}$".into());
                }
            }
            (Self::Enum(known), Value::String(text)) => {
                if !known.contains(&text.as_str()) {
                    fail(format!("does not have a value in the enumeration [{}]", known.join(", ")));
                }
            }
            (Self::Integer { min, max }, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                let number = number.as_i64().unwrap_or(i64::MAX);
                if number < *min {
                    fail(format!("must have a minimum value of {min}"));
                } else if number > *max {
                    fail(format!("must have a maximum value of {max}"));
                }
            }
            (Self::List { of, min, max }, Value::Array(items)) => {
                if items.len() < *min {
                    fail(format!("there must be a minimum of {min} items in the array"));
                } else if items.len() > *max {
                    fail(format!("there must be a maximum of {max} items in the array"));
                }
                for (at, item) in items.iter().enumerate() {
                    of.check(item, &format!("{place}[{at}]"), errors);
                }
            }
            (Self::Object(members), Value::Object(given)) => check_members(members, given, place, errors),
            _ => fail(format!("{} found, {} expected", type_of(value), self.name())),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } | Self::Id | Self::Enum(_) => "string",
            Self::Bool => "boolean",
            Self::Integer { .. } => "integer",
            Self::List { .. } => "array",
            Self::Object(_) => "object",
            Self::Any => "any",
        }
    }
}

fn check_members(members: &[(&str, bool, Shape)], given: &Map<String, Value>, place: &str, errors: &mut Vec<Value>) {
    for (name, value) in given {
        let place = format!("{place}.{name}");
        match members.iter().find(|(known, ..)| known == name) {
            Some((_, _, shape)) => shape.check(value, &place, errors),
            None => errors.push(fault(
                &place,
                value,
                "is not defined in the schema and the schema does not allow additional properties",
            )),
        }
    }
    for (name, required, _) in members {
        if *required && !given.contains_key(*name) {
            errors.push(fault(&format!("{place}.{name}"), &Value::Null, "is missing but it is required"));
        }
    }
}

/// One validation error.
fn fault(place: &str, value: &Value, why: &str) -> Value {
    json!({"parameters": {place: [value.to_string()]}, "message": format!("{place}: {why}")})
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The value at a JSON pointer; null if there is none.
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// An id in a validated body.
pub(super) fn id(value: &Value) -> Option<u64> {
    value.as_str().and_then(parse_id)
}

/// A list of ids in a validated body.
pub(super) fn ids(value: &Value) -> Vec<u64> {
    value.as_array().into_iter().flatten().filter_map(id).collect()
}
