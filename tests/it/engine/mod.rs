//! Tests of `engine`.

mod cases;
mod matcher;
mod rule_tests;
mod values;
mod volumes;
