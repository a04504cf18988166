//! TW0402: a trigger that sets a field of the agents on every update.

use super::{Check, Context, Lint, acting::asks_what_changes};
use crate::{
    desk::FieldRef,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{ActionKind, SetTo},
    },
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
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for trigger in context.rules.triggers.iter().filter(|t| t.on.updated) {
        // A cap, or a condition on the event or on a field that the trigger changes, shows that the author considered
        // updates.
        if !trigger.caps.is_empty()
            || context.context.event_in(&trigger.when).is_some()
            || asks_what_changes(&trigger.when, &trigger.then)
        {
            continue;
        }
        for action in &trigger.then {
            let fields = match &action.kind {
                // What counts is meant to change.
                ActionKind::Set(_, SetTo::Field { .. }) => continue,
                ActionKind::Set(field, _) => std::slice::from_ref(field),
                assign @ ActionKind::Assign { .. } => assign.sets(),
                _ => continue,
            };
            let Some(field) = fields.iter().find(|field| is_of_agents(field)) else { continue };
            let message = format!("every update overwrites `{field}`");
            let help = match field.always_has_a_value() {
                true => "add `on created`, or a condition on the update, such as `comment.by_requester`".to_owned(),
                false => format!("add `on created`, or the condition `{field} is empty`"),
            };
            found.push(Diagnostic::new(&LINT.code, action.span.clone(), message).with_help(help));
        }
    }
}

/// Whether agents choose the value, so that a rule should not change it back. A status is meant to change.
fn is_of_agents(field: &FieldRef) -> bool {
    matches!(field, FieldRef::Custom(_))
        || matches!(&*field.name(), "assignee" | "brand" | "group" | "priority" | "subject" | "type")
}
