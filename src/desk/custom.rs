//! Custom fields: their declarations, and their values on tickets and people.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Kind, Owner, Value, field::Declared};

/// A custom field.
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
    /// The allowed words of a `choice` field.
    pub choices: Vec<String>,
    /// What it is for; shown by hover and in the pages.
    pub doc: Option<String>,
}

/// The type of a custom field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomKind {
    /// Free text.
    #[default]
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    YesNo,
    /// One of the declared words.
    Choice,
}

impl CustomField {
    /// The type of the field, as the checker sees it.
    pub fn kind(&self) -> Kind {
        match self.kind {
            CustomKind::Text => Kind::Text,
            CustomKind::Number => Kind::Number,
            CustomKind::YesNo => Kind::YesNo,
            CustomKind::Choice => Kind::Declared(Declared::Choice(self.full_name())),
        }
    }

    /// Its name in rules: `field.NAME` or `requester.field.NAME`.
    pub fn full_name(&self) -> String {
        format!("{}field.{}", self.of.prefix(), self.name)
    }
}

/// The value of a custom field on a ticket; never empty.
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
    /// Converts to a [`Value`]; `kind` distinguishes texts from choices. [`Value::Empty`] if the value is of another
    /// kind, because the field's type was changed since.
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
