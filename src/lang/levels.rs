//! The levels of warnings: `[lints]` of `twite.toml` changes them by code.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Severity};

/// The names of the levels, as `[lints]` writes them.
pub(super) const NAMES: [&str; 4] = ["error", "warning", "note", "off"];

/// The level of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Reported with this severity.
    Reported(Severity),
    /// Not reported.
    Off,
}

impl Level {
    /// The level with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        match severities.into_iter().find(|severity| severity.as_str() == name) {
            Some(severity) => Some(Self::Reported(severity)),
            None => (name == "off").then_some(Self::Off),
        }
    }
}

/// The levels that `twite.toml` changes, by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Levels(pub(super) BTreeMap<&'static str, Level>);

impl Levels {
    /// Gives each diagnostic its level, and removes those that are off.
    pub(super) fn apply(&self, diagnostics: &mut Vec<Diagnostic>) {
        if self.0.is_empty() {
            return;
        }
        diagnostics.retain_mut(|diagnostic| match self.0.get(diagnostic.code.id) {
            Some(Level::Reported(severity)) => {
                diagnostic.severity = *severity;
                true
            }
            Some(Level::Off) => false,
            None => true,
        });
    }
}
