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
        ("status closed", "macro \"M\"", "a ticket that can still change", "the ticket is closed"),
        ("status closed", "comment \"good\"", "a ticket that can still change", "the ticket is closed"),
        ("status closed", "updated { status open }", "a ticket that can still change", "the ticket is closed"),
    ] {
        let tests = format!(
            "test \"t\" {{\n  given ticket {{ channel twitter {ticket} }}\n  when created\n  when {when}\n  expect note\n}}\n"
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

/// A test that expects what the daemon would refuse, or drop, fails and says why; its negation passes.
#[test]
fn nothing_comes_of_what_is_refused() {
    const DESK: &str = r#"
[[account]]
handle = "Main"
allow_actions = true
default = true
[[account]]
handle = "Deaf"
capture_direct_messages = false
[[account]]
handle = "Silent"
allow_replies = false
[[group]]
name = "Social"
email = "social@acme.example"
"#;
    // The ticket, what is done, what is expected, and why nothing comes of it.
    let cases = [
        ("channel twitter\n account \"Main\"", "message requester \"x\"", "message requester", ""),
        ("channel twitter", "message requester \"x\"", "message requester", ""),
        (
            "channel twitter\n account \"Deaf\"",
            "message requester \"x\"",
            "message requester",
            "`capture_direct_messages = false`",
        ),
        (
            "channel twitter\n account \"Silent\"",
            "message requester \"x\"",
            "message requester",
            "`allow_replies = false`",
        ),
        ("channel email", "message requester \"x\"", "message requester", "nobody at X"),
        ("channel twitter\n account \"Main\"", "like the post", "like the post", ""),
        ("channel twitter\n account \"Deaf\"", "like the post", "like the post", "`allow_actions = false`"),
        ("channel twitter\n account \"Deaf\"", "mute requester", "mute requester", "`allow_actions = false`"),
        ("account \"Main\"\n channel twitter_dm", "hide the post", "hide the post", "no public post"),
        ("channel twitter\n account \"Silent\"", "reply \"x\"", "reply", ""),
        ("account \"Silent\"\n channel twitter_dm", "reply \"x\"", "reply", "`allow_replies = false`"),
        ("channel email", "reply \"x\"", "reply", "nobody at X"),
        ("channel twitter", "reply \"{{ticket.requester.name}}\"", "reply", "empty"),
        ("channel twitter", "note \"{{ticket.requester.name}}\"", "note", "empty"),
        ("channel twitter", "merge into earlier ticket", "merge", "no earlier ticket"),
        ("channel twitter\n previous_ticket 3 days ago", "merge into earlier ticket", "merge", ""),
        ("channel twitter", "remind group \"Social\" in 2 hours", "remind", ""),
        ("channel twitter\n status solved", "remind group \"Social\" in 2 hours", "remind", "solved"),
    ];
    let (mut rules, mut tests) = (String::new(), String::new());
    for (n, (given, done, expected, why)) in cases.iter().enumerate() {
        rules += &format!(
            "trigger \"{n}\" {{\n  on created\n  when description contains word \"n{n}\"\n  then {done}\n}}\n"
        );
        for expect in [(*expected).to_owned(), format!("no {expected}")] {
            let title = if why.is_empty() != expect.starts_with("no ") { "passes" } else { "fails" };
            tests += &format!(
                "test \"{title} {n} {expect}\" {{\n  given ticket {{\n    {given}\n    comment \"n{n}\"\n  }}\n  \
                 when created\n  expect {expect}\n}}\n"
            );
        }
    }
    let files = [("twite.toml", DESK), ("rules.twite", &rules), ("tests.twite", &tests)];
    let (_, text) = test(&files, &[".", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    let results = report["tests"].as_array().unwrap();
    assert_eq!(results.len(), 2 * cases.len());
    for (result, (_, _, _, why)) in results.iter().zip(cases.iter().flat_map(|case| [case, case])) {
        let title = result["test"].as_str().unwrap();
        let passes = result["outcome"] == "passed";
        assert_eq!(passes, title.starts_with("passes"), "{title}: {result}");
        if !passes && !title.contains(" no ") {
            let found = result["failures"][0]["found"].as_str().unwrap();
            assert!(found.starts_with("nothing comes of it: ") && found.contains(why), "{title}: {found}");
        }
    }
}

/// A reminder comes to nothing if the ticket is solved by then.
#[test]
fn reminders_are_about_the_ticket_when_they_are_due() {
    const RULES: &str = "trigger \"R\" {\n  on created\n  then remind group \"Social\" in 2 hours\n}\n";
    let desk = "[[group]]\nname = \"Social\"\nemail = \"social@acme.example\"\n";
    let play = |steps: &str, expect: &str| {
        let tests = format!(
            "test \"t\" {{\n  given ticket {{ comment \"a\" }}\n  when created\n{steps}  expect {expect}\n}}\n"
        );
        test(&[("twite.toml", desk), ("rules.twite", RULES), ("tests.twite", &tests)], &["."]).0
    };
    let solved = "  when updated { status solved }\n";
    assert_eq!(play("  when 3 hours pass\n", "remind group \"Social\""), 0);
    assert_eq!(play(&format!("{solved}  when 3 hours pass\n"), "no remind"), 0);
    assert_eq!(play(&format!("  when 3 hours pass\n{solved}"), "remind group \"Social\""), 0);
    assert_eq!(play(&format!("{solved}  when updated {{ status open }}\n  when 3 hours pass\n"), "remind"), 0);
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
