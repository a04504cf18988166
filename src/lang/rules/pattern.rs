//! Regular expressions that match folded text.

use icu_normalizer::{ComposingNormalizerBorrowed, properties::CanonicalCombiningClassMapBorrowed};
use regex_syntax::hir::{Class, Hir, HirKind, Look, literal::Extractor};

use crate::desk::text::fold;

/// Maximum number of literal characters that are folded together. Bounds the time for a pattern that consists only of
/// characters that compose with each other.
const MAX_JOINED_CHARS: usize = 32;

/// A regular expression without look-around and backreferences, so that it runs in linear time.
///
/// It is matched case-insensitively against folded text, which is a single line with one blank between words and
/// ASCII punctuation. Literals in the pattern are folded as the text is. White space, classes and escapes are kept,
/// except that the non-ASCII characters of a class are folded one by one. One that folds to several characters, such as
/// `ß`, is an error in a class, which matches one character.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written.
    pub written: String,
    /// The compiled expression.
    pub regex: regex::Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// Why a pattern cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPattern {
    /// A class contains this character, which folds to no character or to several.
    #[error("`{0}` in a class is compared as `{1}`, but a class matches one character")]
    Class(char, String),
    /// The folded pattern is invalid or too large.
    #[error(transparent)]
    Regex(#[from] regex::Error),
}

impl Pattern {
    /// Compiles a pattern, with a limit on its compiled size.
    pub fn new(written: &str) -> Result<Self, InvalidPattern> {
        let regex =
            regex::RegexBuilder::new(&Self::folded(written)?).case_insensitive(true).size_limit(1 << 20).build()?;
        Ok(Self { written: written.to_owned(), regex })
    }

    /// Whether it can match a folded text of these characters only. A look-around assertion counts as true.
    pub(crate) fn can_match(&self, is_allowed: fn(char) -> bool) -> bool {
        regex_syntax::parse(self.regex.as_str()).is_ok_and(|hir| can_match(&hir, is_allowed))
    }

    /// Whether it requires capital letters by `(?-i)`, which no folded text has.
    pub(crate) fn wants_capitals(&self) -> bool {
        let any_case = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(self.regex.as_str());
        any_case.is_ok_and(|hir| !can_match(&hir, |c| !c.is_ascii_uppercase()))
    }

    /// The texts that it matches, if it matches only whole texts, and few of them.
    pub(crate) fn whole_texts(&self) -> Option<Vec<String>> {
        let hir = regex_syntax::parse(self.regex.as_str()).ok()?;
        let properties = hir.properties();
        let is_whole =
            properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End);
        let found = Extractor::new().extract(&hir);
        let texts = found.literals().filter(|_| is_whole)?.iter();
        texts.map(|text| String::from_utf8(text.as_bytes().to_vec()).ok().filter(|_| text.is_exact())).collect()
    }

    /// The pattern with its literals folded, as it is compiled.
    pub(crate) fn folded(written: &str) -> Result<String, InvalidPattern> {
        let written = written_out(written);
        if written.is_ascii() && !written.contains('`') {
            return Ok(written);
        }
        let mut pattern = String::with_capacity(written.len());
        let mut run = Run::default();
        let (mut escaped, mut classes) = (false, 0_usize);
        for c in written.chars() {
            let was_escaped = escaped;
            escaped = c == '\\' && !was_escaped;
            if escaped {
                continue;
            }
            let outside = classes == 0;
            match c {
                _ if was_escaped => {}
                '[' => classes += 1,
                ']' => classes = classes.saturating_sub(1),
                _ => {}
            }
            let literal = match was_escaped {
                true => !c.is_ascii() || c.is_ascii_punctuation(),
                false => !c.is_whitespace() && !regex_syntax::is_meta_character(c),
            };
            if literal {
                run.push(c, was_escaped);
                continue;
            }
            run.finish(outside, &mut pattern)?;
            pattern.push_str(if was_escaped { "\\" } else { "" });
            pattern.push(if c.is_ascii() { c } else { ' ' });
        }
        run.finish(classes == 0, &mut pattern)?;
        pattern.push_str(if escaped { "\\" } else { "" });
        Ok(pattern)
    }
}

/// A run of consecutive literal characters, each with whether it is escaped by a backslash.
#[derive(Default)]
struct Run(Vec<(char, bool)>);

impl Run {
    fn push(&mut self, c: char, escaped: bool) {
        self.0.push((c, escaped));
    }

