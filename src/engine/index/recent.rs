//! Recent tickets, from which selectivity is estimated.

use jiff::Timestamp;

use crate::desk::{Event, Ticket};

/// A recent ticket with its event.
#[derive(Debug, Clone)]
pub struct Recent {
    /// The ticket after the event.
    pub ticket: Ticket,
    /// The event.
    pub event: Event,
    /// The time of the event.
    pub now: Timestamp,
}
