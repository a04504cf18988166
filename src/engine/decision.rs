//! The result of a run of the rules.

use jiff::Timestamp;
use serde::Serialize;

use super::explanation::Explanation;
use crate::{
    desk::{Change, Effect, Ticket},
    lang::rules::{Rules, Version},
};

/// The result of one run: the ticket after it, the effects, and why.
///
/// Its JSON shape is stable:
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
///   "held_back": [{
///     "rule": "Welcome", "kind": "trigger", "index": 1, "pass": 1, "shadow": false,
///     "cap": "at most once per requester per 30 days", "since": "2026-01-02T12:00:00Z", "until": "2026-02-01T12:00:00Z"
///   }],
///   "stopped_by": null,
///   "passes": 2,
///   "closed": false
/// }
/// ```
///
/// Effects are `reply {text}`, `note {text}`, `notify {to, subject, body}` with `to` an array of [`crate::desk::Recipient`]s,
/// as `"assignee"` or `{"group": …}`, `remind {to, at, subject, body}`, `assign {group, choosing}` with
/// `choosing` one of `"next"` and `"least_busy"`, `merge`, and `webhook {name, body}`. The values of [`Explanation`]
/// describe `why`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// The version of the rule set.
    pub version: Version,
    /// The ticket after the run.
    pub ticket: Ticket,
    /// The fields that differ from the ticket before the run, in table order.
    pub changes: Vec<Change>,
    /// The effects, in order.
    pub effects: Vec<RuleEffect>,
    /// The rules that fired, in order, including those in shadow mode.
    pub fired: Vec<Fired>,
    /// The rules whose conditions held and that a cap kept from firing, in order.
    pub held_back: Vec<HeldBack>,
    /// The trigger that ended the run with `stop`.
    pub stopped_by: Option<String>,
    /// The number of passes over the triggers. The last one fired nothing, unless the run was stopped. 0 if automations
    /// were evaluated and none of them runs triggers.
    pub passes: usize,
    /// Whether nothing was evaluated, because the ticket was closed before the event.
    pub closed: bool,
}

/// An effect and the rule it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleEffect {
    /// The rule's title.
    pub rule: String,
    /// The effect.
    #[serde(flatten)]
    pub effect: Effect,
}

/// The kind of a rule that fires by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Evaluated on events.
    Trigger,
    /// Evaluated as time passes.
    Automation,
}

/// One rule that fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fired {
    /// Its title.
    pub rule: String,
    /// Its kind.
    pub kind: RuleKind,
    /// Its index among the rules of its kind, from 0.
    pub index: usize,
    /// The pass in which it fired, from 1; 0 for an automation.
    pub pass: usize,
    /// Whether it is in shadow mode, so that its changes and effects were not applied.
    pub shadow: bool,
    /// The fields it changed. Later rules may have changed them again.
    pub changes: Vec<Change>,
    /// Its effects, with rendered texts.
    pub effects: Vec<Effect>,
    /// What its actions did otherwise than they are written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// For an automation with `every`: how often it has fired since its condition came to hold, this time included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// Its condition when it fired.
    pub why: Explanation,
}

/// A rule that a cap kept from firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// Its title.
    pub rule: String,
    /// Its kind.
    pub kind: RuleKind,
    /// Its index among the rules of its kind, from 0.
    pub index: usize,
    /// The pass in which it would have fired, from 1; 0 for an automation.
    pub pass: usize,
    /// Whether it is in shadow mode.
    pub shadow: bool,
    /// The cap as the formatter writes it.
    pub cap: String,
    /// When the first of the firings that reach the cap was.
    pub since: Timestamp,
    /// When it may fire again; `None` is never.
    pub until: Option<Timestamp>,
}

impl Decision {
    /// A decision that leaves the ticket as it is.
    pub(super) fn unchanged(rules: &Rules, ticket: &Ticket) -> Self {
        Self {
            version: rules.version.clone(),
            ticket: ticket.clone(),
            changes: vec![],
            effects: vec![],
            fired: vec![],
            held_back: vec![],
            stopped_by: None,
            passes: 0,
            closed: false,
        }
    }
}
