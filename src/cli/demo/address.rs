//! Addresses the demo's conversations to the accounts of a desk. They mention two sample accounts; if the desk declares
//! neither, these mentions are replaced with its own accounts. A customer with the handle of an account is renamed.

use std::collections::BTreeSet;

use serde_json::Value;

/// The handles of the accounts that the conversations mention.
const SPOKEN_TO: &[&str] = &["NorthwindHelp", "NorthwindRail"];

/// Maximum length of a handle at X, in characters.
const MAX_HANDLE: usize = 15;

/// Replaces the accounts that the conversations mention with `accounts`, unless one of `accounts` is mentioned already.
pub(super) fn to(accounts: &[String], conversations: &str) -> String {
    let lines: Vec<(&str, Option<Value>)> =
        conversations.lines().map(|line| (line, serde_json::from_str(line).ok())).collect();
    let mut customers = BTreeSet::new();
    lines.iter().filter_map(|(_, value)| value.as_ref()).for_each(|value| handles(value, &mut customers));
    let mut names: Vec<(String, String)> = customers
        .into_iter()
        .filter(|customer| !SPOKEN_TO.contains(&customer.as_str()) && is_one(customer, accounts))
        .map(|taken| (taken.clone(), customer(&taken, accounts)))
        .collect();
    // Customers are collected first: after the replacement, an account's handle would look like a customer's.
    if !SPOKEN_TO.iter().any(|handle| is_one(handle, accounts)) {
        names.extend(SPOKEN_TO.iter().map(|old| (*old).to_owned()).zip(accounts.iter().cloned()));
    }
    if names.is_empty() {
        return conversations.to_owned();
    }
    let line = |(line, value): (&str, Option<Value>)| match value {
        Some(mut value) => {
            move_marks(&mut value, &names);
            rename(&mut value, &names);
            value.to_string() + "\n"
        }
        None => format!("{line}\n"),
    };
    lines.into_iter().map(line).collect()
}

/// A handle for a customer that none of these accounts has: the given one, or one with a number at its end.
pub(super) fn customer(handle: &str, accounts: &[String]) -> String {
    let numbered = (2_u32..).map(|n| {
        let number = n.to_string();
        handle.chars().take(MAX_HANDLE - number.len()).collect::<String>() + &number
    });
    // The numbers are unlimited and the accounts are not, so some number is free.
    std::iter::once(handle.to_owned()).chain(numbered).find(|free| !is_one(free, accounts)).unwrap_or_default()
}

/// Whether a handle is one of these accounts.
fn is_one(handle: &str, accounts: &[String]) -> bool {
    accounts.iter().any(|account| account.eq_ignore_ascii_case(handle))
}

/// Collects the handles of people.
fn handles(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| handles(item, into)),
        Value::Object(entries) => {
            into.extend(entries.get("username").and_then(Value::as_str).map(str::to_owned));
            entries.values().for_each(|entry| handles(entry, into));
        }
        _ => {}
    }
}

/// Replaces handles that are a whole string or follow an `@`.
fn rename(value: &mut Value, names: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (old, new) in names {
                if text == old {
                    new.clone_into(text);
                } else if text.contains(old.as_str()) {
                    *text = text.replace(&format!("@{old}"), &format!("@{new}"));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| rename(entry, names)),
        _ => {}
    }
}

/// Adjusts the offsets of entities (mentions, links, hashtags) if a handle before them changes its length.
fn move_marks(line: &mut Value, names: &[(String, String)]) {
    let Some(data) = line.get_mut("data") else { return };
    let text = data.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut grown: Vec<(i64, i64)> = vec![];
    for (old, new) in names {
        let by = count(new) - count(old);
        grown.extend(
            text.match_indices(&format!("@{old}")).map(|(at, _)| (count(text.get(..at).unwrap_or_default()), by)),
        );
    }
    let moved = |at: i64| at + grown.iter().filter(|(before, _)| *before < at).map(|(_, by)| by).sum::<i64>();
    let marks =
        data.get_mut("entities").and_then(Value::as_object_mut).into_iter().flat_map(|kinds| kinds.values_mut());
    for mark in marks.filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut) {
        for edge in ["start", "end"] {
            if let Some(at) = mark.get(edge).and_then(Value::as_i64) {
                mark.insert(edge.to_owned(), moved(at).into());
            }
        }
    }
}

/// The length in code points, which X's offsets count.
fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::starter::CONVERSATIONS;

    #[test]
    fn a_desk_of_its_own_is_spoken_to() {
        let spoken = to(&["acme".to_owned()], CONVERSATIONS);
        assert_eq!(spoken.lines().count(), CONVERSATIONS.lines().count());
        assert!(!spoken.contains("NorthwindHelp") && spoken.contains("NorthwindRail"));
        let line: Value = serde_json::from_str(spoken.lines().next().unwrap()).unwrap();
        assert!(line["data"]["text"].as_str().unwrap().starts_with("@acme my parcel"));
        let mention = &line["data"]["entities"]["mentions"][0];
        assert_eq!((&mention["username"], &mention["start"], &mention["end"]), (&"acme".into(), &0.into(), &5.into()));
        // A customer with the handle of an account is renamed, wherever it is mentioned.
        let spoken = to(&["KimLarsen".to_owned()], CONVERSATIONS);
        assert!(!spoken.contains("\"kimlarsen\"") && !spoken.contains("@kimlarsen"));
        assert!(spoken.contains("\"kimlarsen2\"") && spoken.contains("@KimLarsen my parcel"));
        for accounts in [&["northwindhelp".to_owned()][..], &["acme".to_owned(), "NorthwindRail".to_owned()]] {
            assert_eq!(to(accounts, CONVERSATIONS), CONVERSATIONS);
        }
    }
}
