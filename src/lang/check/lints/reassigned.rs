//! TW0402: a trigger that sets `group` or `assignee` on every update.

use super::{Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    rules::{ActionKind, Condition},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0402",
        title: "field overwritten on every update",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0402.md"),
    },
    since: "0.1.0",
    fix: None,
    check,
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for trigger in context.rules.triggers.iter().filter(|t| t.on.updated) {
        // A condition on the event, or on the field itself, shows that the author considered updates.
        if context.context.event_in(&trigger.when).is_some() {
            continue;
        }
        for action in &trigger.then {
            let ActionKind::Set(field, _) = &action.kind else { continue };
            let name = field.name();
            if !matches!(name.as_ref(), "group" | "assignee") || asks(&trigger.when, &name) {
                continue;
            }
            let message = format!("every update overwrites `{name}`");
            found.push(
                Diagnostic::new(&LINT.code, action.span.clone(), message)
                    .with_help(format!("add `on created`, or the condition `{name} is empty`")),
            );
        }
    }
}

fn asks(condition: &Condition, field: &str) -> bool {
    let mut asks = false;
    condition.predicates(&mut |predicate, _| asks |= predicate.field.name() == field);
    asks
}
