//! The metrics of reports: durations between two times of a ticket.

use std::fmt;

/// A duration from one time field of a ticket to another.
pub struct Metric {
    /// Its name in reports.
    pub name: &'static str,
    /// The time field at its start.
    pub from: &'static str,
    /// The time field at its end.
    pub to: &'static str,
    /// What it means, in one line.
    pub doc: &'static str,
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metric").field(&self.name).finish()
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Every metric, in the order in which the documentation lists them.
pub static METRICS: &[Metric] = &[
    Metric {
        name: "first_reply_time",
        from: "created",
        to: "first_reply",
        doc: "from opening the ticket to the first public answer by an agent",
    },
    Metric {
        name: "assignment_time",
        from: "created",
        to: "assigned",
        doc: "from opening the ticket to the last time it was assigned to an agent",
    },
    Metric {
        name: "resolution_time",
        from: "created",
        to: "solved",
        doc: "from opening the ticket to the last time it was solved",
    },
];

/// The metric with this name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|m| m.name == name)
}
