//! Diagnostics about misleading characters: unusual line ends, bidirectional controls, white space and brackets of
//! other scripts, zero-width characters, look-alike letters.
//!
//! A rule file must mean what an editor shows. Lines end with LF or CR LF only, so no other line end can make a comment
//! look like a rule, or a rule look like a comment.

use std::{collections::BTreeMap, ops::Range};

use unicode_security::{MixedScript, skeleton};

use super::{
    SyntaxKind, SyntaxNode, SyntaxToken, range,
    scan::{is_blank, is_part},
};
use crate::{
    desk::visible::is_control,
    lang::{
        codes::{self, Code},
        diagnostic::{Diagnostic, Edit, Fix, Grade, TextDiagnostic},
    },
};

/// The replacement for a character, and whether it is certainly what was meant.
type Way = (String, bool);

/// Occurrences by diagnostic code and character: the span and the replacement of each.
type Found = BTreeMap<(&'static str, char), Vec<(Range<usize>, Way)>>;

/// All diagnostics about the characters of a file.
pub(super) fn diagnostics(root: &SyntaxNode, text: &str) -> Vec<TextDiagnostic> {
    // Fast path: most files have only printable ASCII and ordinary line ends.
    let plain = |(at, byte): (usize, &u8)| match byte {
        b'\t' | b'\n' | b' '..=b'~' => true,
        b'\r' => text.as_bytes().get(at + 1) == Some(&b'\n'),
        _ => false,
    };
    if text.as_bytes().iter().enumerate().all(plain) {
        return vec![];
    }
    let (mut found, mut words) = (Found::new(), vec![]);
    for token in root.descendants_with_tokens().filter_map(|element| element.into_token()) {
        characters(&token, &mut found);
        if !token.kind().is_trivia() {
            words.extend(mixed_words(range(&token).start, token.text()));
        }
    }
    found.into_iter().map(|((id, c), places)| together(id, c, &places)).chain(words).collect()
}

/// Reports misleading characters in a file other than a rule file, such as `twite.toml`, with its parts and what is
/// allowed in each.
pub(crate) fn misleading_characters(
    text: &str,
    parts: impl Iterator<Item = (SyntaxKind, Range<usize>)>,
) -> Vec<TextDiagnostic> {
    let mut found = Found::new();
    for (kind, span) in parts {
        in_text(kind, span.start, text.get(span).unwrap_or_default(), &mut found);
    }
    found.into_iter().map(|((id, c), places)| together(id, c, &places)).collect()
}

fn characters(token: &SyntaxToken, found: &mut Found) {
    in_text(token.kind(), range(token).start, token.text(), found);
}

fn in_text(kind: SyntaxKind, start: usize, text: &str, found: &mut Found) {
    let (mut before, mut is_escaped, mut rest) = (None, false, text.char_indices().peekable());
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, next)| *next);
        if let Some((code, mut way)) = misleads(kind, start + at, before, c, next) {
            // Behind a backslash, an escape sequence would be another one.
            if is_escaped {
                way = (String::new(), false);
            }
            let place = start + at..start + at + c.len_utf8();
            found.entry((code.id, c)).or_default().push((place, way));
        }
        (before, is_escaped) = (Some(c), c == '\\' && !is_escaped);
    }
}

/// The code and the replacement for a character that is not allowed in a token of this kind; `None` if it is allowed.
fn misleads(
    kind: SyntaxKind,
    offset: usize,
    before: Option<char>,
    c: char,
    next: Option<char>,
) -> Option<(&'static Code, Way)> {
    use SyntaxKind as K;
    if c.is_ascii_graphic() || matches!(c, ' ' | '\t' | '\n') || (c == '\r' && next == Some('\n')) {
        return None;
    }
    let line_end = matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    // Directional marks (ALM, LRM, RLM) are exempt: right-to-left scripts need them.
    if is_control(c) && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}') {
        let way = match kind {
            kind if c != '\r' && (kind == K::String || kind.is_template_token()) => {
                (format!("\\u{{{:X}}}", u32::from(c)), true)
            }
            _ if line_end => ("\n".to_owned(), false),
            _ => (String::new(), false),
        };
        return Some((&codes::TW0120, way));
    }
    match kind {
        // A whitespace token can hold the discarded side of a merge conflict, which is not white space.
        K::Whitespace if (c == '\u{FEFF}' && offset == 0) || !is_blank(c) => None,
        K::Whitespace if c.is_whitespace() => Some((&codes::TW0118, (" ".into(), true))),
        // A format character next to white space separates nothing; elsewhere it may stand for a space.
        K::Whitespace => {
            let parted = [before, next].into_iter().flatten().any(char::is_whitespace);
            Some((&codes::TW0118, (String::new(), parted)))
        }
        K::OpenBrace => Some((&codes::TW0118, ("{".into(), true))),
        K::CloseBrace => Some((&codes::TW0118, ("}".into(), true))),
        K::OpenParen => Some((&codes::TW0118, ("(".into(), true))),
        K::CloseParen => Some((&codes::TW0118, (")".into(), true))),
        K::Comma => Some((&codes::TW0118, (",".into(), true))),
        _ => is_invisible(c, before, next).then(|| (&codes::TW0406, (String::new(), false))),
    }
}

