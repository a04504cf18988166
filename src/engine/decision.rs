//! What a run of the rules comes to.

use serde::Serialize;

use super::explanation::Explanation;
use crate::{
    desk::{Change, Effect, Ticket},
    lang::rules::{Rules, Version},
};

/// The result of one run: what becomes of the ticket, what is to be carried out, and why.
///
/// As JSON, for programs, in a stable shape:
///
/// ```json
/// {
///   "version": {"hash": "9f2c…", "commit": "1d0e…"},
///   "ticket": {"id": 7, "status": "new", "priority": "urgent", "…": "as for `twite eval --tickets`"},
///   "changes": [{"field": "priority", "from": null, "to": "urgent"}],
///   "effects": [{"rule": "Escalate", "effect": "reply", "text": "We are on it."}],
///   "fired": [{
///     "rule": "Escalate", "kind": "trigger", "index": 0, "pass": 1, "shadow": false,
///     "changes": [{"field": "priority", "from": null, "to": "urgent"}],
///     "effects": [{"effect": "reply", "text": "We are on it."}],
///     "why": {"holds": true, "predicate": {"text": "requester.followers >= 10_000", "value": 25000}}
///   }],
///   "stopped_by": null,
///   "passes": 2,
///   "closed": false
/// }
/// ```
///
/// Effects are `reply {text}`, `note {text}`, `notify {to, subject, body}` with `to` one of `"assignee"`,
/// `"requester"`, `{"group": …}`, `{"agent": …}`, `remind {to, at, subject, body}`, `assign {group, choosing}` with
/// `choosing` one of `"next"` and `"least_busy"`, `merge`, and `webhook {name, body}`. The values of [`Explanation`]
/// describe `why`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// The rule set that decided.
    pub version: Version,
    /// The ticket after the run.
    pub ticket: Ticket,
    /// What is different from the ticket the run started with, in the order of the field table.
    pub changes: Vec<Change>,
    /// What is to be carried out, in order.
    pub effects: Vec<RuleEffect>,
    /// The rules that fired, those in shadow mode among them, in order.
    pub fired: Vec<Fired>,
    /// The trigger that ended the run with `stop`.
    pub stopped_by: Option<String>,
    /// How many passes over the triggers were made; the last one fired nothing, unless the run was stopped.
    /// None where time passed and no automation wants triggers to run.
    pub passes: usize,
    /// Whether there was no run, because the ticket was closed before the event.
    pub closed: bool,
}

/// An effect, and who asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleEffect {
    /// The rule's title.
    pub rule: String,
    /// What is to be carried out.
    #[serde(flatten)]
    pub effect: Effect,
}

/// What sort of rule fires by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// A rule about events.
    Trigger,
    /// A rule about time passing.
    Automation,
}

/// One rule that fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fired {
    /// Its title.
    pub rule: String,
    /// What sort of rule it is.
    pub kind: RuleKind,
    /// Its place among the rules of its kind, from 0.
    pub index: usize,
    /// The pass in which it fired, from 1; 0 for an automation, which takes part in no pass.
    pub pass: usize,
    /// Whether it is in shadow mode: nothing below was done.
    pub shadow: bool,
    /// What it changed. A later trigger may have changed it again.
    pub changes: Vec<Change>,
    /// What it asked for, texts rendered at that moment.
    pub effects: Vec<Effect>,
    /// Its conditions at the moment it fired.
    pub why: Explanation,
}

impl Decision {
    /// A decision that leaves the ticket as it is.
    pub(super) fn nothing(rules: &Rules, ticket: &Ticket) -> Self {
        Self {
            version: rules.version.clone(),
            ticket: ticket.clone(),
            changes: vec![],
            effects: vec![],
            fired: vec![],
            stopped_by: None,
            passes: 0,
            closed: false,
        }
    }
}
