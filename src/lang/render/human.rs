//! Diagnostics for terminals, drawn with an excerpt of their source.

use std::{collections::BTreeSet, fmt, ops::Range};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use super::{elsewhere, in_words};
use crate::{
    desk::visible::{Visible, is_control, visible},
    lang::{
        diagnostic::{Diagnostic, Label, Severity},
        lines::{LINE_ENDS, LineColumn},
        secrets::hidden,
        span::SourceSet,
    },
};

/// What the terminal supports.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Whether it supports colours.
    pub color: bool,
    /// Whether it supports ASCII only.
    pub ascii: bool,
    /// Its width in columns; `None` if there is no terminal.
    pub columns: Option<usize>,
}

/// Maximum width of messages, in columns; also their width if there is no terminal.
const MAX_COLUMNS: usize = 100;
/// Maximum width of source lines if there is no terminal, in characters.
const MAX_SOURCE_COLUMNS: usize = 160;
/// Width of the line number and frame left of the source, in columns.
const MARGIN: usize = 8;
/// Maximum number of source lines shown for a label; if it spans more, only the first is shown.
const MAX_LABEL_LINES: usize = 10;

/// Renders the diagnostics one after the other.
pub fn human(diagnostics: &[Diagnostic], sources: &SourceSet, style: Style) -> String {
    let theme = match (style.color, style.ascii) {
        (true, true) => GraphicalTheme::ascii(),
        (true, false) => GraphicalTheme::unicode(),
        (false, true) => GraphicalTheme::none(),
        (false, false) => GraphicalTheme::unicode_nocolor(),
    };
    let columns = style.columns.map_or(MAX_COLUMNS, |columns| columns.clamp(20, MAX_COLUMNS));
    let handler = GraphicalReportHandler::new_themed(theme).with_width(columns).with_links(false).with_context_lines(1);
    let source_columns = style.columns.map_or(MAX_SOURCE_COLUMNS, |columns| columns.saturating_sub(MARGIN).max(20));
    let mut out = String::new();
    for diagnostic in diagnostics {
        let excerpt = |labels: &[&Label]| Excerpt::of(labels, sources, source_columns, style.ascii);
        let labels: Vec<_> = diagnostic.labels().filter(|label| label.span.file == *diagnostic.file()).collect();
        let drawn = Drawn { diagnostic, excerpt: excerpt(&labels), labels };
        // Writing to a `String` never fails; a diagnostic that miette cannot render is written as plain text.
        if handler.render_report(&mut out, &drawn).is_err() {
            out.push_str(&format!("{}: {}\n", diagnostic.code.id, Visible(&diagnostic.message)));
        }
        for label in elsewhere(diagnostic) {
            let drawn = excerpt(&[label]).map(|excerpt| handler.render_report(&mut out, &Elsewhere { label, excerpt }));
            if drawn.is_none_or(|drawn| drawn.is_err()) {
                out.push_str(&format!("{}\n", in_words(label)));
            }
        }
        out.push('\n');
    }
    out
}

#[derive(Debug)]
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    /// The labels in the diagnostic's own file.
    labels: Vec<&'a Label>,
    excerpt: Option<Excerpt>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without an excerpt, which would show the file name, the message starts with it.
        if self.excerpt.is_none() && !self.diagnostic.message.contains(&**self.diagnostic.file()) {
            write!(f, "{}: ", Visible(self.diagnostic.file()))?;
        }
        write!(f, "{}", Visible(&self.diagnostic.message))
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
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(Visible(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let spans = self.excerpt.as_ref().map(|excerpt| excerpt.spans.as_slice()).unwrap_or_default();
        let labels = self.labels.iter().zip(spans).map(|(label, (span, _))| {
            let text = if label.text.is_empty() { "here".into() } else { visible(&label.text) };
            LabeledSpan::new(Some(text.into_owned()), span.start, span.len())
        });
        Some(Box::new(labels))
    }
}

/// A label in another file, drawn below the diagnostic.
#[derive(Debug)]
struct Elsewhere<'a> {
    label: &'a Label,
    excerpt: Excerpt,
}

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visible(&self.label.text).fmt(f)
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl miette::Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let spans = self.excerpt.spans.iter();
        Some(Box::new(spans.map(|(span, _)| LabeledSpan::new(Some("here".into()), span.start, span.len()))))
    }
}

/// The lines of a file that labels are drawn on. Long lines are cut around the label, and control characters are
/// escaped.
#[derive(Debug)]
struct Excerpt {
    /// The file name, with control characters escaped.
    name: String,
    text: String,
    /// Runs of consecutive lines: their range in `text`, and the number of the first in the file, from 0.
    parts: Vec<(Range<usize>, usize)>,
    /// The span of each label in `text`, and its start in the file.
    spans: Vec<(Range<usize>, LineColumn)>,
}

