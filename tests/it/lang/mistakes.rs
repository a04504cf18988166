//! What a mistake is reported as: one mistake is one error, and it hides no other.

use std::path::Path;

use twite::{
    desk::Declarations,
    lang::{
        Diagnostic, check_sources, fix, load,
        rules::{Files, SourceFile},
    },
};

/// The declarations of the `twite.toml` that comes with Twite.
fn desk() -> Declarations {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    Declarations::clone(&load(&[rules], None).rules.unwrap().desk)
}

/// A diagnostic in one line: `2:7 TW0101 unmatched `}``.
fn short(found: &Diagnostic, text: &str) -> String {
    let before = &text[..found.span().range().start];
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{}:{column} {} {}", before.matches('\n').count() + 1, found.code.id, found.message)
}

/// A rule with this condition.
fn when(condition: &str) -> String {
    format!("trigger \"a\" {{\n  when {condition}\n  then add tags b\n}}\n")
}

/// A fix never takes text away: with an unknown escape sequence, nobody knows which text is meant.
#[test]
fn a_text_with_an_unknown_escape_is_reported_and_left() {
    let desk = desk();
    for (text, escapes) in [
        (when(r"description matches 'order \d+'"), 1),
        (when(r"description matches “[A-Z]\{2\}\d{5}”"), 3),
        (when(r"description contains “a\u{110000}b”"), 1),
        (when(r#"requester.followers > "1\q0""#), 1),
        (when(r#"priority is "u\wrgent""#), 1),
        (when(r#"requester.verified is "y\ges""#), 1),
        (when("status is new").replace("add tags b", r"note 'see C:\docs\x'"), 2),
        (when("status is new").replace("\"a\"", r"“It\s”"), 1),
    ] {
        let (_, found) = check_sources([("a.twite", text.clone())], desk.clone());
        assert_eq!(found.iter().filter(|d| d.code.id == "TW0112").count(), escapes, "{text}: {found:?}");
        let rules = vec![SourceFile::new("a.twite", &*text)];
        let fixes = fix(&Files { rules, ..Files::default() });
        assert_eq!(fixes.fixed, [], "{text}");
    }
}
