//! Checked rules to decisions: evaluate, run, explain. Pure: no I/O, no clock of its own.

mod act;
mod decision;
pub mod plain;
mod render;
mod run;
mod trace;
mod view;

#[cfg(test)]
mod tests;

pub use act::changes;
pub use decision::{Answer, Asked, Decision, Fired, RuleEffect};
pub use plain::holds;
pub use render::{render, render_json};
pub use run::{Matcher, decide, run};
pub use trace::{Trace, TriggerTrace, Verdict, explain};
pub use view::view;
