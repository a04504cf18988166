//! TW0431: a view that also lists every ticket that was ever closed.

use super::{Check, Context, Lint, acting::asks};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    rules::{Condition, Op},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0431",
        title: "view of closed tickets",
        severity: Severity::Note,
        page: include_str!("../../../../docs/codes/TW0431.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for view in &context.rules.views {
        if asks(&view.filter, |field| matches!(&*field.name(), "solved" | "status" | "status_changed"))
            || is_recent(&view.filter)
        {
            continue;
        }
        found.push(
            Diagnostic::new(
                &LINT.code,
                view.span.clone(),
                "this view lists closed tickets too, more of them every day",
            )
            .with_help("add `status < solved`, or a time, such as `time since created < 30 days`"),
        );
    }
}

/// Whether a condition asks how long ago something was, at most.
fn is_recent(condition: &Condition) -> bool {
    let mut is_recent = false;
    condition.predicates(&mut |predicate, _| {
        is_recent |= match predicate.op {
            Op::Since(comparison, _) => !comparison.is_lower_bound(),
            Op::Until(..) => true,
            _ => false,
        };
    });
    is_recent
}
