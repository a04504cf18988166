//! TW0432: the same alternatives in several rules, which a `let` could name.

use std::collections::BTreeMap;

use super::{Check, Context, Lint};
use crate::lang::{
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    rules::{Condition, ConditionKind},
    span::Span,
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0432",
        title: "condition written several times",
        severity: Severity::Note,
        page: include_str!("../../../../docs/codes/TW0432.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

/// From how many rules on.
const MIN_RULES: usize = 3;
/// From how many alternatives on.
const MIN_PARTS: usize = 3;

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut written: BTreeMap<String, Vec<&Span>> = BTreeMap::new();
    for condition in context.rules.conditions() {
        alternatives(condition, &mut |part| written.entry(part.to_string()).or_default().push(&part.span));
    }
    for (_, spans) in written.iter().filter(|(_, spans)| spans.len() >= MIN_RULES) {
        let [first, others @ ..] = spans.as_slice() else { continue };
        let message = format!("the same alternatives are written {} times", spans.len());
        let mut note = Diagnostic::new(&LINT.code, (*first).clone(), message)
            .with_help("name them once: `let NAME = …`, and write the name in their place");
        for other in others.iter().take(MIN_RULES) {
            note = note.and_label((*other).clone(), "also here");
        }
        found.push(note);
    }
}

/// Calls `visit` for the parts of a condition that have several alternatives. Those of a `let` have a name already.
fn alternatives<'c>(condition: &'c Condition, visit: &mut dyn FnMut(&'c Condition)) {
    match &condition.kind {
        ConditionKind::Any(parts) if parts.len() >= MIN_PARTS => visit(condition),
        ConditionKind::All(parts) | ConditionKind::Any(parts) => {
            parts.iter().for_each(|part| alternatives(part, visit));
        }
        ConditionKind::Not(inner) => alternatives(inner, visit),
        ConditionKind::Let(_) | ConditionKind::Predicate(_) => {}
    }
}
