//! Values of declared fields in columns: those of tickets and of people.

use super::{StoreError, db::Row};
use crate::desk::{CustomKind, CustomValue, Value, text::fold};

/// The columns of a value, besides its owner and its name.
pub(super) struct CustomColumns {
    /// What the value can be read as. A date or a decimal number is also a text.
    pub(super) kind: &'static str,
    /// The number, that of a decimal number in ten-thousandths; 1 or 0 for yes or no.
    pub(super) number: Option<i64>,
    /// The text, or the choices as a JSON array.
    pub(super) text: Option<String>,
    /// The case-folded text, for comparisons.
    pub(super) folded: Option<String>,
}

impl From<&CustomValue> for CustomColumns {
    fn from(value: &CustomValue) -> Self {
        let (kind, number, text, folded) = match value {
            CustomValue::YesNo(yes) => ("yes_no", Some(i64::from(*yes)), None, None),
            CustomValue::Number(number) => ("number", Some(*number), None, None),
            CustomValue::Text(text) => {
                let (kind, number) = match (value.value(CustomKind::Decimal), value.value(CustomKind::Date)) {
                    (Value::Decimal(decimal), _) => ("decimal", Some(decimal.units())),
                    (_, Value::Date(_)) => ("date", None),
                    _ => ("text", None),
                };
                (kind, number, Some(text.clone()), Some(fold(text).into_owned()))
            }
            // A set of texts can be written as JSON.
            CustomValue::Set(set) => ("choices", None, Some(serde_json::json!(set).to_string()), None),
        };
        Self { kind, number, text, folded }
    }
}

/// Reads a name and its value from the columns `name`, `kind`, `number` and `text`.
pub(super) fn custom(row: &Row) -> Result<(String, CustomValue), StoreError> {
    let value = match row.try_get("kind")? {
        "yes_no" => CustomValue::YesNo(row.try_get::<i64, _>("number")? != 0),
        "number" => CustomValue::Number(row.try_get("number")?),
        "choices" => {
            let text: String = row.try_get("text")?;
            let set = serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(format!("{text}: {error}")))?;
            CustomValue::Set(set)
        }
        _ => CustomValue::Text(row.try_get("text")?),
    };
    Ok((row.try_get("name")?, value))
}

/// The column that a declared field is compared by, or with `folded`, that of its case-folded text; and the kinds of values
/// that it has.
pub(super) const fn column(kind: CustomKind, folded: bool) -> (&'static str, &'static str) {
    match kind {
        CustomKind::Text if folded => ("folded", "'text', 'date', 'decimal'"),
        CustomKind::Text | CustomKind::Choice => ("text", "'text', 'date', 'decimal'"),
        CustomKind::Date => ("text", "'date'"),
        CustomKind::Decimal => ("number", "'decimal'"),
        CustomKind::Number => ("number", "'number'"),
        CustomKind::YesNo => ("number", "'yes_no'"),
        CustomKind::Choices => ("text", "'choices'"),
    }
}
