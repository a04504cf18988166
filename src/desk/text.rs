//! How texts are compared: without case, after Unicode normalisation.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_segmentation::UnicodeSegmentation;

/// The form in which texts are compared: NFKC, then full case folding, then NFKC again (folding can
/// undo it). Two texts a reader takes for the same have the same fold: `STRASSE` and `straße`, `ﬁ` and `fi`.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    const NFKC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfkc();
    let composed = NFKC.normalize(text);
    let folded = CaseMapper::new().fold_string(&composed).into_owned();
    Cow::Owned(NFKC.normalize(&folded).into_owned())
}

/// Whether `needle` stands in `text` as whole words, by Unicode word boundaries. Both folded.
///
/// A boundary is wherever UAX #29 puts one, so `c++` is found in `use c++.` and `art` is not found in
/// `start`. An empty needle is in no text.
pub fn contains_word(text: &str, needle: &str) -> bool {
    if needle.is_empty() || !text.contains(needle) {
        return false;
    }
    let mut bounds: Vec<usize> = text.split_word_bound_indices().map(|(at, _)| at).collect();
    bounds.push(text.len());
    text.match_indices_overlapping(needle)
        .any(|at| bounds.binary_search(&at).is_ok() && bounds.binary_search(&(at + needle.len())).is_ok())
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
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.grapheme_indices(true).nth(most) {
        None => line,
        Some(_) => {
            let kept: String = line.graphemes(true).take(most.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// A text for a terminal: characters that would steer it, or turn the direction of what follows, are escaped.
pub fn visible(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_equal_what_reads_equal() {
        for (a, b) in [("STRASSE", "straße"), ("ﬁne", "FINE"), ("Ｆｕｌｌ", "full"), ("É", "e\u{301}"), ("ΣΑΣ", "σας")]
        {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
    }

    #[test]
    fn words_are_whole() {
        assert!(contains_word("my order, please", "order"));
        assert!(!contains_word("reorder", "order"));
        assert!(contains_word("restart art", "art"));
        assert!(contains_word("where is my order", "my order"));
        assert!(!contains_word("anything", ""));
    }

    #[test]
    fn headlines_are_cut_between_characters() {
        assert_eq!(headline("one\n two", 80), "one two");
        assert_eq!(headline("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2), "👩‍👩‍👧…");
    }

    #[test]
    fn nothing_visible_steers_a_terminal() {
        assert_eq!(visible("née \u{1f469}\u{200d}\u{1f467}"), "née \u{1f469}\u{200d}\u{1f467}");
        assert_eq!(visible("a\u{1b}[31m\u{202e}\n"), "a\\u{1b}[31m\\u{202e}\\u{a}");
    }
}
