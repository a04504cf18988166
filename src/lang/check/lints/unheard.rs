//! TW0410: a notification to a group or an agent without an email address.

use super::{Check, Context, Lint, acting::Acting};
use crate::{
    desk::{Recipient, Ticket},
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
    found.extend(Acting::all(rules).flat_map(|rule| rule.then).flat_map(|action| unheard(action, rules)));
}

fn unheard(action: &Action, rules: &Rules) -> Vec<Diagnostic> {
    let (ActionKind::Notify { to, .. } | ActionKind::Remind { to, .. }) = &action.kind else { return vec![] };
    let nowhere = |recipient: &Recipient| {
        // What is of the ticket is unknown until the rule fires.
        let nobody = rules.desk.addresses(std::slice::from_ref(recipient), &Ticket::default()).found.is_empty();
        let (what, name, help) = match recipient {
            Recipient::Group(name) => {
                ("group", name, "add an `email` to the group, or to an agent in it, in `twite.toml`")
            }
            Recipient::Agents(name) => ("agents of group", name, "add an `email` to an agent in it, in `twite.toml`"),
            Recipient::Agent(name) => ("agent", name, "add an `email` to the agent in `twite.toml`"),
            _ => return None,
        };
        let has = if matches!(recipient, Recipient::Agents(_)) { "have" } else { "has" };
        let message = format!("notification without a recipient: the {what} {} {has} no email address", Quoted(name));
        nobody.then(|| Diagnostic::new(&LINT.code, action.span.clone(), message).with_help(help))
    };
    to.iter().filter_map(nowhere).collect()
}
