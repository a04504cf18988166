//! Values of fields.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use super::{Decimal, MediaKind, TimeOfDay, text::is_blank};

/// The value of a field, borrowed from the ticket if possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value<'a> {
    /// No value: an empty field, or an unknown number or time.
    Empty,
    /// Yes or no.
    YesNo(bool),
    /// A whole number.
    Number(i64),
    /// A decimal number.
    Decimal(Decimal),
    /// A word of a vocabulary, or a declared name.
    Word(Cow<'a, str>),
    /// Text as written; compared folded, see [`super::text::fold`].
    Text(Cow<'a, str>),
    /// A set of tags or names.
    Set(Cow<'a, BTreeSet<String>>),
    /// An instant.
    Time(Timestamp),
    /// A time of day.
    TimeOfDay(TimeOfDay),
    /// A date.
    Date(Date),
}

impl Value<'_> {
    /// Clones all borrowed data.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Empty => Value::Empty,
            Self::YesNo(b) => Value::YesNo(b),
            Self::Number(n) => Value::Number(n),
            Self::Decimal(d) => Value::Decimal(d),
            Self::Word(w) => Value::Word(Cow::Owned(w.into_owned())),
            Self::Text(t) => Value::Text(Cow::Owned(t.into_owned())),
            Self::Set(s) => Value::Set(Cow::Owned(s.into_owned())),
            Self::Time(t) => Value::Time(t),
            Self::TimeOfDay(t) => Value::TimeOfDay(t),
            Self::Date(d) => Value::Date(d),
        }
    }

    /// Whether it is no value, a blank text or an empty set.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(t) => is_blank(t),
            Self::Set(s) => s.is_empty(),
            _ => false,
        }
    }
}

impl<'a> Value<'a> {
    /// A word, or [`Self::Empty`].
    pub fn word(word: Option<&'a str>) -> Self {
        word.map_or(Self::Empty, |w| Self::Word(Cow::Borrowed(w)))
    }

    /// A text, or [`Self::Empty`] if it is `None` or blank.
    pub fn text(text: Option<&'a str>) -> Self {
        text.filter(|t| !is_blank(t)).map_or(Self::Empty, |t| Self::Text(Cow::Borrowed(t)))
    }

    /// A number, or [`Self::Empty`] if it is unknown.
    pub fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }

    /// A time, or [`Self::Empty`].
    pub fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Empty, Self::Time)
    }

    /// A set of tags.
    pub fn set(set: &'a BTreeSet<String>) -> Self {
        Self::Set(Cow::Borrowed(set))
    }

    /// A set of kinds of media.
    pub fn media(kinds: &BTreeSet<MediaKind>) -> Self {
        Self::Set(Cow::Owned(kinds.iter().map(ToString::to_string).collect()))
    }
}

impl fmt::Display for Value<'_> {
    /// The value as written in a rule; no value and an empty set are `empty`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::YesNo(b) => f.write_str(if *b { "yes" } else { "no" }),
            Self::Number(n) => n.fmt(f),
            Self::Decimal(d) => d.fmt(f),
            Self::Word(w) => f.write_str(w),
            Self::Text(t) => write!(f, "{t:?}"),
            Self::Set(s) if s.is_empty() => f.write_str("empty"),
            Self::Set(s) => f.write_str(&s.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
            Self::Time(t) => t.fmt(f),
            Self::TimeOfDay(t) => t.fmt(f),
            Self::Date(d) => d.fmt(f),
        }
    }
}
