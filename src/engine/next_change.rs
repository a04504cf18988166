//! When time alone changes the answer to a condition.

use jiff::{SignedDuration, Timestamp};

use super::evaluate;
use crate::{
    desk::{Facts, Hours, Reached, Scope, Value},
    lang::rules::{Comparison, Condition, ConditionKind, Duration, Op, Predicate},
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

/// When the answer to one question changes by time alone, after now.
fn changes_at(predicate: &Predicate, facts: Facts<'_>) -> Option<Timestamp> {
    let at = match (&predicate.op, predicate.field.read(facts)) {
        (Op::Since(comparison, span), Value::Time(time)) => since_turns(time, *comparison, *span, facts.hours()),
        (Op::Until(comparison, span), Value::Time(time)) => until_turns(time, *comparison, *span, facts.hours()),
        (Op::Holds, Value::YesNo(_)) if predicate.field.scope() == Scope::Clock => facts.hours().turns_after(facts.now),
        _ => None,
    };
    at.filter(|at| *at > facts.now)
}

/// Where the answer turns: at this instant, or right after it.
fn turns(at: Option<Timestamp>, right_after: bool) -> Option<Timestamp> {
    let at = at?;
    if right_after { at.checked_add(SignedDuration::from_nanos(1)).ok() } else { Some(at) }
}

/// The time since an instant only grows, so its comparison with a length turns once.
fn since_turns(time: Timestamp, comparison: Comparison, span: Duration, hours: &Hours) -> Option<Timestamp> {
    // From the first on it is at least so long; after the last it is longer.
    let Reached { first, last } = span.reached_after(time, hours);
    match comparison {
        Comparison::AtLeast | Comparison::Less => turns(first, false),
        Comparison::More | Comparison::AtMost => turns(last, true),
    }
}

/// The time until an instant only shrinks.
fn until_turns(time: Timestamp, comparison: Comparison, span: Duration, hours: &Hours) -> Option<Timestamp> {
    // Going back in time, it is at least so long from the first on, and longer after the last.
    let Reached { first, last } = span.reached_before(time, hours);
    match comparison {
        Comparison::AtMost | Comparison::More => turns(last, false),
        Comparison::AtLeast | Comparison::Less => turns(first, true),
    }
}
