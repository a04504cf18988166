//! Why an outbox item is not sent, or not yet.

use std::fmt;

use super::ReasonKind;

/// Why an outbox item is not sent, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind, for counting and filtering.
    pub kind: ReasonKind,
    /// A text for people; X's own if X rejected the item.
    pub words: String,
}

impl Reason {
    /// A reason of a kind, with its text.
    pub fn new(kind: ReasonKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
