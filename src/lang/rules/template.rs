//! Texts with placeholders.

use crate::desk::FieldRef;

/// A checked text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// `{{ticket.requester.name | default: "you"}}`
    Placeholder {
        /// The field whose value is inserted. Times are formatted as RFC 3339, sets are joined with spaces.
        field: FieldRef,
        /// The filters applied to the value, in order.
        filters: Vec<Filter>,
    },
    /// `{{ticket.conversation}}`: all messages and notes, at the end of the body of a mail to agents.
    Conversation,
}

/// A filter after `|` in a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// `default: "…"`: replaces an empty value.
    Default(String),
    /// `upcase`
    Upcase,
    /// `downcase`
    Downcase,
    /// `capitalize`
    Capitalize,
    /// `strip_newlines`
    StripNewlines,
    /// `truncate: 40`: maximum length in grapheme clusters, including the `…`.
    Truncate(usize),
    /// `first_word`: the text up to the first white space, such as the first name of a person.
    FirstWord,
}
