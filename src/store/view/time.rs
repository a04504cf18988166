//! Conditions on times and on the clock, which depend on the schedule of a ticket, as SQL.

use std::slice::from_ref;

use jiff::{SignedDuration, Span, Timestamp};

use super::{Query, list_of, past_time_in};
use crate::{
    desk::{Declarations, Facts, FieldRef, Hours, Kind, Status, Ticket, Value},
    lang::rules::{Boundary, Comparison, Duration, Literal, Relation},
};

impl Query<'_> {
    /// Pushes the predicate that a field is related so to one of the clock, whose value is that of the schedule.
    pub(super) fn related_to_clock(&mut self, field: &FieldRef, relation: Relation, clock: &FieldRef, over: bool) {
        let kind = field.kind();
        self.by_schedule(|query, hours| {
            let desk = Declarations { hours: hours.clone(), ..Declarations::default() };
            let ticket = Ticket::default();
            let value = clock.read(Facts { ticket: &ticket, event: None, now: query.now, desk: &desk });
            let Value::Date(date) = value else { return query.unsaid(over) };
            let date = Literal::Date(date);
            match relation {
                Relation::Is => query.one_of(field, &kind, from_ref(&date), over),
                Relation::IsNot => query.none_of(field, &kind, from_ref(&date), over),
                Relation::Compare(comparison) => query.compare(field, &kind, comparison, &date, over),
            }
        });
    }

    /// Pushes an expression that depends on the business hours of a ticket, see [`Declarations::hours_of`].
    pub(super) fn by_schedule(&mut self, mut ask: impl FnMut(&mut Self, &Hours)) {
        let desk = self.desk;
        if desk.schedules.is_empty() {
            return ask(self, &desk.hours);
        }
        self.sql.push("CASE");
        for schedule in desk.schedules.iter().filter(|s| !s.groups.is_empty()) {
            self.sql.push(" WHEN t.group_name IN (");
            self.names(schedule.groups.iter().cloned());
            self.sql.push(") THEN ");
            ask(self, &schedule.hours);
        }
        for schedule in desk.schedules.iter().filter(|s| !s.accounts.is_empty()) {
            self.sql.push(" WHEN lower(t.account) IN (");
            self.names(schedule.accounts.iter().map(|a| a.to_ascii_lowercase()));
            self.sql.push(") THEN ");
            ask(self, &schedule.hours);
        }
        self.sql.push(" ELSE ");
        ask(self, &desk.hours);
        self.sql.push(" END");
    }

    fn names(&mut self, names: impl Iterator<Item = String>) {
        let mut list = self.sql.separated(", ");
        for name in names {
            list.push_bind(name);
        }
    }

    /// Pushes a condition on how long ago a time was or, with `until`, how far ahead it is: a comparison of the time itself
    /// with one instant. `over` says which approximation stands for what SQL cannot express.
    pub(super) fn passed(&mut self, field: &FieldRef, comparison: Comparison, span: Duration, until: bool, over: bool) {
        if span.length(&self.desk.hours).is_negative() {
            return self.unsaid(over);
        }
        if span.is_business() {
            return self.by_schedule(|query, hours| query.passed_by(hours, field, comparison, span, until));
        }
        let desk = self.desk;
        self.passed_by(&desk.hours, field, comparison, span, until);
    }

    fn passed_by(&mut self, hours: &Hours, field: &FieldRef, comparison: Comparison, span: Duration, until: bool) {
        let Some((compared, at)) = self.reached(hours, comparison, span, until) else {
            // No time is that far away.
            return if comparison.is_lower_bound() { self.never() } else { self.present(field, &Kind::Time) };
        };
        self.sql.push("(");
        self.present(field, &Kind::Time);
        self.sql.push(" AND ");
        self.column(field);
        self.millis(compared, at.as_nanosecond());
        self.sql.push(")");
    }

    /// With which instant, and how, a time is compared instead of how long ago it was, or how far ahead it is; `None` if no
    /// instant is that far away.
    fn reached(
        &self,
        hours: &Hours,
        comparison: Comparison,
        span: Duration,
        until: bool,
    ) -> Option<(Comparison, Timestamp)> {
        let reached = if until { span.reached_after(self.now, hours) } else { span.reached_before(self.now, hours) };
        let far = comparison.is_lower_bound();
        let Boundary { at, included } = comparison.boundary(reached)?;
        let comparison = match (far == until, included == far) {
            (true, true) => Comparison::AtLeast,
            (true, false) => Comparison::More,
            (false, true) => Comparison::AtMost,
            (false, false) => Comparison::Less,
        };
        Some((comparison, at))
    }

    /// As [`Self::passed`], for a date, which begins where the desk is: a comparison of the date itself with one date.
    pub(super) fn begun(&mut self, field: &FieldRef, comparison: Comparison, span: Duration, until: bool, over: bool) {
        if span.length(&self.desk.hours).is_negative() {
            return self.unsaid(over);
        }
        self.by_schedule(|query, hours| query.begun_by(hours, field, comparison, span, until));
    }

    fn begun_by(&mut self, hours: &Hours, field: &FieldRef, comparison: Comparison, span: Duration, until: bool) {
        let Some((comparison, at)) = self.reached(hours, comparison, span, until) else {
            return if comparison.is_lower_bound() { self.never() } else { self.present(field, &Kind::Date) };
        };
        // Where clocks go back past midnight, the next date has begun already.
        let near = [-1, 0, 1, 2].map(|days| hours.date(at).saturating_add(Span::new().days(days)));
        let mut begun = near.into_iter().filter(|date| comparison.holds(hours.start_of(*date).cmp(&at)));
        let (comparison, date) = match comparison.is_lower_bound() {
            true => (Comparison::AtLeast, begun.next()),
            false => (Comparison::AtMost, begun.next_back()),
        };
        match date {
            Some(date) => self.compare(field, &Kind::Date, comparison, &Literal::Date(date), true),
            None => self.never(),
        }
    }

    /// Pushes a comparison of whole milliseconds with a number of nanoseconds.
    fn millis(&mut self, comparison: Comparison, nanos: i128) {
        let millis = match comparison {
            Comparison::AtLeast | Comparison::Less => -(-nanos).div_euclid(1_000_000),
            Comparison::More | Comparison::AtMost => nanos.div_euclid(1_000_000),
        };
        // No time is that many milliseconds away from another.
        let millis = i64::try_from(millis).unwrap_or(if millis < 0 { i64::MIN } else { i64::MAX });
        self.sql.push(format_args!(" {} ", comparison.as_str())).push_bind(millis);
    }

    /// Pushes a condition on the total time in some statuses: that of the past ones, and the time since the current one
    /// began. Business time is at most that; the evaluator computes it.
    pub(super) fn time_in(&mut self, statuses: &[Status], comparison: Comparison, span: Duration, over: bool) {
        if !span.is_business() {
            return self.time_in_by(statuses, comparison, span.length(&self.desk.hours));
        }
        if !over || !comparison.is_lower_bound() {
            return self.unsaid(over);
        }
        self.exact = false;
        self.sql.push("(t.status_changed").push(" > ").push_bind(self.now.as_millisecond()).push(" OR ");
        self.by_schedule(|query, hours| query.time_in_by(statuses, comparison, span.length(hours)));
        self.sql.push(")");
    }

    fn time_in_by(&mut self, statuses: &[Status], comparison: Comparison, length: SignedDuration) {
        let (current, past) = (list_of(statuses), past_time_in(statuses));
        self.sql.push(format_args!("(CASE WHEN t.status IN ({current}) THEN {past} - t.status_changed"));
        self.millis(comparison, length.as_nanos() - self.now.as_nanosecond());
        self.sql.push(format_args!(" ELSE {past}"));
        self.millis(comparison, length.as_nanos());
        self.sql.push(" END)");
    }
}
