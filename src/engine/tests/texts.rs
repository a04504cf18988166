//! Rendered templates and printed conditions.

use super::*;
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::{
    desk::{Facts, post_text::links},
    engine::{render, render_json, render_public},
    lang::rules::Comparison,
};

fn ticket() -> Ticket {
    let mut ticket = Ticket {
        description: "Zeile \"eins\"\r\nZEILE zwei \\ 👩‍👩‍👧👩‍👩‍👧".into(),
        tags: ["b".into(), "a".into()].into(),
        ..Ticket::default()
    };
    ticket.requester.name = Some("  ada LOVELACE".into());
    ticket
}

fn rendered(text: &str, filters: &[Filter]) -> String {
    let (ticket, desk) = (ticket(), desk());
    render(&template(text, filters), Facts { ticket: &ticket, event: None, now: now(), desk: &desk })
}

#[test]
fn values_print_as_people_read_them() {
    for (text, expected) in [
        ("no placeholder", "no placeholder"),
        ("{{id}} is {{status}}", "0 is new"),
        ("[{{tags}}]", "[a b]"),
        ("[{{priority}}{{requester.followers}}]", "[]"),
        ("{{created}}", "1970-01-01T00:00:00Z"),
        ("{{requester.verified}}", "no"),
        ("{{link}}", "ticket #0"),
    ] {
        assert_eq!(rendered(text, &[]), expected);
    }
}

#[test]
fn filters_apply_in_order() {
    for (field, filters, expected) in [
        ("{{priority}}", vec![Filter::Default("none".into()), Filter::Upcase], "NONE"),
        ("{{status}}", vec![Filter::Default("none".into())], "new"),
        ("{{requester.name}}", vec![Filter::FirstWord, Filter::Capitalize], "Ada"),
        ("{{requester.name}}", vec![Filter::Downcase], "  ada lovelace"),
        ("{{description}}", vec![Filter::StripNewlines, Filter::Truncate(13)], "Zeile \"eins\"…"),
        ("{{description}}", vec![Filter::Truncate(0)], ""),
        ("{{status}}", vec![Filter::Truncate(3)], "new"),
        ("{{status}}", vec![Filter::Truncate(2)], "n…"),
        ("{{priority}}", vec![Filter::FirstWord, Filter::Capitalize, Filter::Truncate(1)], ""),
    ] {
        assert_eq!(rendered(field, &filters), expected, "{filters:?}");
    }
}

