//! TW0404: the same value twice in a list.

use super::{File, nodes};
use crate::lang::{
    ast::{NodeExt, span_of},
    check::value::written,
    codes,
    diagnostic::Diagnostic,
    syntax::SyntaxKind,
};

pub(super) fn check(file: &File) -> Vec<Diagnostic> {
    let lists =
        nodes(file).filter(|n| matches!(n.kind(), SyntaxKind::List | SyntaxKind::TagsAction | SyntaxKind::TagList));
    let mut found = vec![];
    for list in lists {
        let mut seen = std::collections::HashMap::new();
        for value in list.values() {
            let text = written(&value);
            if let Some(first) = seen.get(&text) {
                let first: &std::ops::Range<usize> = first;
                found.push(
                    Diagnostic::new(
                        &codes::TW0404,
                        file.source.span(span_of(&value)),
                        format!("`{text}` is there twice"),
                    )
                    .and_label(file.source.span(first.clone()), "it is here already"),
                );
            } else {
                seen.insert(text, span_of(&value));
            }
        }
    }
    found
}
