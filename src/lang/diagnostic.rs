//! What is wrong with rules: one value, rendered in many ways.

use std::{ops::Range, sync::Arc};

use serde::Serialize;

use super::codes::Code;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of problem it is; has a page of its own.
    pub code: &'static Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, the user's words in backticks, no full stop.
    pub message: String,
    /// The file it is about.
    pub file: Arc<str>,
    /// Places in that file; the first is the one it is about.
    pub labels: Vec<Label>,
    /// The way out.
    pub help: Option<String>,
    /// A change of the text that puts it right.
    pub fix: Option<Fix>,
}

/// A place in a text, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Byte offsets.
    pub span: Range<usize>,
    /// What to say; empty where the message says it all.
    pub text: String,
}

/// A change of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Its edits; they do not overlap.
    pub edits: Vec<Edit>,
    /// Whether it certainly means what was meant.
    pub safe: bool,
}

/// A replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Byte offsets of what is replaced.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic about a place; its file is set later.
    pub fn new(code: &'static Code, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            file: "".into(),
            labels: vec![Label { span, text: String::new() }],
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
        if let Some(label) = self.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// With another place.
    #[must_use]
    pub fn and_label(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// With a change that certainly means what was meant.
    #[must_use]
    pub fn with_fix(self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.fixed(span, text, true)
    }

    /// With a change that is a guess.
    #[must_use]
    pub fn with_guess(self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.fixed(span, text, false)
    }

    fn fixed(mut self, span: Range<usize>, text: impl Into<String>, safe: bool) -> Self {
        self.fix = Some(Fix { edits: vec![Edit { span, text: text.into() }], safe });
        self
    }

    /// About this file.
    #[must_use]
    pub fn in_file(mut self, file: &Arc<str>) -> Self {
        self.file = Arc::clone(file);
        self
    }

    /// The place it is about.
    pub fn span(&self) -> Range<usize> {
        self.labels.first().map(|l| l.span.clone()).unwrap_or_default()
    }

    /// Whether it keeps the rules from loading.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
