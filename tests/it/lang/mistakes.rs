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

/// Rules, and all errors in them.
const ONE_MISTAKE: &[(&str, &[&str])] = &[
    // A brace too many.
    (
        "trigger \"a\" {\n  on created }\n  when status is oppen\n  then add tags b\n}\n",
        &["2:14 TW0101 unmatched `}`", "3:18 TW0204 unknown value `oppen` for `status`, did you mean `open`?"],
    ),
    ("trigger \"a\" { }\n  on created\n  then add tags b\n}\n", &["1:15 TW0101 unmatched `}`"]),
    ("automation \"a\" {\n  when status is new }\n  then add tags b\n}\n", &["2:22 TW0101 unmatched `}`"]),
    ("macro \"a\" {\n  visible to group \"Social\" }\n  then add tags b\n}\n", &["2:29 TW0101 unmatched `}`"]),
    ("trigger \"a\" {\n  then add tags b }\n  remove tags c\n}\n", &["2:19 TW0101 unmatched `}`"]),
    ("view \"a\" {\n  where status is open }\n  columns id\n}\n", &["2:24 TW0101 unmatched `}`"]),
    ("report \"a\" {\n  measure count }\n  by channel\n}\n", &["2:17 TW0101 unmatched `}`"]),
    (
        "test \"a\" {\n  given ticket { channel twitter } }\n  when created\n  expect nothing fired\n}\n",
        &["2:36 TW0101 unmatched `}`"],
    ),
    (
        "test \"a\" {\n  given ticket {\n    channel twitter\n    requester { followers 1 } }\n    status oppen\n  }\n  when created\n  expect stauts is new\n}\n",
        &[
            "4:31 TW0101 unmatched `}`",
            "5:12 TW0204 unknown value `oppen` for `status`, did you mean `open`?",
            "8:10 TW0203 unknown field `stauts`, did you mean `status`?",
        ],
    ),
    (
        "test \"a\" {\n  given ticket { channel twitter }\n  when updated { status open }\n    comment \"b\", priority hihg\n  }\n  expect nothing fired\n}\n",
        &["3:30 TW0101 unmatched `}`", "4:27 TW0204 unknown value `hihg` for `priority`, did you mean `high`?"],
    ),
    (
        "trigger \"a\" {\n  then\n    notify assignee { subject \"a\" }\n      body \"{{b}}\" }\n    add tags b\n}\n",
        &["3:35 TW0101 unmatched `}`", "4:15 TW0208 unknown placeholder `b`"],
    ),
    // A misspelt clause is no fact.
    (
        "test \"a\" {\n  given ticket { channel twitter }\n  whne created\n  expect nothing fired\n}\n",
        &["3:3 TW0113 unknown test clause `whne`, did you mean `when`?"],
    ),
    ("trigger \"a\" {\n  then add tags b\n}\n}\ntrigger \"c\" {\n  then stop\n}\n", &["4:1 TW0101 unmatched `}`"]),
    (
        "trigger \"a\" { {\n  when status is oppen\n  then add tags b\n}\n",
        &["1:15 TW0101 unmatched `{`", "2:18 TW0204 unknown value `oppen` for `status`, did you mean `open`?"],
    ),
    (
        "test \"a\" {\n  given ticket { channel twitter }\n  when updated { comment \"b\", via web, status oppen, note \"c\" }\n  expect nothing fired\n}\n",
        &[
            "3:47 TW0204 unknown value `oppen` for `status`, did you mean `open`?",
            "3:54 TW0115 duplicate comment: write a second `when`",
        ],
    ),
    // Not too many: braces with nothing in them.
    ("test \"a\" {\n  given ticket { }\n  when updated { }\n  when updated {\n  }\n  expect nothing fired\n}\n", &[]),
    ("view \"a\" { {\n  columns id\n}\n", &["1:12 TW0101 unmatched `{`"]),
    ("macro \"a\" { {\n  then add tags b\n}\n", &["1:13 TW0101 unmatched `{`"]),
    (
        "test \"a\" {\n  given ticket { {\n    channel twiter\n  }\n  when created\n  expect nothing fired\n}\n",
        &["2:18 TW0101 unmatched `{`", "3:13 TW0204 unknown value `twiter` for `channel`, did you mean `twitter`?"],
    ),
    // A title without quotes.
    (
        "trigger foo bar {\n  when status is oppen\n  then add tags b\n}\n",
        &[
            "1:9 TW0101 expected a string in double quotes, found `foo`",
            "2:18 TW0204 unknown value `oppen` for `status`, did you mean `open`?",
        ],
    ),
    // A word too many, and a brace or a keyword that is missing.
    (
        "test \"a\" {\n  given ticket {\n    channel twitter twitter\n    priority urgent\n    requester_updated 1 minute ago\n  }\n  when created\n  expect nothing fired\n}\n",
        &["3:21 TW0101 expected `,` or a new line, found `twitter`"],
    ),
    (
        "test \"a\" {\n  given ticket {\n    requester { followers followers 25_000 }\n  }\n  when created\n  expect nothing fired\n}\n",
        &["3:37 TW0101 expected `,` or a new line, found `25_000`"],
    ),
    (
        "test \"a\" {\n  given ticket\n    channel twitter\n    comment \"c\"\n  }\n  when created\n  expect nothing fired\n}\n",
        &["3:5 TW0101 expected `{`, found `channel`"],
    ),
    (
        "macro \"m\" {\n  then add tags b\n}\ntest \"a\" {\n  given ticket { channel twitter }\n  macro \"m\"\n  expect nothing fired\n}\n",
        &["6:3 TW0113 unknown test clause `macro`"],
    ),
    ("trigger \"a\" {\n  then then add tags b\n}\n", &["2:8 TW0115 duplicate `then`"]),
    ("let a = status is open\nlet \"b\" = a\n", &["2:5 TW0101 expected a name, found `\"b\"`"]),
    ("let a = status is open\nlet and = a\n", &["2:5 TW0101 expected a name, found `and`"]),
    ("let a = status is open\nlet", &["2:4 TW0101 expected a name, found end of file"]),
    ("trigger \"a\" {\n  then stop\n}\ndisabled\n", &["4:1 TW0101 expected an item after `disabled`"]),
    ("trigger \"a\" {\n  then stop\n}\n\u{1a}", &["4:1 TW0120 hidden control character U+001A (control character)"]),
    (
        "trigger \"a\" {\n  then remind grup \"Social\" in 4 days {\n    subject \"{{bad}}\"\n    body \"b\"\n  }\n}\n",
        &[
            "2:15 TW0101 expected a recipient such as `group \"…\"` or `assignee`, found `grup`",
            "3:16 TW0208 unknown placeholder `bad`",
        ],
    ),
    (
        "trigger \"a\" {\n  then remind in 4 days {\n    subject \"{{bad}}\"\n    body \"b\"\n  }\n}\n",
        &[
            "2:15 TW0101 expected a recipient such as `group \"…\"` or `assignee`, found `in`",
            "3:16 TW0208 unknown placeholder `bad`",
        ],
    ),
];

