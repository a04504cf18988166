//! TW0457: a condition on a volume that is disabled, which never holds.

use std::collections::HashSet;

use super::{Check, Context, Lint};
use crate::{
    desk::FieldRef,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        display::Quoted,
        rules::Mode,
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0457",
        title: "condition on a disabled volume",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0457.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let rules = context.rules;
    let disabled = rules.volumes.iter().filter(|volume| volume.mode == Mode::Disabled);
    let disabled: HashSet<_> = disabled.map(|volume| volume.title.as_str()).collect();
    // A `let` is reported once.
    let mut reported = HashSet::new();
    for trigger in rules.triggers.iter().filter(|trigger| trigger.mode != Mode::Disabled) {
        trigger.when.predicates(&mut |predicate, span| {
            let FieldRef::Volume(asked) = &predicate.field else { return };
            if disabled.contains(asked.volume.as_str()) && reported.insert(span.clone()) {
                let message =
                    format!("never holds: the volume {} is disabled and counts nothing", Quoted(&asked.volume));
                found.push(
                    Diagnostic::new(&LINT.code, span.clone(), message)
                        .with_help("delete `disabled` from the volume, or disable the trigger as well"),
                );
            }
        });
    }
}
