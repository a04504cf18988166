//! Text utilities: word search, word boundaries, headlines, and folding.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

pub use super::fold::{Folder, fold, fold_needle, is_blank, is_invisible, trim};

/// Whether `text` contains `needle` as whole words, by Unicode word boundaries. Both must be folded.
///
/// Boundaries are those of UAX #29, so `use c++.` contains `c++`, and `start` does not contain `art`. An empty needle
/// is never contained.
pub fn contains_word(text: &str, needle: &str) -> bool {
    if needle.is_empty() || !text.contains(needle) {
        return false;
    }
    let bounds: Vec<usize> = word_bounds(text).collect();
    text.match_indices_overlapping(needle)
        .any(|at| bounds.binary_search(&at).is_ok() && bounds.binary_search(&(at + needle.len())).is_ok())
}

/// Byte offsets of the word boundaries of a text, in order, including its start and end.
pub fn word_bounds(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.split_word_bound_indices().map(|(at, _)| at).chain([text.len()])
}

/// Whether byte offset `at` is a word boundary, decided from the two characters on either side. `None` if one of them
/// is not ASCII; then the whole text must be segmented.
pub fn is_word_bound(text: &str, at: usize) -> Option<bool> {
    /// The UAX #29 classes of ASCII characters that can join their neighbours; `None` for all others.
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
        // Punctuation between two letters or two digits, as in `it's` and `1,000`.
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

/// A number with its noun: `1 failure`, `2 failures`.
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// The first `most` user-perceived characters of a text, on one line; ends in `…` if the text was cut.
pub fn headline(text: &str, most: usize) -> String {
    // Stops early for ASCII text, where each byte is a character.
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
    // In ASCII text without line breaks, each byte is a character.
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
        // One character of each ASCII class, and some that are not ASCII.
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
