//! TW0403: a tag with uppercase letters, which is stored in lowercase.

use super::{Check, Context, File, Lint};
use crate::{
    desk::{Owner, normalize},
    lang::{
        ast::{AstNode as _, NodeExt, Question, span_of},
        check::value::written,
        codes::Code,
        diagnostic::{Diagnostic, Grade, Severity},
        display::Tag,
        syntax::{SyntaxKind, SyntaxNode},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0403",
        title: "uppercase letters in a tag",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0403.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Unsafe),
    check: Check::Nodes(
        &[SyntaxKind::HasTest, SyntaxKind::SetAction, SyntaxKind::TagList, SyntaxKind::TagsAction],
        check,
    ),
};

fn check(_: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    // Hashtags keep the case in which their authors write them.
    let is_set = sets_tags(node);
    if asks_names(node)
        || (node.kind() == SyntaxKind::SetAction && !is_set)
        || (node.kind() != SyntaxKind::TagsAction && asks_hashtags(node))
    {
        return;
    }
    let listed = node.parts(SyntaxKind::List).flat_map(|list| list.values().collect::<Vec<_>>());
    // The field of `set tags to …` looks like a value.
    let values = listed.chain(node.values().skip(usize::from(is_set)));
    for value in values.filter(|value| value.kind() != SyntaxKind::List) {
        let tag = written(&value);
        if tag.to_lowercase() == tag {
            continue;
        }
        let (span, kept) = (file.source.span(span_of(&value)), normalize::tag(&tag));
        found.push(
            Diagnostic::new(&LINT.code, span.clone(), format!("tag `{tag}` is stored as `{kept}`"))
                .with_help("write tags in lowercase")
                .with_guess(span, Tag(&kept).to_string()),
        );
    }
}

/// Whether a node is about declared names: agents, or the choices of a declared field.
fn asks_names(node: &SyntaxNode) -> bool {
    node.token(SyntaxKind::SetField).is_some()
        || node
            .parent()
            .and_then(Question::cast)
            .and_then(|asked| asked.name())
            .is_some_and(|name| name.text() == "watchers" || Owner::split(name.text()).1.starts_with("field."))
}

/// Whether a node is an action that sets the tags.
fn sets_tags(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::SetAction && node.token(SyntaxKind::Path).is_some_and(|field| field.text() == "tags")
}

/// Whether the predicate that contains these values is on a field of hashtags.
fn asks_hashtags(values: &SyntaxNode) -> bool {
    values.parent().is_some_and(|asked| asked.tokens().any(|t| t.text().ends_with("hashtags")))
}
