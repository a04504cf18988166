//! Deserializes TOML tables: reports each mistake in a table at its span, and keeps the valid rest.

use std::{collections::BTreeSet, ops::Range};

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use crate::{
    lang::{
        codes::{self, Code},
        diagnostic::TextDiagnostic as Diagnostic,
        display::Grouped,
        suggest::{did_you_mean, listed, nearest},
    },
    settings::{NUMBERS, NumberRange},
};

/// Maximum number of mistakes reported per table; after each, the table is deserialized again.
const MAX_MISTAKES: usize = 50;

/// Keys whose value is one of a few words, with these words.
const WORDS: &[(&str, &[&str])] = &[
    ("edition", &["suite", "support"]),
    ("type", &["text", "number", "yes_no", "choice"]),
    ("security", &["tls", "starttls", "none"]),
    ("sees", &["all", "groups", "assigned"]),
    ("transport", &["poll", "stream", "webhook"]),
    ("when_full", &["stop", "follow_up"]),
];

/// The keys of `[hours]` with opening hours.
const WEEKDAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A deserialized table, with the spans of its keys and values.
pub(super) struct Entry<'t, T> {
    pub(super) value: T,
    table: Spanned<DeValue<'t>>,
    /// The keys whose values were removed, wholly or in part, because of mistakes, and required keys that are missing.
    lost: BTreeSet<String>,
    /// Whether every required key has a valid value. If not, the entry is only checked, so that its other mistakes are
    /// reported too.
    pub(super) is_whole: bool,
}

impl<T> Entry<'_, T> {
    /// The span of the table.
    pub(super) fn span(&self) -> Range<usize> {
        self.table.span()
    }

    /// The span of the value of a key; of the whole table if the key is missing.
    pub(super) fn at(&self, key: &str) -> Range<usize> {
        self.table.get_ref().get(key).map_or_else(|| self.span(), |value| value.span())
    }

    /// The span of an item of a list.
    pub(super) fn item_at(&self, key: &str, index: usize) -> Range<usize> {
        // Once an invalid item is dropped, later indexes are off: point at the whole list.
        let list = self.table.get_ref().get(key).filter(|_| !self.has_lost(key));
        let items = list.and_then(|list| list.get_ref().as_array());
        items.and_then(|items| items.get(index)).map_or_else(|| self.at(key), |item| item.span())
    }

    /// Whether a key is present, even with an invalid value.
    pub(super) fn is_written(&self, key: &str) -> bool {
        self.table.get_ref().get(key).is_some()
    }

    /// The first day of the week that is present, with the span of its hours: of the table, or of its table `hours`.
    pub(super) fn first_weekday(&self) -> Option<Range<usize>> {
        let hours = self.hours();
        WEEKDAYS.iter().find_map(|day| Some(hours.get(day)?.span()))
    }

    /// Whether the hours there have a time zone.
    pub(super) fn has_zone(&self) -> bool {
        self.hours().get("zone").is_some()
    }

    fn hours(&self) -> &DeValue<'_> {
        let table = self.table.get_ref();
        table.get("hours").map_or(table, |hours| hours.get_ref())
    }

    /// The keys that are present, with their spans.
    pub(super) fn written(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        let keys = self.table.get_ref().as_table().into_iter().flat_map(|table| table.keys());
        keys.map(|key| (key.get_ref().as_ref(), key.span()))
    }

    /// Whether no value had mistakes, and none is missing.
    pub(super) fn lost_nothing(&self) -> bool {
        self.lost.is_empty()
    }

    /// Whether the value of a key had mistakes, or is missing; further checks must not rely on it.
    pub(super) fn has_lost(&self, key: &str) -> bool {
        self.lost.contains(key)
    }
}

/// The values of the entries that are whole.
pub(super) fn whole<'t, T, C: FromIterator<T>>(entries: impl IntoIterator<Item = Entry<'t, T>>) -> C {
    entries.into_iter().filter(|entry| entry.is_whole).map(|entry| entry.value).collect()
}

/// Reads tables and collects the diagnostics.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) out: Vec<Diagnostic>,
}

impl Reader {
    pub(super) fn error(&mut self, code: &'static Code, span: Range<usize>, message: impl Into<String>) {
        self.out.push(Diagnostic::new(code, span, message));
    }

