//! Spelling suggestions ("did you mean …?") and lists of names for messages.

use std::collections::HashMap;

use strsim::osa_distance;

use super::foreign::translated;

/// Maximum number of known names considered for one suggestion.
const MAX_NAMES: usize = 10_000;
/// Maximum number of edit distances computed for one suggestion. The letter filter rejects most names before that;
/// among thousands of similar names, such as numbered ones, the nearest may be missed.
const MAX_COMPARED: usize = 500;
/// The number of edit distances that may be computed for a file, besides one for each of its bytes. After that there are
/// no more suggestions.
pub(crate) const MIN_COMPARED_IN_FILE: usize = 5_000;
/// Maximum number of names listed in a message.
const MAX_LISTED: usize = 40;

/// Help for a question about the time in a status: `>= 4 days` of `pending`.
pub(crate) fn for_how_long(status: &str, asked: &str) -> String {
    format!("write `status is {status} and time since status_changed {asked}`")
}

/// The known name that other languages write as this word, or else the one with the smallest edit distance from it.
///
/// The maximum distance is a third of the length of the longer word, at least 1. A dotted name is also found by its
/// last part, so `folowers` finds `requester.followers`. The work is bounded for any number of known names.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().take(MAX_NAMES).collect();
    if let Some(meant) = translated(word, known.iter().copied()) {
        return Some(meant);
    }
    let word = word.to_lowercase();
    // Much longer than any name, so not a misspelling.
    if word.len() > 200 {
        return None;
    }
    let last = word.rsplit('.').next().unwrap_or(&word);
    let (whole_letters, last_letters) = (Letters::of(&word), Letters::of(last));
    let end = |name: &'a str| name.rsplit_once('.').map(|(_, end)| end);
    known
        .into_iter()
        .filter(|name| {
            whole_letters.may_be(Letters::of(name))
                || end(name).is_some_and(|end| last_letters.may_be(Letters::of(end)))
        })
        .take(MAX_COMPARED)
        .filter_map(|name| Some((slips(&word, last, &name.to_lowercase())?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// [`nearest`] for many words against the same names: caches data of each name, and each result.
#[derive(Debug)]
pub(crate) struct Names {
    names: Vec<Name>,
    /// Results by word; a cache.
    found: HashMap<String, Found>,
}

/// The result of a search.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// The index of the nearest name.
    nearest: Option<usize>,
    /// Number of edit distances computed.
    compared: usize,
}

#[derive(Debug)]
struct Name {
    text: String,
    lower: String,
    letters: Letters,
    /// The letters of the last part of a dotted name.
    end: Option<Letters>,
}

impl Names {
    pub(crate) fn new<'a>(known: impl IntoIterator<Item = &'a str>) -> Self {
        let name = |text: &str| Name {
            text: text.to_owned(),
            lower: text.to_lowercase(),
            letters: Letters::of(text),
            end: text.rsplit_once('.').map(|(_, end)| Letters::of(end)),
        };
        Self { names: known.into_iter().take(MAX_NAMES).map(name).collect(), found: HashMap::new() }
    }

    /// The result of [`nearest`]. Subtracts the edit distances that it takes from `may_compare`, also where the result is
    /// known, so that it does not matter who asked before; `None` if fewer are left.
    pub(crate) fn nearest(&mut self, word: &str, may_compare: &mut usize) -> Option<&str> {
        if *may_compare == 0 {
            return None;
        }
        let found = match self.found.get(word) {
            Some(found) => *found,
            None => {
                let found = self.search(word);
                self.found.insert(word.to_owned(), found);
                found
            }
        };
        let left = may_compare.checked_sub(found.compared);
        *may_compare = left.unwrap_or_default();
        left.and(found.nearest).and_then(|index| self.names.get(index)).map(|name| name.text.as_str())
    }

    fn search(&self, word: &str) -> Found {
        let by_meaning = translated(word, self.names.iter().map(|name| name.text.as_str()));
        let nearest = by_meaning.and_then(|text| self.names.iter().position(|name| name.text == text));
        let mut found = Found { nearest, compared: 0 };
        let word = word.to_lowercase();
        if nearest.is_some() || word.len() > 200 {
            return found;
        }
        let last = word.rsplit('.').next().unwrap_or(&word);
        let (whole_letters, last_letters) = (Letters::of(&word), Letters::of(last));
        let near =
            |name: &Name| whole_letters.may_be(name.letters) || name.end.is_some_and(|end| last_letters.may_be(end));
        let names = self.names.iter().enumerate().filter(|(_, name)| near(name));
        let mut least: Option<usize> = None;
        for (index, name) in names.take(MAX_COMPARED) {
            found.compared += 1;
            let distance = slips(&word, last, &name.lower);
            if let Some(distance) = distance.filter(|distance| least.is_none_or(|least| *distance < least)) {
                (least, found.nearest) = (Some(distance), Some(index));
                // No distance is smaller.
                if distance == 0 {
                    break;
                }
            }
        }
        found
    }
}

/// The edit distance between a word and a name or its last part; `None` if it is too large. `last` is the last part of
/// the word. If all parts before the last are the same, they do not count: they would make the last parts look alike.
/// `followers_count` still means `followers`.
fn slips(word: &str, last: &str, name: &str) -> Option<usize> {
    if let (Some((path, _)), Some((same, end))) = (word.rsplit_once('.'), name.rsplit_once('.'))
        && path == same
    {
        let more = || last.strip_prefix(end)?.starts_with(['_', '-']).then_some(2);
        return distance(last, end).or_else(more);
    }
    let whole = distance(word, name);
    let by_end = name.rsplit_once('.').and_then(|(_, end)| distance(last, end)).map(|d| d + 1);
    whole.into_iter().chain(by_end).min()
}

/// The set of letters in a word, ignoring case and separators: a filter that rejects most pairs of words without
/// computing their edit distance.
#[derive(Debug, Clone, Copy)]
struct Letters {
    /// A bit set of letters, hashed to 64 classes.
    classes: u64,
    letters: usize,
    length: usize,
    /// Whether the word is ASCII. The filter accepts all other words.
    ascii: bool,
}

impl Letters {
    fn of(word: &str) -> Self {
        let letters = word.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' '));
        let (classes, count) =
            letters.fold((0, 0), |(classes, count), byte| (classes | 1 << (byte.to_ascii_lowercase() & 63), count + 1));
        Self { classes, letters: count, length: word.len(), ascii: word.is_ascii() }
    }

    /// Whether [`distance`] may be `Some`: one edit adds at most one letter and removes at most one.
    fn may_be(self, other: Self) -> bool {
        let slips = (self.length.max(other.length) / 3).max(1);
        !(self.ascii && other.ascii)
            || (self.letters.abs_diff(other.letters) <= slips
                && (self.classes ^ other.classes).count_ones() as usize <= 2 * slips)
    }
}

