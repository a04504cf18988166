//! How texts are compared: without case, after Unicode normalisation.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_segmentation::UnicodeSegmentation;
use writeable::Writeable as _;

/// The form in which texts are compared: NFKC, then full case folding, then NFKC again (folding can
/// undo it). Two texts a reader takes for the same have the same fold: `STRASSE` and `straße`, `ﬁ` and `fi`.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let mut folder = Folder::default();
    folder.fold(text);
    Cow::Owned(folder.folded)
}

/// [`fold`] into a buffer, for whoever folds many texts: once its buffers have grown, it allocates nothing.
#[derive(Debug, Default)]
pub struct Folder {
    folded: String,
    composed: String,
    lower: String,
}

impl Folder {
    /// Folds a text.
    pub fn fold(&mut self, text: &str) -> &str {
        self.folded.clear();
        let mut rest = text;
        while !rest.is_empty() {
            // An ASCII character never joins what stands before it, so texts can be cut there. What is all ASCII
            // up to the one before the next other character is only to be made lower case.
            let ascii = rest.bytes().position(|b| !b.is_ascii()).unwrap_or(rest.len());
            let plain = if ascii == rest.len() { ascii } else { ascii.saturating_sub(1) };
            let (plain, after) = rest.split_at(plain);
            let from = self.folded.len();
            self.folded.push_str(plain);
            if let Some(plain) = self.folded.get_mut(from..) {
                plain.make_ascii_lowercase();
            }
            if after.is_empty() {
                break;
            }
            let others = after.bytes().skip(1).position(|b| b.is_ascii()).map_or(after.len(), |at| at + 1);
            let (others, after) = after.split_at(others);
            self.fold_others(others);
            rest = after;
        }
        &self.folded
    }

    fn fold_others(&mut self, text: &str) {
        const NFKC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfkc();
        let Self { folded, composed, lower } = self;
        composed.clear();
        lower.clear();
        // Writing into a text never fails.
        let _ = NFKC.normalize_to(text, composed);
        let _ = CaseMapper::new().fold(composed).write_to(lower);
        let _ = NFKC.normalize_to(lower, folded);
    }

    /// What was folded last.
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

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
    use proptest::strategy::Strategy as _;

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

    /// As it is written down: the whole text by the book.
    fn by_the_book(text: &str) -> String {
        const NFKC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfkc();
        NFKC.normalize(&CaseMapper::new().fold_string(&NFKC.normalize(text))).into_owned()
    }

    proptest::proptest! {
        #[test]
        fn texts_are_folded_in_pieces_as_they_are_as_a_whole(
            parts in proptest::collection::vec(
                proptest::prelude::prop_oneof![
                    proptest::sample::select(vec![
                        "a", "B", "ss", "s", " ", "e\u{301}", "\u{301}", "\u{327}", "ß", "ẞ", "ﬁ", "İ", "ı", "Σ", "ς", "ſ", "\u{212a}",
                        "각", "\u{1100}", "\u{1161}", "\u{11a8}", "\u{3b9}\u{308}\u{301}", "\u{345}", "ΐ", "ǰ", "½", "①", "👩‍👩‍👧", "\u{200d}", "\u{fdfa}",
                    ]).prop_map(str::to_owned),
                    proptest::prelude::any::<String>(),
                ],
                0..8,
            )
        ) {
            let text = parts.concat();
            proptest::prop_assert_eq!(&*fold(&text), by_the_book(&text));
            let folded = fold(&text);
            proptest::prop_assert_eq!(fold(&folded), folded.clone());
        }
    }

    #[test]
    fn headlines_are_cut_between_characters() {
        assert_eq!(headline("one\n two", 80), "one two");
        assert_eq!(headline("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2), "👩‍👩‍👧…");
    }
}
