//! Why something that was to be sent is not, or not yet.

use std::fmt;

use super::ReasonKind;

/// Why something is not sent: a kind to count and ask for, and the words to read, X's own where it is X that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What kind of reason it is.
    pub kind: ReasonKind,
    /// The words.
    pub words: String,
}

impl Reason {
    /// A reason.
    pub fn new(kind: ReasonKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