/// Whether a character is invisible at this position. Joiners and variation selectors are legitimate in emoji and many
/// scripts, but not between ASCII characters.
fn is_invisible(c: char, before: Option<char>, next: Option<char>) -> bool {
    let joins = matches!(c,
        '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200c}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}');
    let foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !pest::unicode::FORMAT(c));
    if joins {
        // The tag characters of a flag emoji follow each other.
        let tags = matches!((before, c), (Some('\u{e0020}'..='\u{e007f}'), '\u{e0020}'..='\u{e007f}'));
        return !(tags || foreign(before) || foreign(next));
    }
    pest::unicode::FORMAT(c) || matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// One diagnostic for all occurrences of a character in a file.
fn together(id: &str, c: char, places: &[(Range<usize>, Way)]) -> TextDiagnostic {
    let code = codes::find(id).unwrap_or(&codes::TW0120);
    let first = places.first().map(|(place, _)| place.clone()).unwrap_or_default();
    let more = match places.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more occurrence{})", n - 1, if n == 2 { "" } else { "s" }),
    };
    let message = match id {
        "TW0120" => format!("hidden control character {}{more}", described(c)),
        "TW0118" => format!("confusable character {}{more}", described(c)),
        _ => format!("invisible character {}{more}", described(c)),
    };
    let write = match places.first().map(|(_, (write, _))| write.as_str()).unwrap_or_default() {
        "" => "delete it".to_owned(),
        " " => "write a space".to_owned(),
        "\n" => "end lines with a line feed (LF), or CR LF".to_owned(),
        write => format!("write `{write}`"),
    };
    let safe = places.iter().all(|(_, (_, safe))| *safe);
    let edits = places.iter().map(|(span, (text, _))| Edit { span: span.clone(), text: text.clone() }).collect();
    let mut diagnostic = Diagnostic::new(code, first, message).with_help(&*write);
    let grade = if safe { Grade::Safe } else { Grade::Unsafe };
    diagnostic.fix = Some(Fix { title: write, grade, edits });
    diagnostic
}

/// Diagnostics for words that mix ASCII letters with look-alikes from other scripts, in a text that starts at an offset.
pub(crate) fn mixed_words(start: usize, text: &str) -> Vec<TextDiagnostic> {
    let (mut found, mut from) = (vec![], 0);
    for word in text.split(|c| !is_part(c) || c == '-' || c == '_') {
        let at = from;
        from += word.len() + text.get(from + word.len()..).and_then(|r| r.chars().next()).map_or(0, char::len_utf8);
        let Some((odd, meant)) = meant(word) else { continue };
        let place = start + at..start + at + word.len();
        let message = format!("`{word}` mixes scripts: `{odd}` is {}", described(odd));
        let diagnostic = Diagnostic::new(&codes::TW0407, place.clone(), message);
        found.push(diagnostic.with_help(format!("write `{meant}`")).with_guess(place, meant));
    }
    found
}

/// The first non-ASCII character of a mixed-script word, and the ASCII word that it looks like.
fn meant(word: &str) -> Option<(char, String)> {
    if word.is_ascii() || !word.contains(|c: char| c.is_ascii_alphabetic()) || word.is_single_script() {
        return None;
    }
    let plain = |c: char| match c.is_ascii() {
        true => Some(c),
        false => {
            let likeness = c.to_string();
            let mut likeness = skeleton(&likeness);
            likeness.next().filter(|l| l.is_ascii_alphanumeric() && likeness.next().is_none())
        }
    };
    let odd = word.chars().find(|c| !c.is_ascii())?;
    Some((odd, word.chars().map(plain).collect::<Option<_>>()?))
}

/// A character's code point and Unicode name: `U+00A0 (no-break space)`.
pub(super) fn described(c: char) -> String {
    let name = match c {
        '\r' => "carriage return".to_owned(),
        '\u{b}' => "vertical tab".to_owned(),
        '\u{c}' => "form feed".to_owned(),
        '\u{85}' => "next line".to_owned(),
        c if c.is_control() => "control character".to_owned(),
        c => unicode_names2::name(c)
            .map_or_else(|| "unnamed character".to_owned(), |name| name.to_string().to_lowercase()),
    };
    format!("U+{:04X} ({name})", u32::from(c))
}
