//! Decisions.

mod cases;
mod matcher;
mod rule_tests;
mod values;
