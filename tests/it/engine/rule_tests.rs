//! `twite test`: which tests it runs, its output, and its exit status.

use std::{fs, path::Path};

use crate::support::command;

const RULES: &str = r#"
trigger "Escalate" {
  on created
  when requester.followers >= 10_000 or requester.verified
  then
    set priority to urgent
    reply "Hello {{ticket.requester.name}}"
}
"#;

const TESTS: &str = r#"
test "a large audience" {
  given ticket {
    requester { name "Ada", followers 12_000 }
    comment "hello"
  }
  when created
  expect fired "Escalate"
  expect priority is urgent
  expect reply contains "hello ada"
}

disabled test "later" {
  given ticket { comment "hello" }
  when created
  expect nothing fired
}
"#;

const FAILS: &str = r#"
test "a small audience" {
  given ticket {
    requester { followers 12 }
    comment "hello"
  }
  when created
  expect fired "Escalate"
}
"#;

/// Runs `twite test` in a directory with these files, and returns its exit status and output.
fn test(files: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    run(folder.path(), arguments)
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    command::run(folder, &[&["test"], arguments].concat())
}

#[test]
fn passing_tests_are_counted() {
    let (status, text) = test(&[("rules.twite", RULES), ("tests.twite", TESTS)], &["."]);
    assert_eq!(status, 0);
    assert!(text.ends_with("1 passed, 0 failed, 1 skipped\n"), "{text}");
}

