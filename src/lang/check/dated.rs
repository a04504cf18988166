//! What is reported from a day on. The same files always load alike: only whoever asks for a day is told.

use jiff::civil::Date;

use crate::lang::diagnostic::Diagnostic;

/// Diagnostics that are reported once a day is over.
#[derive(Debug, Clone)]
pub(crate) struct Dated {
    /// The last day on which they are not.
    pub(crate) until: Date,
    /// The diagnostics.
    pub(crate) then: Vec<Diagnostic>,
}
