//! Text folding for comparison: removes differences of case, Unicode normal form, look-alike punctuation, white space
//! and invisible characters.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use writeable::Writeable as _;

/// Folds a text for comparison. Texts that look the same to a reader have the same fold:
///
/// - Case and compatibility variants are equal (NFKC, full case folding, and NFKC again, as case folding can undo it):
///   `STRASSE` is `straße`, `ﬁ` is `fi`, `…` is `...`, a final sigma is a sigma, and dotted and dotless `i` of Turkish
///   are `i`.
/// - Typographic punctuation becomes what a keyboard has: `’`, `ʼ`, `‘`, `´` and `` ` `` are `'`; `“`, `„` and `»` are
///   `"`; `–`, `—` and `‐` are `-`.
/// - Each run of white space, including line breaks, becomes one space; at either end it is removed.
/// - Invisible characters are removed: zero-width spaces, joiners (except inside emoji), soft hyphens, variation
///   selectors, direction marks.
///
/// Look-alike letters of different scripts stay different, such as Cyrillic `а`. So do accents: `é` is not `e`.
pub fn fold(text: &str) -> Cow<'_, str> {
    if is_folded_ascii(text) {
        return Cow::Borrowed(text);
    }
    let mut folder = Folder::default();
    folder.fold(text);
    Cow::Owned(folder.folded)
}

/// [`fold`] for a search text: white space at either end becomes one space instead of being removed.
pub fn fold_needle(text: &str) -> String {
    let folded = fold(text);
    if folded.is_empty() {
        return String::new();
    }
    let blank = |c: Option<char>| if c.is_some_and(is_white) { " " } else { "" };
    let seen = || text.chars().filter(|c| !is_invisible(*c));
    format!("{}{folded}{}", blank(seen().next()), blank(seen().next_back()))
}

/// Whether a text is only white space and invisible characters: its fold is empty.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| is_white(c) || is_invisible(c))
}

/// Removes invisible characters, and white space at both ends.
pub fn trim(text: &str) -> Cow<'_, str> {
    match text.contains(is_invisible) {
        false => Cow::Borrowed(text.trim_matches(is_white)),
        true => {
            let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
            Cow::Owned(seen.trim_matches(is_white).to_owned())
        }
    }
}

/// [`fold`] with reusable buffers, for folding many texts without an allocation for each.
#[derive(Debug, Default)]
pub struct Folder {
    folded: String,
    plain: String,
    composed: String,
    lower: String,
}

impl Folder {
    /// Folds a text.
    pub fn fold(&mut self, text: &str) -> &str {
        self.folded.clear();
        let mut rest = text;
        while !rest.is_empty() {
            // ASCII characters never combine with the character before them, so the text can be split there. In a run
            // of ASCII before a non-ASCII character, all but the last need no Unicode normalisation.
            let ascii = rest.bytes().position(|b| !b.is_ascii()).unwrap_or(rest.len());
            let plain = if ascii == rest.len() { ascii } else { ascii.saturating_sub(1) };
            let (plain, after) = rest.split_at(plain);
            self.push_ascii(plain);
            if after.is_empty() {
                break;
            }
            let others = after.bytes().skip(1).position(|b| b.is_ascii()).map_or(after.len(), |at| at + 1);
            let (others, after) = after.split_at(others);
            self.fold_others(others);
            rest = after;
        }
        if self.folded.ends_with(' ') {
            self.folded.pop();
        }
        &self.folded
    }

    fn push_ascii(&mut self, text: &str) {
        let from = self.folded.len();
        let joins = text.starts_with(' ') && (self.folded.is_empty() || self.folded.ends_with(' '));
        if joins || !is_plain_ascii(text.as_bytes()) {
            return simplify(text.chars().map(|c| c.to_ascii_lowercase()), &mut self.folded);
        }
        self.folded.push_str(text);
        if let Some(text) = self.folded.get_mut(from..) {
            text.make_ascii_lowercase();
        }
    }

    fn fold_others(&mut self, text: &str) {
        const NFKC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfkc();
        let Self { folded, plain, composed, lower } = self;
        plain.clear();
        composed.clear();
        lower.clear();
        // `see` runs before NFKC, as invisible characters can separate combining ones and as `´` decomposes; and after
        // it, as NFKC can produce such characters. Writing to a `String` never fails.
        see(text.chars(), |c| plain.push(c));
        let _ = NFKC.normalize_to(plain, composed);
        let _ = CaseMapper::new().fold(composed).write_to(lower);
        plain.clear();
        one_i(lower.chars(), |c| plain.push(c));
        composed.clear();
        let _ = NFKC.normalize_to(plain, composed);
        simplify(composed.chars(), folded);
    }