#[test]
fn a_failing_test_says_why() {
    let (status, text) = test(&[("rules.twite", RULES), ("tests.twite", FAILS)], &["."]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(text);
}

#[test]
fn what_cannot_be_told_to_its_end_fails_where_it_happens() {
    const ROUND: &str = r#"
automation "N" {
  when time since updated >= 10 minutes
  then note "x"
}
macro "M" {
  then add tags x
}
"#;
    for (ticket, when, expected, found) in [
        ("", "1 day passes", "automations that do not loop", "automation loop: at "),
        ("status closed", "macro \"M\"", "a ticket that a macro can be applied to", "the ticket is closed"),
    ] {
        let tests = format!(
            "test \"t\" {{\n  given ticket {{ channel twitter {ticket} }}\n  when updated\n  when {when}\n  expect note\n}}\n"
        );
        let (status, text) = test(&[("rules.twite", ROUND), ("tests.twite", &tests)], &[".", "--format", "json"]);
        assert_eq!(status, 1, "{text}");
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let failure = &report["tests"][0]["failures"][0];
        assert_eq!(
            (failure["span"]["line"].as_u64(), failure["expected"].as_str()),
            (Some(4), Some(expected)),
            "{text}"
        );
        assert!(failure["found"].as_str().unwrap().starts_with(found), "{text}");
    }
}

#[test]
fn tests_can_be_chosen_by_title() {
    let files = [("rules.twite", RULES), ("tests.twite", TESTS), ("fails.twite", FAILS)];
    let (status, text) = test(&files, &[".", "--filter", "large|later"]);
    assert_eq!((status, text.lines().last().unwrap()), (0, "1 passed, 0 failed, 1 skipped"));
    assert_eq!(test(&files, &[".", "--filter", "("]).0, 2);
}

#[test]
fn coverage_is_listed_and_can_be_asked_for() {
    let files = [("rules.twite", RULES), ("tests.twite", TESTS)];
    let (status, text) = test(&files, &[".", "--coverage"]);
    assert_eq!(status, 0);
    assert!(text.contains("coverage: 60.0 %, 2 of 4 condition outcomes, 1 of 1 rules fired"), "{text}");
    let (status, text) = test(&files, &[".", "--coverage", "--min", "70"]);
    assert_eq!(status, 1);
    assert!(text.contains("coverage is 60.0 % (3 of 5), below the minimum of 70 %"), "{text}");
}

#[test]
fn no_tests_are_told() {
    let files = [("rules.twite", RULES)];
    assert_eq!(test(&files, &["."]), (0, "no tests found\n".to_owned()));
    assert_eq!(test(&files, &[".", "--fail-on-empty"]).0, 1);
    let skipped = [
        files[0],
        (
            "off.twite",
            "disabled test \"off\" {\n  given ticket { comment \"hi\" }\n  when created\n  expect nothing fired\n}\n",
        ),
    ];
    assert_eq!(test(&skipped, &[".", "--fail-on-empty"]).0, 1);
    assert_eq!(test(&skipped, &["."]).0, 0);
}

#[test]
fn results_are_data_where_asked() {
    let files = [("rules.twite", RULES), ("tests.twite", TESTS), ("fails.twite", FAILS)];
    let (status, text) = test(&files, &[".", "--format", "json"]);
    let results: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, &results["passed"], &results["failed"], &results["skipped"]),
        (1, &1.into(), &1.into(), &1.into())
    );
    let (status, text) = test(&files, &[".", "--format", "junit"]);
    assert_eq!(status, 1);
    assert!(text.contains(r#"<testsuites name="twite test" tests="3" failures="1" errors="0" time=""#), "{text}");
}

#[test]
fn rules_with_errors_are_not_run() {
    let (status, text) = test(&[("rules.twite", &RULES.replace("followers", "folowers"))], &["."]);
    assert_eq!(status, 2);
    assert!(text.contains("did you mean `requester.followers`?"), "{text}");
}

#[test]
fn the_rules_a_team_would_start_from_keep_their_promises() {
    let (status, text) = run(Path::new(env!("CARGO_MANIFEST_DIR")), &["rules"]);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn a_loop_over_time_fails_the_test_that_meets_it() {
    let rules = r#"
automation "close" {
  when status is open and time since updated > 3 minutes
  then set status to pending
}
automation "open" {
  when status is pending and time since updated > 3 minutes
  then set status to open
}
test "days pass" {
  given ticket { status open }
  when 4 days pass
  expect fired "close"
}
"#;
    let (status, said) = test(&[("a.twite", rules)], &["a.twite"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("returned to a state it left within the hour, through \"close\", \"open\""), "{said}");
}

/// Runs a test of an automation on a ticket created on a Monday at 8:00 UTC, after this time has passed.
fn business(hours: &str, span: &str, passes: &str, fires: bool) -> (i32, String) {
    let not = if fires { "" } else { "not " };
    let rules = format!(
        "automation \"late\" {{\n  when time since created >= {span}\n  then add tags late\n}}\n\
         test \"late\" {{\n  at 2026-01-05T08:00:00Z\n  given ticket {{ status open }}\n  when {passes} pass\n  expect {not}fired \"late\"\n}}\n"
    );
    test(&[("twite.toml", hours), ("a.twite", &rules)], &["a.twite"])
}

#[test]
fn business_days_and_weeks_are_those_of_the_schedule() {
    let ten_hours = "[hours]\nmonday = [\"08:00-18:00\"]\ntuesday = [\"08:00-13:00\", \"14:00-19:00\"]\n";
    let uneven = "[hours]\nmonday = [\"08:00-18:00\"]\nfriday = [\"08:00-14:00\"]\n";
    let all_day = "[hours]\nmonday = [\"00:00-24:00\"]\nfriday = [\"00:00-24:00\"]\n";
    for (hours, span, passes, fires) in [
        (ten_hours, "1 business day", "9 hours", false),
        (ten_hours, "1 business day", "10 hours", true),
        (ten_hours, "2 business days", "34 hours", false),
        (ten_hours, "2 business days", "35 hours", true),
        (ten_hours, "1 business week", "34 hours", false),
        (ten_hours, "1 business week", "35 hours", true),
        (uneven, "1 business week", "101 hours", false),
        (uneven, "1 business week", "102 hours", true),
        (uneven, "10 business hours", "10 hours", true),
        (all_day, "1 business day", "3 days", false),
        ("# always open\n", "1 business day", "23 hours", false),
        ("# always open\n", "1 business day", "24 hours", true),
        ("# always open\n", "1 business week", "7 days", true),
    ] {
        let (status, said) = business(hours, span, passes, fires);
        assert_eq!(status, 0, "{span} after {passes}: {said}");
    }
    let (status, said) = business(uneven, "1 business day", "10 hours", true);
    assert_eq!(status, 2, "{said}");
    assert!(said.contains("Monday has 10 business hours and Friday"), "{said}");
    assert!(said.contains("a business week has 16 business"), "{said}");
}
