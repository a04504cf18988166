//! When time alone changes the answer to a condition.

use jiff::{SignedDuration, Timestamp};

use super::evaluate;
use crate::{
    desk::{Facts, Scope, Value},
    lang::rules::{Condition, ConditionKind, Op, Predicate},
};

/// How often the search for the next change of an answer may land where nothing changes. Where it gives up, the
/// ticket is looked at in vain, and the search goes on from there.
const MAX_STEPS: usize = 200;

/// When the answer to a condition changes next, as long as nothing happens to the ticket; or an instant before that
/// and after now, where the search is long.
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

/// An answer, and how long it stays at least.
struct Stays {
    holds: bool,
    /// The first instant at which it may be another, after now; `None` is never.
    until: Option<Timestamp>,
}

fn holds_until(condition: &Condition, facts: Facts<'_>) -> Stays {
    match &condition.kind {
        ConditionKind::All(parts) => join(parts, facts, false),
        ConditionKind::Any(parts) => join(parts, facts, true),
        ConditionKind::Not(inner) => {
            let inner = holds_until(inner, facts);
            Stays { holds: !inner.holds, ..inner }
        }
        ConditionKind::Let(named) => holds_until(&named.condition, facts),
        ConditionKind::Predicate(predicate) => {
            Stays { holds: evaluate::predicate_holds(predicate, facts), until: changes_at(predicate, facts) }
        }
    }
}

/// `and`, and `or`, where one part with the answer `decides` is enough.
fn join(parts: &[Condition], facts: Facts<'_>, decides: bool) -> Stays {
    // As long as some part decides, it is decided: until the last of those changes. Else until the first part changes.
    let mut deciding: Option<Option<Timestamp>> = None;
    let mut first: Option<Timestamp> = None;
    for part in parts {
        let stays = holds_until(part, facts);
        if stays.holds == decides {
            let last = match (deciding, stays.until) {
                (None, until) => until,
                (Some(None), _) | (Some(_), None) => None,
                (Some(Some(a)), Some(b)) => Some(a.max(b)),
            };
            if last.is_none() {
                return Stays { holds: decides, until: None };
            }
            deciding = Some(last);
        } else {
            first = match (first, stays.until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    match deciding {
        Some(until) => Stays { holds: decides, until },
        None => Stays { holds: !decides, until: first },
    }
}

/// When time alone changes a predicate, after now.
fn changes_at(predicate: &Predicate, facts: Facts<'_>) -> Option<Timestamp> {
    let hours = facts.hours();
    let at = match (&predicate.op, predicate.field.read(facts)) {
        // The time since an instant only grows: it enters the far side.
        (Op::Since(comparison, length), Value::Time(time)) => {
            let boundary = comparison.boundary(length.reached_after(time, hours))?;
            if boundary.included { Some(boundary.at) } else { right_after(boundary.at) }
        }
        // The time until an instant only shrinks: it leaves the far side.
        (Op::Until(comparison, length), Value::Time(time)) => {
            let boundary = comparison.boundary(length.reached_before(time, hours))?;
            if boundary.included { right_after(boundary.at) } else { Some(boundary.at) }
        }
        (Op::Holds, Value::YesNo(_)) if predicate.field.scope() == Scope::Clock => hours.turns_after(facts.now),
        _ => None,
    };
    at.filter(|at| *at > facts.now)
}

fn right_after(at: Timestamp) -> Option<Timestamp> {
    at.checked_add(SignedDuration::from_nanos(1)).ok()
}
