//! Warnings: what is most likely not what was meant.
//!
//! A lint is one file: at its head what it is, then its `check`. Its page is in `docs/codes`, and the example in it is its test.

mod capital_tag;
mod long_reply;
mod numbered_files;
mod reassigned;
mod same_twice;
mod unheard;
mod unused_let;

use super::{Checker, File, NameKind};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Grade},
    rules::Rules,
    syntax::SyntaxNode,
};

/// Every lint, in the order of their codes.
pub(crate) static LINTS: &[&Lint] = &[
    &unused_let::LINT,
    &reassigned::LINT,
    &capital_tag::LINT,
    &same_twice::LINT,
    &long_reply::LINT,
    &numbered_files::LINT,
    &unheard::LINT,
];

/// A lint.
pub(crate) struct Lint {
    /// Its code, with its title, its level and its page.
    pub(crate) code: Code,
    /// The version that has it first.
    #[expect(dead_code, reason = "for whoever reads the file")]
    since: &'static str,
    /// How sure its fixes are, where it has any.
    fix: Option<Grade>,
    check: fn(&Context<'_, '_>, &mut Vec<Diagnostic>),
}

/// What lints look at. Those that read the tree also look at items with errors.
struct Context<'c, 'a> {
    checker: &'c Checker<'a>,
    rules: &'c Rules,
}

impl<'a> Context<'_, 'a> {
    fn files(&self) -> &'a [File] {
        self.checker.files
    }

    /// The nodes of all files.
    fn nodes(&self) -> impl Iterator<Item = (&'a File, SyntaxNode)> + use<'a> {
        self.files().iter().flat_map(|file| file.parse.tree().descendants().map(move |node| (file, node)))
    }
}

/// What every lint has to say.
pub(super) fn all(checker: &Checker<'_>, rules: &Rules) -> Vec<Diagnostic> {
    let context = Context { checker, rules };
    let mut found = vec![];
    for lint in LINTS {
        let from = found.len();
        (lint.check)(&context, &mut found);
        debug_assert!(found.iter().skip(from).all(|d| d.code == &lint.code), "{} reports another code", lint.code.id);
        debug_assert!(
            found.iter().skip(from).all(|d| d.fix.as_ref().is_none_or(|fix| Some(fix.grade) == lint.fix)),
            "{} does not say that it fixes",
            lint.code.id
        );
    }
    found
}
