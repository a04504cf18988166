//! The semantics of a run.

use super::*;
use crate::{
    desk::{Author, EventComment, Priority, Status},
    engine::{Decision, Verdict, explain},
};

fn run(triggers: Vec<Trigger>, ticket: &Ticket, event: &Event) -> Decision {
    decide(&rules(triggers), ticket, event, now())
}

/// Title and pass of each rule that fired, with `~` for shadow.
fn fired(decision: &Decision) -> Vec<String> {
    decision.fired.iter().map(|f| format!("{}{}{}", if f.shadow { "~" } else { "" }, f.rule, f.pass)).collect()
}

fn tags(decision: &Decision) -> Vec<&str> {
    decision.ticket.tags.iter().map(String::as_str).collect()
}

fn marked(mode: Mode, trigger: Trigger) -> Trigger {
    Trigger { mode, ..trigger }
}

#[test]
fn later_triggers_see_what_earlier_ones_did() {
    let triggers = vec![trigger("a", always(), vec![tag("x")]), trigger("b", tagged("x"), vec![tag("y")])];
    let decision = run(triggers, &Ticket::default(), &created());
    assert_eq!(fired(&decision), ["a1", "b1"]);
    assert_eq!((tags(&decision), decision.passes), (vec!["x", "y"], 2));
}

#[test]
fn a_pass_that_fired_something_is_followed_by_another_from_the_top() {
    let triggers = vec![
        trigger("c", tagged("y"), vec![tag("z")]),
        trigger("b", tagged("x"), vec![tag("y")]),
        trigger("a", always(), vec![tag("x")]),
    ];
    let decision = run(triggers, &Ticket::default(), &created());
    assert_eq!(fired(&decision), ["a1", "b2", "c3"]);
    assert_eq!(decision.passes, 4);
}

#[test]
fn a_trigger_fires_once_even_when_its_condition_holds_again() {
    let triggers = vec![
        trigger("up", not(is("priority", "high")), vec![set("priority", "high")]),
        trigger("down", is("priority", "high"), vec![set("priority", "low")]),
    ];
    let decision = run(triggers, &Ticket::default(), &created());
    assert_eq!(fired(&decision), ["up1", "down1"]);
    assert_eq!(decision.ticket.priority, Some(Priority::Low));
}

#[test]
fn a_trigger_that_changes_nothing_still_fired() {
    let decision = run(vec![trigger("a", always(), vec![tag("x")])], &ticket_with_tag("x"), &created());
    assert_eq!((fired(&decision), decision.passes), (vec!["a1".to_owned()], 2));
    assert!(decision.changes.is_empty() && decision.fired[0].changes.is_empty());
}

fn ticket_with_tag(tag: &str) -> Ticket {
    Ticket { tags: [tag.to_owned()].into(), ..Ticket::default() }
}

#[test]
fn stop_ends_the_run_after_that_trigger() {
    let triggers = || {
        vec![
            trigger("first", tagged("x"), vec![tag("never")]),
            trigger("a", always(), vec![ActionKind::Stop, tag("x")]),
            trigger("b", always(), vec![tag("y")]),
        ]
    };
    let decision = run(triggers(), &Ticket::default(), &created());
    assert_eq!((fired(&decision), tags(&decision)), (vec!["a1".to_owned()], vec!["x"]));
    assert_eq!((decision.stopped_by.as_deref(), decision.passes), (Some("a"), 1));
    let trace = explain(&rules(triggers()), &Ticket::default(), &created(), now());
    let verdicts: Vec<_> = trace.triggers.iter().map(|t| t.verdict).collect();
    assert_eq!(verdicts, [Verdict::False, Verdict::Fired { pass: 1 }, Verdict::NotReached]);
}

#[test]
fn a_closed_ticket_has_no_runs_but_the_update_that_closes_it_does() {
    let closed = Ticket { status: Status::Closed, ..Ticket::default() };
    let triggers = || vec![trigger("a", always(), vec![tag("x")])];
    let after = run(triggers(), &closed, &updated(closed.clone()));
    assert_eq!((fired(&after).len(), after.passes, after.closed), (0, 0, true));
    let reopened = run(triggers(), &Ticket::default(), &updated(closed.clone()));
    assert!(reopened.closed && reopened.fired.is_empty());
    let closing = run(triggers(), &closed, &updated(Ticket::default()));
    assert_eq!((fired(&closing), closing.closed), (vec!["a1".to_owned()], false));
    assert!(run(triggers(), &closed, &created()).closed);
}

