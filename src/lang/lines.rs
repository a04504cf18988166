//! Lines of a text: the one definition of where a line ends, and an index that turns byte offsets into places.

use std::ops::Range;

/// A place as people count: lines and columns from 1, columns in characters. A byte order mark is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// The characters that end a line: LF, CR, NEL, LINE SEPARATOR and PARAGRAPH SEPARATOR. CR LF is one line end.
pub const LINE_ENDS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Bytes between two sampled counts of characters.
const SAMPLE_BYTES: usize = 64;

/// Where the lines of a text start. Made in one pass; a place is then found in logarithmic time, however long the line is.
#[derive(Debug, Clone)]
pub struct LineIndex {
    /// Byte offset at which each line starts.
    starts: Vec<usize>,
    /// Characters before every [`SAMPLE_BYTES`]th byte.
    chars: Vec<usize>,
}

impl LineIndex {
    /// The lines of a text.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.find(LINE_ENDS)) {
            let end = from + at;
            let length = match (bytes.get(end), bytes.get(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => 2,
                (Some(byte), _) if byte.is_ascii() => 1,
                (Some(0xC2), _) => 2,
                _ => 3,
            };
            from = end + length;
            starts.push(from);
        }
        let mut chars = vec![0];
        let mut count = 0;
        for sample in bytes.chunks_exact(SAMPLE_BYTES) {
            count += count_chars(sample);
            chars.push(count);
        }
        Self { starts, chars }
    }

    /// How many lines there are; an empty text is one line.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The line an offset is on, from 0.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line (from 0) of this index's text, with its line end.
    pub fn range(&self, text: &str, line: usize) -> Range<usize> {
        let end = || text.len();
        let start = self.starts.get(line).copied().unwrap_or_else(end);
        start..self.starts.get(line + 1).copied().unwrap_or_else(end)
    }

    /// A line (from 0) of this index's text, without its line end.
    pub fn text<'t>(&self, text: &'t str, line: usize) -> &'t str {
        text.get(self.range(text, line)).unwrap_or_default().trim_end_matches(LINE_ENDS)
    }

    /// Where an offset into this index's text stands. Inside a character, that character.
    pub fn line_column(&self, text: &str, offset: usize) -> LineColumn {
        let offset = text.floor_char_boundary(offset);
        let line = self.line(offset);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let before = self.chars_before(text, offset) - self.chars_before(text, start);
        let mark = usize::from(line == 0 && text.starts_with('\u{feff}') && offset > 0);
        LineColumn { line: line + 1, column: before - mark + 1 }
    }

    fn chars_before(&self, text: &str, offset: usize) -> usize {
        let sample = offset / SAMPLE_BYTES;
        let rest = text.as_bytes().get(sample * SAMPLE_BYTES..offset).unwrap_or_default();
        self.chars.get(sample).copied().unwrap_or_default() + count_chars(rest)
    }
}

/// How many characters start in these bytes.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0b1100_0000) != 0b1000_0000).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the index must agree with: counting from the start.
    fn counted(text: &str, offset: usize) -> LineColumn {
        let mut place = LineColumn { line: 1, column: 1 };
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            if at >= offset {
                break;
            }
            match c {
                '\n' if before == '\r' => {}
                '\u{feff}' if at == 0 => {}
                c if LINE_ENDS.contains(&c) => place = LineColumn { line: place.line + 1, column: 1 },
                _ => place.column += 1,
            }
            before = c;
        }
        place
    }

    #[test]
    fn every_line_end_ends_a_line_and_crlf_ends_one() {
        for end in ["\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}"] {
            let text = format!("a{end}bc{end}{end}d");
            let index = LineIndex::new(&text);
            let lines: Vec<_> = (0..index.count()).map(|line| index.text(&text, line)).collect();
            assert_eq!(lines, ["a", "bc", "", "d"], "{end:?}");
        }
    }

    proptest! {
        #[test]
        fn places_are_those_that_counting_gives(text in "\u{feff}?([a-zé€😀\t]{0,70}|\r\n|[\n\r\u{85}\u{2028}\u{2029}]){0,12}") {
            let index = LineIndex::new(&text);
            for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
                // Between CR and LF nothing stands.
                if !text[..offset].ends_with('\r') || !text[offset..].starts_with('\n') {
                    prop_assert_eq!(index.line_column(&text, offset), counted(&text, offset), "{:?} {}", &text, offset);
                }
            }
        }
    }
}
