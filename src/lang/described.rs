//! Items that are described by the options of a command or the inputs of a form, instead of standing in a file.

use std::borrow::Cow;

use super::{
    Diagnostic, SourceFile, SourceSet,
    display::Quoted,
    load::check_sources,
    rules::Rules,
    syntax::{self, LonePart},
};
use crate::desk::Declarations;

/// Checks an item whose parts are described one by one. `head` opens the item, as in `view "tickets" {`, and `item`
/// takes it from the checked rules.
///
/// Each part is parsed alone first, so that none can close the item or go on into the next part.
///
/// # Errors
/// The diagnostics. Their source has this `name`, and each part on a line of its own; of the item it has nothing.
pub(crate) fn check<T>(
    name: &str,
    head: &str,
    parts: &[(LonePart, String)],
    desk: &Declarations,
    item: impl FnOnce(Rules) -> Option<T>,
) -> Result<T, (Vec<Diagnostic>, SourceSet)> {
    let (mut text, mut found) = (String::new(), vec![]);
    for (part, written) in parts {
        let start = text.len();
        text.push_str(written);
        found.extend(syntax::error_in(*part, &text, start..text.len()));
        text.push('\n');
    }
    let source = SourceFile::new(name, text);
    let mut found: Vec<_> = found.into_iter().map(|error| error.in_file(&source)).collect();
    if found.is_empty() {
        let (rules, diagnostics) = check_sources([(name, format!("{head}\n{}}}\n", source.text))], desk.clone());
        if let Some(item) = rules.and_then(item) {
            return Ok(item);
        }
        let (before, end) = (head.len() + 1, source.text.len());
        let at = |offset: usize| offset.saturating_sub(before).min(end);
        found.extend(
            diagnostics.into_iter().map(|diagnostic| {
                diagnostic.map_spans(|span| source.span(at(span.range().start)..at(span.range().end)))
            }),
        );
    }
    let mut sources = SourceSet::default();
    sources.insert(source);
    Err((found, sources))
}

/// A value as rule text: as it is if it is one value of the language, else as a string.
pub(crate) fn value(written: &str) -> Cow<'_, str> {
    match syntax::is_value(written) {
        true => written.into(),
        false => Quoted(written).to_string().into(),
    }
}

/// Values separated by commas as rule text: as they are if each is one value of the language, else as one string.
pub(crate) fn values(written: &str) -> Cow<'_, str> {
    match syntax::are_values(written) {
        true => written.into(),
        false => Quoted(written).to_string().into(),
    }
}
