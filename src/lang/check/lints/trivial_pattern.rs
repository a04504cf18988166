//! TW0427: a pattern without any sign of patterns, or one that matches every text.

use regex_syntax::hir::HirKind;

use super::{Check, Context, File, Lint};
use crate::lang::{
    ast::{AstNode, MatchesTest, NodeExt, is_text, span_of},
    check::value::written,
    codes::Code,
    diagnostic::{Diagnostic, Grade, Severity},
    syntax::{SyntaxKind, SyntaxNode},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0427",
        title: "pattern that is none",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0427.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Safe),
    check: Check::Nodes(&[SyntaxKind::MatchesTest], check),
};

fn check(_: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let Some(test) = MatchesTest::cast(node.clone()).filter(|test| !test.is_broken()) else { return };
    let Some(value) = test.syntax().values().find(|value| is_text(value.kind())) else { return };
    let text = written(&value);
    let Ok(pattern) = regex_syntax::parse(&text) else { return };
    let span = file.source.span(test.span());
    let properties = pattern.properties();
    if properties.minimum_len() == Some(0) && properties.look_set().is_empty() {
        found.push(
            Diagnostic::new(&LINT.code, span, "this pattern matches every text")
                .with_help("for any text, write `is set`; for a part of a text, write what it must have"),
        );
    } else if matches!(pattern.kind(), HirKind::Literal(_)) && is_plain(&text) {
        let whole = file.source.span(test.span().start..span_of(&value).start);
        found.push(
            Diagnostic::new(&LINT.code, span, "this pattern has no sign of patterns")
                .with_help("write `contains`")
                .with_fix(whole, "contains "),
        );
    }
}

/// Whether a text is searched for in the same way as a pattern and as a text.
fn is_plain(text: &str) -> bool {
    text.split(' ').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric()))
}