    /// The result of the last [`Self::fold`].
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

/// Whether an ASCII text is folded, apart from its case and white space at its ends.
fn is_plain_ascii(text: &[u8]) -> bool {
    let odd = text.iter().fold(false, |odd, b| odd | (*b < b' ') | (*b == b'`'));
    let twice = text.iter().zip(text.iter().skip(1)).fold(false, |odd, (a, b)| odd | ((*a == b' ') & (*b == b' ')));
    !odd && !twice
}

fn is_folded_ascii(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase())
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && is_plain_ascii(text.as_bytes())
}

/// Appends the visible characters of a text, with one space for each run of white space and none at the start.
fn simplify(text: impl Iterator<Item = char> + Clone, folded: &mut String) {
    see(text, |c| {
        if !is_white(c) {
            folded.push(c);
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    });
}

/// Calls `seen` for each visible character of a text, with look-alike punctuation replaced.
fn see(text: impl Iterator<Item = char> + Clone, mut seen: impl FnMut(char)) {
    let mut before = '\0';
    let mut rest = text;
    while let Some(c) = rest.next() {
        let joins = match c {
            // A joiner between two pictographs makes one emoji: 👩‍💻.
            ZERO_WIDTH_JOINER => {
                is_pictograph(before) && rest.clone().find(|c| !is_invisible(*c)).is_some_and(is_pictograph)
            }
            // Tag characters after a black flag name a region, such as Scotland.
            TAG_FIRST..=TAG_LAST => matches!(before, BLACK_FLAG | TAG_FIRST..=TAG_LAST),
            _ => false,
        };
        if joins || !is_invisible(c) {
            let c = keyboard(c);
            seen(c);
            before = c;
        }
    }
}

/// Maps Turkish `ı`, and `i` with a combining dot (which `İ` folds to), to `i`.
fn one_i(text: impl Iterator<Item = char>, mut push: impl FnMut(char)) {
    let mut before = '\0';
    for c in text {
        match c {
            '\u{307}' if before == 'i' => continue,
            'ı' => before = 'i',
            c => before = c,
        }
        push(before);
    }
}

const ZERO_WIDTH_JOINER: char = '\u{200d}';
const BLACK_FLAG: char = '\u{1f3f4}';
const TAG_FIRST: char = '\u{e0020}';
const TAG_LAST: char = '\u{e007f}';

/// Whether a character can be part of a joined emoji, approximated by Unicode blocks.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f300}'..='\u{1faff}')
}

/// White space, and characters that look like it.
fn is_white(c: char) -> bool {
    // U+2800 is the blank braille pattern.
    c.is_whitespace() || c == '\u{2800}'
}

