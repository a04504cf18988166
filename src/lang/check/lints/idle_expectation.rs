//! TW0421: a test that expects a disabled rule not to fire.

use std::collections::HashSet;

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    display::Quoted,
    rules::{ExpectKind, Mode},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0421",
        title: "expectation that always holds",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0421.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let triggers = context.rules.triggers.iter().map(|t| (&t.title, t.mode));
    let automations = context.rules.automations.iter().map(|a| (&a.title, a.mode));
    let disabled: HashSet<_> =
        triggers.chain(automations).filter(|(_, mode)| *mode == Mode::Disabled).map(|(title, _)| title).collect();
    for expect in context.rules.tests.iter().filter(|t| t.mode != Mode::Disabled).flat_map(|t| &t.expect) {
        let ExpectKind::NotFired(title) = &expect.kind else { continue };
        if disabled.contains(title) {
            let message = format!("always holds: {} is disabled and never fires", Quoted(title));
            found.push(
                Diagnostic::new(&LINT.code, expect.span.clone(), message)
                    .with_help("delete the line, or delete `disabled` from the rule"),
            );
        }
    }
}
