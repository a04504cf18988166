//! Texts of others as people see them: characters that control a terminal, a log or the direction of writing are spelt out.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

/// Whether a character does something to what is around it instead of being seen: C0 and C1 controls, the Unicode line
/// ends, the marks, embeddings, overrides and isolates of bidirectional writing, the shaping controls Unicode deprecates,
/// the marks of annotations; and the two code points that XML forbids because they are no characters.
pub const fn is_control(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// A text in one line: each control character as `\u{…}`, line breaks and tabs too.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_control)
}

/// A text of several lines: as [`visible`], but its line breaks (LF) and tabs stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_control(c) && !matches!(c, '\n' | '\t'))
}

/// The same, as something that can be written.
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
            // Writing to a text never fails.
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
