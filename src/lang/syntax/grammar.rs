//! The parser that pest generates from the grammar. Private to `lang::syntax`.

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/twite.pest"]
pub(super) struct Grammar;
