//! The next instant at which time alone changes the result of a condition.

use jiff::{SignedDuration, Timestamp};

use super::{evaluate, normal::literals};
use crate::{
    desk::{Facts, Scope, Value},
    lang::rules::{Condition, ConditionKind, Duration, Literal, Op, Predicate},
};

/// Maximum steps of a search. A search that reaches it returns an instant that is too early. When the condition is
/// evaluated at that instant, the search continues.
const MAX_STEPS: usize = 200;

/// The next instant after now at which the result of a condition can change while the ticket stays the same: a lower
/// bound.
pub(super) fn next_change(condition: &Condition, facts: Facts<'_>) -> Option<Timestamp> {
    let now = holds_until(condition, facts);
    let mut at = now.until?;
    for _ in 0..MAX_STEPS {
        let there = holds_until(condition, Facts { now: at, ..facts });
        if there.holds != now.holds {
            break;
        }
        at = there.until?;
    }
    Some(at)
}

/// The result of a condition, with a lower bound of how long it is stable.
struct Stable {
    holds: bool,
    /// The first instant after now at which it may change; `None` is never.
    until: Option<Timestamp>,
}

fn holds_until(condition: &Condition, facts: Facts<'_>) -> Stable {
    match &condition.kind {
        ConditionKind::All(parts) => join(parts, facts, false),
        ConditionKind::Any(parts) => join(parts, facts, true),
        ConditionKind::Not(inner) => {
            let inner = holds_until(inner, facts);
            Stable { holds: !inner.holds, ..inner }
        }
        ConditionKind::Let(named) => holds_until(&named.condition, facts),
        ConditionKind::Predicate(predicate) => {
            Stable { holds: evaluate::predicate_holds(predicate, facts), until: changes_at(predicate, facts) }
        }
    }
}

/// A conjunction (`decides` is false) or a disjunction (`decides` is true): one part with the result `decides` is enough.
fn join(parts: &[Condition], facts: Facts<'_>, decides: bool) -> Stable {
    // Stable until the last deciding part changes; if no part decides, until the first part changes.
    let mut deciding: Option<Option<Timestamp>> = None;
    let mut first: Option<Timestamp> = None;
    for part in parts {
        let part = holds_until(part, facts);
        if part.holds == decides {
            let last = match (deciding, part.until) {
                (None, until) => until,
                (Some(None), _) | (Some(_), None) => None,
                (Some(Some(a)), Some(b)) => Some(a.max(b)),
            };
            if last.is_none() {
                return Stable { holds: decides, until: None };
            }
            deciding = Some(last);
        } else {
            first = match (first, part.until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    match deciding {
        Some(until) => Stable { holds: decides, until },
        None => Stable { holds: !decides, until: first },
    }
}

/// When the result of a predicate changes next.
fn changes_at(predicate: &Predicate, facts: Facts<'_>) -> Option<Timestamp> {
    let hours = facts.hours();
    let last_day = predicate.last_days().and_then(|days| days.same_until(hours.date(facts.now)));
    let other_entries = last_day.and_then(|last| last.tomorrow().ok()).map(|day| hours.start_of(day));
    let at = match (predicate.op_now(facts), predicate.field.read(facts)) {
        // Only the time in the current status grows, as `time since status_changed` does.
        (Op::TimeIn(statuses, comparison, length), _) => {
            let ticket = facts.ticket;
            if !statuses.contains(&ticket.status) {
                return None;
            }
            let before =
                evaluate::time_in(statuses, length.is_business(), Facts { now: ticket.status_changed, ..facts });
            let left = length.length(hours).checked_sub(before)?;
            let left = if length.is_business() { Duration::Open(left) } else { Duration::Clock(left) };
            // Already more, whatever time it is.
            if left.length(hours).is_negative() {
                return None;
            }
            let boundary = comparison.boundary(left.reached_after(ticket.status_changed, hours))?;
            if boundary.included { Some(boundary.at) } else { right_after(boundary.at) }
        }
        // `time since` grows: `>=` and `<` change at the boundary, `>` and `<=` right after it.
        (Op::Since(comparison, length), value) => {
            let time = evaluate::instant(&value, facts)?;
            let boundary = comparison.boundary(length.reached_after(time, hours))?;
            if boundary.included { Some(boundary.at) } else { right_after(boundary.at) }
        }
        // `time until` shrinks: `>=` and `<` change right after the boundary, `>` and `<=` at it.
        (Op::Until(comparison, length), value) => {
            let time = evaluate::instant(&value, facts)?;
            let boundary = comparison.boundary(length.reached_before(time, hours))?;
            if boundary.included { right_after(boundary.at) } else { Some(boundary.at) }
        }
        (Op::Field(_, other), _) => {
            let clock = [&predicate.field, other].into_iter().filter(|field| field.scope() == Scope::Clock);
            clock.filter_map(|field| field.changes_after(facts)).min()
        }
        // A comparison with 18:00 changes at 18:00 or 18:01.
        (op, Value::TimeOfDay(_)) => {
            let times = literals(op).iter().filter_map(|literal| match literal {
                Literal::TimeOfDay(time) => Some(time.minutes()),
                _ => None,
            });
            hours.next_time(facts.now, times.flat_map(|minute| [minute, minute + 1]))
        }
        _ if predicate.field.scope() == Scope::Clock => predicate.field.changes_after(facts),
        _ => None,
    };
    let at = at.filter(|at| *at > facts.now);
    at.into_iter().chain(other_entries).min()
}

fn right_after(at: Timestamp) -> Option<Timestamp> {
    at.checked_add(SignedDuration::from_nanos(1)).ok()
}
