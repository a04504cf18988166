//! The generated parser. Nothing outside `lang::syntax` sees it.

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/twite.pest"]
pub(super) struct Grammar;