    /// Reports an unknown key. Returns the known key that was most likely meant.
    pub(super) fn unknown_key<'k>(&mut self, key: &str, span: Range<usize>, known: &[&'k str]) -> Option<&'k str> {
        let suggestion = nearest(key, known.iter().copied());
        let message = format!("unknown key `{key}`{}", did_you_mean(suggestion));
        let help = format!("expected {}", listed(known.iter().copied()));
        let diagnostic = Diagnostic::new(&codes::TW0502, span.clone(), message).with_help(help);
        self.out.push(match suggestion {
            Some(meant) => diagnostic.with_guess(span, meant),
            None => diagnostic,
        });
        suggestion
    }

    /// Reads a top-level value.
    pub(super) fn value<T: DeserializeOwned>(&mut self, key: &str, mut value: Spanned<DeValue<'_>>) -> Option<T> {
        self.read(Some(key), &mut value, &mut BTreeSet::new())
    }

    /// Reads a single table. An array is rejected, because serde would take its items for the fields in order.
    pub(super) fn table<'t, T: DeserializeOwned>(
        &mut self,
        key: &str,
        value: Spanned<DeValue<'t>>,
        required: &[&str],
    ) -> Option<Entry<'t, T>> {
        self.is_table(key, &value).then(|| self.entry(value, required, BTreeSet::new())).flatten()
    }

    pub(super) fn is_table(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> bool {
        let message = match value.get_ref() {
            DeValue::Table(_) => return true,
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) && !items.is_empty() => {
                format!("`{key}` must be a single table: write `[{key}]` instead of `[[{key}]]`")
            }
            other => format!("`{key}` must be a table, not {}", kind_of(other)),
        };
        let error = Diagnostic::new(&codes::TW0503, value.span(), message);
        self.out.push(error.with_help(format!("write its keys below a line `[{key}]`")));
        false
    }

    /// Reads an array of tables. Returns those that can be checked, and whether all of them are whole.
    pub(super) fn list<'t, T: DeserializeOwned>(
        &mut self,
        key: &str,
        value: Spanned<DeValue<'t>>,
        required: &[&str],
    ) -> (Vec<Entry<'t, T>>, bool) {
        let span = value.span();
        let DeValue::Array(tables) = value.into_inner() else {
            let message = format!("`{key}` must be an array of tables: write `[[{key}]]`");
            self.error(&codes::TW0503, span, message);
            return (vec![], false);
        };
        let (mut entries, mut all) = (vec![], true);
        for mut table in tables {
            if !table.get_ref().is_table() {
                all = false;
                let message = format!("each `{key}` must be a table, not {}", kind_of(table.get_ref()));
                let error = Diagnostic::new(&codes::TW0503, table.span(), message);
                self.out.push(error.with_help(format!("write the keys of each below a line `[[{key}]]`")));
                continue;
            }
            let mut lost = BTreeSet::new();
            let hours = table.get_ref().get("hours").filter(|_| key == "schedule");
            if hours.is_some_and(|hours| !self.is_table("schedule.hours", hours))
                && let DeValue::Table(table) = table.get_mut()
            {
                table.remove("hours");
                lost.insert("hours".to_owned());
            }
            let entry = self.entry(table, required, lost);
            all &= entry.as_ref().is_some_and(|entry| entry.is_whole);
            entries.extend(entry);
        }
        (entries, all)
    }

    /// Reads a table that must have the `required` keys.
    fn entry<'t, T: DeserializeOwned>(
        &mut self,
        table: Spanned<DeValue<'t>>,
        required: &[&str],
        mut lost: BTreeSet<String>,
    ) -> Option<Entry<'t, T>> {
        let value = self.read(None, &mut table.clone(), &mut lost)?;
        for key in required {
            if table.get_ref().get(*key).is_none() && lost.insert((*key).to_owned()) {
                self.error(&codes::TW0503, table.span(), format!("`{key}` is missing here"));
            }
        }
        let is_whole = !required.iter().any(|key| lost.contains(*key));
        Some(Entry { value, table, lost, is_whole })
    }

    /// Reports numbers outside their range and removes them, so that they get their defaults.
    pub(super) fn numbers(&mut self, table: &mut DeTable<'_>) {
        for NumberRange { table: name, key, allowed, unit } in NUMBERS {
            let found = table.iter_mut().find(|(key, _)| key.get_ref() == name);
            let tables = match found.map(|(_, value)| (value.get_ref().is_array(), value)) {
                Some((true, value)) => match value.get_mut() {
                    DeValue::Array(tables) => &mut **tables,
                    _ => &mut [],
                },
                Some((false, value)) => std::slice::from_mut(value),
                None => continue,
            };
            for table in tables.iter_mut().filter_map(|table| match table.get_mut() {
                DeValue::Table(table) => Some(table),
                _ => None,
            }) {
                let Some(number) = table.get(*key) else { continue };
                let DeValue::Integer(integer) = number.get_ref() else { continue };
                let value = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
                if value.is_some_and(|value| allowed.contains(&value)) {
                    continue;
                }
                let (least, most) = (Grouped(*allowed.start()), Grouped(*allowed.end()));
                let message = format!("`{key}` must be from {least} to {most} {unit}");
                self.error(&codes::TW0503, number.span(), message);
                table.remove(*key);
            }
        }
    }

    /// Deserializes a value. Invalid parts are reported and removed until the rest can be read; `None` if it cannot.
    fn read<T: DeserializeOwned>(
        &mut self,
        key: Option<&str>,
        value: &mut Spanned<DeValue<'_>>,
        lost: &mut BTreeSet<String>,
    ) -> Option<T> {
        for _ in 0..MAX_MISTAKES {
            let error = match T::deserialize(value.clone().into_deserializer()) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_else(|| value.span());
            let message = error.message().lines().next().unwrap_or_default();
            let part = cut(value, &span, message);
            let span = part.as_ref().map_or(span, |part| part.span.clone());
            match message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
                Some((unknown, rest)) => {
                    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
                    // The key that was meant counts as invalid too, so that it is not also reported as missing.
                    lost.extend(self.unknown_key(unknown, span, &known).map(str::to_owned));
                }
                None => {
                    let words = in_users_words(message, part.as_ref(), key, value.get_ref());
                    self.error(&codes::TW0503, span, words);
                }
            }
            lost.insert(part?.top);
        }
        None
    }
}

