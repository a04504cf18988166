//! TW0402: a trigger that assigns the ticket anew on every update.

use super::super::Checker;
use crate::lang::{
    codes,
    diagnostic::Diagnostic,
    rules::{ActionKind, Condition, Rules},
};

pub(super) fn check(checker: &Checker<'_>, rules: &Rules) -> Vec<Diagnostic> {
    let mut found = vec![];
    for trigger in rules.triggers.iter().filter(|t| t.on.updated) {
        // Whoever asks about the event, or about the field itself, has thought of updates.
        if checker.event_in(&trigger.when).is_some() {
            continue;
        }
        for action in &trigger.then {
            let ActionKind::Set(field, _) = &action.kind else { continue };
            let name = field.name();
            if !matches!(name.as_ref(), "group" | "assignee") || asks(&trigger.when, &name) {
                continue;
            }
            let message = format!("this sets `{name}` again on every update of the ticket");
            found.push(
                Diagnostic::new(&codes::TW0402, action.span.clone(), message)
                    .with_help(format!("add `on created`, or ask for `{name} is empty`")),
            );
        }
    }
    found
}

fn asks(condition: &Condition, field: &str) -> bool {
    let mut asks = false;
    condition.predicates(&mut |predicate, _| asks |= predicate.field.name() == field);
    asks
}
