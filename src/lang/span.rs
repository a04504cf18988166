//! Source files and spans.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};

use super::lines::{LineColumn, LineIndex};

/// A byte range of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Span {
    /// The name of the file.
    pub file: Arc<str>,
    /// Byte offset of the start.
    pub start: u32,
    /// Byte offset of the end, exclusive.
    pub end: u32,
    /// The line of the start, from 1.
    pub line: u32,
}

impl Span {
    /// An empty span at the start of a file, for diagnostics about the whole file.
    pub fn of_file(file: Arc<str>) -> Self {
        Self { file, start: 0, end: 0, line: 1 }
    }

    /// The byte range.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A file that was read. Clones share the text and the line index.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceFile {
    /// The name of the file.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// Computed on first use.
    #[serde(skip)]
    lines: Arc<OnceLock<LineIndex>>,
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.text) == (&other.name, &other.text)
    }
}

impl Eq for SourceFile {}

impl SourceFile {
    /// Creates a file from a name and a text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into(), lines: Arc::default() }
    }

    /// The line index of the text.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// The span of a byte range of this file.
    pub fn span(&self, range: Range<usize>) -> Span {
        let to_u32 = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            file: Arc::clone(&self.name),
            start: to_u32(range.start),
            end: to_u32(range.end),
            line: to_u32(self.lines().line(range.start) + 1),
        }
    }
}

/// Files by name, for rendering diagnostics.
#[derive(Debug, Clone, Default)]
pub struct SourceSet {
    files: BTreeMap<Arc<str>, SourceFile>,
}

impl SourceSet {
    /// The file with this name.
    pub fn file(&self, name: &str) -> Option<&SourceFile> {
        self.files.get(name)
    }

    /// The start and end of a span as lines and columns; line 1, column 1 if the file is not in the set.
    pub fn region(&self, span: &Span) -> (LineColumn, LineColumn) {
        match self.file(&span.file) {
            Some(file) => {
                let at = |offset| file.lines().line_column(&file.text, offset);
                (at(span.range().start), at(span.range().end))
            }
            None => (LineColumn { line: 1, column: 1 }, LineColumn { line: 1, column: 1 }),
        }
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys()
    }

    /// Adds a file.
    pub fn insert(&mut self, file: SourceFile) {
        self.files.insert(Arc::clone(&file.name), file);
    }

    /// Adds the files of another set.
    pub fn extend(&mut self, others: Self) {
        self.files.extend(others.files);
    }
}
