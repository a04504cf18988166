//! Checked service level agreements.

use super::{Condition, Duration, Mode, Span};
use crate::desk::SlaTarget;

/// A service level agreement: in what time a ticket is to be answered and solved. The first whose condition holds for a
/// ticket applies to it.
#[derive(Debug, PartialEq)]
pub struct Sla {
    /// Its title, unique among service level agreements.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode; a disabled one applies to no ticket.
    pub mode: Mode,
    /// The tickets it applies to. Depends neither on the event nor on the time.
    pub when: Condition,
    /// Its times, in order. Of those for one target, the first whose condition holds applies.
    pub times: Vec<SlaTime>,
    /// While its clock stands still; asks only for the status. `None` if it never does before the ticket is solved.
    pub pause: Option<Condition>,
    /// Its source span.
    pub span: Span,
}

/// `first reply within 1 hour if priority is high`
#[derive(Debug, Clone, PartialEq)]
pub struct SlaTime {
    /// What is to happen.
    pub target: SlaTarget,
    /// In what time.
    pub within: Duration,
    /// The tickets for which it does; for all others if `None`.
    pub when: Option<Condition>,
}

impl Sla {
    /// Its conditions, as written: of itself, of its times, of its pause.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let times = self.times.iter().filter_map(|time| time.when.as_ref());
        std::iter::once(&self.when).chain(times).chain(&self.pause)
    }

    /// The time for a target on a ticket for which `holds` evaluates conditions.
    pub fn time(&self, target: SlaTarget, holds: impl Fn(&Condition) -> bool) -> Option<&SlaTime> {
        self.times.iter().find(|time| time.target == target && time.when.as_ref().is_none_or(&holds))
    }
}
