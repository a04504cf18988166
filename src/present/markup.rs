//! Texts in XML and HTML.

use std::fmt::{self, Write as _};

use crate::desk::visible::visible;

/// A text in one line, between tags or quotes. XML cannot hold all control characters, and people read the rest of them in
/// the end: they are spelt out as in forms for people.
pub(super) struct Markup<'a>(pub(super) &'a str);

impl fmt::Display for Markup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        visible(self.0).chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}
