//! Texts: their words, their headlines, and how they are shown.

use unicode_segmentation::UnicodeSegmentation;

pub use super::fold::{Folder, fold, fold_needle, is_blank, is_invisible, trim};

/// Whether `needle` stands in `text` as whole words, by Unicode word boundaries. Both folded.
///
/// A boundary is wherever UAX #29 puts one, so `c++` is found in `use c++.` and `art` is not found in
/// `start`. An empty needle is in no text.
pub fn contains_word(text: &str, needle: &str) -> bool {
    if needle.is_empty() || !text.contains(needle) {
        return false;
    }
    let bounds: Vec<usize> = word_bounds(text).collect();
    text.match_indices_overlapping(needle)
        .any(|at| bounds.binary_search(&at).is_ok() && bounds.binary_search(&(at + needle.len())).is_ok())
}

/// Where words begin and end in a text, in order, its start and its end among them.
pub fn word_bounds(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.split_word_bound_indices().map(|(at, _)| at).chain([text.len()])
}

/// Whether a word begins or ends at this byte of a text, as far as that can be told from the two characters on
/// either side: nothing where one of those is not ASCII, and then the whole text must be asked.
pub fn is_word_bound(text: &str, at: usize) -> Option<bool> {
    /// The classes of UAX #29 that occur in ASCII; the rest is `None`.
    fn class(byte: u8) -> Option<char> {
        Some(match byte {
            b'A'..=b'Z' | b'a'..=b'z' => 'a',
            b'0'..=b'9' => '0',
            b'_' => '_',
            b':' => ':',
            b'.' | b'\'' => '.',
            b',' | b';' => ',',
            b' ' => ' ',
            _ => return None,
        })
    }
    let bytes = text.as_bytes();
    let (Some(&before), Some(&after)) = (at.checked_sub(1).and_then(|at| bytes.get(at)), bytes.get(at)) else {
        return Some(true);
    };
    let further = (at.checked_sub(2).and_then(|at| bytes.get(at)), bytes.get(at + 1));
    if !before.is_ascii()
        || !after.is_ascii()
        || !further.0.is_none_or(u8::is_ascii)
        || !further.1.is_none_or(u8::is_ascii)
    {
        return None;
    }
    if before == b'\r' && after == b'\n' {
        return Some(false);
    }
    let further = (further.0.and_then(|b| class(*b)), further.1.and_then(|b| class(*b)));
    let together = match (class(before), class(after)) {
        (Some(' '), Some(' ')) | (Some('a' | '0' | '_'), Some('a' | '0' | '_')) => true,
        // What stands between two letters or two digits, as in `it's` and `1,000`.
        (Some('a'), Some(':' | '.')) => further.1 == Some('a'),
        (Some(':' | '.'), Some('a')) => further.0 == Some('a'),
        (Some('0'), Some(',' | '.')) => further.1 == Some('0'),
        (Some(',' | '.'), Some('0')) => further.0 == Some('0'),
        _ => false,
    };
    Some(!together)
}

trait MatchIndicesOverlapping {
    fn match_indices_overlapping<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a;
}

impl MatchIndicesOverlapping for str {
    fn match_indices_overlapping<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            let at = from + self.get(from..)?.find(needle)?;
            from = at + self.get(at..)?.chars().next().map_or(1, char::len_utf8);
            Some(at)
        })
    }
}

/// The first `most` user-perceived characters of a text on one line; `…` where something was cut.
pub fn headline(text: &str, most: usize) -> String {
    // No more words are looked at than can be shown, unless they have characters that only together are one.
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > most && line.is_ascii() {
            break;
        }
    }
    // Each of these is a character, unless what follows the last one joins it.
    if line.is_ascii() {
        return match line.len() > most {
            false => line,
            true => {
                let kept = line.get(..most.saturating_sub(1)).unwrap_or_default();
                format!("{}…", kept.trim_end())
            }
        };
    }
    match line.grapheme_indices(true).nth(most) {
        None => line,
        Some(_) => {
            let kept: String = line.graphemes(true).take(most.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(contains_word("my order, please", "order"));
        assert!(!contains_word("reorder", "order"));
        assert!(contains_word("restart art", "art"));
        assert!(contains_word("where is my order", "my order"));
        assert!(!contains_word("anything", ""));
    }

    #[test]
    fn bounds_of_words_are_those_of_the_whole_text() {
        // One character of each class that ASCII has, and some that are not ASCII.
        const CHARACTERS: [&str; 18] =
            ["a", "Z", "0", "_", ":", ".", "'", ",", ";", " ", "\r", "\n", "\t", "\u{b}", "-", "\"", "é", "\u{301}"];
        let mut told = 0;
        for n in 0..CHARACTERS.len().pow(4) {
            let text: String = (0..4).map(|i| CHARACTERS[n / CHARACTERS.len().pow(i) % CHARACTERS.len()]).collect();
            let bounds: Vec<usize> = word_bounds(&text).collect();
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                if let Some(bound) = is_word_bound(&text, at) {
                    assert_eq!(bound, bounds.contains(&at), "{text:?} at {at}");
                    told += 1;
                }
            }
        }
        assert!(told > 300_000, "{told}");
    }

    #[test]
    fn headlines_are_cut_between_characters() {
        assert_eq!(headline("one\n two", 80), "one two");
        assert_eq!(headline("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2), "👩‍👩‍👧…");
    }
}
