//! TW0420: an automation that closes or solves tickets because of their age alone.

use super::{Check, Context, Lint, acting::asks};
use crate::{
    desk::{FieldRef, Scope},
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{ActionKind, Literal, SetTo},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0420",
        title: "tickets closed by age alone",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0420.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for automation in &context.rules.automations {
        if asks(&automation.when, tells_progress) {
            continue;
        }
        for action in &automation.then {
            let ActionKind::Set(field, SetTo::Literal(Literal::Word { word, .. })) = &action.kind else { continue };
            if field.name() != "status" || !matches!(word.as_str(), "solved" | "closed") {
                continue;
            }
            let message = format!("tickets are {word} by age alone, also those that agents work on");
            found.push(
                Diagnostic::new(&LINT.code, action.span.clone(), message)
                    .with_help("add a condition on the status, such as `status is solved` or `status is pending`"),
            );
        }
    }
}

/// Whether a field says how far a ticket has come, or what it is about.
fn tells_progress(field: &FieldRef) -> bool {
    field.scope() != Scope::Clock
        && !matches!(&*field.name(), "account" | "brand" | "channel" | "created" | "group" | "updated")
}
