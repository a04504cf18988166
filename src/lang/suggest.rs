//! "Did you mean …?"

use strsim::osa_distance;

/// Known names that are looked at for one suggestion.
const MAX_NAMES: usize = 10_000;
/// Of those, names that are compared letter by letter. Names in earnest differ enough that hardly any need to be; among
/// thousands of numbered ones the nearest may be missed.
const MAX_COMPARED: usize = 500;
/// Names that are listed one by one in a message.
const MAX_LISTED: usize = 40;

/// The known name somebody most likely meant.
///
/// Near enough is a third of its length, at least one slip. A dotted name is also found by its last part,
/// so `folowers` finds `requester.followers`. However many names are known, the work is bounded.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // Longer than any name by far: not a slip, and not worth the time.
    if word.len() > 200 {
        return None;
    }
    let last = word.rsplit('.').next().unwrap_or(&word);
    let (whole_letters, last_letters) = (Letters::of(&word), Letters::of(last));
    let end = |name: &'a str| name.rsplit_once('.').map(|(_, end)| end);
    known
        .into_iter()
        .take(MAX_NAMES)
        .filter(|name| {
            whole_letters.may_be(Letters::of(name))
                || end(name).is_some_and(|end| last_letters.may_be(Letters::of(end)))
        })
        .take(MAX_COMPARED)
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

/// Which letters a word has, without case and separators: enough to see that most words are no slips of each other.
#[derive(Clone, Copy)]
struct Letters {
    /// One bit for each of 64 classes of letters.
    classes: u64,
    letters: usize,
    length: usize,
    /// Of others than ASCII nothing is known.
    ascii: bool,
}

impl Letters {
    fn of(word: &str) -> Self {
        let letters = word.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' '));
        let (classes, count) =
            letters.fold((0, 0), |(classes, count), byte| (classes | 1 << (byte.to_ascii_lowercase() & 63), count + 1));
        Self { classes, letters: count, length: word.len(), ascii: word.is_ascii() }
    }

    /// Whether [`distance`] can be anything: a slip adds and takes away a letter each at most.
    fn may_be(self, other: Self) -> bool {
        let slips = (self.length.max(other.length) / 3).max(1);
        !(self.ascii && other.ascii)
            || (self.letters.abs_diff(other.letters) <= slips
                && (self.classes ^ other.classes).count_ones() as usize <= 2 * slips)
    }
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
    let distance = osa_distance(a, b);
    (distance <= (longer / 3).max(1) && distance < longer).then_some(distance)
}

/// `, did you mean …?` for the end of a message, or nothing.
pub(crate) fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|s| format!(", did you mean `{s}`?")).unwrap_or_default()
}

/// Names in a sentence: "`a`, `b` or `c`"; of very many, the first and how many more there are.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<_> = names.by_ref().take(MAX_LISTED).map(|n| format!("`{n}`")).collect();
    match names.count() {
        0 => {}
        more => shown.push(format!("one of {more} more")),
    }
    either(shown)
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is left out unseen is never near.
        #[test]
        fn letters_leave_nothing_out_that_is_near(a in "[A-Ca-c_0-2é.-]{1,12}", b in "[A-Ca-c_0-2é.-]{1,12}") {
            if distance(&a.to_lowercase(), &b.to_lowercase()).is_some() {
                prop_assert!(Letters::of(&a.to_lowercase()).may_be(Letters::of(&b)));
            }
        }
    }

    #[test]
    fn lists_are_bounded() {
        let names: Vec<_> = (0..1_000).map(|n| format!("n{n}")).collect();
        assert!(listed(names.iter().map(String::as_str)).ends_with("`n39` or one of 960 more"));
        assert_eq!(listed(["a", "b"]), "`a` or `b`");
    }

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