/// An invalid part that was removed from a table.
struct Part {
    /// The top-level key that contained it.
    top: String,
    /// The innermost key that contained it.
    key: String,
    /// Whether it was an item of the list under `key`.
    is_item: bool,
    /// The name of its type.
    found: &'static str,
    /// Its span.
    span: Range<usize>,
}

/// Removes the smallest part of a value that contains the span `place`; `None` if that is the whole value. An error
/// about a list item may name the item in `message` and have the span of the list.
fn cut(value: &mut Spanned<DeValue<'_>>, place: &Range<usize>, message: &str) -> Option<Part> {
    let is_place = value.span() == *place;
    let holds = |span: Range<usize>| span.start <= place.start && place.end <= span.end;
    let part = |top: String, value: &Spanned<DeValue<'_>>, span: Range<usize>| {
        Some(Part { key: top.clone(), is_item: top.is_empty(), top, found: kind_of(value.get_ref()), span })
    };
    match value.get_mut() {
        DeValue::Table(table) => {
            // The span of a table covers only its header, so its keys are searched whatever its span is.
            let mut gone = None;
            for (key, inner) in table.iter_mut() {
                let top = key.get_ref().to_string();
                if let Some(part) = cut(inner, place, message) {
                    let key = if part.key.is_empty() { top.clone() } else { part.key };
                    return Some(Part { top, key, ..part });
                }
                if holds(key.span()) || holds(inner.span()) {
                    gone = part(top, inner, place.clone());
                    break;
                }
            }
            table.remove(gone.as_ref()?.top.as_str());
            gone
        }
        DeValue::Array(items) => {
            if let Some(part) = items.iter_mut().find_map(|item| cut(item, place, message)) {
                return Some(part);
            }
            let is_named = |item: &Spanned<DeValue<'_>>| {
                item.get_ref().as_str().is_some_and(|text| message.starts_with(&format!("`{text}`")))
            };
            let index = items.iter().position(|item| holds(item.span()) || is_place && is_named(item))?;
            let mut rest = DeArray::new();
            let mut gone = None;
            for (other, item) in items.iter().enumerate() {
                match other == index {
                    true => gone = part(String::new(), item, item.span()),
                    false => rest.push(item.clone()),
                }
            }
            *items = rest;
            gone
        }
        _ => None,
    }
}

/// Rewords a serde error for users. `part` is the invalid part; `top` is the key of the whole value.
fn in_users_words(message: &str, part: Option<&Part>, top: Option<&str>, whole: &DeValue<'_>) -> String {
    let (key, found) = part.map_or_else(|| (top, kind_of(whole)), |part| (Some(part.key.as_str()), part.found));
    let is = match key {
        Some(key) if part.is_some_and(|part| part.is_item) => format!("each of `{key}` must be"),
        Some(key) => format!("`{key}` must be"),
        None => "this must be".to_owned(),
    };
    let allowed = key.and_then(|key| NUMBERS.iter().find(|number| number.key == key));
    let wanted = |expected: &str| match expected {
        _ if let Some((_, words)) = WORDS.iter().find(|(word, _)| Some(*word) == key) => listed(words.iter().copied()),
        _ if let Some(NumberRange { allowed, unit, .. }) = allowed => {
            format!("a whole number from {} to {} ({unit})", Grouped(*allowed.start()), Grouped(*allowed.end()))
        }
        "a date string" => "a date in quotes, as in `\"2026-11-25\"`".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" if key.is_some_and(|key| WEEKDAYS.contains(&key)) => {
            "a list of hours, as in `[\"09:00-17:00\"]`".to_owned()
        }
        "a sequence" => "a list, as in `[\"one\", \"other\"]`".to_owned(),
        "a map" => "a table".to_owned(),
        number if ["u8", "u16", "u32", "u64", "usize", "i64"].contains(&number) => "a whole number".to_owned(),
        table if table.starts_with("struct ") => "a table".to_owned(),
        text if text.contains("string") || text == "enum" => "a string in quotes".to_owned(),
        other => other.to_owned(),
    };
    let typed = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((_, expected)) = typed.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{is} {}, not {found}", wanted(expected));
    }
    if let Some((found, rest)) = message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once('`')) {
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let meant = did_you_mean(nearest(found, known.iter().copied()));
        return format!("{is} {}, not `{found}`{meant}", listed(known));
    }
    if message.starts_with("wanted ") || message.starts_with("invalid length") {
        return format!("{is} {}, not {found}", wanted("string"));
    }
    message.to_owned()
}

/// The name of a value's type in messages.
fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
