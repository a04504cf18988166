//! Named lists: files that are lists, and that a named list means what the same values in parentheses mean.

use std::{collections::BTreeSet, fs};

use twite::{
    desk::field::FIELDS,
    lang::{load, rules::ConditionKind},
};

use crate::support::command::run;

/// A desk with these files.
fn desk(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("twite.toml"), include_str!("../../../rules/twite.toml")).unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn trigger(condition: &str) -> String {
    format!("trigger \"a\" {{\n  when {condition}\n  then stop\n}}\n")
}

/// The operator of the only trigger, without the name of its list, and the predicate as it is shown.
fn predicate(files: &[(&str, &str)]) -> (String, String) {
    let loaded = load(&[desk(files).path().to_owned()], None);
    let rules = loaded.rules.as_ref().unwrap_or_else(|| panic!("{}", loaded.report()));
    let ConditionKind::Predicate(predicate) = &rules.triggers[0].when.kind else { panic!("{:?}", rules.triggers) };
    let op = format!("{:?}", predicate.op).replace("name: Some(\"these\")", "name: None");
    (op, predicate.to_string())
}

#[test]
fn a_name_means_the_values_of_its_list() {
    for (condition, written, file) in [
        ("requester.handle in LIST", "\"@Ada\", \"bob\"", "@Ada\nbob # a comment\n"),
        ("requester.handle not in LIST", "\"ada\"", "# a comment\n\nada"),
        ("language in LIST", "\"de-AT\", \"iw\"", "de-AT\r\niw\r\n"),
        ("group in LIST", "\"Social VIP\", \"Social\"", "Social VIP\nSocial\n"),
        ("status in LIST", "new, open", "new\nopen\n"),
        ("requester.followers in LIST", "10_000, 7", "10_000\n7\n"),
        ("tags has any of LIST", "vip, \"c++\", \"#fail\"", "vip\nc++\n\"#fail\"\n"),
        ("tags has all of LIST", "vip", "VIP\n"),
        ("post.hashtags has none of LIST", "vip", "vip\n"),
        ("description contains any of LIST", "\"money back\", \" refund\"", "money back\n\" refund\"\n"),
        ("description contains word any of LIST", "\"refund\"", "refund\n"),
        ("description starts with any of LIST", "\"hello\", \"say \\\"hi\\\"\"", "hello\nsay \"hi\"\n"),
    ] {
        let (named, inline) =
            (trigger(&condition.replace("LIST", "these")), condition.replace("LIST", &format!("({written})")));
        let item = format!("list these = ({written})\n{named}");
        let from_item = predicate(&[("a.twite", &item)]);
        let from_file = predicate(&[("a.twite", &named), ("lists/these.list", file)]);
        assert_eq!(from_item, from_file, "{condition}");
        assert_eq!(from_item.1, condition.replace("LIST", "these"));
        assert_eq!(from_item.0, predicate(&[("a.twite", &trigger(&inline))]).0, "{condition}");
    }
}

#[test]
fn every_field_that_takes_a_list_takes_a_named_one() {
    const VALUES: [(&str, &str); 8] = [
        ("times", "12:00, 13:00"),
        ("dates", "2026-01-01, 2026-12-24"),
        ("numbers", "1, 2"),
        ("texts", "\"a\", \"b\""),
        ("groups", "\"Social VIP\", \"Social\""),
        ("statuses", "new, open"),
        ("days", "monday, sunday"),
        ("channels", "twitter, email"),
    ];
    let conditions = FIELDS.iter().flat_map(|field| VALUES.map(|(list, values)| (field.name, list, values)));
    let inline = |(field, _, values): &(&str, &str, &str)| trigger(&format!("{field} in ({values})"));
    let loads = |text: &str| load(&[desk(&[("a.twite", text)]).path().to_owned()], None).errors() == 0;
    // Fields and values that do not go together are left out, all at once: the line of an error says which.
    let all: Vec<_> = conditions.collect();
    let titled = |text: String, n: usize| text.replace("trigger \"a\"", &format!("trigger \"{n}\""));
    let text: String = all.iter().enumerate().map(|(n, condition)| titled(inline(condition), n)).collect();
    let loaded = load(&[desk(&[("a.twite", &text)]).path().to_owned()], None);
    let wrong: BTreeSet<usize> =
        loaded.diagnostics.iter().filter(|d| d.is_error()).map(|d| (d.span().line as usize - 1) / 4).collect();
    let fits: Vec<_> =
        all.iter().enumerate().filter(|(n, _)| !wrong.contains(n)).map(|(_, condition)| condition).collect();
    assert!(fits.iter().any(|(field, ..)| *field == "time of day") && fits.len() > 30, "{fits:?}");
    let lists: String = VALUES.iter().map(|(name, values)| format!("list {name} = ({values})\n")).collect();
    let named =
        |(n, (field, list, _)): (usize, &&(&str, &str, &str))| titled(trigger(&format!("{field} in {list}")), n);
    let named: String = fits.iter().enumerate().map(named).collect();
    assert!(
        loads(&format!("{lists}{named}")),
        "{}",
        load(&[desk(&[("a.twite", &format!("{lists}{named}"))]).path().to_owned()], None).report()
    );
}

