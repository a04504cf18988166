//! Evaluates checked rules. Pure: no I/O, no clock.

mod act;
mod agent_update;
mod automation;
mod coverage;
mod decide;
mod decider;
mod decision;
mod display;
pub mod evaluate;
mod explanation;
mod firings;
mod given;
pub mod index;
pub mod loops;
mod matcher;
mod next_change;
mod normal;
mod render;
pub mod report;
mod rule_set;
mod rule_test;
mod run;
mod sla;
mod trace;
mod view;
mod volume;

#[cfg(test)]
mod tests;

pub use act::changes;
pub use agent_update::{UpdatedTicket, agent_update, apply_macro};
pub use automation::{Evaluation, minute, next_minute, unsnooze};
pub use coverage::{Coverage, Missing, Ran, Share};
pub use decide::{decide, decide_plainly, run};
pub use decider::{Decided, Decider, MakeMatcher};
pub use decision::{Decision, Fired, HeldBack, RuleEffect, RuleKind};
pub(crate) use display::{change_line, effect_line, found, held_back_line, value as value_text};
pub use evaluate::holds;
pub use explanation::{Explanation, ExplanationKind, Found, MAX_VALUE_LENGTH};
pub use firings::caps;
pub use matcher::{Matcher, Open};
pub use render::{render, render_json, render_public};
pub use rule_set::RuleSet;
pub use rule_test::{Failure, Outcome, TestReport, run_test, run_tests};
pub use sla::follow_sla;
pub use trace::{RuleTrace, Trace, Verdict, explain};
pub use view::view;
pub use volume::{count, counting, ends_at, volume_ends};
