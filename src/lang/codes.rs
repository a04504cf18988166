//! The registry of diagnostic codes. Each code has a documentation page. A retired code is never reused.

use std::sync::LazyLock;

use super::{
    Severity,
    check::{LINTS, Lint},
};

/// A diagnostic code.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The identifier, such as `TW0203`.
    pub id: &'static str,
    /// A short title, such as "unknown field".
    pub title: &'static str,
    /// The severity of its diagnostics.
    pub severity: Severity,
    /// The documentation page, in Markdown.
    pub page: &'static str,
}

/// All codes, sorted: those declared in this file, and those of lints, which are declared in the lint's own file.
pub fn all() -> &'static [&'static Code] {
    static ALL: LazyLock<Vec<&Code>> = LazyLock::new(|| {
        let mut all: Vec<&Code> = OWN.iter().copied().chain(LINTS.iter().map(|lint| &lint.code)).collect();
        all.sort_by_key(|code| code.id);
        all
    });
    &ALL
}

/// Finds a code by its identifier, ignoring case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().iter().copied().find(|code| code.id.eq_ignore_ascii_case(id))
}

/// The lint of a code, if it is one of a lint.
pub(crate) fn lint(code: &Code) -> Option<&'static Lint> {
    LINTS.iter().copied().find(|lint| lint.code == *code)
}

macro_rules! codes {
    ($($id:ident $severity:ident $title:literal,)+) => {
        $(
            #[doc = $title]
            pub static $id: Code = Code {
                id: stringify!($id),
                title: $title,
                severity: Severity::$severity,
                page: include_str!(concat!("../../docs/codes/", stringify!($id), ".md")),
            };
        )+

        static OWN: &[&Code] = &[$(&$id,)+];
    };
}

codes! {
    // Syntax.
    TW0101 Error "unexpected token",
    TW0102 Error "unclosed string",
    TW0103 Error "unclosed `{`",
    TW0104 Error "unknown item",
    TW0106 Error "operator from another language",
    TW0107 Error "wrong quotation marks",
    TW0108 Error "nesting too deep",
    TW0109 Error "input too large",
    TW0110 Error "not valid UTF-8",
    TW0111 Error "unreadable file",
    TW0112 Error "unknown escape sequence",
    TW0113 Error "unknown clause",
    TW0114 Error "unknown action",
    TW0115 Error "missing, repeated or misplaced clause",
    TW0116 Error "number out of range",
    TW0117 Warning "misspelled file extension",
    TW0118 Error "confusable character",
    TW0119 Error "unresolved merge conflict",
    TW0120 Error "hidden control character",
    TW0121 Warning "empty file",
    TW0122 Error "malformed entry of a list file",
    // Names.
    TW0201 Error "unknown name",
    TW0202 Error "duplicate name",
    TW0203 Error "unknown field",
    TW0204 Error "unknown field value",
    TW0205 Error "undeclared name",
    TW0206 Error "circular `let`",
    TW0207 Error "unknown rule in a test",
    TW0208 Error "unknown placeholder",
    TW0209 Error "unknown filter",
    TW0210 Error "unknown measure or chart",
    // Types and allowed combinations.
    TW0301 Error "operator not supported by the field",
    TW0302 Error "mismatched types",
    TW0303 Error "ordered comparison on an unordered field",
    TW0304 Error "event field outside a trigger",
    TW0305 Error "read-only field",
    TW0306 Error "display-only field in a condition",
    TW0307 Error "invalid regular expression",
    TW0308 Error "invalid JSON in a webhook body",
    TW0309 Error "malformed placeholder",
    TW0310 Error "list and single value mixed up",
    TW0311 Error "yes/no field compared with a value",
    TW0312 Error "sla that depends on the time",
    TW0313 Error "text of a message kept about a person",
    TW0314 Error "action that the account may not do",
    // Suspicious but valid.
    TW0406 Warning "invisible character",
    TW0407 Warning "mixed scripts in one word",
    TW0411 Warning "impossible ticket in a test",
    TW0412 Warning "admin without a working email address",
    TW0413 Warning "unusable path",
    TW0491 Warning "unused suppression",
    TW0492 Warning "malformed suppression",
    TW0454 Note "list entry whose last day is over",
    TW0456 Warning "opening hours without a time zone",
    TW0493 Warning "expired suppression",
    // `twite.toml`.
    TW0501 Error "not valid TOML",
    TW0502 Error "unknown key",
    TW0503 Error "invalid setting",
    TW0504 Error "duplicate declaration in `twite.toml`",
    TW0505 Error "undeclared name in `twite.toml`",
    TW0506 Error "edition limit exceeded",
    TW0507 Error "default account cannot reply",
    TW0508 Error "invalid URL",
    TW0509 Error "invalid name",
    TW0510 Error "invalid email address",
}
