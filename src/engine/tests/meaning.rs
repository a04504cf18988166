//! The meaning of each predicate, with and without a value.

use super::*;
use crate::{
    desk::{
        Author, EventComment, Facts, Hours, OpenDay, Priority, Status, Viewer,
        declarations::{Agent, Schedule},
    },
    engine::{evaluate::predicate_holds, holds},
    lang::rules::{Comparison, Duration, Folded, Pattern, Relation},
};

fn asked(condition: &Condition, ticket: &Ticket) -> bool {
    holds(condition, Facts { ticket, event: None, now: now(), desk: &desk() })
}

/// A ticket with as many empty fields as possible, and one with every field set.
fn blank_and_full() -> (Ticket, Ticket) {
    let full = serde_json::json!({
        "priority": "high", "subject": "Straße GESPERRT", "description": "My order, please", "tags": ["vip", "late"],
        "group": "Social", "solved": "2026-01-05T10:00:00Z", "due": "2026-01-05T15:00:00Z",
        "requester": {"followers": 10, "verified": true, "verified_type": "blue", "name": "Ada"},
        "custom": {"topic": "billing", "order": "A-1", "score": 7, "done": true},
    });
    (Ticket::default(), serde_json::from_value(full).unwrap())
}

#[test]
fn every_predicate_with_and_without_a_value() {
    let text = |t: &str| Folded::from(t);
    let matches = |p: &str| Op::Matches(Pattern::new(p).unwrap());
    // The field, the operator, the result with a value and without one.
    let table: Vec<(&str, Op, bool, bool)> = vec![
        // An unknown number: false except `is empty`.
        ("requester.followers", Op::Is(Literal::Number(10)), true, false),
        ("requester.followers", Op::IsNot(Literal::Number(11)), true, false),
        ("requester.followers", Op::In(vec![Literal::Number(10)].into()), true, false),
        ("requester.followers", Op::NotIn(vec![Literal::Number(11)].into()), true, false),
        ("requester.followers", Op::Compare(Comparison::AtLeast, Literal::Number(10)), true, false),
        ("requester.followers", Op::Compare(Comparison::Less, Literal::Number(10)), false, false),
        ("requester.followers", Op::IsEmpty, false, true),
        ("requester.followers", Op::IsSet, true, false),
        ("field.score", Op::Compare(Comparison::More, Literal::Number(6)), true, false),
        ("field.score", Op::IsNot(Literal::Number(6)), true, false),
        // A time: the same.
        ("solved", Op::Since(Comparison::AtLeast, hours(2)), true, false),
        ("solved", Op::Since(Comparison::Less, hours(2)), false, false),
        ("solved", Op::IsEmpty, false, true),
        ("due", Op::Until(Comparison::AtMost, hours(3)), true, false),
        ("due", Op::Until(Comparison::More, hours(3)), false, false),
        // A word or a name: an empty one differs from all, and has no order.
        ("priority", Op::Is(literal(&field("priority"), "high")), true, false),
        ("priority", Op::IsNot(literal(&field("priority"), "low")), true, true),
        ("priority", Op::In(vec![literal(&field("priority"), "high")].into()), true, false),
        ("priority", Op::NotIn(vec![literal(&field("priority"), "low")].into()), true, true),
        ("priority", Op::Compare(Comparison::More, literal(&field("priority"), "normal")), true, false),
        ("priority", Op::Compare(Comparison::AtMost, literal(&field("priority"), "normal")), false, false),
        ("priority", Op::IsEmpty, false, true),
        ("group", Op::IsNot(literal(&field("group"), "Billing")), true, true),
        ("group", Op::IsSet, true, false),
        ("field.topic", Op::Is(literal(&field("field.topic"), "billing")), true, false),
        ("field.topic", Op::IsNot(literal(&field("field.topic"), "delivery")), true, true),
        // A text: the same.
        ("subject", Op::Is(Literal::Text(text("strasse gesperrt"))), true, false),
        ("subject", Op::IsNot(Literal::Text(text("else"))), true, true),
        ("subject", Op::IsNot(Literal::Text(text(""))), true, true),
        ("subject", Op::Contains(Values::one(text("STRASSE"))), true, false),
        ("subject", Op::Contains(Values::one(text(""))), true, false),
        ("subject", Op::StartsWith(Values::one(text("strass"))), true, false),
        ("subject", Op::EndsWith(Values::one(text("GESPERRT"))), true, false),
        ("subject", Op::EndsWith(Values::one(text("strasse"))), false, false),
        ("subject", matches("gesperrt$"), true, false),
        ("subject", matches(".*"), true, false),
        ("subject", Op::IsEmpty, false, true),
        ("description", Op::ContainsWord(Values::one(text("order"))), true, false),
        ("description", Op::ContainsWord(Values::one(text("ord"))), false, false),
        ("requester.name", Op::Is(Literal::Text(text("ada"))), true, false),
        ("field.order", Op::IsNot(Literal::Text(text("a-2"))), true, true),
        // A set: an empty one contains nothing.
        ("tags", Op::HasAny(vec!["x".into(), "vip".into()].into()), true, false),
        ("tags", Op::HasStarting("vi".into()), true, false),
        ("tags", Op::HasStarting("ip".into()), false, false),
        ("tags", Op::HasAll(vec!["late".into(), "vip".into()].into()), true, false),
        ("tags", Op::HasAll(vec!["late".into(), "x".into()].into()), false, false),
        ("tags", Op::HasNone(vec!["x".into()].into()), true, true),
        ("tags", Op::HasNone(vec!["x".into(), "vip".into()].into()), false, true),
        ("tags", Op::Is(Literal::Set(vec!["vip".into(), "late".into()])), true, false),
        ("tags", Op::IsEmpty, false, true),
        // Yes/no: unknown is no.
        ("requester.verified", Op::Holds, true, false),
        ("field.done", Op::Holds, true, false),
        ("field.done", Op::IsEmpty, false, false),
    ];
    let (blank, full) = blank_and_full();
    for (name, test, with, without) in table {
        let condition = ask(name, |_| test);
        let text = match &condition.kind {
            ConditionKind::Predicate(predicate) => predicate.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(asked(&condition, &full), with, "{text}, with a value");
        assert_eq!(asked(&condition, &blank), without, "{text}, without one");
        let negated = not(condition);
        assert_eq!(asked(&negated, &full), !with, "not {text}, with a value");
        assert_eq!(asked(&negated, &blank), !without, "not {text}, without one");
    }
}

#[test]
fn words_are_ordered_by_rank() {
    let below_solved = ask("status", |f| Op::Compare(Comparison::Less, literal(f, "solved")));
    for status in Status::ALL {
        let ticket = Ticket { status: *status, ..Ticket::default() };
        assert_eq!(asked(&below_solved, &ticket), *status < Status::Solved, "{status}");
    }
    let urgent = ask("priority", |f| Op::Compare(Comparison::AtLeast, literal(f, "urgent")));
    assert!(asked(&urgent, &Ticket { priority: Some(Priority::Urgent), ..Ticket::default() }));
}

#[test]
fn time_runs_forward_and_back_and_while_the_desk_is_open() {
    let since = |comparison, span| ask("created", |_| Op::Since(comparison, span));
    let until = |comparison, span| ask("created", |_| Op::Until(comparison, span));
    let at = |time: &str| Ticket { created: time.parse().unwrap(), ..Ticket::default() };
    // It is Monday noon; the desk opened at nine and is closed from Tuesday to Sunday.
    let (last_monday, today, next_monday) =
        (at("2025-12-29T16:00:00Z"), at("2026-01-05T10:00:00Z"), at("2026-01-12T10:00:00Z"));
    assert!(asked(&since(Comparison::AtLeast, hours(24)), &last_monday));
    assert!(asked(&since(Comparison::AtMost, business_hours(4)), &last_monday));
    assert!(asked(&since(Comparison::More, business_hours(3)), &last_monday));
    assert!(asked(&since(Comparison::AtLeast, business_hours(2)), &today));
    assert!(!asked(&since(Comparison::More, business_hours(2)), &today));
    // The time since a future instant is negative.
    assert!(asked(&since(Comparison::Less, hours(0)), &next_monday));
    assert!(asked(&since(Comparison::Less, business_hours(0)), &next_monday));
    assert!(asked(&until(Comparison::AtLeast, business_hours(6)), &next_monday));
    assert!(!asked(&until(Comparison::More, business_hours(6)), &next_monday));
    assert!(asked(&until(Comparison::Less, hours(0)), &today));
    // Business time since the earliest timestamps is computed quickly.
    assert!(asked(&since(Comparison::More, business_hours(1)), &at("0001-01-01T00:00:00Z")));
}

#[test]
fn within_business_hours_asks_the_clock() {
    let open = ask("within business hours", |_| Op::Holds);
    assert!(asked(&open, &Ticket::default()));
    let night =
        Facts { ticket: &Ticket::default(), event: None, now: "2026-01-05T20:00:00Z".parse().unwrap(), desk: &desk() };
    assert!(!holds(&open, night));
}

#[test]
fn a_named_schedule_asks_the_clock_alone() {
    let desk = desk();
    let hours = Hours { monday: OpenDay::try_from(vec!["20:00-24:00".parse().unwrap()]).unwrap(), ..Hours::default() };
    let late = Schedule { name: "late \"shift\"".into(), hours, ..Schedule::default() };
    let predicate = Predicate::new(FieldRef::Schedule(Arc::new(late)), Op::Holds);
    assert_eq!(predicate.to_string(), r#"within "late \"shift\"" hours"#);
    let ticket = Ticket::default();
    for (now, open) in
        [("2026-01-05T12:00:00Z", false), ("2026-01-05T20:00:00Z", true), ("2026-01-06T20:00:00Z", false)]
    {
        let facts = Facts { ticket: &ticket, event: None, now: now.parse().unwrap(), desk: &desk };
        assert_eq!(predicate_holds(&predicate, facts), open, "{now}");
    }
}

#[test]
fn the_day_is_that_of_the_schedule() {
    let mut desk = desk();
    desk.hours.zone = jiff::tz::TimeZone::get("Pacific/Auckland").unwrap();
    desk.hours.holidays = ["2026-01-06".parse().unwrap()].into();
    let ticket = Ticket::default();
    let asked = |condition: &Condition, now: &str| {
        holds(condition, Facts { ticket: &ticket, event: None, now: now.parse().unwrap(), desk: &desk })
    };
    let (tuesday, holiday) = (is("weekday", "tuesday"), ask("on_holiday", |_| Op::Holds));
    let date = ask("date", |_| Op::Is(Literal::Date(jiff::civil::date(2026, 1, 6))));
    // In Auckland, Tuesday 6 January is from Monday 11:00 UTC to Tuesday 11:00 UTC.
    for (now, expected) in [
        ("2026-01-05T10:59:59Z", false),
        ("2026-01-05T11:00:00Z", true),
        ("2026-01-06T10:59:59Z", true),
        ("2026-01-06T11:00:00Z", false),
    ] {
        let asked = [&tuesday, &holiday, &date].map(|condition| asked(condition, now));
        assert_eq!(asked, [expected; 3], "{now}");
    }
}

#[test]
fn the_time_of_day_is_what_the_clock_shows() {
    let mut desk = desk();
    desk.hours.zone = jiff::tz::TimeZone::get("Asia/Kolkata").unwrap();
    let ticket = Ticket::default();
    let asked = |op: Op, now: &str| {
        let condition = ask("time of day", |_| op);
        holds(&condition, Facts { ticket: &ticket, event: None, now: now.parse().unwrap(), desk: &desk })
    };
    let at = |time: &str| Literal::TimeOfDay(time.parse().unwrap());
    let compare = |comparison| Op::Compare(comparison, at("18:00"));
    // 18:00 in Kolkata is 12:30 UTC. The clock shows it for a minute.
    for (now, less, is, more) in [
        ("2026-01-05T12:29:59.999Z", true, false, false),
        ("2026-01-05T12:30:00Z", false, true, false),
        ("2026-01-05T12:30:59.999Z", false, true, false),
        ("2026-01-05T12:31:00Z", false, false, true),
        ("2026-01-05T18:29:59Z", false, false, true),
        ("2026-01-05T18:30:00Z", true, false, false),
    ] {
        assert_eq!(asked(compare(Comparison::Less), now), less, "{now}");
        assert_eq!(asked(compare(Comparison::AtMost), now), less || is, "{now}");
        assert_eq!(asked(compare(Comparison::More), now), more, "{now}");
        assert_eq!(asked(compare(Comparison::AtLeast), now), more || is, "{now}");
        assert_eq!(asked(Op::Is(at("18:00")), now), is, "{now}");
        assert_eq!(asked(Op::NotIn(vec![at("18:00"), at("03:00")].into()), now), !is, "{now}");
    }
}

#[test]
fn comment_predicates_are_false_without_a_comment() {
    let desk = desk();
    let ticket = Ticket::default();
    let comment = EventComment::new(Author::Requester, true, "Hello");
    let with = Event { comment: Some(comment), ..created() };
    for (condition, answer) in [
        (ask("comment.public", |_| Op::Holds), true),
        (ask("comment.by_requester", |_| Op::Holds), true),
        (ask("comment.by_agent", |_| Op::Holds), false),
        (ask("comment.text", |_| Op::Contains(Values::one("HELLO".into()))), true),
        (is("updated_via", "twitter"), true),
    ] {
        let facts = |event| Facts { ticket: &ticket, event, now: now(), desk: &desk };
        assert_eq!(holds(&condition, facts(Some(&with))), answer);
        assert!(!holds(&condition, facts(None)));
    }
    assert!(!holds(
        &ask("comment.public", |_| Op::Holds),
        Facts { ticket: &ticket, event: Some(&created()), now: now(), desk: &desk }
    ));
}

#[test]
fn changed_compares_the_ticket_before_with_the_ticket_now() {
    let desk = desk();
    let ask_on = |condition: &Condition, ticket: &Ticket, event: &Event| {
        holds(condition, Facts { ticket, event: Some(event), now: now(), desk: &desk })
    };
    let (blank, full) = blank_and_full();
    // The field, from, to; whether it holds from blank to full, from full to blank, and on a created full one.
    for (name, from, to, up, down, new) in [
        ("priority", None, None, true, true, true),
        ("priority", None, Some("high"), true, false, true),
        ("priority", None, Some("low"), false, false, false),
        ("priority", Some("high"), None, false, true, false),
        ("priority", Some("high"), Some("low"), false, false, false),
        ("subject", None, Some("STRASSE gesperrt"), true, false, true),
        ("tags", None, None, true, true, true),
        ("tags", None, Some("late vip"), true, false, true),
        ("requester.verified", None, None, true, true, true),
        ("field.topic", None, Some("billing"), true, false, true),
        ("field.done", None, Some("yes"), true, false, true),
        ("status", None, None, false, false, true),
        ("status", Some("new"), None, false, false, false),
        ("requester.handle", None, None, false, false, false),
    ] {
        let condition = changed(name, from, to);
        assert_eq!(ask_on(&condition, &full, &updated(blank.clone())), up, "{name} {from:?} {to:?} up");
        assert_eq!(ask_on(&condition, &blank, &updated(full.clone())), down, "{name} {from:?} {to:?} down");
        assert_eq!(ask_on(&condition, &full, &created()), new, "{name} {from:?} {to:?} created");
    }
}

#[test]
fn texts_equal_when_folded_are_unchanged() {
    for (was, is, same) in [
        ("Hello", "hello", true),
        ("don’t", "don't", true),
        ("a  b", "a b", true),
        (" ", "", true),
        ("STRASSE", "straße", true),
        ("ｶﾞｽ", "ガス", true),
        ("é", "e\u{301}", true),
        ("é", "e", false),
        ("a", "", false),
    ] {
        for (was, is) in [(was, is), (is, was)] {
            let before = Ticket { subject: was.into(), ..Ticket::default() };
            let after = Ticket { subject: is.into(), ..Ticket::default() };
            let rules = rules(vec![
                trigger("changed", changed("subject", None, None), vec![tag("changed")]),
                trigger("from to", changed("subject", Some(was), Some(is)), vec![tag("from-to")]),
                trigger("sets", ask("status", |_| Op::IsSet), vec![set("subject", is)]),
            ]);
            // Changed by the event, and changed by a rule.
            let decide = |ticket: &Ticket| decide(&rules, ticket, &updated(before.clone()), now());
            let (by_event, by_rule) = (decide(&after), decide(&before));
            assert_eq!(by_event.ticket.tags.contains("changed"), !same, "{was:?} to {is:?}");
            assert_eq!(by_rule.ticket.tags.contains("changed"), !same, "{was:?} to {is:?}, by a rule");
            let named = !same && !was.is_empty() && !is.is_empty();
            assert_eq!(by_event.ticket.tags.contains("from-to"), named, "{was:?} to {is:?}");
            assert_eq!(by_rule.ticket.subject, if same { was } else { is }, "{was:?} to {is:?}");
            let changes = by_rule.fired.iter().flat_map(|fired| &fired.changes);
            assert_eq!(
                changes.filter(|change| change.field == "subject").count(),
                usize::from(!same),
                "{was:?} to {is:?}"
            );
            assert_eq!(by_rule.changes, crate::engine::changes(&before, &by_rule.ticket, &rules.desk));
        }
    }
}

#[test]
fn conditions_combine() {
    let ticket = Ticket::default();
    let (yes, no) = (always(), any(vec![]));
    assert!(asked(&yes, &ticket) && !asked(&no, &ticket));
    assert!(!asked(&all(vec![yes.clone(), no.clone()]), &ticket));
    assert!(asked(&any(vec![no.clone(), yes.clone()]), &ticket));
    assert!(asked(&not(no), &ticket) && !asked(&not(yes), &ticket));
}

#[test]
fn me_is_who_acts_or_who_reads() {
    let agent = |name: &str, groups: &[&str]| Agent {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        ..Agent::default()
    };
    let desk = Declarations { agents: vec![agent("Ana", &["Social", "VIP"]), agent("Ben", &[])], ..desk() };
    let ticket = |assignee: Option<&str>, group: Option<&str>| Ticket {
        assignee: assignee.map(Into::into),
        group: group.map(Into::into),
        ..Ticket::default()
    };
    let tickets =
        [ticket(Some("Ana"), Some("VIP")), ticket(Some("Cleo"), Some("Social")), ticket(None, Some("Billing"))];
    let name = |word: &str| Literal::Word { word: word.into(), rank: None };
    let (me_or_cleo, groups) = (vec![Literal::Me, name("Cleo")], vec![Literal::MyGroups]);
    let changed = |from, to| ask("assignee", |_| Op::Changed { from, to });
    // On each ticket: for Ana, for Ben, and for nobody of the desk.
    for (condition, ana, ben, nobody) in [
        (ask("assignee", |_| Op::Is(Literal::Me)), [true, false, false], [false; 3], [false; 3]),
        (ask("assignee", |_| Op::IsNot(Literal::Me)), [false, true, true], [true; 3], [false; 3]),
        (not(ask("assignee", |_| Op::Is(Literal::Me))), [false, true, true], [true; 3], [true; 3]),
        (
            ask("assignee", |_| Op::In(me_or_cleo.clone().into())),
            [true, true, false],
            [false, true, false],
            [false, true, false],
        ),
        (ask("assignee", |_| Op::NotIn(me_or_cleo.into())), [false, false, true], [true, false, true], [false; 3]),
        (ask("group", |_| Op::In(groups.clone().into())), [true, true, false], [false; 3], [false; 3]),
        (ask("group", |_| Op::NotIn(groups.into())), [false, false, true], [true; 3], [false; 3]),
        (changed(None, Some(Literal::Me)), [true, false, false], [false; 3], [false; 3]),
        (changed(Some(Literal::Me), None), [false; 3], [false; 3], [false; 3]),
    ] {
        for (agent, expected) in [(Some("Ana"), ana), (Some("Ben"), ben), (None, nobody), (Some("Dan"), nobody)] {
            let viewer = agent.and_then(|name| Viewer::agent(&desk, name)).unwrap_or(Viewer::Owner);
            let actor = agent.map_or(Actor::Person, |name| Actor::Agent(name.into()));
            let (event, read) = (Event { actor, ..created() }, condition.read_by(viewer));
            let facts = |ticket, event| Facts { ticket, event, now: now(), desk: &desk };
            let acting = tickets.each_ref().map(|t| holds(&condition, facts(t, Some(&event))));
            let reading = tickets.each_ref().map(|t| holds(&read, facts(t, None)));
            assert_eq!((acting, reading), (expected, expected), "{condition}, {agent:?}");
        }
    }
}

#[test]
fn a_date_begins_at_midnight_where_the_desk_is() {
    let mut desk = desk();
    desk.hours.zone = jiff::tz::TimeZone::get("Pacific/Auckland").unwrap();
    let ticket: Ticket = serde_json::from_str(r#"{"custom": {"until": "2026-01-06"}}"#).unwrap();
    let day = Duration::Clock(jiff::SignedDuration::from_hours(24));
    let since = ask("field.until", |_| Op::Since(Comparison::AtLeast, Duration::Clock(jiff::SignedDuration::ZERO)));
    let until = ask("field.until", |_| Op::Until(Comparison::Less, day));
    // In Auckland, 6 January begins on Monday at 11:00 UTC.
    for (now, begun, near) in [
        ("2026-01-04T11:00:00Z", false, false),
        ("2026-01-04T11:00:01Z", false, true),
        ("2026-01-05T10:59:59Z", false, true),
        ("2026-01-05T11:00:00Z", true, true),
    ] {
        let facts = Facts { ticket: &ticket, event: None, now: now.parse().unwrap(), desk: &desk };
        assert_eq!((holds(&since, facts), holds(&until, facts)), (begun, near), "{now}");
    }
}

#[test]
fn two_fields_compare_as_their_values_do() {
    let related = |custom: &str, name: &str, relation, other: &str| {
        let ticket: Ticket =
            serde_json::from_str(&format!(r#"{{"group": "Social", "custom": {{{custom}}}}}"#)).unwrap();
        asked(&ask(name, |_| Op::Field(relation, field(other))), &ticket)
    };
    let less = Relation::Compare(Comparison::Less);
    // The value of `field.score`, and how it compares with `replies`, which is 0: is, is not, less.
    for (score, expected) in [
        (r#""score": 0"#, (true, false, false)),
        (r#""score": -1"#, (false, true, true)),
        (r#""score": 1"#, (false, true, false)),
        // An unknown number may be any.
        ("", (false, false, false)),
    ] {
        let [is, is_not, less] =
            [Relation::Is, Relation::IsNot, less].map(|r| related(score, "field.score", r, "replies"));
        assert_eq!((is, is_not, less), expected, "{score}");
    }
    // Texts are compared as they are everywhere; an empty one differs from a value.
    for (order, is, is_not) in [(r#""order": "SOCIAL""#, false, true), ("", false, false)] {
        assert_eq!(related(order, "field.order", Relation::Is, "subject"), is, "{order}");
        assert_eq!(related(order, "field.order", Relation::IsNot, "subject"), is_not, "{order}");
    }
    // Fields of other kinds never compare.
    for relation in [Relation::Is, Relation::IsNot, less] {
        assert!(!related(r#""score": 0"#, "field.score", relation, "field.order"));
    }
    let today = |until: &str| related(&format!(r#""until": "{until}""#), "field.until", Relation::Is, "date");
    assert_eq!((today("2026-01-05"), today("2026-01-06")), (true, false));
}
