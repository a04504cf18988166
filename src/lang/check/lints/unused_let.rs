//! TW0401: a named condition or list that is never used.

use std::collections::HashSet;

use super::{Check, Context, Lint, NameKind};
use crate::lang::{
    ast::NodeExt,
    codes::Code,
    diagnostic::{Diagnostic, Severity},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0401",
        title: "unused `let` or list",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0401.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    // A part that did not parse may contain a use.
    if context.files.iter().any(|f| f.parse.tree().is_broken()) {
        return;
    }
    for (kind, what) in [(NameKind::Let, "`let`"), (NameKind::List, "list")] {
        let used: HashSet<&str> =
            context.uses.iter().filter(|used| used.kind == kind).map(|used| used.name.as_str()).collect();
        let unused = context.context.names.of(kind).filter(|(name, _)| !used.contains(name));
        let warning = |name: &str, span| {
            Diagnostic::new(&LINT.code, span, format!("unused {what}: `{name}`")).with_help("use it, or delete it")
        };
        found.extend(unused.map(|(text, declared)| warning(text, declared.clone())));
    }
}
