//! Values of declared fields in columns: those of tickets and of people.

use super::{StoreError, db::Row};
use crate::desk::{CustomValue, text::fold};

/// The columns of a value, besides its owner and its name.
pub(super) struct CustomColumns {
    pub(super) kind: &'static str,
    /// The number; 1 or 0 for yes or no.
    pub(super) number: Option<i64>,
    pub(super) text: Option<String>,
    /// The case-folded text, for comparisons.
    pub(super) folded: Option<String>,
}

impl From<&CustomValue> for CustomColumns {
    fn from(value: &CustomValue) -> Self {
        let (kind, number, text) = match value {
            CustomValue::YesNo(yes) => ("yes_no", Some(i64::from(*yes)), None),
            CustomValue::Number(number) => ("number", Some(*number), None),
            CustomValue::Text(text) => ("text", None, Some(text.clone())),
        };
        let folded = text.as_deref().map(|text| fold(text).into_owned());
        Self { kind, number, text, folded }
    }
}

/// Reads a name and its value from the columns `name`, `kind`, `number` and `text`.
pub(super) fn custom(row: &Row) -> Result<(String, CustomValue), StoreError> {
    let value = match row.try_get("kind")? {
        "yes_no" => CustomValue::YesNo(row.try_get::<i64, _>("number")? != 0),
        "number" => CustomValue::Number(row.try_get("number")?),
        _ => CustomValue::Text(row.try_get("text")?),
    };
    Ok((row.try_get("name")?, value))
}
