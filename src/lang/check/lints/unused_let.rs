//! TW0401: a named condition that is never used.

use super::{Context, Lint, NameKind};
use crate::lang::{
    ast::NodeExt,
    codes::Code,
    diagnostic::{Diagnostic, Severity},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0401",
        title: "unused `let`",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0401.md"),
    },
    since: "0.1.0",
    fix: None,
    check,
};

fn check(context: &Context<'_, '_>, found: &mut Vec<Diagnostic>) {
    let checker = context.checker;
    // A part that did not parse may contain a use.
    if checker.files.iter().any(|f| f.parse.tree().is_broken()) {
        return;
    }
    let unused = checker.names.of(NameKind::Let).filter(|(_, name)| name.uses.is_empty());
    let warning = |name: &str, span| {
        Diagnostic::new(&LINT.code, span, format!("unused `let`: `{name}`")).with_help("use it, or delete it")
    };
    found.extend(unused.map(|(text, name)| warning(text, name.declared.clone())));
}
