//! TW0455: blanks around a text that is searched for as whole words, where they mean nothing.

use super::{Check, Context, File, Lint};
use crate::lang::{
    ast::{AstNode, ContainsTest, NodeExt, is_text, span_of},
    check::value::written,
    codes::Code,
    diagnostic::{Diagnostic, Grade, Severity},
    display::Quoted,
    syntax::{SyntaxElement, SyntaxKind, SyntaxNode},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0455",
        title: "blanks around a word",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0455.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Safe),
    check: Check::Nodes(&[SyntaxKind::ContainsTest], check),
};

fn check(_: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let Some(test) = ContainsTest::cast(node.clone()).filter(|test| test.word() && !test.is_broken()) else { return };
    let inside = |value: SyntaxElement| match value {
        SyntaxElement::Node(list) if list.kind() == SyntaxKind::List => list.values().collect(),
        value => vec![value],
    };
    for value in test.syntax().values().flat_map(inside).filter(|value| is_text(value.kind())) {
        let text = written(&value);
        let word = text.trim();
        if word.len() == text.len() || word.is_empty() {
            continue;
        }
        let span = file.source.span(span_of(&value));
        let warning =
            Diagnostic::new(&LINT.code, span.clone(), "these blanks mean nothing: `contains word` finds whole words");
        found.push(warning.with_help("leave them out").with_fix(span, Quoted(word).to_string()));
    }
}
