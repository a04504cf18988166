//! Rule tests: given tickets, failures, coverage.

use super::*;
use crate::{
    desk::{
        MessageFacts, Recipient, Scope, TicketId,
        declarations::{Agent, Sees},
        field::{FIELDS, Members},
    },
    engine::{Coverage, Outcome, RuleSet, Share, display::value, run_test, run_tests},
    lang::rules::{Comparison, EffectKind, Expect, ExpectKind, RuleTest, Step, TestComment, When},
};

fn a_test(given: &[(&str, &str)], when: Vec<When>, expect: Vec<ExpectKind>) -> RuleTest {
    let given = given.iter().map(|(name, text)| (field(name), literal(&field(name), text))).collect();
    RuleTest {
        title: "t".into(),
        doc: None,
        mode: Mode::Live,
        given,
        comment: Some("my order never came".into()),
        samples: vec![],
        id: TicketId::default(),
        fired: vec![],
        agents: vec![],
        volumes: vec![],
        at: None,
        when: when.into_iter().map(|when| Step { when, span: span() }).collect(),
        expect: expect.into_iter().map(|kind| Expect { kind, span: span() }).collect(),
        span: span(),
    }
}

fn says(text: &str) -> When {
    let comment = TestComment { by_agent: false, public: true, text: text.into(), facts: MessageFacts::default() };
    When::Updated { by: None, set: vec![], emptied: vec![], comment: Some(comment), via: None }
}

fn outcome(triggers: Vec<Trigger>, test: &RuleTest) -> Outcome {
    run_test(&RuleSet::new(rules(triggers)), test, None).outcome
}

#[test]
fn every_field_of_a_ticket_can_be_given() {
    let desk = desk();
    let known = FIELDS.iter().filter(|f| f.scope == Scope::Ticket).map(|f| f.name);
    for name in known.chain(["field.topic", "field.order", "field.score", "field.done"]) {
        let field = field(name);
        let text = match field.kind() {
            Kind::YesNo => "yes",
            Kind::Number | Kind::Decimal => "3",
            Kind::Words(words) => words.words[1],
            Kind::Time => "2025-05-05T05:05:05Z",
            Kind::Set(Members::Words(words)) => words.words[1],
            Kind::Declared(_) | Kind::Text | Kind::Set(_) | Kind::TimeOfDay | Kind::Date => "abc",
        };
        let given = a_test(&[(name, text)], vec![], vec![]).ticket(&desk).unwrap();
        let facts = crate::desk::Facts { ticket: &given, event: None, now: now(), desk: &desk };
        assert_eq!(field.read(facts), literal(&field, text).value(), "{name}");
    }
}

#[test]
fn a_ticket_is_given_as_it_would_have_been_made() {
    let ticket = a_test(&[("status", "solved"), ("assignee", "Maya")], vec![], vec![]).ticket(&desk()).unwrap();
    assert_eq!((ticket.comments, ticket.subject.as_str()), (1, "my order never came"));
    assert_eq!((ticket.created, ticket.solved, ticket.assigned), (now(), Some(now()), Some(now())));
    assert_eq!(ticket.requester_updated, Some(now()));
}

#[test]
fn what_cannot_be_given_fails_the_test() {
    let mut test = a_test(&[], vec![When::Created], vec![]);
    test.given = vec![(field("replies"), Literal::YesNo(true))];
    let Outcome::Failed { failures } = outcome(vec![], &test) else { panic!("it passed") };
    assert!(failures[0].found.starts_with("cannot give `replies`"), "{}", failures[0].found);
}

#[test]
fn each_event_finds_what_the_one_before_left() {
    let triggers = vec![
        trigger("count", ask("comments", |_| Op::Compare(Comparison::AtLeast, Literal::Number(3))), vec![tag("many")]),
        trigger("again", changed("status", Some("solved"), Some("open")), vec![tag("again")]),
    ];
    let then_solved = When::Updated {
        by: None,
        set: vec![(field("status"), literal(&field("status"), "solved"))],
        emptied: vec![],
        comment: Some(TestComment {
            by_agent: true,
            public: true,
            text: "here it is".into(),
            facts: MessageFacts::default(),
        }),
        via: None,
    };
    let expect = vec![
        ExpectKind::Fired("again".into()),
        ExpectKind::Fired("count".into()),
        ExpectKind::Holds(all(vec![is("status", "open"), is("reopens", "1"), is("replies", "1"), tagged("many")])),
        ExpectKind::NotSent(EffectKind::Reply(None), None),
    ];
    assert_eq!(outcome(triggers, &a_test(&[], vec![When::Created, then_solved, says("no")], expect)), Outcome::Passed);
}

#[test]
fn disabled_tests_are_skipped() {
    let test =
        RuleTest { mode: Mode::Disabled, ..a_test(&[], vec![When::Created], vec![ExpectKind::Fired("x".into())]) };
    assert_eq!(outcome(vec![], &test), Outcome::Skipped);
}