#[test]
fn one_mistake_is_one_error_and_hides_no_other() {
    let desk = desk();
    for (text, expected) in ONE_MISTAKE {
        let (_, found) = check_sources([("a.twite", *text)], desk.clone());
        let errors: Vec<_> = found.iter().filter(|d| d.is_error()).map(|d| short(d, text)).collect();
        assert_eq!(errors, *expected, "{text}");
    }
}

/// Texts in other quotes than `"`, also mixed ones, are read as texts, and the fix writes straight quotes.
#[test]
fn a_text_in_any_quotes_is_a_text() {
    for (written, meant) in [
        ("“refund\"", "refund"),
        ("\"refund”", "refund"),
        ("\"refund“", "refund"),
        ("“refund“", "refund"),
        ("‘refund’", "refund"),
        ("'refund'", "refund"),
        ("„refund“", "refund"),
        ("«refund»", "refund"),
        ("“””refund”””", "refund"),
        ("“say \"refund\"”", "say \\\"refund\\\""),
    ] {
        let rule = |literal: &str| {
            let rule = when(&format!("description contains \"x\" and description contains {literal}"));
            rule.replace("add tags b", &format!("note {literal}"))
        };
        let (text, expected) = (rule(written), rule(&format!("\"{meant}\"")));
        let (_, found) = check_sources([("a.twite", text.clone())], Declarations::default());
        assert!(found.iter().all(|d| d.code.id == "TW0107"), "{text}: {found:?}");
        let rules = vec![SourceFile::new("a.twite", &*text)];
        let fixes = fix(&Files { rules, ..Files::default() });
        assert_eq!(fixes.fixed.first().map(|fixed| &*fixed.after), Some(&*expected), "{text}");
    }
}

