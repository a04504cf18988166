//! Which service level agreement applies to a ticket, and when its targets are due.
//!
//! Everything follows from the rules and the ticket, whose past statuses say for how long the clock ran: nothing is
//! accumulated, so replays, late messages and changed rules give exact dates.

use jiff::{SignedDuration, Timestamp};

use super::evaluate;
use crate::{
    desk::{Facts, FieldRef, Hours, SLA_FIELDS, SlaTarget, Status, Ticket, field::known},
    lang::rules::{Duration, Mode, Rules, Sla},
};

/// Sets the service level agreement that applies to a ticket, the dates of its targets, and the next breach.
pub fn follow_sla(rules: &Rules, ticket: &mut Ticket) {
    if rules.slas.is_empty() && ticket.sla.is_none() {
        return;
    }
    let facts = facts(rules, ticket);
    let mut slas = rules.slas.iter().filter(|sla| sla.mode != Mode::Disabled);
    let found = slas.find(|sla| evaluate::holds(&sla.when, facts));
    let dates = SlaTarget::ALL.map(|target| found.and_then(|sla| due(sla, target, facts)));
    let open = SlaTarget::ALL.into_iter().zip(dates).filter(|(target, _)| target.done(ticket).is_none());
    let breach = open.filter_map(|(_, due)| due).min();
    ticket.sla = found.map(|sla| sla.title.clone());
    ticket.breach = breach;
    for (target, due) in SlaTarget::ALL.into_iter().zip(dates) {
        *target.due_mut(ticket) = due;
    }
}

/// What service level agreements see: a ticket, without an event or the time.
pub(super) fn facts<'f>(rules: &'f Rules, ticket: &'f Ticket) -> Facts<'f> {
    Facts { ticket, event: None, now: Timestamp::UNIX_EPOCH, desk: &rules.desk }
}

/// The fields that [`follow_sla`] sets.
pub(super) fn fields() -> impl Iterator<Item = FieldRef> {
    SLA_FIELDS.into_iter().filter_map(known).map(FieldRef::Known)
}

/// When a target is due: once its time has passed since it was asked for, not counting the time in which the agreement
/// pauses or the ticket was solved. `None` while its clock stands still, if it has no time, or need not happen now.
fn due(sla: &Sla, target: SlaTarget, facts: Facts<'_>) -> Option<Timestamp> {
    let ticket = facts.ticket;
    let from = match target {
        SlaTarget::FirstReply | SlaTarget::Solve => ticket.created,
        // Until the first reply, that is the one that is due.
        SlaTarget::NextReply => ticket.last_reply.and(ticket.waiting_since)?,
        SlaTarget::Update => ticket.last_reply.unwrap_or(ticket.created),
    };
    let within = sla.time(target, |when| evaluate::holds(when, facts))?.within;
    let pauses = Status::ALL.iter().copied().filter(|status| pauses(sla, *status, facts)).collect::<Vec<_>>();
    run_out(ticket, from, target.done(ticket), within, &pauses, facts.hours())
}

/// Whether the clock stands still while a ticket has this status.
fn pauses(sla: &Sla, status: Status, facts: Facts<'_>) -> bool {
    let ticket = &Ticket { status, ..Ticket::default() };
    status >= Status::Solved
        || sla.pause.as_ref().is_some_and(|pause| evaluate::holds(pause, Facts { ticket, ..facts }))
}

