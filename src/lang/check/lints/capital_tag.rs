//! TW0403: a tag with capital letters, which is shown in small ones everywhere else.

use super::{File, nodes};
use crate::desk::normalize;
use crate::lang::{
    ast::{NodeExt, span_of},
    check::value::written,
    codes,
    diagnostic::Diagnostic,
    display::Tag,
    syntax::{SyntaxKind, SyntaxNode},
};

pub(super) fn check(file: &File) -> Vec<Diagnostic> {
    let tags = nodes(file)
        .filter(|n| matches!(n.kind(), SyntaxKind::TagsAction | SyntaxKind::HasTest | SyntaxKind::TagList))
        // Hashtags are written as their authors write them.
        .filter(|n| n.kind() == SyntaxKind::TagsAction || !asks_hashtags(n))
        .flat_map(|n| {
            n.parts(SyntaxKind::List).flat_map(|l| l.values().collect::<Vec<_>>()).chain(n.values()).collect::<Vec<_>>()
        });
    tags.filter(|value| value.kind() != SyntaxKind::List)
        .filter_map(|value| {
            let tag = written(&value);
            let kept = normalize::tag(&tag);
            (tag.to_lowercase() != tag).then(|| {
                let span = file.source.span(span_of(&value));
                Diagnostic::new(&codes::TW0403, span.clone(), format!("`{tag}` is kept as `{kept}`"))
                    .with_help("tags are written in small letters")
                    .with_guess(span, Tag(&kept).to_string())
            })
        })
        .collect()
}

/// Whether this is about hashtags: what it is about stands before it.
fn asks_hashtags(values: &SyntaxNode) -> bool {
    values.parent().is_some_and(|asked| asked.tokens().any(|t| t.text().ends_with("hashtags")))
}
