//! Conditions as text, for engines that read a language.

use crate::condition::Condition;

/// How a language writes conditions.
#[derive(Debug)]
pub struct Syntax {
    pub and: &'static str,
    pub or: &'static str,
    /// Prefix of a negated condition, which stands in parentheses.
    pub not: &'static str,
    /// Writes one predicate. Never called with a compound condition.
    pub question: fn(&Condition) -> String,
}

impl Syntax {
    /// The condition in this language.
    pub fn write(&self, condition: &Condition) -> String {
        match condition {
            Condition::All(parts) => self.joined(parts, self.and),
            Condition::Any(parts) => self.joined(parts, self.or),
            Condition::Not(inner) => format!("{}({})", self.not, self.write(inner)),
            question => (self.question)(question),
        }
    }

    fn joined(&self, parts: &[Condition], with: &str) -> String {
        let parts = parts.iter().map(|part| match part {
            Condition::All(_) | Condition::Any(_) => format!("({})", self.write(part)),
            _ => self.write(part),
        });
        parts.collect::<Vec<_>>().join(with)
    }
}

/// Quoted texts, joined by `between`.
pub fn quoted(texts: impl IntoIterator<Item = impl AsRef<str>>, quote: char, between: &str) -> String {
    let texts = texts.into_iter().map(|text| format!("{quote}{}{quote}", text.as_ref()));
    texts.collect::<Vec<_>>().join(between)
}
