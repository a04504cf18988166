//! What people read of a decision.

use super::*;
use crate::{
    desk::{Recipient, Status},
    engine::{explain, show},
    lang::rules::{Comparison, Let},
};

fn influencer() -> Condition {
    let many = ask("requester.followers", |_| Op::Compare(Comparison::AtLeast, Literal::Number(10_000)));
    let verified = ask("requester.verified", |_| Op::Holds);
    let named = Let { name: "influencer".into(), doc: None, condition: any(vec![many, verified]), span: span() };
    Condition { kind: ConditionKind::Let(Arc::new(named)), span: span() }
}

fn a_desk_full() -> Vec<Trigger> {
    vec![
        trigger(
            "Escalate influencers",
            all(vec![is("channel", "twitter"), influencer(), not(tagged("vip"))]),
            vec![
                set("priority", "urgent"),
                tag("vip"),
                ActionKind::Reply(template("Hello {{requester.name}}\u{202e}!", &[])),
                ActionKind::Notify {
                    to: Recipient::Group("Social VIP".into()),
                    subject: template("{{requester.followers}} followers\non {{channel}}", &[]),
                    body: template("{{link}}", &[]),
                },
                ActionKind::Webhook { name: "status page".into(), body: None },
            ],
        ),
        Trigger { mode: Mode::Disabled, ..trigger("Nobody", always(), vec![]) },
        Trigger { mode: Mode::Shadow, ..trigger("Only watching", changed("status", None, None), vec![tag("seen")]) },
        Trigger { on: On { created: false, updated: true }, ..trigger("Later", always(), vec![]) },
        trigger("Long waiting", ask("due", |_| Op::Until(Comparison::Less, hours(1))), vec![]),
        trigger("Enough", always(), vec![ActionKind::Stop]),
        trigger("Too late", always(), vec![]),
    ]
}

fn ada() -> Ticket {
    let mut ticket = Ticket { description: "my order\u{7} never came".into(), ..Ticket::default() };
    ticket.requester.name = Some("Ada".into());
    ticket.requester.followers = Some(12_000);
    ticket
}

#[test]
fn a_trace_reads_as_a_tree() {
    insta::assert_snapshot!(show(&explain(&rules(a_desk_full()), &ada(), &created(), now()), false));
}

#[test]
fn a_closed_ticket_says_so() {
    let closed = Ticket { status: Status::Closed, ..ada() };
    let rules = rules(a_desk_full().drain(..1).collect());
    insta::assert_snapshot!(show(&explain(&rules, &closed, &updated(closed.clone()), now()), false), @r#"
    rules 0123456789ab, 2026-01-05T12:00:00Z, no run: the ticket was closed

    · "Escalate influencers" was not tried: the ticket was closed  rules/test.twite:1
    "#);
}

#[test]
fn color_changes_nothing_but_the_color() {
    let trace = explain(&rules(a_desk_full()), &ada(), &created(), now());
    let colored = show(&trace, true);
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_ne!(colored, show(&trace, false));
    assert_eq!(codes.replace_all(&colored, ""), show(&trace, false));
}
