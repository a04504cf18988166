//! Invalid dates and times: the message names the mistake, wherever they are written.

use std::fs;

use assert_cmd::Command;

const DESK: &str = "[[account]]\nhandle = \"acme\"\n";
const RULES: &str = "trigger \"x\" {\n  on created\n  then add tags x\n}\n";
const MOMENTS: &[(&str, &str)] = &[
    ("2026-02-30T00:00:00Z", "February 2026 has 28 days"),
    ("2026-13-01T00:00:00Z", "month 13 out of range"),
    ("2026-01-07T24:00:00Z", "hours range from 00 to 23"),
    ("2026-01-07T12:61:00Z", "minutes range from 00 to 59"),
    ("9999-12-31T23:59:59Z", "the latest timestamp"),
    ("2026-01-07T12:00:00+99:00", "the UTC offset"),
    ("2026-01-07T12:00:00", "missing time zone"),
];
const DAYS: &[(&str, &str)] = &[("2026-02-30", "February 2026 has 28 days"), ("2026-13-01", "month 13 out of range")];

fn twite(arguments: &[&str], files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("twite.toml", DESK), ("a.twite", RULES)].iter().chain(files) {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let ran = Command::cargo_bin("twite").unwrap().current_dir(folder.path()).args(arguments).output().unwrap();
    let text = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
    assert!(!ran.status.success(), "{text}");
    // Joins lines that were wrapped for display.
    text.split(|c: char| c.is_whitespace() || c == '│').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_wrong_with_a_moment_is_said_everywhere() {
    let test = |given: &str, at: &str| {
        format!(
            "test \"t\" {{\n  given ticket {{ channel twitter {given} }}\n  {at}\n  when created\n  expect nothing fired\n}}\n"
        )
    };
    for (moment, why) in MOMENTS {
        let line = format!("{{\"created\": \"{moment}\"}}\n");
        let in_line = format!("{{\"ticket\": {{}}, \"now\": \"{moment}\"}}\n");
        for said in [
            twite(&["check", "."], &[("t.twite", &test(&format!("created {moment}"), ""))]),
            twite(&["check", "."], &[("t.twite", &test("", &format!("at {moment}")))]),
            twite(&["eval", ".", "--tickets", "t.ndjson"], &[("t.ndjson", &line)]),
            twite(&["eval", ".", "--tickets", "t.ndjson"], &[("t.ndjson", &in_line)]),
            twite(&["eval", ".", "--tickets", "t.ndjson", "--now", moment], &[("t.ndjson", "{}\n")]),
        ] {
            assert!(said.contains(why), "{moment}: {said}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_day_is_said_everywhere() {
    for (day, why) in DAYS {
        let desk = |more: &str| format!("{DESK}{more}\n");
        for said in [
            twite(&["check", "."], &[("twite.toml", &desk(&format!("capture_from = \"{day}\"")))]),
            twite(&["check", "."], &[("twite.toml", &desk(&format!("[hours]\nholidays = [\"{day}\"]")))]),
            twite(&["check", "."], &[("twite.toml", &desk(&format!("[hours]\nholidays = [\"2026-01-01 to {day}\"]")))]),
            twite(
                &["check", "."],
                &[("t.twite", &format!("report \"r\" {{\n  measure count\n  over 2026-01-01 to {day}\n}}\n"))],
            ),
        ] {
            assert!(said.contains(why), "{day}: {said}");
        }
    }
}
