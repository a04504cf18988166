//! "Did you mean …?"

use strsim::damerau_levenshtein;

/// The known name somebody most likely meant.
///
/// Near enough is a third of its length, at least one slip. A dotted name is also found by its last part,
/// so `folowers` finds `requester.followers`.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // Longer than any name by far: not a slip, and not worth the time.
    if word.len() > 200 {
        return None;
    }
    let last = word.rsplit('.').next().unwrap_or(&word);
    known
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let whole = distance(&word, &lower);
            let by_end = lower.rsplit_once('.').and_then(|(_, end)| distance(last, end)).map(|d| d + 1);
            let best = whole.into_iter().chain(by_end).min()?;
            Some((best, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many slips lie between two words, where they are few.
fn distance(a: &str, b: &str) -> Option<usize> {
    let (shorter, longer) = (a.chars().count().min(b.chars().count()), a.chars().count().max(b.chars().count()));
    if shorter == 0 {
        return None;
    }
    if shorter >= 4 && (a.replace(['_', '-', ' '], "") == b.replace(['_', '-', ' '], "")) {
        return Some(0);
    }
    let distance = damerau_levenshtein(a, b);
    (distance <= (longer / 3).max(1) && distance < longer).then_some(distance)
}

/// `, did you mean …?` for the end of a message, or nothing.
pub(crate) fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|s| format!(", did you mean `{s}`?")).unwrap_or_default()
}

/// Names in a sentence: "`a`, `b` or `c`".
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    either(names.into_iter().map(|n| format!("`{n}`")).collect())
}

/// Phrases in a sentence: "a, b or c".
pub(crate) fn either(mut phrases: Vec<String>) -> String {
    match phrases.pop() {
        None => String::new(),
        Some(last) if phrases.is_empty() => last,
        Some(last) => format!("{} or {last}", phrases.join(", ")),
    }
}

/// A word with its article: "an automation".
pub(crate) fn article(word: &str) -> String {
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {word}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found_and_what_is_not_is_not() {
        let fields = ["requester.followers", "requester.following", "replies", "status", "channel"];
        for (word, meant) in [
            ("folowers", Some("requester.followers")),
            ("followers", Some("requester.followers")),
            ("requester.folowers", Some("requester.followers")),
            ("reqester.following", Some("requester.following")),
            ("chanel", Some("channel")),
            ("Status", Some("status")),
            ("banana", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, fields), meant, "{word}");
        }
    }
}
