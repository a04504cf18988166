//! Properties of every text, valid or not: nothing is lost, nothing panics, and formatting keeps the meaning.

use std::{fs, path::Path};

use proptest::{prelude::*, sample};
use twite::{
    desk::Declarations,
    lang::{
        NotFormatted, check_sources, fix, format,
        rules::{Files, SourceFile},
        syntax,
    },
};

/// The rules that come with Twite, and the files with mistakes.
fn real() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["rules", "tests/it/lang/cases", "examples/recipes/night", "examples/recipes/private"]
        .iter()
        .flat_map(|directory| fs::read_dir(here.join(directory)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "twite"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// Fragments of rules, combined at random.
const PIECES: &[&str] = &[
    "trigger ",
    "view ",
    "test ",
    "let ",
    "automation ",
    "report ",
    "macro ",
    "runs triggers\n",
    "measure count, median business first_reply_time",
    "by day of created, requester.followers in bands (1, 20)",
    "over last 30 days of solved",
    "over 2026-01-01 to 2026-02-01",
    "compare to previous period",
    "chart bars",
    "visible to group \"Social\"",
    "remind assignee in 2 hours { body \"b\" }",
    "assign to next agent of group \"Social\"",
    "snooze for 2 business hours",
    "merge into earlier ticket",
    "when 2 days pass",
    "when macro \"a title\"",
    "shadow ",
    "disabled ",
    "\"a title\"",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\n",
    "\n  ",
    " ",
    "on created",
    "when ",
    "where ",
    "then ",
    "and ",
    "or ",
    "not ",
    "status ",
    "is ",
    "solved",
    "< ",
    ">= ",
    "10_000",
    "4 days",
    "2 business hours",
    "requester.followers ",
    "tags ",
    "has any of ",
    "add tags a, b",
    "set priority to high",
    "reply \"hello\"",
    "note \"\"\"\n  a\n  b\n  \"\"\"",
    "notify group \"Social\" { subject \"s\" body \"b\" }",
    "# a comment\n",
    "## documentation\n",
    "\"",
    "\"\"\"",
    "\\",
    "\"{{ticket.id | default: \\\"x\\\"}}\"",
    "reply ",
    "{{",
    "}}",
    "{%",
    "%}",
    "ticket.id",
    " | ",
    "truncate: 3",
    "\\\"",
    "\\q",
    ",",
    ";",
    "=",
    "==",
    "!=",
    "&&",
    "|",
    "!",
    "'refund'",
    "requester.verified is no",
    "é",
    "\u{202e}",
    "🦀",
    "\0",
    "\r\n",
    "\t",
    "given ticket {",
    "expect fired ",
    "columns id, subject",
    "comment \"hi\"",
];

fn text() -> impl Strategy<Value = String> {
    let mutated = (sample::select(real()), any::<sample::Index>(), any::<sample::Index>(), sample::select(PIECES))
        .prop_map(|(text, from, to, piece)| {
            // Replaces a part of the text.
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (a, b) = (*from.get(&ends), *to.get(&ends));
            let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 200));
            let b = (b..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
            format!("{}{piece}{}", &text[..a], &text[b..])
        });
    prop_oneof![
        2 => proptest::collection::vec(sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat()),
        2 => mutated,
        1 => any::<String>(),
    ]
}

fn comments(text: &str) -> Vec<String> {
    let mut comments: Vec<_> = syntax::parse(text)
        .tree()
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| token.text().starts_with('#'))
        .map(|token| token.text().trim_end().to_owned())
        .collect();
    comments.sort();
    comments
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_loses_nothing(text in text()) {
        let parsed = syntax::parse(&text);
        prop_assert_eq!(parsed.tree().text().to_string(), text);
    }

    #[test]
    fn every_place_is_a_place_in_the_file(text in text()) {
        let (rules, found) = check_sources([("a.twite", text.clone())], Declarations::default());
        let errors = found.iter().any(|d| d.severity == twite::lang::Severity::Error);
        prop_assert_eq!(rules.is_none(), errors, "rules come of a text without errors, and of no other: {:?}", found);
        for diagnostic in &found {
            prop_assert!(!diagnostic.message.is_empty());
            for label in diagnostic.labels() {
                prop_assert!(text.get(label.span.range()).is_some(), "{:?} of {} in {text:?}", label.span, diagnostic.code.id);
            }
            for edit in diagnostic.fix.iter().flat_map(|fix| &fix.edits) {
                prop_assert!(text.get(edit.span.range()).is_some(), "{:?}", edit.span);
            }
        }
    }

    #[test]
    fn formatting_is_done_once_and_keeps_every_comment(text in text()) {
        match format(&text) {
            Ok(formatted) => {
                prop_assert_eq!(&format(&formatted).unwrap(), &formatted);
                prop_assert_eq!(comments(&text), comments(&formatted));
            }
            Err(NotFormatted::Broken(errors)) => prop_assert!(!errors.is_empty()),
            Err(NotFormatted::Unsound) => panic!("the formatter cannot read its own work on {text:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Safe fixes are always proven, keep every comment, and leave nothing to fix.
    #[test]
    fn fixing_is_done_once_and_keeps_every_comment(text in text()) {
        let files = |text: &str| Files {
            rules: vec![SourceFile::new("a.twite", text)],
            ..Files::default()
        };
        let fixes = fix(&files(&text));
        prop_assert!(fixes.unproven.is_empty(), "{:?}", text);
        for fixed in fixes.fixed {
            prop_assert_eq!(comments(&text), comments(&fixed.after));
            let again = fix(&files(&fixed.after));
            prop_assert!(again.fixed.is_empty(), "{:?} becomes {:?}", text, again.fixed);
        }
    }
}

#[test]
fn formatted_rules_are_the_same_rules() {
    for text in real() {
        let Ok(formatted) = format(&text) else { continue };
        // The formatted text does not depend on where lines were broken.
        let shaken = formatted.replace("\n    and ", " and ").replace("\n    or ", " or ");
        assert_eq!(format(&shaken).unwrap(), formatted);
    }
}

/// A `##` behind something on its line documents nothing, before and after formatting.
#[test]
fn formatting_keeps_the_documentation() {
    let docs = |text: &str| -> Vec<Option<String>> {
        let (rules, found) = check_sources([("a.twite", text)], Declarations::default());
        let rules = rules.unwrap_or_else(|| panic!("{found:?}: {text}"));
        rules.triggers.iter().map(|trigger| trigger.doc.clone()).collect()
    };
    let rule = "trigger \"a\" {\n  then stop\n}";
    let doc = |text: &str| Some(text.to_owned());
    for (text, expected) in [
        (format!("let z = status is new ## for z\n{rule}\n"), vec![None]),
        (format!("{rule} ## behind\n{}\n", rule.replace('a', "b")), vec![None, None]),
        (format!("{rule} ## behind\n## above\n{}\n", rule.replace('a', "b")), vec![None, doc("above")]),
        (format!("## one\n  ## two\n{rule}\n"), vec![doc("one\ntwo")]),
        (format!("  ## at the start\n\n{rule}\n"), vec![None]),
        (format!("\u{feff}## marked\n{rule}\n"), vec![doc("marked")]),
    ] {
        assert_eq!(docs(&text), expected, "{text}");
        assert_eq!(docs(&format(&text).unwrap()), expected, "{text}");
    }
}

#[test]
fn numbers_have_one_spelling() {
    for (written, formatted) in [
        ("replies > 0_1", "replies > 1"),
        ("replies > 0001_0", "replies > 10"),
        ("replies in (01, 1_, 1__0)", "replies in (1, 1, 10)"),
        ("replies > 10000", "replies > 10_000"),
        ("time since created > 0_1 days", "time since created > 1 days"),
        // A tag and a choice are texts.
        ("tags has any of (01, 0_1)", "tags has any of (01, 0_1)"),
        ("field.choice is 01", "field.choice is 01"),
    ] {
        assert_eq!(format(&format!("let a = {written}\n")).unwrap(), format!("let a = {formatted}\n"));
    }
}
