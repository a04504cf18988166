//! The generated parser. Nothing outside the syntax room sees it.

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/twite.pest"]
pub(super) struct Grammar;
