//! Symbol table: the declaration of each name.

use std::collections::{BTreeMap, HashMap};

use crate::lang::span::Span;

/// The namespace of a name. Names in different namespaces do not conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NameKind {
    Let,
    /// Triggers and automations share a namespace, because an audit entry refers to both by title.
    Rule,
    Macro,
    View,
    Report,
    Test,
}

impl NameKind {
    /// The word for it in messages.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Let => "condition",
            Self::Rule => "rule",
            Self::Macro => "macro",
            Self::View => "view",
            Self::Report => "report",
            Self::Test => "test",
        }
    }
}

/// All names in the files that are checked together, including those of items with errors, each with the span of its
/// first declaration.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<NameKind, BTreeMap<String, Span>>);

impl Names {
    /// Records a declaration.
    ///
    /// # Errors
    /// If the name is already declared: the span of the first declaration.
    pub(super) fn declare(&mut self, kind: NameKind, name: &str, span: Span) -> Result<(), Span> {
        let names = self.0.entry(kind).or_default();
        match names.get(name) {
            Some(first) => Err(first.clone()),
            None => {
                names.insert(name.to_owned(), span);
                Ok(())
            }
        }
    }

    /// The span of the declaration of a name.
    pub(super) fn declared(&self, kind: NameKind, name: &str) -> Option<&Span> {
        self.0.get(&kind)?.get(name)
    }

    /// Whether a name is declared.
    pub(super) fn is_declared(&self, kind: NameKind, name: &str) -> bool {
        self.declared(kind, name).is_some()
    }

    /// The names of a kind, sorted.
    pub(super) fn of(&self, kind: NameKind) -> impl Iterator<Item = (&str, &Span)> {
        self.0.get(&kind).into_iter().flatten().map(|(text, span)| (text.as_str(), span))
    }
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
        assert_eq!(names.declare(NameKind::Let, "a", file.span(14..15)), Err(file.span(4..5)));
        assert_eq!(names.declare(NameKind::Macro, "a", file.span(14..15)), Ok(()));
        assert!(names.is_declared(NameKind::Let, "a") && !names.is_declared(NameKind::View, "a"));
        assert_eq!(names.of(NameKind::Let).collect::<Vec<_>>(), [("a", &file.span(4..5))]);
    }
}
