//! TW0404: a duplicate value in a list.

use std::collections::{HashMap, hash_map::Entry};

use super::{Check, Context, File, Lint};
use crate::{
    desk::{FieldRef, Kind, field::Members, normalize, text::fold},
    lang::{
        ast::{self, AstNode as _, NodeExt, span_of},
        check::value::written,
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        syntax::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken},
    },
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
    check: Check::Nodes(
        &[
            SyntaxKind::ByClause,
            SyntaxKind::File,
            SyntaxKind::List,
            SyntaxKind::MeasureClause,
            SyntaxKind::TagList,
            SyntaxKind::TagsAction,
        ],
        check,
    ),
};

fn check(context: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let values: Vec<_> = match node.kind() {
        SyntaxKind::List | SyntaxKind::TagsAction | SyntaxKind::TagList => {
            let field = field_of(node).and_then(|name| FieldRef::find(name.text(), context.context.desk));
            node.values().map(|value| (key(node, field.as_ref(), context, &written(&value)), value)).collect()
        }
        SyntaxKind::File => {
            let entries = node.children().filter(|entry| entry.kind() == SyntaxKind::ListEntry);
            let entries = entries.flat_map(|entry| entry.values().collect::<Vec<_>>());
            entries.map(|entry| (fold(&written(&entry)).into_owned(), entry)).collect()
        }
        SyntaxKind::MeasureClause | SyntaxKind::ByClause => {
            node.children().map(|part| (words(&part), SyntaxElement::Node(part))).collect()
        }
        _ => return,
    };
    let mut seen: HashMap<String, SyntaxElement> = HashMap::new();
    for (key, value) in values {
        let first = match seen.entry(key) {
            Entry::Occupied(first) => first,
            Entry::Vacant(place) => {
                place.insert(value);
                continue;
            }
        };
        let (text, first) = (written(&value), first.get());
        let message = match written(first) {
            same if same == text => format!("duplicate value `{text}`"),
            other => format!("duplicate value `{text}`, which equals `{other}`"),
        };
        found.push(
            Diagnostic::new(&LINT.code, file.source.span(span_of(&value)), message)
                .and_label(file.source.span(span_of(first)), "first occurrence"),
        );
    }
}

/// The field that a list of values is compared with.
fn field_of(list: &SyntaxNode) -> Option<SyntaxToken> {
    list.parent()?.parent().and_then(ast::Question::cast)?.name()
}

/// What is compared of a value: equal for values that the field holds equal.
fn key(list: &SyntaxNode, field: Option<&FieldRef>, context: &Context<'_>, text: &str) -> String {
    let is_tags =
        list.kind() != SyntaxKind::List || list.parent().is_some_and(|parent| parent.kind() == SyntaxKind::Fact);
    if list.parent().is_some_and(|parent| parent.kind() == SyntaxKind::ListItem) {
        return fold(text).into_owned();
    }
    match field.map(|field| (field, field.kind())) {
        None if is_tags => normalize::tag(text),
        Some((_, Kind::Set(Members::Tags))) => normalize::tag(text),
        Some((_, Kind::Declared(declared) | Kind::Set(Members::Declared(declared)))) => {
            context.context.desk.declared_name(&declared, text).map_or_else(|| fold(text).into_owned(), str::to_owned)
        }
        Some((field, Kind::Text)) => fold(&field.normalize(text)).into_owned(),
        Some((_, Kind::Number)) => text.replace('_', ""),
        _ => text.to_owned(),
    }
}

/// The words of a node, without white space and comments.
fn words(node: &SyntaxNode) -> String {
    let tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    let words = tokens.filter(|token| !token.kind().is_trivia()).map(|token| token.text().to_owned());
    words.collect::<Vec<_>>().join(" ")
}
