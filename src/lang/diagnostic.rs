//! Diagnostics: errors and warnings about rule files, with labels and fixes. Rendering is in [`super::render`].

use std::{ops::Range, sync::Arc};

use serde::Serialize;

use super::{
    codes::Code,
    span::{SourceFile, Span},
};

/// How serious a diagnostic is, most serious first: an error rejects the rule set, the others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The rule set is invalid and is not loaded.
    Error,
    /// The rules are valid but most likely not what the author meant. They are loaded.
    Warning,
    /// Worth knowing, and most likely meant. The rules are loaded.
    Note,
}

impl Severity {
    /// Its name in compilers, GitHub and SARIF.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// An error or a warning about rule files.
///
/// Each span names its file, so one diagnostic can point into several files. Code that sees a text without a file name
/// creates a [`TextDiagnostic`], which [`TextDiagnostic::in_file`] converts into a diagnostic that can be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic<S = Span> {
    /// The code, which has a documentation page.
    pub code: &'static Code,
    /// The severity, by default that of the code.
    pub severity: Severity,
    /// The message: starts in lower case, quotes source text in backticks, has no full stop.
    pub message: String,
    /// The primary location.
    pub primary: Label<S>,
    /// Related locations.
    pub secondary: Vec<Label<S>>,
    /// How to resolve the problem.
    pub help: Option<String>,
    /// A suggested edit that resolves the problem.
    pub fix: Option<Fix<S>>,
}

/// A diagnostic about a text without a file name; its spans are byte ranges.
pub type TextDiagnostic = Diagnostic<Range<usize>>;

/// A location and the text shown next to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<S = Span> {
    /// The location.
    pub span: S,
    /// The text of the label; empty if the message suffices.
    pub text: String,
}

/// A suggested set of edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix<S = Span> {
    /// The title, in the imperative.
    pub title: String,
    /// Whether it can be applied without review.
    pub grade: Grade,
    /// The edits, which do not overlap.
    pub edits: Vec<Edit<S>>,
}

/// How certain it is that a fix keeps the author's intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Keeps the intent; can be applied automatically.
    Safe,
    /// A guess, which needs review.
    Unsafe,
}

/// A replacement of a range of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit<S = Span> {
    /// The replaced range.
    pub span: S,
    /// The replacement.
    pub text: String,
}

impl<S> Diagnostic<S> {
    /// Creates a diagnostic with the default severity of its code.
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

    /// Sets the help text.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the text of the primary label.
    #[must_use]
    pub fn with_label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds a secondary label.
    #[must_use]
    pub fn and_label(mut self, span: S, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds a safe fix: replaces the span with this text.
    #[must_use]
    pub fn with_fix(self, span: S, text: impl Into<String>) -> Self {
        self.fixed(span, text.into(), Grade::Safe)
    }

    /// Adds an unsafe fix: replaces the span with this text.
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

    /// All labels, the primary one first.
    pub fn labels(&self) -> impl Iterator<Item = &Label<S>> {
        std::iter::once(&self.primary).chain(&self.secondary)
    }

    /// The primary location.
    pub fn span(&self) -> &S {
        &self.primary.span
    }

    /// Converts all spans.
    pub fn map_spans<T>(self, convert: impl Fn(S) -> T) -> Diagnostic<T> {
        let label = |label: Label<S>| Label { span: convert(label.span), text: label.text };
        let edit = |edit: Edit<S>| Edit { span: convert(edit.span), text: edit.text };
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

    /// Whether the severity is [`Severity::Error`].
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Diagnostic {
    /// The file of the primary label.
    pub fn file(&self) -> &Arc<str> {
        &self.primary.span.file
    }
}

impl TextDiagnostic {
    /// Converts byte ranges into spans of this file.
    pub fn in_file(self, file: &SourceFile) -> Diagnostic {
        self.map_spans(|range| file.span(range))
    }
}