/// Whether a character is invisible: Unicode's `Default_Ignorable_Code_Point`, interlinear annotation marks, and
/// control characters beyond ASCII.
pub fn is_invisible(c: char) -> bool {
    !c.is_ascii()
        && matches!(c,
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The ASCII punctuation that a character looks like, else the character itself.
fn keyboard(c: char) -> char {
    match c {
        // Spacing accents, modifier letters, primes, and quotation marks of many languages.
        '`' | '´' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʽ' | 'ˈ' | 'ˊ' | 'ˋ' | '՚' | '׳' | '\u{1fbd}' | '\u{1fbf}' | '‘' | '’' | '‚'
        | '‛' | '′' | '‵' | '‹' | '›' | '❛' | '❜' | 'ꞌ' | 'Ꞌ' | '＇' | '｀' => '\'',
        '˝' | 'ˮ' | '״' | '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '‶' | '❝' | '❞' | '〝' | '〞' | '〟' | '＂' => {
            '"'
        }
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '⁃' | '⸺' | '⸻' | '﹘' | '﹣' | '－' => '-',
        '⁄' | '∕' => '/',
        '∶' => ':',
        '∗' => '*',
        '∼' => '~',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    /// The visible characters of a text, with look-alike punctuation replaced.
    fn seen(text: &str) -> String {
        let mut seen = String::with_capacity(text.len());
        see(text.chars(), |c| seen.push(c));
        seen
    }

    #[test]
    fn folding_makes_equal_what_reads_equal() {
        for (a, b) in [
            ("STRASSE", "straße"),
            ("ﬁne", "FINE"),
            ("Ｆｕｌｌ", "full"),
            ("É", "e\u{301}"),
            ("ΣΑΣ", "σας"),
            ("don’t", "don't"),
            ("don\u{2bc}t", "don't"),
            ("don\u{2018}t", "don't"),
            ("don＇t", "don't"),
            ("don´t", "don`t"),
            ("“no” „no“ «no»", "\"no\" \"no\" \"no\""),
            ("a–b—c‐d−e", "a-b-c-d-e"),
            ("wait…", "wait..."),
            ("refund  now", "refund now"),
            ("refund\r\n now", "refund\u{a0}now"),
            ("\u{3000}refund\t", "refund"),
            ("re\u{200b}fu\u{ad}nd\u{2060}", "\u{feff}refund"),
            ("e\u{200d}\u{301}", "é"),
            ("❤\u{fe0f}", "❤"),
            ("\u{202e}flip\u{9b}", "flip"),
            ("👩\u{200d}\u{200d}", "👩"),
            ("İADE ISITMA", "iade ısıtma"),
            ("½ a⁄b a∕b 1∶2", "1/2 a/b a/b 1:2"),
            ("re\u{fff9}fund", "refund"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
    }

    #[test]
    fn what_reads_otherwise_stays_otherwise() {
        for (a, b) in [
            ("é", "e"),
            ("оpen", "open"),
            ("refundnow", "refund now"),
            ("👩\u{200d}💻", "👩💻"),
            ("🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", "🏴"),
        ] {
            assert_ne!(fold(a), fold(b), "{a} {b}");
        }
    }

    #[test]
    fn every_character_is_folded_once() {
        // Most ideographs and Hangul syllables are left out.
        let odd =
            [0..0x3400, 0xa000..0xac80, 0xf900..0x1_0000, 0x1_0000..0x1_3000, 0x1_b000..0x2_0000, 0xe_0000..0xe_1000];
        for c in odd.into_iter().flatten().filter_map(char::from_u32) {
            let text = c.to_string();
            assert_eq!(is_blank(&text), fold(&text).is_empty(), "U+{:04X}", u32::from(c));
            let text = format!("{c}a{c}\u{301}b👩{c}\u{200d}{c}💻{c}");
            let folded = fold(&text).into_owned();
            assert_eq!(fold(&folded), folded, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn white_space_around_a_needle_is_a_blank() {
        assert_eq!(fold_needle("\u{200b}\n my  Order "), " my order ");
        assert_eq!(fold_needle("order"), "order");
        assert_eq!(fold_needle(" \u{ad} "), "");
    }

    /// Reference implementation: folds the whole text at once, without buffers.
    fn by_the_book(text: &str) -> String {
        const NFKC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfkc();
        let lower = CaseMapper::new().fold_string(&NFKC.normalize(&seen(text))).into_owned();
        let folded = NFKC.normalize(&lower.replace('ı', "i").replace("i\u{307}", "i")).into_owned();
        seen(&folded).split(is_white).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    proptest::proptest! {
        #[test]
        fn texts_are_folded_in_pieces_as_they_are_as_a_whole(
            parts in proptest::collection::vec(
                proptest::prelude::prop_oneof![
                    proptest::sample::select(vec![
                        "a", "B", "ss", "s", " ", "e\u{301}", "\u{301}", "\u{327}", "ß", "ẞ", "ﬁ", "İ", "ı", "Σ", "ς", "ſ", "\u{212a}",
                        "각", "\u{1100}", "\u{1161}", "\u{11a8}", "\u{3b9}\u{308}\u{301}", "\u{345}", "ΐ", "ǰ", "½", "①", "👩‍👩‍👧", "\u{200d}", "\u{fdfa}",
                        "  ", "\n", "\r\n", "\t", "\0", "`", "'", "’", "´", "“", "…", "—", "\u{a0}", "\u{200b}", "\u{ad}", "\u{feff}", "\u{2028}",
                        "¨", "\u{308}", "👩", "💻", "\u{fe0f}", "\u{3164}", "\u{ffa0}", "🏴", "\u{e0067}", "\u{2800}", "ŉ",
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
            proptest::prop_assert_eq!(is_blank(&text), folded.is_empty());
            let needle = fold_needle(&text);
            proptest::prop_assert_eq!(fold(&needle), folded);
        }
    }
}
