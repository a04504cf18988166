//! Detects automation loops: automations that return a ticket to an earlier state without any other event.
//!
//! An automation fires once when its condition becomes true. Two that undo each other, or one whose own change makes its
//! condition false for a while, fire for ever. A loop is detected when a ticket is in the same state, with the same
//! automations active, a second time within [`WINDOW`].

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::decision::Decision;
use crate::{
    desk::{FieldRef, Kind, Ticket, Value},
    lang::rules::{ActionKind, Part, Rules, SetTo},
};

/// The time within which a repeated state is a loop.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// A hash of the state after an evaluation; `None` if the ticket did not change.
///
/// Covers the fields that rules can restore. Times, counts and comments only grow, so they would differ in each round; so may
/// the numbers, dates and texts that rules compute.
pub fn state(rules: &Rules, before: &Ticket, after: &Ticket, active: &BTreeSet<String>) -> Option<String> {
    if after == before {
        return None;
    }
    let mut state = Ticket {
        status: after.status,
        priority: after.priority,
        kind: after.kind,
        subject: after.subject.clone(),
        tags: after.tags.clone(),
        group: after.group.clone(),
        assignee: after.assignee.clone(),
        brand: after.brand.clone(),
        custom: after.custom.clone(),
        snoozed: after.snoozed.map(|_| Timestamp::UNIX_EPOCH),
        ..Ticket::default()
    };
    state.requester.take_kept(&after.requester);
    for field in computed(rules) {
        field.write(&mut state, Value::Empty, Timestamp::UNIX_EPOCH);
    }
    let mut sha = Sha256::new();
    // Serializing a ticket as JSON does not fail.
    sha.update(serde_json::to_vec(&(state, active)).unwrap_or_default());
    Some(sha.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// The fields that rules set to a value they compute, of which there is no end.
fn computed(rules: &Rules) -> impl Iterator<Item = &FieldRef> {
    let triggers = rules.triggers.iter().map(|trigger| &trigger.then);
    let automations = rules.automations.iter().map(|automation| &automation.then);
    triggers.chain(automations).flatten().filter_map(|action| match &action.kind {
        ActionKind::Set(field, to) => {
            let is_computed = match to {
                SetTo::Literal(_) => false,
                SetTo::Match { .. } => true,
                SetTo::Template(text) => text.parts.iter().any(|part| matches!(part, Part::Placeholder { .. })),
                SetTo::Field { .. } => matches!(field.kind(), Kind::Text) || field.kind().may_be_unknown(),
            };
            is_computed.then_some(field)
        }
        _ => None,
    })
}

/// Whether a decision only repeats what it says `every` so often. That ends, or goes on, as its author says.
pub fn is_repeat(decision: &Decision) -> bool {
    decision.fired.iter().filter(|fired| fired.pass == 0).all(|fired| fired.repeat.is_some_and(|times| times > 1))
}

/// The titles of the automations that fired in a decision.
pub fn fired(decision: &Decision) -> BTreeSet<String> {
    decision.fired.iter().filter(|fired| fired.pass == 0).map(|fired| fired.rule.clone()).collect()
}

/// The states of a ticket since the last event from outside.
#[derive(Debug, Default)]
pub struct Seen(Vec<(String, Timestamp, BTreeSet<String>)>);

impl Seen {
    /// Records a state. If it repeats, returns the automations that fired since it was first recorded.
    pub fn record(&mut self, state: String, at: Timestamp, fired: BTreeSet<String>) -> Option<BTreeSet<String>> {
        self.0.retain(|(_, seen, _)| seen.duration_until(at) < WINDOW);
        match self.0.iter().position(|(seen, ..)| *seen == state) {
            Some(first) => {
                Some(self.0.iter().skip(first).flat_map(|(.., fired)| fired).chain(&fired).cloned().collect())
            }
            None => {
                self.0.push((state, at, fired));
                None
            }
        }
    }
}
