//! Checked rules to decisions: evaluate, run, explain. Pure: no I/O, no clock of its own.

mod act;
mod by_hand;
mod coverage;
mod decider;
mod decision;
mod due;
mod given;
pub mod index;
pub mod loops;
pub mod plain;
mod render;
pub mod report;
mod rule_set;
mod rule_test;
mod run;
mod show;
mod trace;
mod view;

#[cfg(test)]
mod tests;

pub use act::changes;
pub use by_hand::{ByHand, act_by_hand, apply_macro};
pub use coverage::{Coverage, Missing, Ran, Share};
pub use decider::{Decided, Decider, MakeMatcher};
pub use decision::{Answer, Asked, Decision, Fired, RuleEffect, RuleKind};
pub use due::{Look, minute, next_minute, wake};
pub use plain::holds;
pub use render::{render, render_json};
pub use rule_set::{RuleSet, decide};
pub use rule_test::{Failure, Outcome, TestReport, run_test, run_tests};
pub use run::{Matcher, Open, decide_plainly, run};
pub use show::{change_line, chosen, effect_line, show};
pub use trace::{MAX_VALUE_LENGTH, RuleTrace, Trace, Verdict, explain};
pub use view::view;