/// The instant at which a time runs out that runs from an instant on while the ticket does not pause. The statuses count
/// that the ticket had until `done`; from then on, the time runs.
fn run_out(
    ticket: &Ticket,
    from: Timestamp,
    done: Option<Timestamp>,
    within: Duration,
    pauses: &[Status],
    hours: &Hours,
) -> Option<Timestamp> {
    let mut left = within.length(hours);
    let length = |left: SignedDuration| if within.is_business() { Duration::Open(left) } else { Duration::Clock(left) };
    for spell in ticket.spells() {
        let begin = spell.since.max(from);
        let is_paused = pauses.contains(&spell.status);
        let end = match spell.until {
            Some(until) if done.is_none_or(|done| until < done) => until,
            // The current status, or the one in which it was done.
            _ => return if is_paused && done.is_none() { None } else { length(left).after(begin, hours) },
        };
        if is_paused || end <= begin {
            continue;
        }
        let passed = if within.is_business() { hours.between(begin, end) } else { begin.duration_until(end) };
        if passed >= left {
            return length(left).after(begin, hours);
        }
        left -= passed;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*, sample};

    use super::*;
    use crate::{
        desk::{OpenDay, PastStatus},
        lang::check_sources,
    };

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn at(minute: i64) -> Timestamp {
        // A Monday at midnight.
        "2026-01-05T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    fn hours() -> Hours {
        let day = OpenDay::try_from(vec!["09:00-12:00".parse().unwrap(), "13:00-17:00".parse().unwrap()]).unwrap();
        Hours { monday: day.clone(), tuesday: day.clone(), thursday: day, ..Hours::default() }
    }

    /// Reference: lets the time run minute by minute.
    fn minute_by_minute(
        ticket: &Ticket,
        from: Timestamp,
        done: Option<Timestamp>,
        within: Duration,
        pauses: &[Status],
    ) -> Option<Timestamp> {
        let mut left = within.length(&hours());
        let mut now = from;
        while !left.is_zero() {
            let is_done = done.is_some_and(|done| done <= now);
            let spells: Vec<_> = ticket.spells().collect();
            let current = spells.iter().rfind(|spell| spell.since <= now).unwrap();
            let stands_for_ever = current.until.is_none() && pauses.contains(&current.status) && done.is_none();
            if stands_for_ever || now > at(100_000) {
                return None;
            }
            // The status in which it was done, from when it began, does not stand still.
            let of_done = done.is_some_and(|done| current.until.is_none_or(|until| done <= until));
            let runs = is_done || of_done || !pauses.contains(&current.status);
            let is_open = !within.is_business() || hours().is_open(now);
            if runs && is_open {
                left -= MINUTE;
            }
            now += MINUTE;
        }
        Some(now)
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_time_runs_out_as_if_it_ran_minute_by_minute(
            changes in collection::vec((sample::select(Status::ALL), 0..2_000_i64), 0..5),
            from in 0..3_000_i64,
            done in proptest::option::of(0..6_000_i64),
            (minutes, business) in (1..1_500_i64, any::<bool>()),
            paused in collection::vec(sample::select(Status::ALL), 0..3),
        ) {
            let mut ticket = Ticket { created: at(0), status_changed: at(0), ..Ticket::default() };
            let mut now = 0;
            for (status, later) in changes {
                now += later;
                ticket.past_statuses.push(PastStatus { status: ticket.status, since: ticket.status_changed });
                (ticket.status, ticket.status_changed) = (status, at(now));
            }
            let length = SignedDuration::from_mins(minutes);
            let within = if business { Duration::Open(length) } else { Duration::Clock(length) };
            let (from, done) = (at(from), done.map(at));
            let due = run_out(&ticket, from, done, within, &paused, &hours());
            prop_assert_eq!(due, minute_by_minute(&ticket, from, done, within, &paused), "{:#?}", ticket);
        }
    }

    const RULES: &str = "
sla \"VIP\" {
  when tags has vip
  first reply within 10 minutes
}
sla \"All\" {
  first reply within 15 minutes if priority is urgent
  first reply within 60 minutes otherwise
  next reply within 30 minutes
  update every 2 hours
  solve within 5 hours
  pause while status in (pending, hold)
}
";

    fn followed(ticket: &Ticket) -> Ticket {
        let rules = check_sources([("a.twite", RULES)], crate::desk::Declarations::default()).0.unwrap();
        let mut ticket = ticket.clone();
        follow_sla(&rules, &mut ticket);
        ticket
    }

    fn minutes(time: Option<Timestamp>) -> Option<i64> {
        time.map(|time| at(0).duration_until(time).as_mins())
    }

    #[test]
    fn the_first_that_holds_applies_with_the_first_time_that_holds() {
        let mut ticket = Ticket { created: at(0), status_changed: at(0), ..Ticket::default() };
        let found = followed(&ticket);
        assert_eq!((found.sla.as_deref(), minutes(found.first_reply_due)), (Some("All"), Some(60)));
        ticket.priority = Some(crate::desk::Priority::Urgent);
        assert_eq!(minutes(followed(&ticket).first_reply_due), Some(15));
        ticket.tags.insert("vip".into());
        let found = followed(&ticket);
        assert_eq!((found.sla.as_deref(), minutes(found.breach)), (Some("VIP"), Some(10)));
        assert_eq!(found.solve_due, None, "that agreement has none");
    }

    #[test]
    fn the_next_breach_is_of_what_is_still_to_be_done() {
        use crate::desk::{Author, EventComment};
        let by = |author| EventComment::new(author, true, "hello");
        let mut ticket = Ticket { created: at(0), status_changed: at(0), ..Ticket::default() };
        ticket.add_comment(&by(Author::Requester), at(0));
        let dates = |ticket: &Ticket| {
            let found = followed(ticket);
            [found.first_reply_due, found.next_reply_due, found.update_due, found.solve_due, found.breach].map(minutes)
        };
        assert_eq!(dates(&ticket), [Some(60), None, Some(120), Some(300), Some(60)]);
        ticket.add_comment(&by(Author::Agent), at(40));
        assert_eq!(dates(&ticket), [Some(60), None, Some(160), Some(300), Some(160)]);
        ticket.add_comment(&by(Author::Requester), at(50));
        ticket.add_comment(&by(Author::Requester), at(70));
        assert_eq!(dates(&ticket), [Some(60), Some(80), Some(160), Some(300), Some(80)], "since the first of them");
        ticket.add_comment(&by(Author::Agent), at(75));
        ticket.set_status(Status::Pending, at(75));
        assert_eq!(dates(&ticket), [Some(60), None, None, None, None], "it stands still");
        ticket.add_comment(&by(Author::Requester), at(175));
        assert_eq!(dates(&ticket), [Some(60), Some(205), Some(295), Some(400), Some(205)]);
        ticket.set_status(Status::Solved, at(200));
        let solved = followed(&ticket);
        assert_eq!(minutes(solved.solve_due), Some(400));
        assert_eq!((SlaTarget::Solve.in_time(&solved, at(500)), solved.breach), (Some(true), None));
    }
}
