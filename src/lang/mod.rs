//! Rule files to checked rules: parse, check, format, explain.

pub mod rules;
mod written;