impl Excerpt {
    /// The excerpt for labels in one file; `None` if the text of the file is not available.
    fn of(labels: &[&Label], sources: &SourceSet, columns: usize, ascii: bool) -> Option<Self> {
        let file = sources.file(&labels.first()?.span.file)?;
        let (text, lines) = (&*file.text, file.lines());
        let end_of_line = |line: usize| lines.range(text, line).start + lines.text(text, line).len();
        let spans: Vec<_> = labels
            .iter()
            .map(|label| {
                let Range { start, end } = label.span.range();
                let start = start.min(text.len());
                let (first, last) = (lines.line(start), lines.line(end.saturating_sub(1).max(start)));
                match last - first < MAX_LABEL_LINES {
                    true => start..end.min(text.len()),
                    false => start..end_of_line(first).max(start),
                }
            })
            .collect();
        // The empty line after a final line end is not shown.
        let last_shown = (lines.count() - 1).saturating_sub(usize::from(text.ends_with(LINE_ENDS)));
        let mut shown = BTreeSet::new();
        for span in &spans {
            let (first, last) = (lines.line(span.start), lines.line(span.end.saturating_sub(1).max(span.start)));
            shown.extend(first.saturating_sub(1)..=(last + 1).min(last_shown).max(last));
        }
        let mut excerpt =
            Self { name: visible(&file.name).into_owned(), text: String::new(), parts: vec![], spans: vec![] };
        let mut map = OffsetMap::default();
        for line in shown {
            let whole = lines.range(text, line);
            let content = hidden(&file.name, lines.text(text, line));
            let from = excerpt.text.len();
            // Cut around the first label that starts in this line.
            let place = spans.iter().map(|s| s.start).find(|at| whole.contains(at)).unwrap_or(whole.start);
            excerpt.push_line(&content, whole.start, place - whole.start, columns, ascii, &mut map);
            let to = excerpt.text.len();
            match excerpt.parts.last_mut() {
                Some((range, first)) if *first + lines_in(&excerpt.text, range) == line => range.end = to,
                _ => excerpt.parts.push((from..to, line)),
            }
        }
        excerpt.spans = spans
            .into_iter()
            .map(|span| {
                let start = map.to(span.start);
                let end = if span.is_empty() { start } else { map.to(span.end).max(start + 1) };
                (start..end, lines.line_column(text, span.start))
            })
            .collect();
        Some(excerpt)
    }

    /// Adds a line, cut to `columns` characters around `place`, an offset in the line. The line starts at `offset` in
    /// its file.
    fn push_line(&mut self, line: &str, offset: usize, place: usize, columns: usize, ascii: bool, map: &mut OffsetMap) {
        let place = line.floor_char_boundary(place);
        let ellipsis = if ascii { "..." } else { "…" };
        // A line that is too long is cut: about a third of the columns show text before `place`.
        let fits = line.len() <= columns || line.chars().nth(columns).is_none();
        let before = line.get(..place).unwrap_or_default();
        let from = match fits {
            true => 0,
            false => before.char_indices().rev().nth(columns / 3).map_or(0, |(at, _)| at),
        };
        let rest = line.get(from..).unwrap_or_default();
        let to = match fits {
            true => line.len(),
            false => rest.char_indices().nth(columns).map_or(line.len(), |(at, _)| from + at),
        };
        if from > 0 {
            map.put(offset, self.text.len());
            self.text.push_str(ellipsis);
        }
        for (at, c) in line.get(from..to).unwrap_or_default().char_indices() {
            map.put(offset + from + at, self.text.len());
            match c {
                '\t' => self.text.push(c),
                c if is_control(c) => self.text.extend(c.escape_unicode()),
                c => self.text.push(c),
            }
        }
        map.put(offset + to, self.text.len());
        if to < line.len() {
            self.text.push_str(ellipsis);
            map.put(offset + line.len(), self.text.len());
        }
        self.text.push('\n');
    }
}

fn lines_in(text: &str, range: &Range<usize>) -> usize {
    text.get(range.clone()).unwrap_or_default().matches('\n').count()
}

/// Maps offsets in a file to offsets in an excerpt. Offsets in text that was cut map to its ellipsis.
#[derive(Debug, Default)]
struct OffsetMap(Vec<(usize, usize)>);

impl OffsetMap {
    fn put(&mut self, offset: usize, excerpt: usize) {
        self.0.push((offset, excerpt));
    }

    fn to(&self, offset: usize) -> usize {
        let behind = self.0.partition_point(|(from, _)| *from <= offset);
        behind.checked_sub(1).and_then(|at| self.0.get(at)).map_or(0, |(_, to)| *to)
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let contents = |range: Range<usize>, line, column, count| {
            let data = self.text.get(range.clone()).ok_or(MietteError::OutOfBounds)?;
            let span = (range.start, range.len()).into();
            let contents = MietteSpanContents::new_named(self.name.clone(), data.as_bytes(), span, line, column, count);
            Ok(Box::new(contents) as Box<dyn SpanContents<'a>>)
        };
        // Without context lines, miette asks for the span itself, to print its line and column in the header.
        if lines_before == 0 {
            let place = self.spans.iter().find(|(span, _)| span.start == start).map(|(_, place)| place);
            let place = place.ok_or(MietteError::OutOfBounds)?;
            return contents(start..end, place.line - 1, place.column - 1, 1);
        }
        let part = self.parts.iter().find(|(range, _)| range.start <= start && end <= range.end);
        let (range, first) = part.ok_or(MietteError::OutOfBounds)?;
        contents(range.clone(), *first, 0, lines_in(&self.text, range))
    }
}
