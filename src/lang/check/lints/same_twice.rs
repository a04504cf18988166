//! TW0404: a duplicate value in a list.

use super::{Context, Lint};
use crate::lang::{
    ast::{NodeExt, span_of},
    check::value::written,
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    syntax::SyntaxKind,
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0404",
        title: "duplicate value in a list",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0404.md"),
    },
    since: "0.1.0",
    fix: None,
    check,
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let lists = context
        .nodes()
        .filter(|(_, n)| matches!(n.kind(), SyntaxKind::List | SyntaxKind::TagsAction | SyntaxKind::TagList));
    for (file, list) in lists {
        let mut seen = std::collections::HashMap::new();
        for value in list.values() {
            let text = written(&value);
            if let Some(first) = seen.get(&text) {
                let first: &std::ops::Range<usize> = first;
                found.push(
                    Diagnostic::new(&LINT.code, file.source.span(span_of(&value)), format!("duplicate value `{text}`"))
                        .and_label(file.source.span(first.clone()), "first occurrence"),
                );
            } else {
                seen.insert(text, span_of(&value));
            }
        }
    }
}