#[test]
fn a_rule_that_closes_the_ticket_does_not_end_the_run() {
    let triggers = vec![
        trigger("close", always(), vec![set("status", "closed")]),
        trigger("b", is("status", "closed"), vec![tag("x")]),
    ];
    assert_eq!(fired(&run(triggers, &Ticket::default(), &created())), ["close1", "b1"]);
}

#[test]
fn triggers_are_about_some_events_and_disabled_ones_about_none() {
    let triggers = || {
        vec![
            Trigger { on: On { created: true, updated: false }, ..trigger("new", always(), vec![]) },
            Trigger { on: On { created: false, updated: true }, ..trigger("old", always(), vec![]) },
            marked(Mode::Disabled, trigger("off", always(), vec![])),
        ]
    };
    assert_eq!(fired(&run(triggers(), &Ticket::default(), &created())), ["new1"]);
    assert_eq!(fired(&run(triggers(), &Ticket::default(), &updated(Ticket::default()))), ["old1"]);
    let trace = explain(&rules(triggers()), &Ticket::default(), &created(), now());
    let verdicts: Vec<_> = trace.triggers.iter().map(|t| t.verdict).collect();
    assert_eq!(verdicts, [Verdict::Fired { pass: 1 }, Verdict::OtherEvent, Verdict::Disabled]);
}

#[test]
fn shadow_is_recorded_and_changes_nothing() {
    let shadow = marked(
        Mode::Shadow,
        trigger("s", always(), vec![tag("x"), ActionKind::Note(template("was {{tags}}", &[])), ActionKind::Stop]),
    );
    let triggers = vec![shadow, trigger("b", tagged("x"), vec![tag("y")])];
    let decision = run(triggers, &Ticket::default(), &created());
    assert_eq!((fired(&decision), decision.passes), (vec!["~s1".to_owned()], 1));
    assert!(decision.effects.is_empty() && decision.changes.is_empty() && decision.stopped_by.is_none());
    let would = &decision.fired[0];
    assert_eq!((&*would.changes[0].field, would.changes[0].to.to_string()), ("tags", "x".into()));
    assert_eq!(serde_json::to_value(&would.effects).unwrap(), serde_json::json!([{"effect": "note", "text": "was x"}]));
}

#[test]
fn shadow_sees_what_live_triggers_did_in_later_passes() {
    let shadow = marked(Mode::Shadow, trigger("s", tagged("x"), vec![tag("z")]));
    let decision = run(vec![shadow, trigger("a", always(), vec![tag("x")])], &Ticket::default(), &created());
    assert_eq!((fired(&decision), tags(&decision)), (vec!["a1".to_owned(), "~s2".to_owned()], vec!["x"]));
}

#[test]
fn changed_follows_the_ticket_during_the_run() {
    let before = Ticket { priority: Some(Priority::Low), ..Ticket::default() };
    let triggers = || {
        vec![
            trigger("seen", changed("priority", Some("low"), Some("high")), vec![]),
            trigger("up", always(), vec![set("priority", "high")]),
        ]
    };
    // The event changed nothing; a rule did.
    assert_eq!(fired(&run(triggers(), &before, &updated(before.clone()))), ["up1", "seen2"]);
    // If a rule reverts the event's change, the field counts as unchanged.
    let after = Ticket { priority: Some(Priority::High), ..before.clone() };
    let back = vec![
        trigger("back", always(), vec![set("priority", "low")]),
        trigger("seen", changed("priority", None, None), vec![]),
    ];
    assert_eq!(fired(&run(back, &after, &updated(before))), ["back1"]);
}

#[test]
fn facts_of_the_event_stay_as_they_were() {
    let comment = EventComment::new(Author::Requester, true, "hello");
    let event = Event { comment: Some(comment), ..created() };
    let triggers = vec![
        trigger("late", all(vec![tagged("x"), is("updated_via", "twitter"), is("comment.text", "hello")]), vec![]),
        trigger("a", always(), vec![tag("x"), ActionKind::Note(template("{{comment.text}}", &[]))]),
    ];
    assert_eq!(fired(&run(triggers, &Ticket::default(), &event)), ["a1", "late2"]);
}

