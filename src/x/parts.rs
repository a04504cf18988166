//! Splits JSON by brackets and strings alone, so that an unparsable part does not affect the others.
//!
//! A JSON parser rejects a document as a whole: half a surrogate pair, invalid UTF-8, `NaN` or excessive nesting in one
//! message would lose every message on the page.

use serde_json::{Map, Value};

/// Maximum nesting depth to which [`salvage`] splits a document.
const MAX_DEPTH: usize = 16;

/// The elements of an array, as raw bytes. `None` if it is not an array or is unterminated.
pub fn elements(json: &[u8]) -> Option<Vec<&[u8]>> {
    split(json, b'[', b']')
}

/// The members of an object: each name with the raw bytes of its value. `None` if it is not an object or is
/// unterminated.
pub fn members(json: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let named = |part| {
        let (name, rest) = name(part)?;
        Some((name, rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii()))
    };
    Some(split(json, b'{', b'}')?.into_iter().filter_map(named).collect())
}

/// The raw value of a member. Of duplicate names the last one wins, as in common parsers.
pub fn member<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    members(json)?.into_iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Parses a value, dropping the parts that cannot be parsed; `null` if nothing is left.
pub fn salvage(json: &[u8]) -> Value {
    salvage_within(json, MAX_DEPTH)
}

fn salvage_within(json: &[u8], depth: usize) -> Value {
    if let Ok(value) = serde_json::from_slice(json) {
        return value;
    }
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    let part = |json| Some(salvage_within(json, depth)).filter(|value| !value.is_null());
    if let Some(members) = members(json) {
        return Value::Object(
            members.into_iter().filter_map(|(name, value)| Some((name, part(value)?))).collect::<Map<_, _>>(),
        );
    }
    elements(json).map_or(Value::Null, |elements| Value::Array(elements.into_iter().filter_map(part).collect()))
}

/// Splits the content of one pair of brackets at its top-level commas.
fn split(json: &[u8], open: u8, close: u8) -> Option<Vec<&[u8]>> {
    let inside = json.trim_ascii().strip_prefix(&[open])?.strip_suffix(&[close])?;
    let mut parts = vec![];
    let (mut start, mut depth, mut at) = (0, 0_usize, 0);
    while let Some(byte) = inside.get(at) {
        match byte {
            b'"' => at += string_length(inside.get(at..)?)? - 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                parts.push(inside.get(start..at)?.trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(inside.get(start..)?.trim_ascii());
    parts.retain(|part| !part.is_empty());
    (depth == 0).then_some(parts)
}

/// Splits a member into its name and the bytes after it.
fn name(part: &[u8]) -> Option<(String, &[u8])> {
    let (name, rest) = part.split_at_checked(part.starts_with(b"\"").then(|| string_length(part))??)?;
    Some((serde_json::from_slice(name).unwrap_or_else(|_| String::from_utf8_lossy(name).into_owned()), rest))
}

/// Length in bytes of the string at the start of `json`, including both quotes.
fn string_length(json: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        // Skips the backslash and the character after it, which may be a quote.
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn texts(parts: Option<Vec<&[u8]>>) -> Option<Vec<String>> {
        Some(parts?.into_iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect())
    }

    #[test]
    fn brackets_in_strings_are_text() {
        let split = texts(elements(br#" [ {"a":"],[\"{"}, "\\", [1,[2]] ,] "#));
        assert_eq!(split.unwrap(), [r#"{"a":"],[\"{"}"#, r#""\\""#, "[1,[2]]"]);
        assert_eq!(texts(elements(b"[]")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_has_no_end_or_is_no_array_has_no_parts() {
        for json in ["", "7", "{}", "[", "[1", "[1]]", "[\"1]", "[\"\\", "[}", "null"] {
            assert_eq!(texts(elements(json.as_bytes())), None, "{json}");
        }
    }

    #[test]
    fn parts_that_cannot_be_parsed_are_left_out() {
        let broken =
            b"{\"id\":\"7\",\"name\":\"caf\\ud83d\",\"n\":[1,NaN,-,2],\"bad\":\"\xff\",\"in\":{\"x\":01,\"y\":true}}";
        assert_eq!(salvage(broken), json!({"id": "7", "n": [1, 2], "in": {"y": true}}));
        let deep = salvage(&[b"[".repeat(100_000), b"]".repeat(100_000)].concat());
        assert!(deep.to_string().len() <= 2 * MAX_DEPTH, "{deep}");
        assert_eq!(salvage(b"<html>"), Value::Null);
        assert_eq!(member(br#"{"a":1,"\u0061":2}"#, "a"), Some(&b"2"[..]));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn the_parts_of_what_a_parser_reads_are_what_it_reads(value in value(), pretty in any::<bool>()) {
            let json = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
            let parsed = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
            match &value {
                Value::Array(all) => prop_assert_eq!(&elements(&json).unwrap().into_iter().map(parsed).collect::<Vec<_>>(), all),
                Value::Object(all) => {
                    let read: Map<_, _> = members(&json).unwrap().into_iter().map(|(name, v)| (name, parsed(v))).collect();
                    prop_assert_eq!(&read, all);
                }
                _ => prop_assert!(elements(&json).is_none() && members(&json).is_none()),
            }
        }

        #[test]
        fn any_bytes_have_parts_or_none(json in prop::collection::vec(prop::sample::select(&b"[]{}\",:\\ax1\xff "[..]), 0..40)) {
            salvage(&json);
        }
    }
}
