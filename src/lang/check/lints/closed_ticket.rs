//! TW0419: an automation for closed tickets, which automations leave alone.

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    rules::{Comparison, Condition, ConditionKind, Literal, Op},
    span::Span,
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0419",
        title: "automation for closed tickets",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0419.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    found.extend(context.rules.automations.iter().filter_map(|automation| {
        let span = only_closed(&automation.when)?;
        let message = "closed tickets are left alone, so this automation never fires";
        let help = "ask for `status is solved`, or for the time before the ticket is closed";
        Some(Diagnostic::new(&LINT.code, span.clone(), message).with_help(help))
    }));
}

/// The part of a condition that only closed tickets satisfy.
fn only_closed(condition: &Condition) -> Option<&Span> {
    let closed = |value: &Literal| matches!(value, Literal::Word { word, .. } if word == "closed");
    match &condition.kind {
        ConditionKind::All(parts) => parts.iter().find_map(only_closed),
        ConditionKind::Any(parts) => {
            let all = !parts.is_empty() && parts.iter().all(|part| only_closed(part).is_some());
            all.then_some(&condition.span)
        }
        ConditionKind::Let(named) => only_closed(&named.condition).map(|_| &condition.span),
        ConditionKind::Predicate(predicate) if predicate.field.name() == "status" => match &predicate.op {
            Op::Is(value) | Op::Compare(Comparison::AtLeast, value) => closed(value),
            Op::In(values) => values.iter().all(closed),
            _ => false,
        }
        .then_some(&condition.span),
        ConditionKind::Not(_) | ConditionKind::Predicate(_) => None,
    }
}
