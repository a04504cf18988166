//! What a field holds.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{declarations::CustomKind, text::is_blank};

/// A field's value, borrowed from the ticket where it can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value<'a> {
    /// None: an empty field, or, for numbers and times, an unknown one.
    Empty,
    /// Yes or no.
    YesNo(bool),
    /// A whole number.
    Number(i64),
    /// A word of a vocabulary, or a declared name.
    Word(Cow<'a, str>),
    /// Text as written (compared folded, see [`super::text::fold`]).
    Text(Cow<'a, str>),
    /// A set of tags.
    Set(Cow<'a, BTreeSet<String>>),
    /// An instant.
    Time(Timestamp),
}

impl Value<'_> {
    /// The same value, owning what it holds.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Empty => Value::Empty,
            Self::YesNo(b) => Value::YesNo(b),
            Self::Number(n) => Value::Number(n),
            Self::Word(w) => Value::Word(Cow::Owned(w.into_owned())),
            Self::Text(t) => Value::Text(Cow::Owned(t.into_owned())),
            Self::Set(s) => Value::Set(Cow::Owned(s.into_owned())),
            Self::Time(t) => Value::Time(t),
        }
    }

    /// Whether there is nothing: no value, a blank text, an empty set.
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
    /// A word, or nothing.
    pub fn word(word: Option<&'a str>) -> Self {
        word.map_or(Self::Empty, |w| Self::Word(Cow::Borrowed(w)))
    }

    /// A text, or nothing. A text in which there is nothing to see is none.
    pub fn text(text: Option<&'a str>) -> Self {
        text.filter(|t| !is_blank(t)).map_or(Self::Empty, |t| Self::Text(Cow::Borrowed(t)))
    }

    /// A number, or unknown.
    pub fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }

    /// A time, or none.
    pub fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Empty, Self::Time)
    }

    /// A set of tags.
    pub fn set(set: &'a BTreeSet<String>) -> Self {
        Self::Set(Cow::Borrowed(set))
    }
}

impl fmt::Display for Value<'_> {
    /// As a person would write it in a rule; nothing is `empty`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::YesNo(b) => f.write_str(if *b { "yes" } else { "no" }),
            Self::Number(n) => n.fmt(f),
            Self::Word(w) => f.write_str(w),
            Self::Text(t) => write!(f, "{t:?}"),
            Self::Set(s) if s.is_empty() => f.write_str("empty"),
            Self::Set(s) => f.write_str(&s.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
            Self::Time(t) => t.fmt(f),
        }
    }
}

/// What a declared field holds on a ticket. No entry is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CustomValue {
    /// Yes or no.
    YesNo(bool),
    /// A whole number.
    Number(i64),
    /// A text or one of the declared choices.
    Text(String),
}

impl CustomValue {
    /// As a [`Value`]; `kind` tells texts from choices. What is no value of that kind, because the field was
    /// declared otherwise when it was written, is none.
    pub fn value(&self, kind: CustomKind) -> Value<'_> {
        match (self, kind) {
            (Self::YesNo(b), CustomKind::YesNo) => Value::YesNo(*b),
            (Self::Number(n), CustomKind::Number) => Value::Number(*n),
            (Self::Text(t), CustomKind::Text) => Value::text(Some(t)),
            (Self::Text(t), CustomKind::Choice) => Value::Word(Cow::Borrowed(t)),
            _ => Value::Empty,
        }
    }
}