#[test]
fn net_changes_leave_out_what_was_taken_back() {
    let triggers = vec![
        trigger("a", always(), vec![tag("x"), set("status", "solved"), set("assignee", "Maya")]),
        trigger("b", always(), vec![ActionKind::Remove(field("tags"), vec!["x".into()]), set("field.score", "3")]),
    ];
    let decision = run(triggers, &Ticket::default(), &updated(Ticket::default()));
    let changes: Vec<_> = decision.changes.iter().map(|c| format!("{}: {} to {}", c.field, c.from, c.to)).collect();
    assert_eq!(
        changes,
        [
            "status: new to solved",
            "assignee: empty to Maya",
            "status_changed: 1970-01-01T00:00:00Z to 2026-01-05T12:00:00Z",
            "solved: empty to 2026-01-05T12:00:00Z",
            "assigned: empty to 2026-01-05T12:00:00Z",
            "field.score: empty to 3",
        ]
    );
    assert_eq!(decision.fired[0].changes.len(), 6, "each trigger tells its own changes");
}

#[test]
fn a_decision_is_stable_json() {
    let triggers = vec![trigger(
        "Escalate",
        any(vec![is("requester.followers", "12000"), changed("status", None, Some("open"))]),
        vec![
            set("priority", "urgent"),
            ActionKind::Reply { from: None, texts: template("Hello {{requester.name}}", &[]).into() },
            ActionKind::Webhook { name: "page".into(), body: Some(template(r#"{"t":"{{description}}"}"#, &[])) },
        ],
    )];
    let mut ticket = Ticket { id: crate::desk::TicketId(7), description: "a \"b\"\n".into(), ..Ticket::default() };
    ticket.requester.name = Some("Ada".into());
    ticket.requester.followers = Some(12_000);
    let mut json = serde_json::to_value(run(triggers, &ticket, &created())).unwrap();
    json["ticket"] = serde_json::json!({"id": json["ticket"]["id"], "priority": json["ticket"]["priority"]});
    insta::assert_json_snapshot!(json);
}

#[test]
fn a_text_that_was_set_is_looked_up_and_searched_anew() {
    let set_subject = ActionKind::Set(field("subject"), SetTo::Template(template("Refund", &[])));
    let starts = |text: &str| ask("subject", |_| Op::StartsWith(Values::one(text.into())));
    let decision = run(
        vec![
            trigger("named", is("subject", "refund"), vec![tag("named")]),
            trigger("searched", starts("ref"), vec![tag("searched")]),
            trigger("sets it", is("subject", "order"), vec![set_subject]),
        ],
        &Ticket { subject: "Order".into(), ..Ticket::default() },
        &created(),
    );
    assert_eq!(fired(&decision), ["sets it1", "named2", "searched2"]);
}

#[test]
fn a_computed_value_stays_within_the_bounds_of_its_kind() {
    let plus = |name: &str, from: &str, plus| ActionKind::Set(field(name), SetTo::Field { from: field(from), plus });
    let run = |custom: &str, action: ActionKind| {
        let ticket: Ticket = serde_json::from_str(&format!(r#"{{"custom": {{{custom}}}}}"#)).unwrap();
        let decision = decide(&rules(vec![trigger("t", always(), vec![action])]), &ticket, &created(), now());
        let value = decision.ticket.custom.values().next().map(|value| format!("{value:?}"));
        (value.unwrap_or_default(), decision.fired[0].remarks.concat())
    };
    for (custom, action, expected, remark) in [
        ("", plus("field.score", "field.score", 1), "Number(1)", ""),
        (r#""score": 41"#, plus("field.score", "field.score", 1), "Number(42)", ""),
        (r#""score": 41"#, plus("field.score", "replies", 0), "Number(0)", ""),
        (
            r#""score": 9223372036854775806"#,
            plus("field.score", "field.score", 2),
            "Number(9223372036854775807)",
            "`field.score` stays at 9223372036854775807, the bound of its kind",
        ),
        (r#""amount": "0.10""#, plus("field.amount", "field.amount", 2_000), r#"Text("0.30")"#, ""),
        (r#""amount": "1.5""#, plus("field.amount", "field.amount", -15_000), r#"Text("0")"#, ""),
        ("", plus("field.until", "field.until", 3), "", ""),
        ("", plus("field.until", "date", 3), r#"Text("2026-01-08")"#, ""),
        (
            r#""until": "9999-12-30""#,
            plus("field.until", "field.until", 7),
            r#"Text("9999-12-31")"#,
            "`field.until` stays at 9999-12-31, the bound of its kind",
        ),
        (r#""order": "A-1""#, plus("field.order", "subject", 0), "", ""),
    ] {
        let (value, said) = run(custom, action.clone());
        assert_eq!((value.as_str(), said.as_str()), (expected, remark), "{custom} {action:?}");
    }
}
