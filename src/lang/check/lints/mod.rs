//! Warnings: what is most likely not what was meant. One file for each; its page is its documentation.

mod capital_tag;
mod long_reply;
mod numbered_files;
mod reassigned;
mod same_twice;
mod unheard;
mod unused_let;

use super::{Checker, File};
use crate::lang::{diagnostic::Diagnostic, rules::Rules};

/// What every lint has to say. Those that read the tree also look at items with errors.
pub(super) fn all(checker: &Checker<'_>, rules: &Rules) -> Vec<Diagnostic> {
    let mut found = unused_let::check(checker);
    found.extend(reassigned::check(checker, rules));
    found.extend(long_reply::check(rules));
    found.extend(unheard::check(rules));
    found.extend(numbered_files::check(checker.files));
    for file in checker.files {
        found.extend(capital_tag::check(file));
        found.extend(same_twice::check(file));
    }
    found
}

/// The nodes of a file.
fn nodes(file: &File) -> impl Iterator<Item = crate::lang::syntax::SyntaxNode> {
    file.parse.tree().descendants()
}
