//! The statuses a ticket had before its current one, and the time it spent in each.

use std::iter::once;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Hours, Status, Ticket};

/// The maximum number of past statuses of a ticket. Beyond it, the shortest counts as part of the one before it.
pub const MAX_PAST_STATUSES: usize = 100;

/// A past status of a ticket. It lasted until the next one began, or the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastStatus {
    /// The status.
    pub status: Status,
    /// When it began.
    pub since: Timestamp,
}

/// A period in which a ticket had one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spell {
    /// The status.
    pub status: Status,
    /// When it began.
    pub since: Timestamp,
    /// When it ended; `None` for the current status.
    pub until: Option<Timestamp>,
}

impl Ticket {
    /// Every status it had, from the first to the current one.
    pub fn spells(&self) -> impl Iterator<Item = Spell> + '_ {
        let starts = self.past_statuses.iter().map(|past| past.since).chain(once(self.status_changed));
        let past = self.past_statuses.iter().zip(starts.skip(1));
        let past = past.map(|(past, until)| Spell { status: past.status, since: past.since, until: Some(until) });
        past.chain(once(Spell { status: self.status, since: self.status_changed, until: None }))
    }

    /// The total time it spent in these statuses until now.
    pub fn time_in(&self, statuses: &[Status], now: Timestamp) -> SignedDuration {
        self.time_in_by(statuses, now, |from, to| from.duration_until(to))
    }

    /// As [`Self::time_in`], but counts only the time in which the desk is open.
    pub fn business_time_in(&self, statuses: &[Status], now: Timestamp, hours: &Hours) -> SignedDuration {
        self.time_in_by(
            statuses,
            now,
            |from, to| {
                if from <= to { hours.between(from, to) } else { -hours.between(to, from) }
            },
        )
    }

    fn time_in_by(
        &self,
        statuses: &[Status],
        now: Timestamp,
        length: impl Fn(Timestamp, Timestamp) -> SignedDuration,
    ) -> SignedDuration {
        let spells = self.spells().filter(|spell| statuses.contains(&spell.status));
        spells.map(|spell| length(spell.since, spell.until.unwrap_or(now))).sum()
    }

    /// Makes another status the current one. It begins no earlier than the one before.
    pub(super) fn begin_status(&mut self, status: Status, at: Timestamp) {
        self.past_statuses.push(PastStatus { status: self.status, since: self.status_changed });
        self.status_changed = at.max(self.created).max(self.status_changed);
        self.status = status;
        if self.past_statuses.len() > MAX_PAST_STATUSES {
            self.forget_shortest_status();
        }
    }

    fn forget_shortest_status(&mut self) {
        // Neither the first, which begins when the ticket was opened, nor the last, which the current one differs from.
        let last = self.past_statuses.len() - 1;
        let lengths = self.spells().enumerate().take(last).skip(1).filter_map(|(place, spell)| {
            let length = spell.since.duration_until(spell.until?);
            Some((length, place))
        });
        let Some((_, shortest)) = lengths.min() else { return };
        self.past_statuses.remove(shortest);
        self.past_statuses.dedup_by_key(|past| past.status);
    }

    /// Whether its first change of status was that the first reply opened it.
    pub(super) fn is_opened_by_reply(&self) -> bool {
        let mut spells = self.spells();
        let (first, second) = (spells.next(), spells.next());
        first.is_some_and(|first| first.status == Status::New)
            && second.is_some_and(|second| {
                second.status == Status::Open
                    && self.first_reply.is_some_and(|reply| reply.max(self.created) == second.since)
            })
    }

    /// Sets an earlier start of the status that the ticket had first, or had after the first reply opened it.
    pub(super) fn move_status(&mut self, place: usize, to: Timestamp) {
        match self.past_statuses.get_mut(place) {
            Some(past) => past.since = to,
            None => self.status_changed = to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Author, EventComment};

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).unwrap()
    }

    fn seconds_in(ticket: &Ticket, status: Status, now: i64) -> i64 {
        ticket.time_in(&[status], second(now)).as_secs()
    }

    #[test]
    fn the_time_in_a_status_is_that_of_all_its_spells() {
        let mut ticket = Ticket::default();
        for (status, at) in [(Status::Open, 10), (Status::Pending, 15), (Status::Open, 40), (Status::Solved, 47)] {
            ticket.set_status(status, second(at));
        }
        let times = [Status::New, Status::Open, Status::Pending, Status::Hold, Status::Solved]
            .map(|status| seconds_in(&ticket, status, 50));
        assert_eq!(times, [10, 5 + 7, 25, 0, 3]);
        assert_eq!(ticket.time_in(&[Status::New, Status::Open, Status::Open], second(50)).as_secs(), 22);
        assert_eq!(ticket.time_in(Status::ALL, second(50)).as_secs(), 50);
    }

    #[test]
    fn a_status_begins_no_earlier_than_the_one_before() {
        let mut ticket = Ticket::default();
        ticket.set_status(Status::Pending, second(10));
        let late = EventComment::new(Author::Requester, true, "late");
        ticket.add_comment(&late, second(5));
        assert_eq!((ticket.status, ticket.status_changed), (Status::Open, second(10)));
        assert_eq!(seconds_in(&ticket, Status::Pending, 20), 0);
    }

    #[test]
    fn past_statuses_are_bounded_and_their_times_add_up() {
        let mut ticket = Ticket::default();
        let statuses = [Status::Open, Status::Pending, Status::Hold];
        let mut now = 0;
        for n in 0..500 {
            now += if n % 7 == 0 { 1 } else { 100 };
            ticket.set_status(statuses[n % 3], second(now));
            assert!(ticket.past_statuses.len() <= MAX_PAST_STATUSES);
            assert_eq!(ticket.time_in(Status::ALL, second(now)).as_secs(), now);
            assert_eq!(crate::desk::invariant::broken(&Ticket { updated: second(now), ..ticket.clone() }), []);
        }
    }
}
