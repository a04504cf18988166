//! What is wrong with rules: one value, rendered in many ways.

use std::{ops::Range, sync::Arc};

use serde::Serialize;

use super::{
    codes::Code,
    span::{SourceFile, Span},
};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Can never be right: the rules do not load.
    Error,
    /// Is most likely not what was meant: the rules load.
    Warning,
}

/// Something that is wrong with rules.
///
/// Its spans name their files, and so may those of one diagnostic lie in several. Whatever reads a single text and knows no
/// file makes a [`TextDiagnostic`] instead; only [`TextDiagnostic::in_file`] turns one into a diagnostic that can be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic<S = Span> {
    /// What kind of problem it is; has a page of its own.
    pub code: &'static Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, the user's words in backticks, no full stop.
    pub message: String,
    /// The place it is about.
    pub primary: Label<S>,
    /// Other places that matter.
    pub secondary: Vec<Label<S>>,
    /// The way out.
    pub help: Option<String>,
    /// A change that puts it right.
    pub fix: Option<Fix<S>>,
}

/// A diagnostic about a text; its spans are byte offsets.
pub type TextDiagnostic = Diagnostic<Range<usize>>;

/// A place in a text, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<S = Span> {
    /// Where it is.
    pub span: S,
    /// What to say; empty where the message says it all.
    pub text: String,
}

/// A change of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix<S = Span> {
    /// What it does, in the imperative.
    pub title: String,
    /// Whether it may be made unseen.
    pub grade: Grade,
    /// Its edits; they do not overlap.
    pub edits: Vec<Edit<S>>,
}

/// How sure a fix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Certainly means what was meant.
    Safe,
    /// A guess.
    Unsafe,
}

/// A replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit<S = Span> {
    /// What is replaced.
    pub span: S,
    /// What stands there afterwards.
    pub text: String,
}

impl<S> Diagnostic<S> {
    /// A diagnostic about a place.
    pub fn new(code: &'static Code, span: S, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            primary: Label { span, text: String::new() },
            secondary: vec![],
            help: None,
            fix: None,
        }
    }

    /// With the way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With words at the place it is about.
    #[must_use]
    pub fn with_label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// With another place.
    #[must_use]
    pub fn and_label(mut self, span: S, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// With a change that certainly means what was meant.
    #[must_use]
    pub fn with_fix(self, span: S, text: impl Into<String>) -> Self {
        self.fixed(span, text.into(), Grade::Safe)
    }

    /// With a change that is a guess.
    #[must_use]
    pub fn with_guess(self, span: S, text: impl Into<String>) -> Self {
        self.fixed(span, text.into(), Grade::Unsafe)
    }

    fn fixed(mut self, span: S, text: String, grade: Grade) -> Self {
        let title = match text.trim() {
            "" => "remove this".to_owned(),
            text => format!("write `{text}`"),
        };
        self.fix = Some(Fix { title, grade, edits: vec![Edit { span, text }] });
        self
    }

    /// The places it names, the one it is about first.
    pub fn labels(&self) -> impl Iterator<Item = &Label<S>> {
        std::iter::once(&self.primary).chain(&self.secondary)
    }

    /// Where it is.
    pub fn span(&self) -> &S {
        &self.primary.span
    }

    /// Whether it keeps the rules from loading.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Diagnostic {
    /// The file it is about.
    pub fn file(&self) -> &Arc<str> {
        &self.primary.span.file
    }
}

impl TextDiagnostic {
    /// The same about the text of a file.
    pub fn in_file(self, file: &SourceFile) -> Diagnostic {
        let label = |label: Label<Range<usize>>| Label { span: file.span(label.span), text: label.text };
        let edit = |edit: Edit<Range<usize>>| Edit { span: file.span(edit.span), text: edit.text };
        Diagnostic {
            code: self.code,
            severity: self.severity,
            message: self.message,
            primary: label(self.primary),
            secondary: self.secondary.into_iter().map(label).collect(),
            help: self.help,
            fix: self.fix.map(|fix| Fix {
                title: fix.title,
                grade: fix.grade,
                edits: fix.edits.into_iter().map(edit).collect(),
            }),
        }
    }
}
