//! TW0410: a notification to a group or an agent without an email address.

use super::{Check, Context, Lint, acting::Acting};
use crate::{
    desk::Recipient,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        display::Quoted,
        rules::{Action, ActionKind, Rules},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0410",
        title: "notification without a recipient",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0410.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if context.context.has_gap("email") {
        return;
    }
    let rules = context.rules;
    found.extend(Acting::all(rules).flat_map(|rule| rule.then).filter_map(|action| unheard(action, rules)));
}

fn unheard(action: &Action, rules: &Rules) -> Option<Diagnostic> {
    let (ActionKind::Notify { to, .. } | ActionKind::Remind { to, .. }) = &action.kind else { return None };
    let (kind, name, help) = match to {
        Recipient::Group(name) if rules.desk.group_addresses(name).is_empty() => {
            ("group", name, "add an `email` to the group, or to an agent in it, in `twite.toml`")
        }
        Recipient::Agent(name) if rules.desk.agents.iter().any(|a| a.name == *name && a.email.is_none()) => {
            ("agent", name, "add an `email` to the agent in `twite.toml`")
        }
        _ => return None,
    };
    let message = format!("notification without a recipient: the {kind} {} has no email address", Quoted(name));
    Some(Diagnostic::new(&LINT.code, action.span.clone(), message).with_help(help))
}
