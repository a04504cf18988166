//! Loops over time: automations that bring a ticket back to where it was, again and again, with nobody doing anything to it.
//!
//! Automations fire once when their conditions come to hold. Two that undo each other, or one whose own change makes its
//! conditions fail for a while, come to fire for ever. Such a loop has come round when the same ticket is in the same state,
//! with the same automations active, within [`WINDOW`].

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::decision::Decision;
use crate::desk::Ticket;

/// Within how much time a state that comes back is a loop.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The state that a look leaves a ticket in, as a hash; nothing where it changed nothing on the ticket.
///
/// It is of what rules can set back. Times and counts only grow, and what is said on a ticket is added to, so they tell no
/// two rounds of a loop apart.
pub fn state(before: &Ticket, after: &Ticket, active: &BTreeSet<String>) -> Option<String> {
    if after == before {
        return None;
    }
    let state = Ticket {
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
    let mut sha = Sha256::new();
    // A ticket is always JSON.
    sha.update(serde_json::to_vec(&(state, active)).unwrap_or_default());
    Some(sha.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// The automations that fired in a decision, by title.
pub fn fired(decision: &Decision) -> BTreeSet<String> {
    decision.fired.iter().filter(|fired| fired.pass == 0).map(|fired| fired.rule.clone()).collect()
}

/// The states a ticket went through while nobody did anything to it.
#[derive(Debug, Default)]
pub struct Seen(Vec<(String, Timestamp, BTreeSet<String>)>);

impl Seen {
    /// Notes a state; the automations of a round, where it was seen before.
    pub fn come_round(&mut self, state: String, at: Timestamp, fired: BTreeSet<String>) -> Option<BTreeSet<String>> {
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