#[test]
fn failures_say_what_was_expected_what_is_and_why() {
    let triggers = vec![
        trigger(
            "greet",
            always(),
            vec![
                ActionKind::Reply { from: None, texts: template("Hello", &[]).into() },
                ActionKind::Notify {
                    to: vec![Recipient::Assignee],
                    subject: template("s", &[]).into(),
                    body: template("b", &[]).into(),
                },
            ],
        ),
        trigger(
            "big",
            all(vec![
                is("channel", "twitter"),
                any(vec![
                    ask("requester.followers", |_| Op::Compare(Comparison::AtLeast, Literal::Number(10_000))),
                    ask("requester.verified", |_| Op::Holds),
                ]),
            ]),
            vec![],
        ),
        Trigger { mode: Mode::Disabled, ..trigger("off", always(), vec![]) },
        Trigger { on: On { created: false, updated: true }, ..trigger("later", always(), vec![]) },
        trigger("end", always(), vec![ActionKind::Stop]),
        trigger("never", always(), vec![]),
    ];
    let fired = |title: &str| ExpectKind::Fired(title.into());
    let expect = vec![
        fired("big"),
        fired("off"),
        fired("later"),
        fired("never"),
        fired("gone"),
        ExpectKind::NotFired("greet".into()),
        ExpectKind::NothingFired,
        ExpectKind::Holds(all(vec![is("priority", "urgent"), is("status", "new")])),
        ExpectKind::Sent(EffectKind::Reply(None), Some("bye".into())),
        ExpectKind::Sent(EffectKind::Note, None),
        ExpectKind::Sent(EffectKind::Notify(Some(Recipient::Requester)), Some("b".into())),
        ExpectKind::NotSent(EffectKind::Notify(None), None),
        ExpectKind::NotSent(EffectKind::Reply(None), Some("hell".into())),
        ExpectKind::NotSent(EffectKind::Reply(None), Some("help".into())),
        ExpectKind::Sent(EffectKind::Reply(None), Some("HELLO".into())),
    ];
    let Outcome::Failed { failures } =
        outcome(triggers, &a_test(&[("requester.followers", "12")], vec![When::Created], expect))
    else {
        panic!("it passed")
    };
    let text: String = failures
        .iter()
        .map(|f| {
            format!(
                "expected {}\n   found {}\n{}",
                f.expected,
                f.found,
                f.because.iter().map(|b| format!("      - {b}\n")).collect::<String>()
            )
        })
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn coverage_counts_both_answers_of_every_question() {
    let followers = ask("requester.followers", |_| Op::Compare(Comparison::AtLeast, Literal::Number(10)));
    let rules = RuleSet::new(rules(vec![
        trigger("a", all(vec![is("channel", "twitter"), followers]), vec![tag("x")]),
        trigger("b", tagged("x"), vec![]),
        Trigger { mode: Mode::Disabled, ..trigger("c", tagged("y"), vec![]) },
    ]));
    let mut coverage = Coverage::new(&rules);
    assert_eq!((coverage.answers(), coverage.fired()), (Share { seen: 0, total: 6 }, Share { seen: 0, total: 2 }));
    for followers in ["9", "10"] {
        let test = a_test(&[("requester.followers", followers)], vec![When::Created], vec![]);
        run_test(&rules, &test, Some(&mut coverage));
    }
    assert_eq!((coverage.answers().seen, coverage.all().percent()), (5, 87.5));
    assert!(coverage.never_ran().is_empty());
    let missing: Vec<_> = coverage.missing().iter().map(|m| format!("{}: {} {}", m.rule, m.text, m.never)).collect();
    assert_eq!(missing, ["a: channel is twitter false"]);
}

/// Of service level agreements, what was asked counts: those up to the one that applies, and of each target, the
/// conditions up to the one that holds.
#[test]
fn coverage_counts_what_is_asked_of_slas() {
    let text = r#"
        sla "VIP" { when tags has vip  first reply within 10 minutes }
        disabled sla "Off" { when tags has off  solve within 1 day }
        sla "All" {
          first reply within 15 minutes if priority is urgent
          first reply within 30 minutes if priority is high
          first reply within 60 minutes otherwise
          solve within 1 day if priority is low
          pause while status is pending
        }
        sla "Never" { when tags has never  solve within 1 day }
        test "urgent" { given ticket { priority urgent }  when created  expect sla is "All" }
        test "low" { given ticket { priority low status pending }  when created  expect sla is "All" }
    "#;
    let (rules, _) = crate::lang::check_sources([("a.twite", text)], crate::desk::Declarations::default());
    let rules = RuleSet::new(rules.unwrap());
    let (reports, coverage) = run_tests(&rules, &rules.tests, true);
    assert!(reports.iter().all(|report| report.outcome == Outcome::Passed), "{reports:?}");
    let coverage = coverage.unwrap();
    let missing: Vec<_> = coverage.missing().iter().map(|m| format!("{}: {} {}", m.rule, m.text, m.never)).collect();
    assert_eq!(
        missing,
        [
            "VIP: tags has vip true",
            "All: priority is high true",
            "Never: tags has never true",
            "Never: tags has never false",
        ]
    );
    assert_eq!(coverage.applied_slas(), Share { seen: 1, total: 3 });
    assert_eq!(coverage.never_ran().iter().map(|ran| ran.title.as_str()).collect::<Vec<_>>(), ["VIP", "Never"]);
}

/// An update can leave any field without a value that can be without one, and the test says so where it cannot.
#[test]
fn an_update_can_leave_a_field_without_a_value() {
    let text = |update: &str| {
        format!(
            "trigger \"free\" {{ on updated when assignee is empty and assignee changed then add tags free }}\n\
             test \"free\" {{\n  given ticket {{ assignee \"Ana\"  priority high  tags vip }}\n  when updated {{ {update} }}\n  \
             expect fired \"free\"\n  expect priority is empty\n  expect tags has not any of (vip)\n}}\n"
        )
    };
    let desk = || Declarations {
        agents: vec![Agent { name: "Ana".into(), email: None, groups: vec![], sees: Sees::All, admin: false }],
        ..Declarations::default()
    };
    let (rules, found) =
        crate::lang::check_sources([("a.twite", text("assignee empty, priority empty, tags empty"))], desk());
    let rules = RuleSet::new(rules.unwrap_or_else(|| panic!("{found:?}")));
    let report = run_test(&rules, &rules.tests[0], None);
    assert_eq!(report.outcome, Outcome::Passed);
    assert!(rules.tests[0].to_string().contains("    assignee empty\n"), "{}", rules.tests[0]);

    for (update, expected) in [
        ("status empty", "`status` is never empty"),
        ("comments empty", "`comments` is never empty"),
        ("assignee none", "`none`"),
    ] {
        let (_, found) = crate::lang::check_sources([("a.twite", text(update))], desk());
        assert!(found.iter().any(|d| d.is_error() && d.message.contains(expected)), "{update}: {found:?}");
    }
}

/// Coverage with the index equals coverage with the plain evaluator.
#[test]
fn coverage_by_the_index_is_that_of_asking_one_after_the_other() {
    let rules = RuleSet::new(rules(vec![
        trigger("a", is("channel", "twitter"), vec![tag("x")]),
        trigger("b", tagged("x"), vec![]),
        trigger("c", tagged("x"), vec![ActionKind::Stop]),
        trigger("unreached", tagged("y"), vec![]),
    ]));
    let test = Arc::new(a_test(&[], vec![When::Created], vec![]));
    let (reports, coverage) = run_tests(&rules, &[Arc::clone(&test), test], true);
    let coverage = coverage.unwrap();
    assert_eq!(reports.len(), 2);
    let missing: Vec<_> = coverage.missing().iter().map(|m| format!("{} {}", m.rule, m.never)).collect();
    assert_eq!(missing, ["a false", "b false", "c false", "unreached true", "unreached false"]);
    assert_eq!(coverage.never_ran().iter().map(|ran| ran.title.as_str()).collect::<Vec<_>>(), ["unreached"]);
    assert_eq!(Coverage::new(&RuleSet::new(crate::engine::tests::rules(vec![]))).all().percent(), 0.0);
}

/// After the first pass, only what changed is looked at again.
#[test]
fn coverage_sees_what_changes_from_pass_to_pass() {
    let rules = RuleSet::new(rules(vec![
        trigger("later", tagged("x"), vec![]),
        trigger("both", all(vec![tagged("x"), tagged("z"), is("channel", "twitter")]), vec![]),
        trigger("a", is("channel", "twitter"), vec![tag("x")]),
        trigger("z", tagged("x"), vec![tag("z")]),
    ]));
    let test = Arc::new(a_test(&[], vec![When::Created], vec![]));
    let coverage = run_tests(&rules, &[test], true).1.unwrap();
    let missing: Vec<_> = coverage.missing().iter().map(|m| format!("{} {}", m.rule, m.never)).collect();
    assert_eq!(missing, ["both false", "a false", "z false"]);
    assert!(coverage.never_ran().is_empty());
}

#[test]
fn shown_values_cannot_steer_a_terminal() {
    use crate::desk::Value;
    assert_eq!(value(&Value::Word("a\u{1b}[31m".into())), "a\\u{1b}[31m");
    assert_eq!(value(&Value::Text("a\u{1b}]0;\u{202e}".into())), "\"a\\u{1b}]0;\\u{202e}\"");
    assert_eq!(value(&Value::Number(-25_000)), "-25_000");
}
