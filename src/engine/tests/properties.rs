//! Properties of generated rule sets, tickets and events, over few fields so that they interact.

use proptest::prelude::*;

use super::{any, *};
use crate::{
    desk::{Priority, Status},
    engine::{Verdict, changes, explain},
    lang::rules::Comparison,
};

fn tags() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

fn words(name: &'static str) -> impl Strategy<Value = Literal> {
    let field = field(name);
    let Kind::Words(words) = field.kind() else { panic!("{name} has no words") };
    prop::sample::select(words.words).prop_map(move |word| literal(&field, word))
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![Comparison::Less, Comparison::AtMost, Comparison::More, Comparison::AtLeast])
}

fn predicate() -> impl Strategy<Value = Condition> {
    let asked = |name: &'static str, tests: BoxedStrategy<Op>| tests.prop_map(move |test| ask(name, |_| test)).boxed();
    prop_oneof![
        asked("tags", prop::collection::vec(tags(), 1..3).prop_map(|tags| Op::HasAny(tags.into())).boxed()),
        asked("tags", prop::collection::vec(tags(), 1..3).prop_map(|tags| Op::HasNone(tags.into())).boxed()),
        asked("tags", Just(Op::Changed { from: None, to: None }).boxed()),
        asked("priority", words("priority").prop_map(Op::IsNot).boxed()),
        asked("priority", (comparison(), words("priority")).prop_map(|(c, w)| Op::Compare(c, w)).boxed()),
        asked("priority", Just(Op::IsEmpty).boxed()),
        asked("status", words("status").prop_map(Op::Is).boxed()),
        asked("status", prop::option::of(words("status")).prop_map(|to| Op::Changed { from: None, to }).boxed()),
        asked(
            "requester.followers",
            (comparison(), 0..4i64).prop_map(|(c, n)| Op::Compare(c, Literal::Number(n))).boxed()
        ),
        asked("reopens", (0..2i64).prop_map(|n| Op::Is(Literal::Number(n))).boxed()),
        asked("subject", Just(Op::Contains(Values::one("x".into()))).boxed()),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    predicate().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(all),
            prop::collection::vec(inner.clone(), 0..3).prop_map(any),
            inner.prop_map(not),
        ]
    })
}

fn action() -> impl Strategy<Value = ActionKind> {
    let to = |name: &'static str| move |w| ActionKind::Set(field(name), SetTo::Literal(w));
    prop_oneof![
        4 => tags().prop_map(|t| ActionKind::Add(field("tags"), vec![t.to_uppercase().as_str().into()])),
        2 => tags().prop_map(|t| ActionKind::Remove(field("tags"), vec![t.as_str().into()])),
        2 => words("priority").prop_map(to("priority")),
        2 => words("status").prop_map(to("status")),
        1 => Just(ActionKind::Clear(field("priority"))),
        1 => Just(ActionKind::Set(field("subject"), SetTo::Template(template("x {{status}}", &[])))),
        1 => Just(ActionKind::Note(template("{{tags}}", &[]))),
        1 => Just(ActionKind::Stop),
    ]
}

fn a_trigger() -> impl Strategy<Value = Trigger> {
    let mode = prop_oneof![6 => Just(Mode::Live), 1 => Just(Mode::Disabled), 1 => Just(Mode::Shadow)];
    let on = prop_oneof![
        Just(On { created: true, updated: true }),
        Just(On { created: true, updated: false }),
        Just(On { created: false, updated: true }),
    ];
    (mode, on, condition(), prop::collection::vec(action(), 1..4)).prop_map(|(mode, on, when, then)| Trigger {
        mode,
        on,
        ..trigger("", when, then)
    })
}

fn a_rule_set() -> impl Strategy<Value = Rules> {
    prop::collection::vec(a_trigger(), 0..8).prop_map(|mut triggers| {
        triggers.iter_mut().enumerate().for_each(|(i, t)| t.title = i.to_string());
        rules(triggers)
    })
}

fn a_ticket() -> impl Strategy<Value = Ticket> {
    let status = prop::sample::select(Status::ALL);
    let priority = prop::option::of(prop::sample::select(Priority::ALL));
    let followers = prop::option::of(0..4i64);
    (status, priority, followers, prop::collection::btree_set(tags(), 0..3)).prop_map(
        |(status, priority, followers, tags)| {
            let mut ticket = Ticket { status, priority, tags, ..Ticket::default() };
            ticket.requester.followers = followers;
            ticket
        },
    )
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![Just(created()), a_ticket().prop_map(updated)]
}

proptest! {
    #[test]
    fn runs_end_and_decisions_are_consistent(rules in a_rule_set(), ticket in a_ticket(), event in an_event()) {
        let decision = decide(&rules, &ticket, &event, now());

        let live = rules.triggers.iter().filter(|t| t.mode == Mode::Live).count();
        prop_assert!(decision.passes <= live + 1);
        let mut once: Vec<usize> = decision.fired.iter().map(|f| f.index).collect();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), decision.fired.len(), "a trigger fired twice");
        prop_assert!(decision.ticket.tags.iter().all(|t| *t == t.to_lowercase()));
        prop_assert_eq!(&decision.changes, &changes(&ticket, &decision.ticket, &rules.desk));
        for fired in &decision.fired {
            prop_assert!(fired.why.holds);
            prop_assert!(rules.triggers[fired.index].on.covers(&event));
        }
        prop_assert_eq!(&decision, &decide(&rules, &ticket, &event, now()));

        let trace = explain(&rules, &ticket, &event, now());
        prop_assert_eq!(&trace.decision, &decision);
        for (index, told) in trace.triggers.iter().enumerate() {
            let fired = decision.fired.iter().find(|f| f.index == index);
            let verdict = match fired {
                Some(f) if f.shadow => told.verdict == Verdict::Shadow { pass: f.pass },
                Some(f) => told.verdict == Verdict::Fired { pass: f.pass },
                None => !matches!(told.verdict, Verdict::Fired { .. } | Verdict::Shadow { .. }),
            };
            prop_assert!(verdict, "{:?}", told.verdict);
            prop_assert_eq!(fired.map(|f| &f.why), told.when.as_ref().filter(|a| a.holds));
            // One result for every predicate, in order, as coverage expects.
            if let Some(when) = &told.when {
                let (mut asked, mut answered) = (vec![], vec![]);
                rules.triggers[index].when.predicates(&mut |predicate, _| asked.push(predicate.text().clone()));
                when.predicates(&mut |answer| if let crate::engine::ExplanationKind::Predicate { text, .. } = &answer.kind {
                    answered.push(text.clone());
                });
                prop_assert_eq!(asked, answered);
            }
        }
    }
}