/// Help about conditions is given where a condition goes on, and nowhere else.
#[test]
fn help_about_conditions_is_for_conditions() {
    let help = |text: &str| {
        let (_, found) = check_sources([("a.twite", text)], Declarations::default());
        found.iter().find(|d| d.code.id == "TW0101").unwrap_or_else(|| panic!("{found:?}: {text}")).help.clone()
    };
    for text in [
        "view \"a\" {\n  columns id status\n}\n",
        "view \"a\" {\n  columns id\n  sort created\n}\n",
        "view \"a\" {\n  columns id\n  group priority\n}\n",
        "view \"a\" {\n  columns id\n  visible group \"S\"\n}\n",
        "trigger \"a\" {\n  on created updated\n  then stop\n}\n",
        "trigger \"a\" {\n  then notify group \"S\" subject \"x\"\n}\n",
        "report \"a\" {\n  measure count\n  by channel status\n}\n",
        "test \"a\" {\n  given ticket\n    channel twitter\n  when created\n  expect nothing fired\n}\n",
    ] {
        let told = help(text).unwrap_or_default();
        for about in ["join conditions", "missing operator", "several words"] {
            assert!(!told.contains(about), "{text}: {told}");
        }
    }
    let over = help("report \"a\" {\n  measure count\n  by channel\n  last 30 days\n}\n").unwrap();
    assert!(over.contains("`over last 30 days`"), "{over}");
    for (condition, write) in [
        ("status is open for 4 days", "`status is open and time since status_changed >= 4 days`"),
        ("status is pending longer than 4 days", "`status is pending and time since status_changed >= 4 days`"),
        ("priority is high for 4 days", "`time since updated >= 4 days`, for example; times are "),
        ("hours since created > 4", "`time since created > 4 hours`"),
        ("status is solved since 4 days", "`time since solved >= 4 days`"),
        ("not updated for 3 days", "`time since updated >= 3 days`"),
        ("updated within 3 days", "`time since updated <= 3 days`"),
        ("created more than 4 days ago", "`time since created >= 4 days`"),
        ("created is less than 4 days", "`time since created <= 4 days`"),
        ("created 4 days ago", "`time since created >= 4 days`"),
        ("time since created over 4 days", "`time since created >= 4 days`"),
        ("created > 4 days ago", "`time since created <= 4 days`"),
        ("created < 4 days ago", "`time since created >= 4 days`"),
    ] {
        let told = help(&when(condition)).unwrap_or_default();
        assert!(told.contains(write), "{condition}: {told}");
    }
    for (text, write) in [
        ("trigger \"a\" {\n  then set status open\n}\n", "`set status to open`"),
        ("report \"a\" {\n  measure count\n  over 30 days\n  chart bars\n}\n", "`over last 30 days`"),
        ("let a = status is new, priority is high\n", "join conditions with `and`"),
        ("let a = status in [new, open]\n", "lists in parentheses"),
        (
            "test \"a\" {\n  given ticket { channel web }\n  when created\n  expect nothing fired and status is new\n}\n",
            "a second `expect`",
        ),
        (
            "test \"a\" {\n  given ticket { channel web }\n  when created\n  expect reply \"b\"\n}\n",
            "`reply contains \"b\"`",
        ),
        ("let a = created this month\n", "`time since created <= 4 days`"),
        ("let a = priority is high/urgent\n", "`in (a, b)`"),
        (
            "let a = requester.followers between 10 and 20\n",
            "`requester.followers >= 10 and requester.followers <= 20`",
        ),
        ("let a = subject contains all of (\"a\", \"b\")\n", "`all of` is for tags"),
        ("let a = subject contains none of (\"a\", \"b\")\n", "`none of` is for tags"),
        ("let a = subject matches any of (\"a\", \"b\")\n", "after `has`, `contains`"),
        ("let a = time since created > 1.5 hours\n", "`90 minutes`"),
        ("let a = account is @acme\n", "without `@`"),
        ("trigger \"a\" {\n  then webhook page\n}\n", "`webhook \"page\"`"),
    ] {
        let told = help(text).unwrap_or_default();
        assert!(told.contains(write), "{text}: {told}");
    }
    let and = help("let a = status is new priority is high\n").unwrap();
    assert!(and.contains("write `and priority`"), "{and}");
}
