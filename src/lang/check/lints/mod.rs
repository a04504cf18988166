//! Lints: warnings about rules that are valid but most likely not what the author meant.
//!
//! Each lint is one file: a static `LINT`, then its `check`. Its documentation page is in `docs/codes`.

mod capital_tag;
mod long_reply;
mod numbered_files;
mod reassigned;
mod same_twice;
mod unheard;
mod unused_let;

use super::{File, NameKind, Use};
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
    /// The diagnostic code, with title, severity and documentation page.
    pub(crate) code: Code,
    /// The first version that has the lint.
    since: &'static str,
    /// The grade of its fixes, if it has any.
    fix: Option<Grade>,
    check: fn(&Context<'_>, &mut Vec<Diagnostic>),
}

impl Lint {
    /// Its first version, its level, and whether `--fix` applies its fixes, as a line of text.
    pub(crate) fn summary(&self) -> String {
        let level = self.code.severity.as_str();
        let fix = match self.fix {
            Some(Grade::Safe) => "; `twite check --fix` fixes it",
            Some(Grade::Unsafe) => "; it suggests a fix",
            None => "",
        };
        format!("Lint since {}: {level}{fix}.", self.since)
    }
}

/// The input of lints. Lints that read the syntax tree also see items with errors.
pub(super) struct Context<'c> {
    pub(super) files: &'c [File],
    pub(super) context: &'c super::Context<'c>,
    pub(super) rules: &'c Rules,
    /// The uses of all names.
    pub(super) uses: &'c [Use],
}

impl<'c> Context<'c> {
    /// All syntax nodes of all files.
    fn nodes(&self) -> impl Iterator<Item = (&'c File, SyntaxNode)> + use<'c> {
        self.files.iter().flat_map(|file| file.parse.tree().descendants().map(move |node| (file, node)))
    }
}

/// Runs all lints.
pub(super) fn all(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut found = vec![];
    for lint in LINTS {
        let from = found.len();
        (lint.check)(context, &mut found);
        debug_assert!(found.iter().skip(from).all(|d| d.code == &lint.code), "{} reports another code", lint.code.id);
        debug_assert!(
            found.iter().skip(from).all(|d| d.fix.as_ref().is_none_or(|fix| Some(fix.grade) == lint.fix)),
            "{} does not say that it fixes",
            lint.code.id
        );
    }
    found
}
