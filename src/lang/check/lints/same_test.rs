//! TW0430: two tests that say the same.

use std::collections::HashMap;

use super::{Check, Context, Lint};
use crate::lang::{
    ast::{AstNode, Test, Titled, is_text},
    codes::Code,
    diagnostic::{Diagnostic, Severity},
    span::Span,
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0430",
        title: "test written twice",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0430.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<Vec<String>, Span> = HashMap::new();
    for file in context.files {
        for test in file.parse.tree().children().filter_map(Test::cast).filter(|test| !test.is_broken()) {
            let span = file.source.span(test.title_span());
            let tokens = test.syntax().descendants_with_tokens().filter_map(|element| element.into_token());
            let tokens = tokens.filter(|token| !token.kind().is_trivia());
            let is_title = |kind, at: &std::ops::Range<usize>| is_text(kind) && *at == test.title_span();
            let body: Vec<_> = tokens
                .filter(|token| !is_title(token.kind(), &token.text_range().into()))
                .map(|token| token.text().to_owned())
                .collect();
            if let Some(first) = seen.get(&body) {
                found.push(
                    Diagnostic::new(&LINT.code, span, "this test says the same as an earlier one")
                        .and_label(first.clone(), "the earlier one")
                        .with_help("delete one of the two, or change what is given"),
                );
            } else {
                seen.insert(body, span);
            }
        }
    }
}
