//! Volumes in tests of rules: when they start, last and end, to the millisecond, and what failures say.

use crate::support::command;

const RULES: &str = r#"
volume "Outage" {
  when tags has outage
  at least 20 tickets within 10 minutes
}

volume "Five" {
  on created
  when channel is twitter
  at least 5 tickets within 1 hour
}

disabled volume "Off" { at least 2 tickets within 1 hour }

trigger "Off" { when volume "Off" starts or volume "Off" lasts or volume "Off" ends  then note "off" }
trigger "Starts" { when volume "Outage" starts  then note "it starts" }
trigger "Lasts" { when volume "Outage" lasts  then note "it lasts" }
trigger "Ends" { when volume "Outage" ends  then note "it ends" }
trigger "Five starts" { when volume "Five" starts  then note "five" }
trigger "Five ends" { when volume "Five" ends  then note "few" }
trigger "Tag" { when description contains "down"  then add tags outage }
trigger "Calm" { when volume "Outage" starts and description contains "calm"  then remove tags outage }
automation "Later" {
  when tags has outage and time since created >= 3 minutes
  runs triggers
  then add tags later
}
"#;

/// Runs tests of the rules above; returns the exit status and what was said.
fn test(tests: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.twite"), RULES).unwrap();
    std::fs::write(folder.path().join("b.twite"), tests).unwrap();
    command::run(folder.path(), &["test", "."])
}

fn passes(lines: &str) {
    let (status, said) = test(&format!("test \"t\" {{\n{lines}\n}}\n"));
    assert_eq!(status, 0, "{lines}: {said}");
}

#[test]
fn a_volume_starts_with_the_ticket_that_makes_it_many() {
    let given = |others: &str| format!("given ticket {{ tags outage }}\n{others}\nwhen created");
    let many = given("given volume \"Outage\" 19 tickets 9 minutes ago");
    passes(&format!("{many}\nexpect fired \"Starts\" once\nexpect fired \"Lasts\""));
    let few = given("given volume \"Outage\" 18 tickets 9 minutes ago");
    passes(&format!("{few}\nexpect not fired \"Starts\"\nexpect not fired \"Lasts\""));
    // What is exactly as old as the time is no more within it.
    let old = given("given volume \"Outage\" 19 tickets 10 minutes ago");
    passes(&format!("{old}\nexpect not fired \"Starts\""));
    let in_two =
        given("given volume \"Outage\" 9 tickets 9 minutes ago\ngiven volume \"Outage\" 10 tickets 1 minute ago");
    passes(&format!("{in_two}\nexpect fired \"Starts\""));
    let too_far =
        given("given volume \"Outage\" 9 tickets 12 minutes ago\ngiven volume \"Outage\" 10 tickets 1 minute ago");
    passes(&format!("{too_far}\nexpect not fired \"Starts\""));
}

#[test]
fn one_ticket_counts_once() {
    let many = "given ticket { tags outage }\ngiven volume \"Outage\" 18 tickets 1 minute ago\nwhen created\n\
                when comment \"still\"\nwhen comment \"still\"\nexpect not fired \"Starts\"";
    passes(many);
    // It lasts: no second start, whatever is said.
    let lasting = "given ticket { tags outage }\ngiven volume \"Outage\" 19 tickets 1 minute ago\nwhen created\n\
                   when comment \"still\"\nwhen comment \"still\"\nexpect fired \"Starts\" once\nexpect fired \"Lasts\" 3 times";
    passes(lasting);
}

#[test]
fn what_rules_make_of_a_ticket_counts_for_all_of_them() {
    // The tag comes after the rules that ask, and is gone in the end.
    let tagged = "given ticket { comment \"it is down, calm\" }\ngiven volume \"Outage\" 19 tickets 1 minute ago\nwhen created\n\
                  expect fired \"Starts\"\nexpect fired \"Calm\"\nexpect tags has none of (outage)\n\
                  expect volume \"Outage\" starts\nexpect volume \"Outage\" lasts";
    passes(tagged);
    passes(
        "given ticket { comment \"fine\" }\ngiven volume \"Outage\" 19 tickets 1 minute ago\nwhen created\nexpect not fired \"Starts\"",
    );
}

