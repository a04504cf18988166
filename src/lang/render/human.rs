//! For people: the place in its file, drawn.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::lang::{
    diagnostic::{Diagnostic, Severity},
    sources::Sources,
};

/// The diagnostics, drawn one after the other.
pub fn human(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false).with_context_lines(1);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let text = sources.text(&diagnostic.file).cloned();
        let source = text.map(|text| NamedSource::new(&diagnostic.file, text.to_string()));
        let drawn = Drawn { diagnostic, source };
        // Writing to a string never fails; what cannot be drawn is still said.
        if handler.render_report(&mut out, &drawn).is_err() {
            out.push_str(&format!("{}: {}\n", diagnostic.code.id, diagnostic.message));
        }
        out.push('\n');
    }
    out
}

#[derive(Debug)]
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without its text the place cannot be drawn, so the file is named.
        match &self.source {
            None if !self.diagnostic.message.contains(&*self.diagnostic.file) => {
                write!(f, "{}: {}", self.diagnostic.file, self.diagnostic.message)
            }
            _ => f.write_str(&self.diagnostic.message),
        }
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code.id))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.diagnostic.labels.iter().map(|label| {
            let text = if label.text.is_empty() { "here" } else { &label.text };
            LabeledSpan::new(Some(text.to_owned()), label.span.start, label.span.len())
        });
        Some(Box::new(labels))
    }
}
