//! A part of a text, found by a regular expression.

use crate::{
    desk::{CustomField, CustomKind, Value, moment::day, text::fold},
    lang::rules::{InvalidPattern, Pattern},
};

/// Maximum length of a captured text, in characters: what is longer is no number or code.
const MAX_CHARS: usize = 60;

/// A pattern with one group, which is the part of the text that is meant.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The pattern.
    pub pattern: Pattern,
    /// The same for the text as it is written, for the spelling of the part; `None` if the pattern is valid only folded.
    spelled: Option<regex::Regex>,
}

impl PartialEq for Capture {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Capture {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// If it is not valid.
    pub fn new(written: &str) -> Result<Self, InvalidPattern> {
        let pattern = Pattern::new(written)?;
        let spelled = regex::RegexBuilder::new(written).case_insensitive(true).size_limit(1 << 20).build().ok();
        Ok(Self { pattern, spelled })
    }

    /// The number of its groups.
    pub fn groups(&self) -> usize {
        self.pattern.regex.captures_len().saturating_sub(1)
    }

    /// The part of a text, as a value of a declared field; `None` if there is none, or the field cannot have it.
    pub fn find(&self, text: &str, field: &CustomField) -> Option<Value<'static>> {
        let folded = fold(text);
        let part = self.pattern.regex.captures(&folded)?.get(1)?.as_str().trim();
        match field.kind {
            CustomKind::Text => {
                let spelled = self.spelled.as_ref().and_then(|regex| regex.captures(text)?.get(1));
                let spelled = spelled.map(|found| found.as_str().trim()).filter(|found| fold(found) == part);
                let part = spelled.unwrap_or(part);
                let fits = !part.is_empty() && part.chars().nth(MAX_CHARS).is_none();
                fits.then(|| Value::Text(part.to_owned().into()))
            }
            CustomKind::Number => part.parse().ok().map(Value::Number),
            CustomKind::Decimal => part.parse().ok().map(Value::Decimal),
            CustomKind::Date => day(part).ok().map(Value::Date),
            CustomKind::YesNo | CustomKind::Choice | CustomKind::Choices => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_the_part_that_is_kept() {
        let order = r"\b(44\d{5})\b";
        for (pattern, kind, text, expected) in [
            (order, CustomKind::Text, "about 4400017, please", Some("\"4400017\"")),
            (order, CustomKind::Number, "about ４４０００１７!", Some("4400017")),
            (order, CustomKind::Text, "about 44000170", None),
            (r"\b(ab-\d+)", CustomKind::Text, "Order AB-12", Some("\"AB-12\"")),
            // Matched as `matches` does, in the folded text; the spelling is then the folded one.
            (r"it's (\w+)", CustomKind::Text, "It\u{2019}s  LATE", Some("\"late\"")),
            (r"(\d+\.\d+) euros", CustomKind::Decimal, "12.5 EUROS", Some("12.50")),
            (r"(\d+)", CustomKind::Number, "99999999999999999999", None),
            (r"on (\S+)", CustomKind::Date, "on 2026-12-24", Some("2026-12-24")),
            (r"on (\S+)", CustomKind::Date, "on Monday", None),
            (r"a(b)?", CustomKind::Text, "a", None),
            (r"(.*)", CustomKind::Text, "a sentence that is much longer than any number or code is, and goes on", None),
        ] {
            let capture = Capture::new(pattern).unwrap();
            let field = CustomField { kind, ..CustomField::default() };
            let found = capture.find(text, &field).map(|value| value.to_string());
            assert_eq!(found.as_deref(), expected, "{pattern} in {text}");
        }
    }
}
