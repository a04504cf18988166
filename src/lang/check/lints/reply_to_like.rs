//! TW0423: a reply to a post that the account liked, which X refuses.

use super::{
    Check, Context, Lint,
    acting::{Acting, may_come_from},
};
use crate::{
    desk::Channel,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0423",
        title: "reply to a liked post",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0423.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for rule in Acting::all(context.rules) {
        let Some(when) = rule.when else { continue };
        let mut others = Channel::ALL.iter().filter(|channel| **channel != Channel::TwitterLike);
        if others.any(|channel| may_come_from(when, *channel)) {
            continue;
        }
        for said in rule.then.iter().filter(|action| action.kind.said().is_some()) {
            let message = match said.kind.reply() {
                Some(_) => "X refuses replies to posts that do not mention the account",
                None => "X forbids automatic messages to people who did not write to the account",
            };
            found.push(
                Diagnostic::new(&LINT.code, said.span.clone(), message).with_help(
                    "a ticket of `twitter_like` is a post that the account liked: write a `note` for agents",
                ),
            );
        }
    }
}