    /// Appends the folded run to the pattern, and clears it.
    fn finish(&mut self, outside_classes: bool, pattern: &mut String) -> Result<(), InvalidPattern> {
        let run = std::mem::take(&mut self.0);
        if outside_classes {
            joined(&run).for_each(|characters| write(characters, pattern));
            return Ok(());
        }
        // In a class, each character is folded separately, because a class matches single characters.
        let text: String =
            run.iter().map(|(c, escaped)| if *escaped { format!("\\{c}") } else { c.to_string() }).collect();
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&text);
        for c in composed.chars() {
            if c.is_ascii() && c != '`' {
                pattern.push(c);
                continue;
            }
            let mut buffer = [0; 4];
            let folded = fold(c.encode_utf8(&mut buffer));
            if folded.chars().count() != 1 {
                return Err(InvalidPattern::Class(c, folded.into_owned()));
            }
            pattern.push_str(&regex::escape(&folded));
        }
        Ok(())
    }
}

/// Whether an expression can match a text of these characters only.
fn can_match(hir: &Hir, is_allowed: fn(char) -> bool) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => true,
        // A folded text has single spaces.
        HirKind::Literal(text) => {
            std::str::from_utf8(&text.0).is_ok_and(|text| text.chars().all(is_allowed) && !text.contains("  "))
        }
        HirKind::Class(Class::Unicode(class)) => class.iter().any(|range| {
            // Characters that are not ASCII are all allowed or all not.
            range.end() > '\x7f' && is_allowed('\u{80}') || (range.start()..='\x7f'.min(range.end())).any(is_allowed)
        }),
        HirKind::Repetition(repetition) => repetition.min == 0 || can_match(&repetition.sub, is_allowed),
        HirKind::Capture(capture) => can_match(&capture.sub, is_allowed),
        HirKind::Concat(parts) => parts.iter().all(|part| can_match(part, is_allowed)),
        HirKind::Alternation(parts) => parts.iter().any(|part| can_match(part, is_allowed)),
    }
}

/// Splits a run at every position where both sides fold independently.
fn joined(run: &[(char, bool)]) -> impl Iterator<Item = &[(char, bool)]> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut end = 1;
        while rest.get(end).is_some_and(|(next, _)| joins(rest.get(..end).unwrap_or_default(), *next)) {
            end += 1;
        }
        let (characters, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(characters)
    })
}

/// Whether folding a character depends on the characters before it.
fn joins(before: &[(char, bool)], next: char) -> bool {
    if next.is_ascii() && before.iter().all(|(c, _)| c.is_ascii()) {
        return false;
    }
    let mut buffer = [0; 4];
    let alone = fold(next.encode_utf8(&mut buffer));
    // Invisible characters, and combining marks, which normalization may reorder.
    let is_mark = |c| CanonicalCombiningClassMapBorrowed::new().get_u8(c) != 0;
    if is_mark(next) || alone.chars().next().is_none_or(is_mark) {
        return true;
    }
    if before.len() >= MAX_JOINED_CHARS {
        return false;
    }
    let before: String = before.iter().map(|(c, _)| *c).collect();
    fold(&format!("{before}{next}")) != format!("{}{alone}", fold(&before))
}

/// Appends characters that are folded together, grouped so that a following repetition applies to all of them.
fn write(characters: &[(char, bool)], pattern: &mut String) {
    if let [(c, escaped)] = characters
        && c.is_ascii()
        && *c != '`'
    {
        pattern.push_str(if *escaped { "\\" } else { "" });
        pattern.push(*c);
        return;
    }
    let folded = fold(&characters.iter().map(|(c, _)| *c).collect::<String>()).into_owned();
    let many = folded.chars().nth(1).is_some();
    pattern.push_str(if many { "(?:" } else { "" });
    pattern.push_str(&regex::escape(&folded));
    pattern.push_str(if many { ")" } else { "" });
}