/// The edit distance between two words; `None` if it is too large for a misspelling.
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

/// The end of a message: `, did you mean …?`, or the empty string.
pub(crate) fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|s| format!(", did you mean `{s}`?")).unwrap_or_default()
}

/// Names joined for a sentence: "`a`, `b` or `c`". Long lists are cut, with the number of the remaining names.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<_> = names.by_ref().take(MAX_LISTED).map(|n| format!("`{n}`")).collect();
    match (names.next(), names.count()) {
        (None, _) => {}
        (Some(last), 0) => shown.push(format!("`{last}`")),
        (Some(_), others) => shown.push(format!("one of {} more", others + 1)),
    }
    either(shown)
}

/// Phrases joined for a sentence: "a, b or c".
pub(crate) fn either(mut phrases: Vec<String>) -> String {
    match phrases.pop() {
        None => String::new(),
        Some(last) if phrases.is_empty() => last,
        Some(last) => format!("{} or {last}", phrases.join(", ")),
    }
}

/// A word with its indefinite article: "an automation".
pub(crate) fn article(word: &str) -> String {
    // An abbreviation is spoken letter by letter.
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']) || word == "sla";
    format!("{} {word}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The letter filter never rejects a pair of words that [`distance`] accepts.
        #[test]
        fn letters_leave_nothing_out_that_is_near(a in "[A-Ca-c_0-2é.-]{1,12}", b in "[A-Ca-c_0-2é.-]{1,12}") {
            if distance(&a.to_lowercase(), &b.to_lowercase()).is_some() {
                prop_assert!(Letters::of(&a.to_lowercase()).may_be(Letters::of(&b)));
            }
        }
    }

    proptest! {
        #[test]
        fn many_names_give_what_one_by_one_gives(
            known in prop::collection::vec("[A-Ca-c_0-2é.-]{1,8}", 0..40),
            words in prop::collection::vec("[A-Ca-c_0-2é.-]{1,8}", 1..20),
        ) {
            let mut names = Names::new(known.iter().map(String::as_str));
            let mut may_compare = usize::MAX;
            for word in words.iter().chain(&words) {
                prop_assert_eq!(names.nearest(word, &mut may_compare), nearest(word, known.iter().map(String::as_str)));
            }
        }
    }

    #[test]
    fn comparisons_are_bounded_and_known_results_cost_the_same() {
        let known: Vec<_> = (0..4_000).map(|n| format!("rule_{n:04}")).collect();
        let mut names = Names::new(known.iter().map(String::as_str));
        let mut may_compare = 10 * MAX_COMPARED;
        assert_eq!(names.nearest("rlue_0000", &mut may_compare), Some("rule_0000"));
        assert_eq!(may_compare, 9 * MAX_COMPARED);
        // Whoever asks again is told the same, at the same price.
        assert_eq!(names.nearest("rlue_0000", &mut may_compare), Some("rule_0000"));
        assert_eq!(may_compare, 8 * MAX_COMPARED);
        let mut too_few = MAX_COMPARED - 1;
        assert_eq!((names.nearest("rlue_0000", &mut too_few), too_few), (None, 0));
        for n in 1..100 {
            names.nearest(&format!("rlue_{n:04}"), &mut may_compare);
        }
        assert_eq!(may_compare, 0);
        assert_eq!(names.nearest("rlue_0000", &mut may_compare), None);
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
