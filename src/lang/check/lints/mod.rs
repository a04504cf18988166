//! Lints: warnings about rules that are valid but most likely not what the author meant.
//!
//! Each lint is one file: a static `LINT`, then its `check`. Its documentation page is in `docs/codes`.

mod absent_field;
mod acting;
mod blanks;
mod capital_tag;
mod closed_by_age;
mod closed_ticket;
mod closing_macro;
mod disabled_volume;
mod endless_message;
mod endless_view;
mod foreign_pattern;
mod idle_expectation;
mod idle_sla;
mod language_name;
mod long_reply;
mod misspelt_tag;
mod numbered_files;
mod old_text;
mod precedence;
mod reassigned;
mod repeated_condition;
mod reply_to_all;
mod reply_to_like;
mod same_test;
mod same_twice;
mod single_braces;
mod told_note;
mod trivial_pattern;
mod two_replies;
mod unheard;
mod unset_clock;
mod unused_let;

use std::sync::OnceLock;

use rayon::prelude::*;

use self::misspelt_tag::AddedTags;
use super::{File, NameKind, Use};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Grade},
    rules::Rules,
    syntax::{SyntaxKind, SyntaxNode},
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
    &single_braces::LINT,
    &reply_to_all::LINT,
    &language_name::LINT,
    &misspelt_tag::LINT,
    &foreign_pattern::LINT,
    &closed_ticket::LINT,
    &closed_by_age::LINT,
    &idle_expectation::LINT,
    &precedence::LINT,
    &reply_to_like::LINT,
    &two_replies::LINT,
    &absent_field::LINT,
    &old_text::LINT,
    &trivial_pattern::LINT,
    &closing_macro::LINT,
    &unset_clock::LINT,
    &same_test::LINT,
    &endless_view::LINT,
    &repeated_condition::LINT,
    &idle_sla::LINT,
    &told_note::LINT,
    &endless_message::LINT,
    &blanks::LINT,
    &disabled_volume::LINT,
];

/// A lint.
pub(crate) struct Lint {
    /// The diagnostic code, with title, severity and documentation page.
    pub(crate) code: Code,
    /// The first version that has the lint.
    since: &'static str,
    /// The grade of its fixes, if it has any.
    fix: Option<Grade>,
    check: Check,
}

/// What a lint looks at.
enum Check {
    /// Each syntax node of some kinds, also in items with errors.
    Nodes(&'static [SyntaxKind], fn(&Context<'_>, &File, &SyntaxNode, &mut Vec<Diagnostic>)),
    /// All rules at once.
    Set(fn(&Context<'_>, &mut Vec<Diagnostic>)),
}

impl Lint {
    /// Asserts that findings have the code and the grade of fixes that the lint declares.
    fn assert_own(&self, found: &[Diagnostic]) {
        debug_assert!(found.iter().all(|d| d.code == &self.code), "{} reports another code", self.code.id);
        debug_assert!(
            found.iter().all(|d| d.fix.as_ref().is_none_or(|fix| Some(fix.grade) == self.fix)),
            "{} does not say that it fixes",
            self.code.id
        );
    }

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

/// The input of lints.
pub(super) struct Context<'c> {
    files: &'c [File],
    context: &'c super::Context<'c>,
    rules: &'c Rules,
    /// The uses of all names.
    uses: &'c [Use],
    /// Built on first use.
    added_tags: OnceLock<AddedTags>,
}

impl<'c> Context<'c> {
    pub(super) fn new(files: &'c [File], context: &'c super::Context<'c>, rules: &'c Rules, uses: &'c [Use]) -> Self {
        Self { files, context, rules, uses, added_tags: OnceLock::new() }
    }

    fn added_tags(&self) -> &AddedTags {
        self.added_tags.get_or_init(|| AddedTags::of(self.rules))
    }
}

/// Runs all lints.
pub(super) fn all(context: &Context<'_>) -> Vec<Diagnostic> {
    let of_sets = || LINTS.par_iter().flat_map_iter(|lint| in_set(context, lint)).collect::<Vec<_>>();
    let of_nodes = || context.files.par_iter().flat_map_iter(|file| in_file(context, file)).collect::<Vec<_>>();
    let (mut found, in_files) = rayon::join(of_sets, of_nodes);
    found.extend(in_files);
    found
}

/// What a lint finds in all rules.
fn in_set(context: &Context<'_>, lint: &Lint) -> Vec<Diagnostic> {
    let mut found = vec![];
    if let Check::Set(check) = lint.check {
        check(context, &mut found);
        lint.assert_own(&found);
    }
    found
}

/// What all lints find in the nodes of a file, which is walked once.
fn in_file(context: &Context<'_>, file: &File) -> Vec<Diagnostic> {
    let mut found = vec![];
    for node in file.parse.tree().descendants() {
        for lint in LINTS {
            let Check::Nodes(kinds, check) = lint.check else { continue };
            if kinds.contains(&node.kind()) {
                let from = found.len();
                check(context, file, &node, &mut found);
                lint.assert_own(found.get(from..).unwrap_or_default());
            }
        }
    }
    found
}
