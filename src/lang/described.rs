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
/// takes it from the checked rules. The parts may use what is `named`: lists and conditions as rule text.
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
    named: &str,
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
        let text = format!("{head}\n{}}}\n", source.text);
        let (rules, diagnostics) = check_sources([(name, text), (NAMED, named.to_owned())], desk.clone());
        if let Some(item) = rules.and_then(item) {
            return Ok(item);
        }
        let (before, end) = (head.len() + 1, source.text.len());
        let at = |offset: usize| offset.saturating_sub(before).min(end);
        let diagnostics = diagnostics.into_iter().filter(|diagnostic| **diagnostic.file() != *NAMED);
        found.extend(
            diagnostics.map(|diagnostic| {
                diagnostic.map_spans(|span| source.span(at(span.range().start)..at(span.range().end)))
            }),
        );
    }
    let mut sources = SourceSet::default();
    sources.insert(source);
    Err((found, sources))
}

/// The name of the source of what is named.
const NAMED: &str = "named.twite";

/// The lists and named conditions of these rules as rule text, if the condition has the name of any.
pub(crate) fn named(rules: &Rules, condition: &str) -> String {
    let is_name = |word: &&str| {
        rules.lists.iter().any(|list| list.name == **word) || rules.lets.iter().any(|named| named.name == **word)
    };
    let mut words = condition.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'));
    if words.find(is_name).is_none() {
        return String::new();
    }
    let lists = rules.lists.iter().map(ToString::to_string);
    lists.chain(rules.lets.iter().map(ToString::to_string)).collect()
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
