//! TW0452: a text for the requester that contains what agents noted about them.

use super::{Check, Context, Lint, acting::Acting};
use crate::{
    desk::Recipient,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{ActionKind, Part},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0452",
        title: "note about a person in a text for them",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0452.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for action in Acting::all(context.rules).flat_map(|rule| rule.then) {
        let texts = match &action.kind {
            ActionKind::Reply(text) => vec![text],
            ActionKind::Notify { to: Recipient::Requester, subject, body } => vec![subject, body],
            _ => continue,
        };
        let is_note = |part: &Part| matches!(part, Part::Placeholder { field, .. } if field.name() == "requester.note");
        if texts.iter().flat_map(|text| &text.parts).any(is_note) {
            let message = "the requester is told what agents noted about them";
            found.push(
                Diagnostic::new(&LINT.code, action.span.clone(), message)
                    .with_help("leave out `{{ticket.requester.note}}`: it is meant for agents"),
            );
        }
    }
}
