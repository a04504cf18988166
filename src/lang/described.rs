//! Items that are described by the options of a command or the inputs of a form, instead of standing in a file.

use std::borrow::Cow;

use super::{
    Diagnostic, SourceFile, SourceSet,
    display::Quoted,
    load::check_sources,
    rules::{List, Rules},
    sources::is_list,
    syntax::{self, LonePart},
};
use crate::desk::{Declarations, FieldRef, Kind};

/// Checks an item whose parts are described one by one. `head` opens the item, as in `view "tickets" {`, and `item`
/// takes it from the checked rules. The parts may use what is `named`: lists and conditions as files.
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
    named: &[(String, String)],
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
        let named = named.iter().map(|(name, text)| (name.as_str(), text.clone()));
        let (rules, diagnostics) = check_sources(std::iter::once((name, text)).chain(named), desk.clone());
        if let Some(item) = rules.and_then(item) {
            return Ok(item);
        }
        let (before, end) = (head.len() + 1, source.text.len());
        let at = |offset: usize| offset.saturating_sub(before).min(end);
        let diagnostics = diagnostics.into_iter().filter(|diagnostic| **diagnostic.file() == *name);
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

/// The lists and named conditions of these rules as files with their names, if the condition has the name of any.
pub(crate) fn named(rules: &Rules, condition: &str) -> Vec<(String, String)> {
    let is_name = |word: &&str| {
        rules.lists.iter().any(|list| list.name == **word) || rules.lets.iter().any(|named| named.name == **word)
    };
    let mut words = condition.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'));
    if words.find(is_name).is_none() {
        return vec![];
    }
    let is_file = |list: &&List| is_list(&list.span.file);
    let (in_files, in_rules): (Vec<_>, Vec<_>) = rules.lists.iter().partition(is_file);
    let in_rules = in_rules.iter().map(ToString::to_string);
    let text = in_rules.chain(rules.lets.iter().map(ToString::to_string)).collect();
    let source = |list: &List| rules.files.rules.iter().find(|file| file.name == list.span.file);
    let files = in_files.into_iter().filter_map(source).map(|file| (file.name.to_string(), file.text.to_string()));
    std::iter::once(("named.twite".to_owned(), text)).chain(files).collect()
}

/// A value as rule text: as it is if it is one value of the language, else as a string.
pub(crate) fn value(written: &str) -> Cow<'_, str> {
    match syntax::is_value(written) {
        true => written.into(),
        false => Quoted(written).to_string().into(),
    }
}

/// Values of a field, separated by commas, as rule text: as they are if each is one value of the language, else as one
/// string. One word for a text field is a string too, unless it names another field.
pub(crate) fn values_of<'w>(field: &str, written: &'w str, desk: &Declarations) -> Cow<'w, str> {
    let is_text = || FieldRef::find(field, desk).is_some_and(|field| field.kind() == Kind::Text);
    let is_word = syntax::is_name(written) && FieldRef::find(written, desk).is_none();
    match syntax::are_values(written) && !(is_word && is_text()) {
        true => written.into(),
        false => Quoted(written).to_string().into(),
    }
}
