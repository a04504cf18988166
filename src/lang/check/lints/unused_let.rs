//! TW0401: a condition nobody uses.

use super::super::Checker;
use crate::lang::{ast::NodeExt, codes, diagnostic::Diagnostic};

pub(super) fn check(checker: &Checker<'_>) -> Vec<Diagnostic> {
    // What stands in a part that did not parse may well be a use.
    if checker.files.iter().any(|f| f.parse.tree().is_broken()) {
        return vec![];
    }
    let unused = checker.lets.iter().filter(|(name, _)| !checker.used.contains(*name));
    let warning = |name: &str, span| {
        Diagnostic::new(&codes::TW0401, span, format!("nothing uses the condition `{name}`"))
            .with_help("use it, or take it away")
    };
    unused.map(|(name, entry)| warning(name, entry.name_span.clone())).collect()
}