#[test]
fn a_volume_ends_with_half_as_many_on_a_whole_minute() {
    let given = "given ticket { tags outage }\ngiven volume \"Outage\" 19 tickets 2 minutes ago\nwhen created";
    // 9 of 19 at two minutes ago would be left in none: the end is when those of two minutes ago leave.
    passes(&format!("{given}\nwhen 479 seconds pass\nexpect not fired \"Ends\""));
    passes(&format!("{given}\nwhen 8 minutes pass\nexpect fired \"Ends\" once\nexpect not volume \"Outage\" lasts"));
    passes(&format!(
        "{given}\nwhen 8 minutes pass\nwhen comment \"hm\"\nexpect fired \"Lasts\" 2 times\nexpect fired \"Starts\" once"
    ));
    // Ten are left, which is half; eleven are more.
    let two = |recent: u32, earlier: u32| {
        format!(
            "given ticket {{ tags outage }}\ngiven volume \"Outage\" {recent} tickets 2 minutes ago\n\
             given volume \"Outage\" {earlier} tickets 5 minutes ago\nwhen created"
        )
    };
    passes(&format!("{}\nwhen 5 minutes pass\nexpect fired \"Ends\"", two(9, 10)));
    passes(&format!("{}\nwhen 5 minutes pass\nexpect not fired \"Ends\"", two(10, 9)));
    // On the whole minute after it.
    passes(&format!("{given}\nat 2026-01-05T12:00:30Z\nwhen 509 seconds pass\nexpect not fired \"Ends\""));
    passes(&format!("{given}\nat 2026-01-05T12:00:30Z\nwhen 510 seconds pass\nexpect fired \"Ends\""));
    // Half of five, rounded down.
    let five = |others: u32| {
        format!(
            "given ticket {{ channel twitter }}\ngiven volume \"Five\" 4 tickets 50 minutes ago\n\
             given volume \"Five\" {others} ticket 20 minutes ago\nwhen created\nwhen 10 minutes pass"
        )
    };
    passes(&format!("{}\nexpect fired \"Five ends\"", five(1)));
    passes(&format!("{}\nexpect not fired \"Five ends\"", five(2).replace("2 ticket 20", "2 tickets 20")));
}

#[test]
fn what_lasted_before_the_test_lasts_in_it() {
    let lasting = "given ticket { channel email }\ngiven volume \"Outage\" 20 tickets 2 minutes ago\nwhen created";
    passes(&format!("{lasting}\nexpect not fired \"Starts\"\nexpect fired \"Lasts\""));
    let ended = "given ticket { channel email }\ngiven volume \"Outage\" 20 tickets 10 minutes ago\nwhen created";
    passes(&format!("{ended}\nexpect not fired \"Lasts\""));
    passes(&format!("{lasting}\nwhen 8 minutes pass\nexpect fired \"Ends\" once"));
}

#[test]
fn time_counts_nothing_and_a_closed_ticket_hears_nothing() {
    // The automation runs the triggers, three minutes later; the end of the volume is an update of the ticket.
    let late = "given ticket { tags outage }\ngiven volume \"Outage\" 18 tickets 1 minute ago\nwhen created\n\
                when 30 minutes pass\nexpect fired \"Later\"\nexpect not fired \"Starts\"";
    passes(late);
    let lasting = "given ticket { tags outage }\ngiven volume \"Outage\" 19 tickets 1 minute ago\nwhen created\n\
                   when 1 day passes\nexpect fired \"Starts\" once\nexpect fired \"Ends\" once\nexpect fired \"Lasts\" 2 times";
    passes(lasting);
    let closed = "given ticket { tags outage }\ngiven volume \"Outage\" 19 tickets 1 minute ago\nwhen created\n\
                  when updated { status closed }\nwhen 1 day passes\nexpect not fired \"Ends\"";
    passes(closed);
    // Only new tickets count.
    passes(
        "given ticket { channel twitter }\ngiven volume \"Five\" 4 tickets 1 minute ago\nwhen updated { priority high }\nexpect not fired \"Five starts\"",
    );
    passes("given ticket { channel twitter }\nwhen created\nexpect not fired \"Off\"");
}

#[test]
fn a_failure_says_how_many_there_are() {
    let (status, said) = test(
        "test \"t\" {\n  given ticket { tags outage }\n  given volume \"Outage\" 11 tickets 1 minute ago\n  when created\n  \
         expect fired \"Starts\"\n  expect volume \"Outage\" lasts\n}\n\
         test \"u\" {\n  given ticket { tags other }\n  when created\n  expect fired \"Starts\"\n}\n\
         test \"v\" {\n  given ticket { tags other }\n  given volume \"Outage\" 20 tickets 1 minute ago\n  when created\n  \
         expect not fired \"Lasts\"\n}\n",
    );
    assert_eq!(status, 1);
    insta::assert_snapshot!(said);
}
