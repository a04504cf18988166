//! The conversations that come with Twite speak to two accounts. On a desk that has neither, they are made to speak to its own.

use serde_json::Value;

/// The accounts that the conversations speak to.
const SPOKEN_TO: &[&str] = &["NorthwindHelp", "NorthwindRail"];

/// The conversations, spoken to these accounts where none of them is spoken to as it is.
pub(super) fn to(accounts: &[String], conversations: &str) -> String {
    let own = |handle: &str| accounts.iter().any(|account| account.eq_ignore_ascii_case(handle));
    if SPOKEN_TO.iter().any(|handle| own(handle)) {
        return conversations.to_owned();
    }
    let names: Vec<_> = SPOKEN_TO.iter().copied().zip(accounts.iter().map(String::as_str)).collect();
    let line = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(mut value) => {
            move_marks(&mut value, &names);
            rename(&mut value, &names);
            value.to_string() + "\n"
        }
        Err(_) => format!("{line}\n"),
    };
    conversations.lines().map(line).collect()
}

/// Puts names in the place of others, in whole texts and behind an `@`.
fn rename(value: &mut Value, names: &[(&str, &str)]) {
    match value {
        Value::String(text) => {
            for (old, new) in names {
                if text == old {
                    (*new).clone_into(text);
                } else if text.contains(old) {
                    *text = text.replace(&format!("@{old}"), &format!("@{new}"));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| rename(entry, names)),
        _ => {}
    }
}

/// Moves the marks in a post's text (mentions, links, hashtags) to where they are once names of another length stand before them.
fn move_marks(line: &mut Value, names: &[(&str, &str)]) {
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

/// How many characters, as X counts places.
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
        for accounts in [&["northwindhelp".to_owned()][..], &["acme".to_owned(), "NorthwindRail".to_owned()]] {
            assert_eq!(to(accounts, CONVERSATIONS), CONVERSATIONS);
        }
    }
}
