//! Volumes: for which of them an event counts its ticket, when they start, and when they end.
//!
//! How many other tickets there are is a fact of the event, which a decision cannot know. So an event is decided first as
//! if it started nothing, then counted, and decided again with what came of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{automation::minute, decision::Decision, evaluate};
use crate::{
    desk::{Cause, Event, EventKind, Facts, Ticket, VolumeAt},
    lang::rules::{Mode, RuleTest, Rules, Volume},
};

/// The volumes for which an event counts its ticket: those whose condition holds once the rules have run. What only time
/// causes is not counted.
pub fn counting<'r>(rules: &'r Rules, event: &Event, decision: &Decision, now: Timestamp) -> Vec<&'r Volume> {
    if decision.closed || event.is_by_time() {
        return vec![];
    }
    let facts = Facts { ticket: &decision.ticket, event: Some(event), now, desk: &rules.desk };
    let live = rules.volumes.iter().filter(|volume| volume.mode != Mode::Disabled && volume.on.covers(event));
    live.filter(|volume| evaluate::holds(&volume.when, facts)).map(|volume| &**volume).collect()
}

/// Adds to an event that it counts its ticket for a volume at a time. `others` are the times at which other tickets were
/// counted last, in order; they are not needed while the volume lasts. Returns whether the event tells rules more.
pub fn count(event: &mut Event, volume: &Volume, others: &[Timestamp], at: Timestamp) -> bool {
    if let Some(lasting) = event.volumes.iter_mut().find(|known| known.volume == volume.title) {
        lasting.counted = Some(at);
        return false;
    }
    let tickets = most_within(others, at, volume.within);
    let starts = tickets >= volume.tickets;
    event.volumes.push(VolumeAt {
        volume: volume.title.clone(),
        since: starts.then_some(at),
        starts,
        counted: Some(at),
        tickets: Some(tickets),
        of: Some(volume.tickets),
    });
    true
}

/// The most tickets that were counted within a length of time, one that is counted at `at` among them. One that is counted
/// late, as of an earlier time, may complete those that came after it.
fn most_within(others: &[Timestamp], at: Timestamp, within: SignedDuration) -> u32 {
    let until = |end: Timestamp| others.partition_point(|other| *other <= end);
    let before = |end: Timestamp| end.checked_sub(within).map_or(0, until);
    let later = others.iter().copied().filter(|other| *other > at);
    let in_one = |end: Timestamp| until(end).saturating_sub(before(end)) + 1;
    // `at` itself must be within the time.
    let ends = later.filter(|end| end.checked_sub(within).is_ok_and(|start| start < at)).chain([at]);
    ends.map(in_one).max().and_then(|most| u32::try_from(most).ok()).unwrap_or_default()
}

/// When a volume ends that lasts, on a whole minute: `last` is when the ticket was counted whose leaving leaves as few as it
/// ends with.
pub fn ends_at(volume: &Volume, last: Timestamp) -> Timestamp {
    last.checked_add(volume.within).map_or(Timestamp::MAX, minute)
}

/// The event that a volume ends, and the ticket after it.
pub fn volume_ends(ticket: &Ticket, volume: String, at: Timestamp) -> (Ticket, Event) {
    let mut after = ticket.clone();
    after.updated = after.updated.max(at);
    let kind = EventKind::Updated { before: Box::new(ticket.clone()) };
    let cause = Some(Cause::VolumeEnds(volume));
    (after, Event { kind, cause, ..Event::due(BTreeSet::new(), Default::default()) })
}

/// The volumes in a test, with what they counted. The test has one ticket; others are given.
pub(super) struct Volumes<'r>(Vec<Counted<'r>>);

struct Counted<'r> {
    volume: &'r Volume,
    /// When other tickets were counted, in order.
    others: Vec<Timestamp>,
    /// When the ticket of the test was last counted.
    own: Option<Timestamp>,
    /// Since when it lasts.
    since: Option<Timestamp>,
}

impl<'r> Volumes<'r> {
    /// As a test gives them.
    pub(super) fn given(rules: &'r Rules, test: &RuleTest) -> Self {
        let live = rules.volumes.iter().filter(|volume| volume.mode != Mode::Disabled);
        let counted = live.map(|volume| {
            let given = test.volumes.iter().filter(|given| given.volume == volume.title).map(|given| {
                let length = given.ago.length(&rules.desk.hours);
                (test.moment().checked_sub(length).unwrap_or(Timestamp::MIN), given.tickets)
            });
            let mut given: Vec<_> = given.collect();
            given.sort_unstable();
            let mut counted = Counted { volume, others: vec![], own: None, since: None };
            for (at, tickets) in given {
                counted.add(at, tickets);
            }
            counted.end(test.moment());
            counted
        });
        Self(counted.collect())
    }

    /// What an event is told of those that last.
    pub(super) fn lasting(&self) -> Vec<VolumeAt> {
        let lasting = self.0.iter().filter_map(|counted| Some((counted.volume, counted.since?)));
        lasting.map(|(volume, since)| VolumeAt::lasting(volume.title.clone(), since)).collect()
    }

    /// Adds to an event the volumes for which it counts its ticket. Returns whether it tells rules more.
    pub(super) fn count(&self, rules: &Rules, event: &mut Event, decision: &Decision, at: Timestamp) -> bool {
        let counting = counting(rules, event, decision, at);
        let mut more = false;
        for counted in self.0.iter().filter(|counted| counting.contains(&counted.volume)) {
            if !event.volumes.iter().any(|known| known.volume == counted.volume.title && known.counted.is_some()) {
                more |= count(event, counted.volume, &counted.others, at);
            }
        }
        more
    }

    /// Records what an event counted.
    pub(super) fn record(&mut self, event: &Event) {
        for told in &event.volumes {
            if let Some(counted) = self.0.iter_mut().find(|counted| counted.volume.title == told.volume) {
                counted.own = told.counted.or(counted.own);
                counted.since = told.since.or(counted.since);
            }
        }
    }

    /// When the first of those that last ends, unless more is counted.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.0.iter().filter(|counted| counted.since.is_some()).filter_map(Counted::ends_at).min()
    }

    /// Ends the first of those that end by a time; returns its title.
    pub(super) fn end_first(&mut self, by: Timestamp) -> Option<String> {
        let first = self
            .0
            .iter_mut()
            .filter(|counted| counted.since.is_some())
            .min_by_key(|c| (c.ends_at(), &c.volume.title))?;
        first.end(by).then(|| first.volume.title.clone())
    }
}

impl Counted<'_> {
    /// Counts so many other tickets.
    fn add(&mut self, at: Timestamp, tickets: u32) {
        self.end(at);
        (1..tickets).for_each(|_| self.others.push(at));
        if self.since.is_none() && most_within(&self.others, at, self.volume.within) >= self.volume.tickets {
            self.since = Some(at);
        }
        self.others.push(at);
    }

    /// Ends it if it lasts and ends by a time. Returns whether it did.
    fn end(&mut self, by: Timestamp) -> bool {
        let ends = self.since.is_some() && self.ends_at().is_some_and(|ends_at| ends_at <= by);
        if ends {
            self.since = None;
        }
        ends
    }

    fn ends_at(&self) -> Option<Timestamp> {
        let mut times: Vec<_> = self.others.iter().copied().chain(self.own).collect();
        times.sort_unstable();
        let end = usize::try_from(self.volume.end()).ok()?;
        Some(ends_at(self.volume, *times.iter().rev().nth(end)?))
    }
}
