//! Lints: warnings about rules that are valid but most likely not what the author meant.
//!
//! Each lint is one file: a static `LINT`, then its `check`. Its documentation page is in `docs/codes`.

mod absent_field;
mod acting;
mod capital_tag;
mod closed_by_age;
mod closed_ticket;
mod closing_macro;
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
mod trivial_pattern;
mod two_replies;
mod unheard;
mod unset_clock;
mod unused_let;

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
    files: &'c [File],
    context: &'c super::Context<'c>,
    rules: &'c Rules,
    /// The uses of all names.
    uses: &'c [Use],
    /// The syntax nodes of the kinds that lints read.
    nodes: Vec<(&'c File, SyntaxNode)>,
}

/// The kinds of syntax nodes that lints read.
const KINDS: &[SyntaxKind] = &[
    SyntaxKind::ByClause,
    SyntaxKind::Condition,
    SyntaxKind::Fact,
    SyntaxKind::File,
    SyntaxKind::HasTest,
    SyntaxKind::List,
    SyntaxKind::MatchesTest,
    SyntaxKind::MeasureClause,
    SyntaxKind::Question,
    SyntaxKind::SetAction,
    SyntaxKind::TagList,
    SyntaxKind::TagsAction,
    SyntaxKind::Template,
];

impl<'c> Context<'c> {
    pub(super) fn new(files: &'c [File], context: &'c super::Context<'c>, rules: &'c Rules, uses: &'c [Use]) -> Self {
        let nodes = files.iter().flat_map(|file| file.parse.tree().descendants().map(move |node| (file, node)));
        let nodes = nodes.filter(|(_, node)| KINDS.contains(&node.kind())).collect();
        Self { files, context, rules, uses, nodes }
    }

    /// The syntax nodes of [`KINDS`] in all files.
    fn nodes(&self) -> impl Iterator<Item = (&'c File, SyntaxNode)> {
        self.nodes.iter().cloned()
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
