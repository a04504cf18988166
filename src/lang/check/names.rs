//! Symbol table: the declaration of each name.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, btree_map::Entry},
};

use crate::{desk::text::fold, lang::span::Span};

/// The namespace of a name. Names in different namespaces do not conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NameKind {
    Let,
    List,
    /// Triggers and automations share a namespace, because an audit entry refers to both by title.
    Rule,
    Macro,
    View,
    Report,
    Sla,
    Volume,
    Test,
}

impl NameKind {
    /// The word for it in messages.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Let => "condition",
            Self::List => "list",
            Self::Rule => "rule",
            Self::Macro => "macro",
            Self::View => "view",
            Self::Report => "report",
            Self::Sla => "sla",
            Self::Volume => "volume",
            Self::Test => "test",
        }
    }
}

/// A name as declared, and where.
pub(super) type Declaration = (String, Span);

/// All names in the files that are checked together, including those of items with errors, each with its first
/// declaration. Titles are compared folded.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<NameKind, BTreeMap<String, Declaration>>);

impl Names {
    /// Records a declaration.
    ///
    /// # Errors
    /// If the name is already declared: the first declaration.
    pub(super) fn declare(&mut self, kind: NameKind, name: &str, span: Span) -> Result<(), Declaration> {
        match self.0.entry(kind).or_default().entry(key(kind, name).into_owned()) {
            Entry::Occupied(first) => Err(first.get().clone()),
            Entry::Vacant(place) => {
                place.insert((name.to_owned(), span));
                Ok(())
            }
        }
    }

    /// The declaration that a name refers to.
    pub(super) fn declared(&self, kind: NameKind, name: &str) -> Option<&Declaration> {
        self.0.get(&kind)?.get(&*key(kind, name))
    }

    /// The names of a kind, sorted.
    pub(super) fn of(&self, kind: NameKind) -> impl Iterator<Item = (&str, &Span)> {
        self.0.get(&kind).into_iter().flat_map(BTreeMap::values).map(|(name, span)| (name.as_str(), span))
    }
}

/// What is compared of a name.
fn key(kind: NameKind, name: &str) -> Cow<'_, str> {
    if matches!(kind, NameKind::Let | NameKind::List) { Cow::Borrowed(name) } else { fold(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::span::SourceFile;

    #[test]
    fn a_name_is_declared_once_a_kind() {
        let file = SourceFile::new("a.twite", "let a = b\nlet a = c\n");
        let mut names = Names::default();
        assert_eq!(names.declare(NameKind::Let, "a", file.span(4..5)), Ok(()));
        assert_eq!(names.declare(NameKind::Let, "a", file.span(14..15)), Err(("a".to_owned(), file.span(4..5))));
        assert_eq!(names.declare(NameKind::Macro, "a", file.span(14..15)), Ok(()));
        assert!(names.declared(NameKind::Let, "a").is_some() && names.declared(NameKind::View, "a").is_none());
        // Titles are folded, conditions are not.
        assert_eq!(names.declared(NameKind::Macro, "A\u{a0}"), Some(&("a".to_owned(), file.span(14..15))));
        assert_eq!(names.declared(NameKind::Let, "A"), None);
        assert_eq!(names.of(NameKind::Let).collect::<Vec<_>>(), [("a", &file.span(4..5))]);
    }
}
