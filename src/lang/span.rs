//! Files with their lines, and spans in them.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};

use super::lines::{LineColumn, LineIndex};

/// A range of bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Span {
    /// The file, as it was given: relative to where the check ran.
    pub file: Arc<str>,
    /// Byte offset of its first character.
    pub start: u32,
    /// Byte offset behind its last character.
    pub end: u32,
    /// Line of its first character, from 1.
    pub line: u32,
}

impl Span {
    /// A file as a whole, which need not have been read.
    pub fn of_file(file: Arc<str>) -> Self {
        Self { file, start: 0, end: 0, line: 1 }
    }

    /// Its byte offsets.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A file as it was read. Clones share its text and its lines.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its name, as it was given.
    pub name: Arc<str>,
    /// What it says.
    pub text: Arc<str>,
    /// Found when first asked for.
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
    /// A file of this name and text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into(), lines: Arc::default() }
    }

    /// Its lines.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// A range of its bytes.
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

/// The files that were checked together, by name. Diagnostics are rendered with them.
#[derive(Debug, Clone, Default)]
pub struct SourceSet {
    files: BTreeMap<Arc<str>, SourceFile>,
}

impl SourceSet {
    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&SourceFile> {
        self.files.get(name)
    }

    /// Where a span starts and ends; the first place of a file whose text is not there.
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

    /// Adds the files of others.
    pub fn extend(&mut self, others: Self) {
        self.files.extend(others.files);
    }
}
