//! How long a post is, as X counts.
//!
//! Source of the figures: version 3 of X's published counting configuration. Text is counted after NFC; most of the
//! Latin, Greek, Cyrillic, Hebrew and Arabic ranges weigh one, everything else two, an emoji of any number of
//! code points two, and a link 23 however long it is. What counts as a link is decided more narrowly than X
//! does: addresses with a scheme, and bare names under a few common top-level domains. A bare name under a rarer one is
//! counted as the text it is, which can only err by refusing a post that X would take, or the other way by
//! as much as such a name is shorter than 23 characters.

use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;
use unicode_segmentation::UnicodeSegmentation as _;

/// What a link weighs.
const LINK: usize = 23;

static LINKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\bhttps?://[^\s<>]+[^\s<>.,;:!?'\x22)\]]|\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|org|net|edu|gov|io|co|app|dev|info|eu|uk|de|fr|es|it|nl|se|no|dk|fi|pl|ch|at|be|jp|ca|au|us)\b(?:/[^\s<>]*[^\s<>.,;:!?'\x22)\]])?",
    )
    .ok()
});
static EMOJI: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[\p{Extended_Pictographic}\p{Regional_Indicator}\x{20E3}]").ok());

/// The weighted length of a text.
pub fn weighted_length(text: &str) -> usize {
    const NFC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
    let text = NFC.normalize(text);
    let mut length = 0;
    let mut at = 0;
    for link in LINKS.iter().flat_map(|links| links.find_iter(&text)) {
        length += plain(text.get(at..link.start()).unwrap_or_default()) + LINK;
        at = link.end();
    }
    length + plain(text.get(at..).unwrap_or_default())
}

fn plain(text: &str) -> usize {
    text.graphemes(true)
        .map(|grapheme| {
            let lone = grapheme.chars().count() == 1 && grapheme.is_ascii();
            if !lone && EMOJI.as_ref().is_some_and(|emoji| emoji.is_match(grapheme)) {
                // ©, ® and ™ are pictographs to Unicode and letters to everybody else.
                return if grapheme.chars().count() == 1 { grapheme.chars().map(weight).sum::<usize>() } else { 2 };
            }
            grapheme.chars().map(weight).sum()
        })
        .sum()
}

/// What a code point weighs.
fn weight(c: char) -> usize {
    let light = matches!(u32::from(c), 0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247);
    if light { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::weighted_length;

    #[test]
    fn lengths_are_those_of_x() {
        for (text, length) in [
            ("", 0),
            ("Hello, world! 👋", 16),
            ("é", 1),
            ("e\u{301}", 1),
            ("荷物", 4),
            ("مرحبا", 5),
            ("👨‍👩‍👧‍👦", 2),
            ("🇸🇪", 2),
            ("👍🏽", 2),
            ("1️⃣", 2),
            ("see https://example.org/a/very/long/path?with=query and more", 4 + 23 + 9),
            ("see example.com.", 4 + 23 + 1),
            ("“quoted” – so", 13),
        ] {
            assert_eq!(weighted_length(text), length, "{text}");
        }
    }
}
