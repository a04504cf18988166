//! TW0424: two replies to one message.

use std::collections::HashMap;

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    display::Quoted,
    rules::{Action, ActionKind, Mode, Trigger},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0424",
        title: "two replies to one message",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0424.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let rules = context.rules;
    let triggers = rules.triggers.iter().map(|t| &t.then);
    let automations = rules.automations.iter().map(|a| &a.then);
    let macros = rules.macros.iter().map(|m| &m.then);
    for then in triggers.chain(automations).chain(macros) {
        let mut replies = then.iter().filter(|action| is_reply(action));
        let Some(first) = replies.next() else { continue };
        for again in replies {
            found.push(
                Diagnostic::new(&LINT.code, again.span.clone(), "a second reply to the same message")
                    .and_label(first.span.clone(), "first reply")
                    .with_help("write one reply"),
            );
        }
    }
    let mut by_condition: HashMap<String, &Trigger> = HashMap::new();
    let live = rules.triggers.iter().filter(|t| t.mode == Mode::Live);
    for trigger in live {
        let Some(reply) = trigger.then.iter().find(|action| is_reply(action)) else { continue };
        let Some(first) = by_condition.insert(trigger.when.in_full(), trigger) else { continue };
        let both = first.on.created && trigger.on.created || first.on.updated && trigger.on.updated;
        if !both || first.then.iter().any(|action| action.kind == ActionKind::Stop) {
            continue;
        }
        let message = format!("{} has the same condition and replies as well", Quoted(&first.title));
        found.push(
            Diagnostic::new(&LINT.code, reply.span.clone(), message)
                .and_label(first.span.clone(), "the same condition")
                .with_help("join the two, or add `stop` to the first"),
        );
    }
}

fn is_reply(action: &Action) -> bool {
    action.kind.reply().is_some()
}
