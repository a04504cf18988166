//! TW0403: a tag with capital letters, where the same tag in small letters is another one.

use super::{File, nodes};
use crate::lang::{
    ast::{NodeExt, place},
    check::value::written,
    codes,
    diagnostic::Diagnostic,
    syntax::SyntaxKind,
    written::Tag,
};

pub(super) fn check(file: &File) -> Vec<Diagnostic> {
    let tags = nodes(file)
        .filter(|n| matches!(n.kind(), SyntaxKind::TagsAction | SyntaxKind::HasTest | SyntaxKind::TagList))
        .flat_map(|n| {
            n.parts(SyntaxKind::List).flat_map(|l| l.values().collect::<Vec<_>>()).chain(n.values()).collect::<Vec<_>>()
        });
    tags.filter(|value| value.kind() != SyntaxKind::List)
        .filter_map(|value| {
            let tag = written(&value);
            let lower = tag.to_lowercase();
            (lower != tag).then(|| {
                Diagnostic::new(&codes::TW0403, place(&value), format!("`{tag}` and `{lower}` are different tags"))
                    .with_help("tags are written in small letters")
                    .with_guess(place(&value), Tag(&lower).to_string())
            })
        })
        .collect()
}
