//! Checked rules to decisions: evaluate, run, explain. Pure: no I/O, no clock of its own.

mod act;
mod coverage;
mod decision;
mod given;
pub mod plain;
mod render;
mod rule_test;
mod run;
mod show;
mod trace;
mod view;

#[cfg(test)]
mod tests;

pub use act::changes;
pub use coverage::{Coverage, Missing};
pub use decision::{Answer, Asked, Decision, Fired, RuleEffect};
pub use plain::holds;
pub use render::{render, render_json};
pub use rule_test::{Failure, Outcome, TestReport, run_test};
pub use run::{Matcher, decide, run};
pub use show::{change_line, effect_line, show};
pub use trace::{Trace, TriggerTrace, Verdict, explain};
pub use view::view;
