//! TW0429: a test without a time, of a rule that asks for the time.

use std::collections::HashMap;

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    display::Quoted,
    rules::{ExpectKind, Predicate},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0429",
        title: "test of the clock without a time",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0429.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let triggers = context.rules.triggers.iter().map(|t| (t.title.as_str(), &t.when));
    let automations = context.rules.automations.iter().map(|a| (a.title.as_str(), &a.when));
    let rules: HashMap<_, _> = triggers.chain(automations).collect();
    for test in context.rules.tests.iter().filter(|test| test.at.is_none()) {
        let named = test.expect.iter().filter_map(|expect| match &expect.kind {
            ExpectKind::Fired(title) | ExpectKind::NotFired(title) => Some(title.as_str()),
            _ => None,
        });
        let mut asked = named.filter(|title| rules.get(title).is_some_and(|when| when.any(Predicate::asks_clock)));
        let Some(title) = asked.next() else { continue };
        let message = format!("{} asks for the time, and this test does not say which it is", Quoted(title));
        found.push(Diagnostic::new(&LINT.code, test.span.clone(), message).with_help(
            "write `at 2026-01-05T12:00:00Z` for a Monday at noon, which is what a test without `at` means",
        ));
    }
}
