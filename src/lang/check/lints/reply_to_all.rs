//! TW0415: an automatic reply or mail on every update, or a reply to every public post.

use super::{
    Check, Context, Lint,
    acting::{asks, asks_what_changes, may_come_from},
};
use crate::{
    desk::{Channel, FieldRef, XAction},
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{Action, ActionKind, Mode},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0415",
        title: "automatic reply or mail to everything",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0415.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for trigger in context.rules.triggers.iter().filter(|trigger| trigger.mode != Mode::Disabled) {
        let when = &trigger.when;
        let is_reply =
            |action: &&Action| action.kind.said().is_some() || matches!(action.kind, ActionKind::AtX(XAction::Like));
        let is_mail = |action: &&Action| matches!(action.kind, ActionKind::Notify { .. } | ActionKind::Remind { .. });
        let reply = trigger.then.iter().find(is_reply);
        let Some(said) = reply.or_else(|| trigger.then.iter().find(is_mail)) else { continue };
        let has_looked = !trigger.caps.is_empty()
            || context.context.event_in(when).is_some()
            || asks_what_changes(when, &trigger.then)
            || asks(when, |field| matches!(&*field.name(), "replies" | "first_reply"));
        let (message, help) = if trigger.on.updated && !has_looked && reply.is_none() {
            let help = "ask what changed, as in `status changed to open`, or write `at most once per ticket`";
            ("every update sends this mail, whatever changed", help)
        } else if trigger.on.updated && !has_looked {
            let help = "add `on created`, or the condition `comment.by_requester`";
            ("every update is answered, also what agents write", help)
        } else if trigger.on.created
            && reply.is_some()
            && !has_looked
            && !asks(when, tells_posts_apart)
            && may_come_from(when, Channel::Twitter)
        {
            match said.kind {
                ActionKind::AtX(_) => {
                    ("every public post is liked", "X suspends accounts that like in bulk: ask what the post says")
                }
                _ => (
                    "every public post is answered",
                    "X suspends accounts that answer everybody: ask what the post says, or `channel is twitter_dm`",
                ),
            }
        } else {
            continue;
        };
        found.push(Diagnostic::new(&LINT.code, said.span.clone(), message).with_help(help));
    }
}

/// Whether posts to the same account differ in this field. A new ticket has a known status.
fn tells_posts_apart(field: &FieldRef) -> bool {
    !matches!(&*field.name(), "account" | "brand" | "channel" | "status")
}
