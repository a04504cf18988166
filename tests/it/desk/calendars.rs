//! Opening hours from `twite.toml` and calendar files, as rules see them.

use std::fs;

use crate::support::command::run;

const TOML: &str = r#"
[[group]]
name = "Night"

[hours]
zone = "Europe/Paris"
monday = ["09:00-17:00"]
tuesday = ["09:00-17:00"]
holidays = ["2026-07-13 to 2026-07-14"]
calendars = ["holidays.ics"]

[[schedule]]
name = "night"
groups = ["Night"]
[schedule.hours]
zone = "Europe/Paris"
monday = ["18:00-24:00"]
"#;

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Away\r\n\
    DTSTART;VALUE=DATE:20260706\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

const RULES: &str = r#"
trigger "Nobody is here" {
  on created
  when not within business hours
  then add tags closed
}

test "on a Monday" {
  given ticket { subject "hello" }
  at 2026-06-29T10:00:00Z
  when created
  expect not fired "Nobody is here"
}

test "on a day of the calendar file" {
  given ticket { subject "hello" }
  at 2026-07-06T10:00:00Z
  when created
  expect fired "Nobody is here"
}

test "on a day of a range" {
  given ticket { subject "hello" }
  at 2026-07-14T10:00:00Z
  when created
  expect fired "Nobody is here"
}

test "a group with a schedule of its own" {
  given ticket { group "Night" }
  at 2026-06-29T17:00:00Z
  when created
  expect not fired "Nobody is here"
}
"#;

#[test]
fn rules_know_when_the_desk_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("twite.toml", TOML);
    write("rules.twite", RULES);

    for path in [".", "twite.toml"] {
        let (status, text) = run(directory.path(), &["check", path]);
        assert_eq!(status, 1, "{text}");
        assert!(text.contains("holidays.ics: cannot read") && text.contains("twite.toml:10:15"), "{text}");
    }

    write("holidays.ics", "a holiday");
    let (status, text) = run(directory.path(), &["check", "."]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("not a valid iCalendar file") && text.contains("twite.toml:10"), "{text}");

    write("holidays.ics", CALENDAR);
    let (status, text) = run(directory.path(), &["test", "."]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("4 passed"), "{text}");
}
