//! Checked volumes.

use jiff::SignedDuration;

use super::{Condition, Mode, On, Span};

/// A volume: that many tickets came within a short time. It starts when so many different tickets were counted within its
/// time, and ends when no more than half of them are.
#[derive(Debug, PartialEq)]
pub struct Volume {
    /// Its title, unique among volumes.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode; a disabled one counts nothing.
    pub mode: Mode,
    /// The events that count their ticket.
    pub on: On,
    /// The tickets that are counted. Asks for no volume.
    pub when: Condition,
    /// With how many tickets it starts.
    pub tickets: u32,
    /// Within which time.
    pub within: SignedDuration,
    /// Its source span.
    pub span: Span,
}

impl Volume {
    /// With how many tickets it ends: half as many as it starts with, rounded down.
    pub const fn end(&self) -> u32 {
        self.tickets / 2
    }
}
