//! TW0453: a message that is repeated without end: to the requester, or more often than hourly.

use jiff::SignedDuration;

use super::{Check, Context, Lint};
use crate::{
    desk::Recipient,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::ActionKind,
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0453",
        title: "message repeated without end",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0453.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

const AGAIN_AND_AGAIN: &str = "the requester gets this again and again, as long as the condition holds";

/// The least time between messages to the desk that are repeated without end.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for automation in &context.rules.automations {
        let Some(every) = automation.every.as_ref().filter(|every| every.times.is_none()) else { continue };
        if !automation.caps.is_empty() {
            continue;
        }
        let is_often = every.interval.length(&context.rules.desk.hours) < HOURLY;
        for action in &automation.then {
            let message = match &action.kind {
                // Of these, there is one for each ticket.
                ActionKind::Ask(_) => continue,
                said if said.said().is_some() => AGAIN_AND_AGAIN,
                ActionKind::Notify { to, .. } | ActionKind::Remind { to, .. } if to.contains(&Recipient::Requester) => {
                    AGAIN_AND_AGAIN
                }
                ActionKind::Notify { .. } | ActionKind::Remind { .. } | ActionKind::Webhook { .. } if is_often => {
                    "this is sent more often than every hour, as long as the condition holds"
                }
                _ => continue,
            };
            let help = "give a limit, as in `every 4 hours while it holds, at most 5 times`";
            found.push(Diagnostic::new(&LINT.code, action.span.clone(), message).with_help(help));
        }
    }
}
