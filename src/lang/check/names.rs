//! Symbol table: the declaration and the uses of each name.

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

/// A declared name.
#[derive(Debug)]
pub(super) struct Name {
    /// Its first declaration.
    pub(super) declared: Span,
    /// Its uses, including those in items with errors.
    pub(super) uses: Vec<Span>,
}

/// All names in the files that are checked together, including those of items with errors.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<NameKind, BTreeMap<String, Name>>);

impl Names {
    /// Records a declaration.
    ///
    /// # Errors
    /// If the name is already declared: the span of the first declaration.
    pub(super) fn declare(&mut self, kind: NameKind, name: &str, span: Span) -> Result<(), Span> {
        let names = self.0.entry(kind).or_default();
        match names.get(name) {
            Some(first) => Err(first.declared.clone()),
            None => {
                names.insert(name.to_owned(), Name { declared: span, uses: vec![] });
                Ok(())
            }
        }
    }

    /// Records a use. Returns whether the name is declared.
    pub(super) fn note_use(&mut self, kind: NameKind, name: &str, span: Span) -> bool {
        let found = self.0.get_mut(&kind).and_then(|names| names.get_mut(name));
        found.map(|name| name.uses.push(span)).is_some()
    }

    /// The names of a kind, sorted.
    pub(super) fn of(&self, kind: NameKind) -> impl Iterator<Item = (&str, &Name)> {
        self.0.get(&kind).into_iter().flatten().map(|(text, name)| (text.as_str(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::span::SourceFile;

    #[test]
    fn a_name_is_declared_once_a_kind_and_keeps_its_uses() {
        let file = SourceFile::new("a.twite", "let a = b\nlet a = c\n");
        let mut names = Names::default();
        assert_eq!(names.declare(NameKind::Let, "a", file.span(4..5)), Ok(()));
        assert_eq!(names.declare(NameKind::Let, "a", file.span(14..15)), Err(file.span(4..5)));
        assert_eq!(names.declare(NameKind::Macro, "a", file.span(14..15)), Ok(()));
        assert!(names.note_use(NameKind::Let, "a", file.span(8..9)));
        assert!(!names.note_use(NameKind::View, "a", file.span(8..9)));
        let lets: Vec<_> = names.of(NameKind::Let).map(|(text, name)| (text, name.uses.len())).collect();
        assert_eq!(lets, [("a", 1)]);
    }
}
