//! Declared fields: their declarations, and their values on tickets and people.

use std::{borrow::Cow, collections::BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Kind, Owner, Value,
    field::{Declared, Members},
    moment::day,
    text::is_blank,
};

/// A declared field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomField {
    /// Its name after `field.`: lower-case letters, digits and `_`, starting with a letter.
    pub name: String,
    /// What has it: the ticket or its requester.
    pub of: Owner,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: CustomKind,
    /// The allowed words of a `choice` or `choices` field.
    pub choices: Vec<String>,
    /// What it is for; shown by hover and in the pages.
    pub doc: Option<String>,
}

/// The type of a declared field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomKind {
    /// Free text.
    #[default]
    Text,
    /// A whole number.
    Number,
    /// A decimal number, such as an amount of money.
    Decimal,
    /// A date.
    Date,
    /// Yes or no.
    YesNo,
    /// One of the declared words.
    Choice,
    /// Any number of the declared words.
    Choices,
}

impl CustomKind {
    /// Its name in `twite.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Decimal => "decimal",
            Self::Date => "date",
            Self::YesNo => "yes_no",
            Self::Choice => "choice",
            Self::Choices => "choices",
        }
    }

    /// Whether its values are declared words.
    pub const fn has_choices(self) -> bool {
        matches!(self, Self::Choice | Self::Choices)
    }
}

impl CustomField {
    /// The type of the field, as the checker sees it.
    pub fn kind(&self) -> Kind {
        match self.kind {
            CustomKind::Text => Kind::Text,
            CustomKind::Number => Kind::Number,
            CustomKind::Decimal => Kind::Decimal,
            CustomKind::Date => Kind::Date,
            CustomKind::YesNo => Kind::YesNo,
            CustomKind::Choice => Kind::Declared(self.declared()),
            CustomKind::Choices => Kind::Set(Members::Declared(self.declared())),
        }
    }

    /// Its name in rules: `field.NAME` or `requester.field.NAME`.
    pub fn full_name(&self) -> String {
        format!("{}field.{}", self.of.prefix(), self.name)
    }

    /// Where its choices are declared.
    pub fn declared(&self) -> Declared {
        Declared::Choice(self.full_name())
    }

    /// Its value where none is set.
    pub const fn unset(&self) -> Value<'static> {
        match self.kind {
            CustomKind::YesNo => Value::YesNo(false),
            CustomKind::Choices => Value::Set(Cow::Owned(BTreeSet::new())),
            _ => Value::Empty,
        }
    }
}

/// The value of a declared field on a ticket or a person; never empty.
///
/// Dates and decimal numbers are kept as text, as they are in JSON, and read by the type of the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CustomValue {
    /// Yes or no.
    YesNo(bool),
    /// A whole number.
    Number(i64),
    /// A text, a date, a decimal number or one of the declared choices.
    Text(String),
    /// Some of the declared choices.
    Set(BTreeSet<String>),
}

impl CustomValue {
    /// The value to keep; `None` if a field cannot have it, or it is empty.
    pub fn new(value: Value<'_>) -> Option<Self> {
        match value {
            Value::YesNo(yes) => Some(Self::YesNo(yes)),
            Value::Number(number) => Some(Self::Number(number)),
            Value::Word(text) | Value::Text(text) => Some(text).filter(|t| !is_blank(t)).map(|t| Self::Text(t.into())),
            Value::Decimal(decimal) => Some(Self::Text(decimal.to_string())),
            Value::Date(date) => Some(Self::Text(date.to_string())),
            Value::Set(set) => Some(set).filter(|set| !set.is_empty()).map(|set| Self::Set(set.into_owned())),
            Value::Empty | Value::Time(_) | Value::TimeOfDay(_) => None,
        }
    }

    /// Converts to a [`Value`]; `kind` distinguishes the texts. [`Value::Empty`] if the value is of another kind, because
    /// the field's type was changed since.
    pub fn value(&self, kind: CustomKind) -> Value<'_> {
        match (self, kind) {
            (Self::YesNo(b), CustomKind::YesNo) => Value::YesNo(*b),
            (Self::Number(n), CustomKind::Number) => Value::Number(*n),
            (Self::Text(t), CustomKind::Text) => Value::text(Some(t)),
            (Self::Text(t), CustomKind::Choice) => Value::Word(Cow::Borrowed(t)),
            (Self::Text(t), CustomKind::Decimal) => t.parse().map_or(Value::Empty, Value::Decimal),
            (Self::Text(t), CustomKind::Date) => day(t).map_or(Value::Empty, Value::Date),
            (Self::Set(set), CustomKind::Choices) => Value::set(set),
            _ => Value::Empty,
        }
    }
}
