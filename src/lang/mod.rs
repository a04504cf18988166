//! Rule files to checked rules: parse, check, format, explain.

pub mod rules;
pub(crate) mod written;
