//! TW0424: two replies to one message.

use std::collections::HashMap;

use super::{Check, Context, Lint, acting::Acting};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    display::Quoted,
    rules::{ActionKind, Mode, Rules, Trigger},
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

/// A way of saying something. A reply may tell that a message was sent, so these two can go together.
struct Kind {
    is_it: fn(&ActionKind) -> bool,
    again: &'static str,
    first: &'static str,
    once: &'static str,
    does: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        is_it: |action| action.reply().is_some(),
        again: "a second reply to the same message",
        first: "first reply",
        once: "write one reply",
        does: "replies",
    },
    Kind {
        is_it: |action| matches!(action, ActionKind::Message(_)),
        again: "a second direct message about the same message",
        first: "first direct message",
        once: "write one direct message",
        does: "sends a direct message",
    },
];

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let rules = context.rules;
    for Acting { then, .. } in Acting::all(rules) {
        for &Kind { is_it, again, first, once, .. } in KINDS {
            let mut all = then.iter().filter(|action| is_it(&action.kind));
            let Some(earlier) = all.next() else { continue };
            for later in all {
                found.push(
                    Diagnostic::new(&LINT.code, later.span.clone(), again)
                        .and_label(earlier.span.clone(), first)
                        .with_help(once),
                );
            }
        }
    }
    for kind in KINDS {
        in_two_triggers(rules, kind, found);
    }
}

/// Triggers with the same condition that say something in the same way.
fn in_two_triggers(rules: &Rules, kind: &Kind, found: &mut Vec<Diagnostic>) {
    let mut by_condition: HashMap<String, &Trigger> = HashMap::new();
    let live = rules.triggers.iter().filter(|t| t.mode == Mode::Live);
    for trigger in live {
        let Some(said) = trigger.then.iter().find(|action| (kind.is_it)(&action.kind)) else { continue };
        let Some(first) = by_condition.insert(trigger.when.in_full(), trigger) else { continue };
        let both = first.on.created && trigger.on.created || first.on.updated && trigger.on.updated;
        if !both || first.then.iter().any(|action| action.kind == ActionKind::Stop) {
            continue;
        }
        let message = format!("{} has the same condition and {} as well", Quoted(&first.title), kind.does);
        found.push(
            Diagnostic::new(&LINT.code, said.span.clone(), message)
                .and_label(first.span.clone(), "the same condition")
                .with_help("join the two, or add `stop` to the first"),
        );
    }
}
