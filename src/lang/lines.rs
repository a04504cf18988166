//! Line index: converts byte offsets into line and column numbers. Defines which characters end a line.

use std::ops::Range;

/// A line and column, both from 1. Columns count characters, without the byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// The characters that end a line: LF, CR, NEL, LINE SEPARATOR and PARAGRAPH SEPARATOR. CR LF is one line end.
pub const LINE_ENDS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Sampling interval of the character counts, in bytes.
const SAMPLE_BYTES: usize = 64;

/// The line starts of a text. A lookup takes logarithmic time, independent of the length of the line.
#[derive(Debug, Clone)]
pub struct LineIndex {
    /// Byte offset of the start of each line.
    starts: Vec<usize>,
    /// Number of characters before every [`SAMPLE_BYTES`]th byte.
    chars: Vec<usize>,
}

impl LineIndex {
    /// Indexes a text.
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

    /// Number of lines; an empty text has one.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The line that contains a byte offset, from 0.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The byte range of a line (from 0), including its line end. `text` must be the indexed text.
    pub fn range(&self, text: &str, line: usize) -> Range<usize> {
        let end = || text.len();
        let start = self.starts.get(line).copied().unwrap_or_else(end);
        start..self.starts.get(line + 1).copied().unwrap_or_else(end)
    }

    /// The text of a line (from 0), without its line end. `text` must be the indexed text.
    pub fn text<'t>(&self, text: &'t str, line: usize) -> &'t str {
        text.get(self.range(text, line)).unwrap_or_default().trim_end_matches(LINE_ENDS)
    }

    /// The line and column of a byte offset. An offset inside a character gives the position of that character. `text`
    /// must be the indexed text.
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

/// Number of characters that start in these bytes of UTF-8.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0b1100_0000) != 0b1000_0000).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reference implementation: counts from the start of the text.
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
                // The offset between CR and LF is not tested.
                if !text[..offset].ends_with('\r') || !text[offset..].starts_with('\n') {
                    prop_assert_eq!(index.line_column(&text, offset), counted(&text, offset), "{:?} {}", &text, offset);
                }
            }
        }
    }
}
