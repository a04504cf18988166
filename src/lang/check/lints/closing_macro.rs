//! TW0428: a macro that replies and closes the ticket.

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    rules::{ActionKind, Literal, SetTo},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0428",
        title: "macro that replies and closes",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0428.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for then in context.rules.macros.iter().map(|m| &m.then) {
        let closes = then.iter().find(|action| {
            matches!(&action.kind, ActionKind::Set(field, SetTo::Literal(Literal::Word { word, .. }))
                if field.name() == "status" && word == "closed")
        });
        let replies = then.iter().find(|action| action.kind.reply().is_some());
        let (Some(close), Some(reply)) = (closes, replies) else { continue };
        let message = "the requester cannot answer this reply: a closed ticket takes no more messages";
        found.push(
            Diagnostic::new(&LINT.code, close.span.clone(), message)
                .and_label(reply.span.clone(), "the reply")
                .with_help("write `set status to solved`: an answer opens the ticket again"),
        );
    }
}
