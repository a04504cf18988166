//! For people: the place in its file, drawn.

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
        span::SourceSet,
    },
};

/// What the reader's terminal can show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Whether it shows colours.
    pub color: bool,
    /// Whether it shows ASCII only.
    pub ascii: bool,
    /// How many columns it has; `None` where there is no terminal.
    pub columns: Option<usize>,
}

/// Columns that sentences are broken at: where there is no terminal, and at most.
const MAX_COLUMNS: usize = 100;
/// Columns of source shown where there is no terminal.
const MAX_SOURCE_COLUMNS: usize = 160;
/// Columns left of the source: the number of the line and the frame.
const MARGIN: usize = 8;
/// Lines of source shown of one label; of a longer one, the first line is.
const MAX_LABEL_LINES: usize = 10;

/// The diagnostics, drawn one after the other.
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
        // Writing to a text never fails; what cannot be drawn is still said.
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
    /// Its places in its own file.
    labels: Vec<&'a Label>,
    excerpt: Option<Excerpt>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without its text the place cannot be drawn, so the file is named.
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

/// A place in another file, which is drawn below the diagnostic.
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

/// The lines of a file that labels are drawn on: long ones cut around the place, with what would steer a terminal
/// spelt out. However long the file is, making one looks at these lines only.
#[derive(Debug)]
struct Excerpt {
    /// The file, as it is shown.
    name: String,
    text: String,
    /// Lines that follow each other in the file: where they stand in `text`, and the number of the first, from 0.
    parts: Vec<(Range<usize>, usize)>,
    /// Each label: where it stands in `text`, and where in the file.
    spans: Vec<(Range<usize>, LineColumn)>,
}

impl Excerpt {
    /// What labels of one file are drawn on; nothing where its text is not there.
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
        // Behind the last line end nothing is to be seen.
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
            let content = lines.text(text, line);
            let from = excerpt.text.len();
            // Cut around the first label that begins in the line.
            let place = spans.iter().map(|s| s.start).find(|at| whole.contains(at)).unwrap_or(whole.start);
            excerpt.push_line(content, whole.start, place - whole.start, columns, ascii, &mut map);
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

    /// Adds a line that starts at `offset` in its file, cut around `place`.
    fn push_line(&mut self, line: &str, offset: usize, place: usize, columns: usize, ascii: bool, map: &mut OffsetMap) {
        let place = line.floor_char_boundary(place);
        let ellipsis = if ascii { "..." } else { "…" };
        // A third of the room before the place, the rest behind it; all of it where there is no need to cut.
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

/// Where offsets of a file stand in an excerpt. What was cut stands at the mark of its cut.
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
        // Asked without lines around it, it is the place itself, for the head of the drawing.
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
