//! TW0416: a language that is not a language code, so that it equals no value.

use super::{Check, Context, File, Lint};
use crate::{
    desk::normalize,
    lang::{
        ast::{AstNode, Fact, NodeExt, Question, is_text, span_of},
        check::value::written,
        codes::Code,
        diagnostic::{Diagnostic, Grade, Severity},
        language::named,
        syntax::{SyntaxElement, SyntaxKind, SyntaxNode},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0416",
        title: "not a language code",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0416.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Unsafe),
    check: Check::Nodes(&[SyntaxKind::Fact, SyntaxKind::Question], check),
};

fn check(_: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    for value in languages(node) {
        let text = written(&value);
        let code = normalize::language(&text);
        let meant = named(&code);
        if meant.is_none() && code.chars().count() <= 3 {
            continue;
        }
        let span = file.source.span(span_of(&value));
        let warning = Diagnostic::new(&LINT.code, span.clone(), format!("no language has the code `{text}`"));
        found.push(match meant {
            Some(meant) => warning.with_help(format!("write `\"{meant}\"`")).with_guess(span, format!("\"{meant}\"")),
            None => warning.with_help("a language is a code of two or three letters, such as `\"de\"`"),
        });
    }
}

/// The texts that a condition compares a language with, or the one that a test gives.
fn languages(node: &SyntaxNode) -> Vec<SyntaxElement> {
    let is_language = |name: &str| matches!(name, "language" | "requester.language");
    if let Some(question) = Question::cast(node.clone()) {
        let Some(predicate) = question.predicate() else { return vec![] };
        if !question.name().is_some_and(|name| is_language(name.text())) {
            return vec![];
        }
        let whole = matches!(predicate.syntax().kind(), SyntaxKind::IsTest | SyntaxKind::InTest);
        let values = predicate.syntax().values().filter(|_| whole).flat_map(|value| match value {
            SyntaxElement::Node(list) if list.kind() == SyntaxKind::List => list.values().collect(),
            value => vec![value],
        });
        return values.filter(|value| is_text(value.kind())).collect();
    }
    let fact = Fact::cast(node.clone()).filter(|fact| fact.name().is_some_and(|name| is_language(name.text())));
    fact.and_then(|fact| fact.text()).map(SyntaxElement::Token).into_iter().collect()
}
