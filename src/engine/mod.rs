//! Checked rules to decisions: evaluate, run, explain. Pure: no I/O, no clock of its own.

pub mod plain;
mod view;

pub use plain::holds;
pub use view::view;