#[test]
fn placeholders_cannot_leave_their_json_string() {
    let (ticket, desk) = (ticket(), desk());
    let body = render_json(
        &template(r#"{"text": "{{description}}", "tags": "{{tags}}"}"#, &[]),
        Facts { ticket: &ticket, event: None, now: now(), desk: &desk },
    );
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(json, serde_json::json!({"text": ticket.description, "tags": "a b"}));
}

#[test]
fn values_are_cut_at_a_limit_and_the_rest_of_a_json_text_stays_one() {
    let ticket = Ticket { description: "ü\n".repeat(50_000), ..Ticket::default() };
    let desk = desk();
    let facts = Facts { ticket: &ticket, event: None, now: now(), desk: &desk };
    let body = template(r#"{"a": "{{description}}", "b": "{{description}}", "c": 1}"#, &[]);
    let json: serde_json::Value = serde_json::from_str(&render_json(&body, facts)).unwrap();
    let length = |name: &str| json[name].as_str().unwrap().len();
    assert!((65_534..=65_536).contains(&length("a")) && length("b") <= 2 && json["c"] == 1);
}

#[test]
fn conditions_read_as_the_formatter_writes_them() {
    let written = |condition: Condition| match condition.kind {
        ConditionKind::Predicate(predicate) => predicate.to_string(),
        other => panic!("{other:?}"),
    };
    let minutes = |n| Duration::Clock(SignedDuration::from_mins(n));
    for (condition, text) in [
        (is("field.score", "-1234567"), "field.score is -1_234_567"),
        (is("group", "Social VIP"), r#"group is "Social VIP""#),
        (is("field.topic", "billing"), "field.topic is billing"),
        (is("subject", "a \"b\" \\ \n"), r#"subject is "a \"b\" \\ \n""#),
        (ask("status", |f| Op::NotIn(vec![literal(f, "new"), literal(f, "open")].into())), "status not in (new, open)"),
        (ask("status", |f| Op::Compare(Comparison::Less, literal(f, "solved"))), "status < solved"),
        (tagged("vip"), "tags has vip"),
        (ask("tags", |_| Op::HasNone(vec!["a".into(), "c+d".into()].into())), r#"tags has none of (a, "c+d")"#),
        (ask("requester.verified", |_| Op::Holds), "requester.verified"),
        (changed("status", Some("new"), Some("open")), "status changed from new to open"),
        (ask("created", |_| Op::Since(Comparison::AtLeast, hours(96))), "time since created >= 4 days"),
        (ask("created", |_| Op::Since(Comparison::Less, minutes(90))), "time since created < 90 minutes"),
        (ask("due", |_| Op::Until(Comparison::Less, business_hours(1))), "time until due < 1 business hour"),
        (ask("due", |_| Op::Until(Comparison::Less, Duration::OpenDays(2))), "time until due < 2 business days"),
        (ask("due", |_| Op::Until(Comparison::More, hours(0))), "time until due > 0 minutes"),
    ] {
        assert_eq!(written(condition.clone()), text);
        assert_eq!(read(text), condition.kind, "{text}");
    }
}

/// Checks a condition.
fn read(text: &str) -> ConditionKind {
    let desk = crate::desk::Declarations {
        groups: vec![crate::desk::declarations::Group { name: "Social VIP".into(), email: None }],
        ..desk()
    };
    let file = format!("trigger \"t\" {{\n  when {text}\n  then add tags x\n}}\n");
    let (rules, found) = crate::lang::check_sources([("t.twite", file)], desk);
    let rules = rules.unwrap_or_else(|| panic!("{text}: {found:?}"));
    rules.triggers[0].when.kind.clone()
}

/// The text of a public reply to somebody with this name.
fn public(text: &str, name: &str) -> String {
    let (mut ticket, desk) = (ticket(), desk());
    (ticket.requester.name, ticket.requester.handle) = (Some(name.into()), Some("mira".into()));
    render_public(&template(text, &[]), Facts { ticket: &ticket, event: None, now: now(), desk: &desk })
}

#[test]
fn names_of_strangers_mention_tag_and_link_nothing_in_public() {
    for (text, name, expected) in [
        ("Hi {{requester.name}}, see acme.com", "Mira B. Lee", "Hi Mira B. Lee, see acme.com"),
        ("Hi {{requester.name}}", "@elonmusk", "Hi @|elonmusk"),
        ("Hi {{requester.name}}", "http://evil.example/x", "Hi http://evil.|example/x"),
        ("Hi {{requester.name}}", "#ScamCoin $SCAM", "Hi #|ScamCoin $|SCAM"),
        ("Hi @{{requester.name}}", "evil", "Hi @|evil"),
        ("Hi @{{requester.handle}} of @acme", "evil", "Hi @mira of @acme"),
        ("Hi {{requester.name}}.It is done", "evil", "Hi evil.|It is done"),
        ("Case #{{id}}, {{status}}", "evil", "Case #0, new"),
    ] {
        assert_eq!(public(text, name).replace('\u{200B}', "|"), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_public_reply_mentions_tags_and_links_is_in_the_template(
        name in prop::collection::vec(
            prop::sample::select(vec!["@", "＠", "#", "＃", "$", ".", "a", "é", "com", "It", "http://", "t.co/a", "/", " ", "_", "1"]),
            1..12,
        ),
        (before, after) in (
            prop::sample::select(vec!["", "@", "#", "$", ".", "a ", "www.", "@acme "]),
            prop::sample::select(vec!["", ".", ".It", " acme.com", " #help"]),
        ),
    ) {
        static SIGILS: LazyLock<regex::Regex> = LazyLock::new(|| regex::Regex::new(r"[@＠][A-Za-z0-9_]|[#＃][\w\u{200C}\u{200D}]|\$[A-Za-z]").unwrap());
        let said = public(&format!("{before}{{{{requester.name}}}}{after}"), &name.concat());
        let counts = (links(&said).len(), SIGILS.find_iter(&said).count());
        let own = (
            usize::from(after == " acme.com"),
            usize::from(before == "@acme ") + usize::from(after == " #help"),
        );
        prop_assert!(counts.0 <= own.0 && counts.1 <= own.1, "{said:?}: {counts:?}");
    }
}
