//! The register of codes. A code is never used again for something else, and each has a page.

use std::sync::LazyLock;

use super::{Severity, check::LINTS};

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `TW0203`
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, why it matters, an example, and what to write instead: Markdown.
    pub page: &'static str,
}

/// Every code, in order: those listed here, and those of lints, which are in the lints' own files.
pub fn all() -> &'static [&'static Code] {
    static ALL: LazyLock<Vec<&Code>> = LazyLock::new(|| {
        let mut all: Vec<&Code> = OWN.iter().copied().chain(LINTS.iter().map(|lint| &lint.code)).collect();
        all.sort_by_key(|code| code.id);
        all
    });
    &ALL
}

/// The code of this id, in whatever case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().iter().copied().find(|code| code.id.eq_ignore_ascii_case(id))
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
    // How a file is written.
    TW0101 Error "something else was expected here",
    TW0102 Error "a text that is not closed",
    TW0103 Error "a missing `}`",
    TW0104 Error "an unknown item",
    TW0106 Error "an operator of another language",
    TW0107 Error "quotes of another kind",
    TW0108 Error "nested too deeply",
    TW0109 Error "too much to read",
    TW0110 Error "a file that is not UTF-8",
    TW0111 Error "a file that cannot be read",
    TW0112 Error "an escape that means nothing",
    TW0113 Error "an unknown part of an item",
    TW0114 Error "an unknown action",
    TW0115 Error "a part that is missing or there twice",
    TW0116 Error "a number out of range",
    TW0117 Warning "a file that is passed over",
    TW0118 Error "a character that looks like another",
    TW0119 Error "an unfinished merge",
    TW0120 Error "a character that hides or moves others",
    TW0121 Warning "an empty file",
    // Names.
    TW0201 Error "an unknown name",
    TW0202 Error "declared twice",
    TW0203 Error "an unknown field",
    TW0204 Error "a word the field does not know",
    TW0205 Error "a name that is not declared",
    TW0206 Error "conditions that need each other",
    TW0207 Error "a test of a rule that does not exist",
    TW0208 Error "an unknown placeholder",
    TW0209 Error "an unknown filter",
    TW0210 Error "something no report measures or draws",
    // What goes together.
    TW0301 Error "a question the field cannot answer",
    TW0302 Error "a value of another kind",
    TW0303 Error "an order where there is none",
    TW0304 Error "a fact of the event where there is none",
    TW0305 Error "a field rules cannot set",
    TW0306 Error "a field that is only shown",
    TW0307 Error "a pattern that is no regex",
    TW0308 Error "a webhook body that is no JSON",
    TW0309 Error "a placeholder that cannot be read",
    TW0310 Error "one value where a list is, or a list where one value is",
    TW0311 Error "a yes/no field that is compared",
    // Most likely not what was meant.
    TW0406 Warning "an invisible character",
    TW0407 Warning "letters of several scripts in one word",
    TW0411 Warning "a ticket that cannot exist",
    TW0412 Warning "an admin whom no mail reaches",
    TW0413 Warning "a path that cannot be used",
    TW0491 Warning "a suppression that suppresses nothing",
    TW0492 Warning "a malformed suppression",
    // `twite.toml`.
    TW0501 Error "no TOML",
    TW0502 Error "an unknown key",
    TW0503 Error "a setting that cannot be read",
    TW0504 Error "declared twice in `twite.toml`",
    TW0505 Error "not declared in `twite.toml`",
    TW0506 Error "more than the edition allows",
    TW0507 Error "a default account that cannot answer",
    TW0508 Error "an address that cannot be called",
    TW0509 Error "a name or choice that cannot be used",
    TW0510 Error "an e-mail address that cannot be used",
}
