//! What a service level agreement sets times for.

use jiff::Timestamp;

use super::Ticket;

/// Something that is to happen in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlaTarget {
    /// The first public answer, counted from opening the ticket.
    FirstReply,
    /// Every later answer, counted from when the requester wrote.
    NextReply,
    /// A public answer every so often, counted from the last one, or from opening the ticket.
    Update,
    /// The solution, counted from opening the ticket.
    Solve,
}

/// The fields that follow from the ticket and the service level agreements in the rules.
pub const SLA_FIELDS: [&str; 6] = ["sla", "breach", "first_reply_due", "next_reply_due", "update_due", "solve_due"];

impl Ticket {
    /// Takes over from another ticket what follows from the service level agreements.
    pub(crate) fn take_sla_of(&mut self, other: &Self) {
        self.sla.clone_from(&other.sla);
        self.breach = other.breach;
        for target in SlaTarget::ALL {
            *target.due_mut(self) = target.due(other);
        }
    }
}

impl SlaTarget {
    /// All targets, in the order of their dates.
    pub const ALL: [Self; 4] = [Self::FirstReply, Self::NextReply, Self::Update, Self::Solve];

    /// As written: `first reply`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstReply => "first reply",
            Self::NextReply => "next reply",
            Self::Update => "update",
            Self::Solve => "solve",
        }
    }

    /// As written before a time: `first reply within`.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::FirstReply => "first reply within",
            Self::NextReply => "next reply within",
            Self::Update => "update every",
            Self::Solve => "solve within",
        }
    }

    /// The field that holds when it is due.
    pub const fn due_field(self) -> &'static str {
        match self {
            Self::FirstReply => "first_reply_due",
            Self::NextReply => "next_reply_due",
            Self::Update => "update_due",
            Self::Solve => "solve_due",
        }
    }

    /// The field that holds when it was done; `None` if it comes up again and again.
    pub const fn done_field(self) -> Option<&'static str> {
        match self {
            Self::FirstReply => Some("first_reply"),
            Self::Solve => Some("solved"),
            Self::NextReply | Self::Update => None,
        }
    }

    /// When it is due; `None` if it has no time, is paused, or need not happen now.
    pub const fn due(self, ticket: &Ticket) -> Option<Timestamp> {
        match self {
            Self::FirstReply => ticket.first_reply_due,
            Self::NextReply => ticket.next_reply_due,
            Self::Update => ticket.update_due,
            Self::Solve => ticket.solve_due,
        }
    }

    pub(crate) const fn due_mut(self, ticket: &mut Ticket) -> &mut Option<Timestamp> {
        match self {
            Self::FirstReply => &mut ticket.first_reply_due,
            Self::NextReply => &mut ticket.next_reply_due,
            Self::Update => &mut ticket.update_due,
            Self::Solve => &mut ticket.solve_due,
        }
    }

    /// When it was done; always `None` if it comes up again and again.
    pub const fn done(self, ticket: &Ticket) -> Option<Timestamp> {
        match self {
            Self::FirstReply => ticket.first_reply,
            Self::Solve => ticket.solved,
            Self::NextReply | Self::Update => None,
        }
    }

    /// Whether it was done in time; `None` if that is not known yet, or it has no time.
    pub fn in_time(self, ticket: &Ticket, now: Timestamp) -> Option<bool> {
        let due = self.due(ticket)?;
        match self.done(ticket) {
            Some(done) => Some(done <= due),
            None => (due < now).then_some(false),
        }
    }
}
