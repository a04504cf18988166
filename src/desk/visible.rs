//! Escapes control characters in untrusted text, so that it is safe to print in a terminal or a log.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

/// Whether a character is escaped: C0 and C1 controls, Unicode line and paragraph separators, bidirectional controls,
/// deprecated format characters, interlinear annotation marks, and U+FFFE and U+FFFF, which XML forbids.
pub const fn is_control(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// Escapes each control character as `\u{…}`, including line breaks and tabs.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_control)
}

/// As [`visible`], but keeps line feeds and tabs.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_control(c) && !matches!(c, '\n' | '\t'))
}

/// Displays a text as [`visible`] escapes it.
#[derive(Debug, Clone, Copy)]
pub struct Visible<'a>(pub &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&visible(self.0))
    }
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match hidden(c) {
            // Writing to a `String` never fails.
            true => drop(write!(shown, "{}", c.escape_unicode())),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_is_spelt_out_and_what_is_seen_stays() {
        assert_eq!(visible("x\n::stop::\u{1b}[31m"), "x\\u{a}::stop::\\u{1b}[31m");
        assert_eq!(visible("\u{0}\t\r\u{7f}\u{85}\u{9b}"), "\\u{0}\\u{9}\\u{d}\\u{7f}\\u{85}\\u{9b}");
        assert_eq!(
            visible("\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}"),
            "\\u{2028}\\u{2029}\\u{202e}\\u{2066}\\u{200f}"
        );
        assert_eq!(visible_lines("a\n\tb\rc"), "a\n\tb\\u{d}c");
        for plain in ["", "Größe 👩\u{200d}🚀 — “x”", "שלום", "a\\u{1b}"] {
            assert!(matches!(visible(plain), Cow::Borrowed(same) if same == plain));
        }
    }
}