#[test]
fn mistakes_in_list_files_are_reported_at_the_entry() {
    let rules = [
        "requester.handle in vips",
        "status in states",
        "group in groups",
        "tags has any of bad_tags",
        "description contains any of refunds",
        "requester.followers in numbers",
        "requester.handle in empty",
        "requester.handle in twice",
    ];
    let directory = desk(&[
        ("rules.twite", &trigger(&rules.join("\n    and "))),
        ("vips.list", "ada\nada lovelace\n#bob\n@Ada\n"),
        ("states.list", "open\nsolvd\n\"new\"\n"),
        ("groups.list", "Socail\n"),
        ("bad_tags.list", "spam,\ntwo words\n"),
        ("refunds.list", "“refund”\n\"money\" back\n\"open\n"),
        ("numbers.list", "12\ntwelve\n\"13\"\n"),
        ("empty.list", "# nobody\n"),
        ("a/twice.list", "x\n"),
        ("b/twice.list", "y\n"),
        ("two words.list", "x\n"),
        ("status.list", "x\n"),
        ("unused.list", "x\n"),
        ("people.LIST", "x\n"),
    ]);
    let (status, text) = run(directory.path(), &["check", "."]);
    assert_eq!(status, 1, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_warning_about_an_entry_is_suppressed_beside_it() {
    let rules = trigger("requester.handle in vips");
    for (list, warnings) in [
        ("ada\nAda\n", 1),
        ("ada\nAda # twite: allow TW0404 because both are written\n", 0),
        ("ada\n# twite: allow TW0404 because both are written\nAda\n", 0),
        ("ada # twite: allow TW0404 because both are written\nAda\n", 2),
    ] {
        let loaded = load(&[desk(&[("a.twite", &rules), ("vips.list", list)]).path().to_owned()], None);
        assert_eq!((loaded.errors(), loaded.warnings()), (0, warnings), "{list}\n{}", loaded.report());
    }
}

#[test]
fn many_errors_in_a_list_are_counted() {
    let list = "two words\n".repeat(1_000);
    let files = [("a.twite", trigger("tags has any of tags_of_ours")), ("tags_of_ours.list", list)];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let loaded = load(&[desk(&files).path().to_owned()], None);
    assert_eq!(loaded.errors(), 21);
    assert!(loaded.diagnostics.iter().any(|d| d.message == "980 more entries of `tags_of_ours` have such an error"));
}

#[test]
fn lists_are_left_as_they_are_by_fmt() {
    let list = "  bob\n\n\n# a comment\nada";
    let directory = desk(&[("a.twite", &trigger("requester.handle in vips")), ("vips.list", list)]);
    assert_eq!(run(directory.path(), &["fmt", "."]).0, 0);
    assert_eq!(run(directory.path(), &["fmt", "--check", "vips.list"]).0, 0);
    assert_eq!(fs::read_to_string(directory.path().join("vips.list")).unwrap(), list);
}

/// The desk's days end at 23:00 UTC in winter.
#[test]
fn an_entry_counts_until_its_last_day_is_over() {
    let directory = desk(&[
        ("vips.list", "ada\nbob until 2026-12-31 # the trial\n\"eve\" until 2027-01-31\n"),
        (
            "rules.twite",
            r#"
list words = ("gift" until 2026-12-24, "fireworks" until 2026-12-31)
list tags_of_ours = (always, trial until 2026-12-31)
list over = (trial until 2025-12-31)
list numbers = (5 until 2025-12-31)

trigger "In" { when requester.handle in vips then add tags in_list }
trigger "Not in" { when requester.handle not in vips then add tags not_in_list }
trigger "Words" { when comment.text contains any of words then add tags words }
trigger "No words" { when not comment.text contains any of words then add tags no_words }
trigger "All" { when tags has all of tags_of_ours then add tags all_of }
trigger "None" { when tags has none of tags_of_ours then add tags none_of }
trigger "All of nothing" { when tags has all of over then add tags all_of_nothing }
trigger "None of nothing" { when tags has none of over then add tags none_of_nothing }
trigger "Unknown" { when requester.followers not in numbers then add tags unknown }

test "No entry is left" {
  given ticket { channel twitter, comment "hello" }
  when created
  expect not fired "All of nothing"
  expect fired "None of nothing"
  expect not fired "Unknown"
}

test "On the last day" {
  given ticket { channel twitter, requester.handle "bob", comment "fireworks and a gift", tags always }
  at 2026-12-31T22:59:59Z
  when created
  expect fired "In"
  expect not fired "Not in"
  expect fired "Words"
  expect not fired "All"
}

test "On the day after" {
  given ticket { channel twitter, requester.handle "bob", comment "fireworks and a gift", tags always }
  at 2026-12-31T23:00:00Z
  when created
  expect not fired "In"
  expect fired "Not in"
  expect fired "No words"
  expect fired "All"
  expect not fired "None"
}

test "Other days, other entries" {
  given ticket { channel twitter, requester.handle "eve", comment "a gift", tags trial }
  at 2027-01-01T12:00:00Z
  when created
  expect fired "In"
  expect not fired "Words"
  expect not fired "All"
  expect fired "None"
}

test "Without a last day" {
  given ticket { channel twitter, requester.handle "ada", comment "a gift", tags always, trial }
  at 2026-12-24T12:00:00Z
  when created
  expect fired "In"
  expect fired "Words"
  expect fired "All"
}
"#,
        ),
    ]);
    let (status, text) = run(directory.path(), &["test", "."]);
    assert_eq!(status, 0, "{text}");
    let loaded = load(&[directory.path().to_owned()], None);
    let rules = loaded.rules.as_ref().unwrap();
    assert_eq!(rules.triggers[0].when.to_string(), "requester.handle in vips");
    let (status, text) = run(directory.path(), &["test", "--coverage", "."]);
    assert_eq!(status, 0, "{text}");
    assert!(!text.contains("date"), "coverage counts what is written: {text}");
}

#[test]
fn mistakes_in_last_days_are_reported_at_the_day() {
    let directory = desk(&[
        (
            "rules.twite",
            r#"
list dated = ("ada" until 2026-02-30, "bob" until tomorrow)
list fine = ("ada" until 2026-12-31)
trigger "a" { when requester.handle in dated or requester.handle in filed then add tags (b until 2026-12-31) }
trigger "b" { when requester.handle in ("ada" until 2026-12-31) then stop }
automation "c" { when requester.handle in fine and comment.text contains any of asked then stop }
sla "d" {
  when requester.handle in fine
  first reply within 1 hour
}
list asked = ("now" until 2026-12-31)
"#,
        ),
        ("filed.list", "ada until 31.12.2026\nbob until 2026-13-01\neve until 2026-12-31\n"),
        ("many.list", &many_days()),
        ("more.twite", "trigger \"many\" { when requester.handle in many then stop }\n"),
    ]);
    let (status, text) = run(directory.path(), &["check", "."]);
    assert_eq!(status, 1, "{text}");
    insta::assert_snapshot!(text);
}

/// A list with more different last days than allowed.
fn many_days() -> String {
    (1..=101).map(|n| format!("p{n} until {}-01-01\n", 2026 + n)).collect()
}
