//! TW0403: a tag with uppercase letters, which is stored in lowercase.

use super::{Context, Lint};
use crate::{
    desk::normalize,
    lang::{
        ast::{NodeExt, span_of},
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
    check,
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let tags = context
        .nodes()
        .filter(|(_, n)| {
            matches!(n.kind(), SyntaxKind::TagsAction | SyntaxKind::HasTest | SyntaxKind::TagList) || sets_tags(n)
        })
        // Hashtags keep the case in which their authors write them.
        .filter(|(_, n)| n.kind() == SyntaxKind::TagsAction || !asks_hashtags(n))
        .flat_map(|(file, n)| {
            let listed = n.parts(SyntaxKind::List).flat_map(|list| list.values().collect::<Vec<_>>());
            // The field of `set tags to …` looks like a value.
            let values: Vec<_> = listed.chain(n.values().skip(usize::from(sets_tags(&n)))).collect();
            values.into_iter().map(move |value| (file, value))
        });
    let warnings = tags.filter(|(_, value)| value.kind() != SyntaxKind::List).filter_map(|(file, value)| {
        let tag = written(&value);
        let kept = normalize::tag(&tag);
        (tag.to_lowercase() != tag).then(|| {
            let span = file.source.span(span_of(&value));
            Diagnostic::new(&LINT.code, span.clone(), format!("tag `{tag}` is stored as `{kept}`"))
                .with_help("write tags in lowercase")
                .with_guess(span, Tag(&kept).to_string())
        })
    });
    found.extend(warnings);
}

/// Whether a node is an action that sets the tags.
fn sets_tags(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::SetAction && node.token(SyntaxKind::Path).is_some_and(|field| field.text() == "tags")
}

/// Whether the predicate that contains these values is on a field of hashtags.
fn asks_hashtags(values: &SyntaxNode) -> bool {
    values.parent().is_some_and(|asked| asked.tokens().any(|t| t.text().ends_with("hashtags")))
}
