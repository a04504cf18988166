//! TW0426: a trigger on updates that searches the first message.

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    rules::Op,
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0426",
        title: "first message searched on updates",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0426.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for trigger in context.rules.triggers.iter().filter(|t| t.on.updated && !t.on.created) {
        if context.context.event_in(&trigger.when).is_some() {
            continue;
        }
        let mut first = None;
        trigger.when.predicates(&mut |predicate, span| {
            let search = matches!(
                predicate.op,
                Op::Contains(_) | Op::ContainsWord(_) | Op::StartsWith(_) | Op::EndsWith(_) | Op::Matches(_)
            );
            if search && predicate.field.name() == "description" && first.is_none() {
                first = Some(span.clone());
            }
        });
        let Some(span) = first else { continue };
        let message = "`description` is the first message, which no update changes";
        found.push(
            Diagnostic::new(&LINT.code, span, message)
                .with_help("for what was just written, ask `comment.text`; for the first message, write `on created`"),
        );
    }
}