/// Replaces escapes of non-ASCII characters with the characters: `\u{2019}` and `\x{2019}` become `’`.
fn written_out(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = escape.get(1..).unwrap_or_default();
        let (number, after) = match (escape.bytes().next(), digits.strip_prefix('{')) {
            (Some(b'x' | b'u' | b'U'), Some(braced)) => braced.split_once('}').unwrap_or_default(),
            (Some(b'u'), None) => digits.split_at_checked(4).unwrap_or_default(),
            (Some(b'U'), None) => digits.split_at_checked(8).unwrap_or_default(),
            _ => ("", ""),
        };
        match u32::from_str_radix(number, 16).ok().and_then(char::from_u32).filter(|c| !c.is_ascii()) {
            Some(c) => {
                out.push(c);
                rest = after;
            }
            None => {
                let after = escape.chars().next().map_or(0, char::len_utf8);
                out.push('\\');
                out.push_str(escape.get(..after).unwrap_or_default());
                rest = escape.get(after..).unwrap_or_default();
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lang::rules::Folded;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}")).regex.is_match(&fold(text))
    }

    #[test]
    fn literals_are_folded_together_and_the_rest_is_exact() {
        for (pattern, text, expected) in [
            ("ｶﾞｽ", "ガス", true),
            ("^ｶﾞ+ｽ$", "ガガガス", true),
            ("^ｶﾞ+ｽ$", "カ\u{3099}\u{3099}ス", false),
            ("[ｶ]", "カ", true),
            ("^[e\u{301}]$", "é", true),
            ("^[e\u{301}]$", "e", false),
            ("i\u{307}stanbul", "istanbul", true),
            ("J\u{30c}", "ǰ", true),
            ("^J\u{30c}{2}$", "ǰǰ", true),
            ("^ㄱㅏ$", "가", true),
            ("^ß+$", "ssss", true),
            ("^ß+$", "sss", false),
            // A look-alike of an operator is a literal.
            ("a∗b", "a*b", true),
            ("a∗b", "aab", false),
            ("a（b）", "a(b)", true),
            ("\\.\u{338}", ".\u{338}", true),
            ("=\u{338}", "≠", true),
            ("\\d\u{301}", "7\u{301}", true),
            ("\\bd’or\\b", "d'or", true),
            ("d\\`or", "d´or", true),
            ("(?i)é|É", "É", true),
            ("a\u{a0}b", "a b", true),
            ("👩\u{200d}💻", "👩\u{200d}💻", true),
            ("👩\u{200d}💻", "👩💻", false),
            ("zero\u{200b}width", "zerowidth", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_class_holds_characters_that_stay_one() {
        for (pattern, at_fault) in
            [("[aß]", "ß"), ("[^ß]", "ß"), ("[ß-ü]", "ß"), ("[\u{200b}]", "\u{200b}"), ("[…!]", "…")]
        {
            let error = Pattern::new(pattern).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{at_fault}` in a class")), "{pattern}: {error}");
        }
        for pattern in ["[à-ÿ]", "[“”„]", "[ﾞ]", "[İı]", "(ß|…)[é]", "\\[ß]"] {
            assert!(Pattern::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn what_a_pattern_can_match_of_some_characters_is_known() {
        let can = |pattern: &str| Pattern::new(pattern).unwrap().can_match(|c| c.is_ascii_lowercase());
        for pattern in ["ada", "^ADA"] {
            assert_eq!(can(pattern), pattern == "ada", "{pattern}");
        }
        for pattern in ["", "a*", "^@?ada", "(@|a)", "[^@]", "\\w+", ".", "(?i)ADA", "\\bada\\b", "(@x)*a"] {
            assert!(can(pattern), "{pattern}");
        }
        for pattern in ["^@ada", "a@", "[@]", "(@|#)", "@+", "de-AT", "(a|b)-", "é", "[é-ü]", "\\d"] {
            assert!(!can(pattern), "{pattern}");
        }
        let whole = |pattern: &str| Pattern::new(pattern).unwrap().whole_texts();
        for pattern in ["^(iw|in)$", "^i[wn]$"] {
            assert_eq!(whole(pattern).map(|texts| texts.len()), Some(2), "{pattern}");
        }
        for pattern in ["iw", "^iw", "^iw.*$", "^(iw|in$)"] {
            assert_eq!(whole(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_long_pattern_of_characters_that_join_costs_little() {
        for c in ["¨", "\u{301}", "\u{200b}", "ﾞ", "ㅏ", "👩\u{200d}"] {
            assert!(!Pattern::folded(&format!("é{}", c.repeat(20_000))).unwrap().is_empty());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Every text, escaped as a pattern, matches itself, as with `contains`.
        #[test]
        fn an_escaped_text_matches_itself(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "a", "i", "J", "e", "S", "7", "`", "'", ".", "*", "(", "\\", "=", "<", "-", "`", "_", "#",
                "ｶ", "ﾞ", "ﾟ", "ﾊ", "カ", "\u{3099}", "ㄱ", "ㅏ", "ㄴ", "ᄀ", "ᅡ", "ᆨ", "가", "ﾡ", "ￂ",
                "\u{301}", "\u{307}", "\u{308}", "\u{323}", "\u{327}", "\u{30c}", "\u{338}", "\u{345}", "\u{344}",
                "Ϊ", "Σ", "ς", "ΐ", "ᾳ", "İ", "ı", "I", "ﬁ", "ﬃ", "ß", "ẞ", "ŉ", "½", "…", "™", "’", "–", "∗", "（", "´",
                "ẛ", "ṩ", "Å", "Ω", "क", "\u{93c}", "ড\u{9bc}", "พ\u{e33}", "👩\u{200d}💻", "\u{200d}", "\u{fe0f}", "\u{ad}",
            ]), 1..7),
        ) {
            let text = parts.concat();
            prop_assume!(!fold(&text).is_empty() && Folded::from(&*text).folded == fold(&text));
            prop_assert!(matches(&regex::escape(&text), &text), "{text:?}: {:?}", Pattern::folded(&regex::escape(&text)));
            let around = format!("x {text} y");
            if fold(&around).contains(&*fold(&text)) {
                prop_assert!(matches(&regex::escape(&text), &around), "{around:?}");
            }
        }
    }
}
