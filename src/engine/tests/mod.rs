//! Tests of the engine on rules built in code. Cases in the rule language are in `tests/it/engine/cases`.

mod meaning;
mod properties;
mod rule_tests;
mod runs;
mod texts;
mod views;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    desk::{
        Actor, CustomField, CustomKind, Declarations, Event, EventKind, FieldRef, Kind, OpenDay, Owner, Ticket, Via,
    },
    engine::{self, Decision, RuleSet, decide_plainly},
    lang::rules::{
        Action, ActionKind, Condition, ConditionKind, Duration, Filter, Literal, Mode, On, Op, Part, Predicate, Rules,
        SetTo, Span, Template, Trigger, Values, Version,
    },
};

/// Decides with the index and with the plain evaluator, which must agree.
fn decide(rules: &Rules, ticket: &Ticket, event: &Event, now: Timestamp) -> Decision {
    let plain = decide_plainly(rules, ticket, event, now);
    for max_unindexed in [usize::MAX, 0] {
        let set = RuleSet::indexed_above(max_unindexed, Arc::new(rules.clone()), &[]);
        assert_eq!(engine::decide(&set, ticket, event, now), plain);
    }
    plain
}

fn span() -> Span {
    Span { file: "rules/test.twite".into(), start: 0, end: 0, line: 1 }
}

fn now() -> Timestamp {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

/// A Monday with the desk open from 9 to 17, and one custom field of each kind.
fn desk() -> Declarations {
    let custom = |name: &str, kind, choices: &[&str]| CustomField {
        name: name.into(),
        of: Owner::Ticket,
        kind,
        choices: choices.iter().map(|c| (*c).into()).collect(),
        doc: None,
    };
    let mut desk = Declarations {
        fields: vec![
            custom("topic", CustomKind::Choice, &["billing", "delivery"]),
            custom("order", CustomKind::Text, &[]),
            custom("score", CustomKind::Number, &[]),
            custom("done", CustomKind::YesNo, &[]),
            custom("amount", CustomKind::Decimal, &[]),
            custom("until", CustomKind::Date, &[]),
            custom("topics", CustomKind::Choices, &["billing", "delivery"]),
        ],
        ..Declarations::default()
    };
    desk.hours.monday = OpenDay::try_from(vec!["09:00-17:00".parse().unwrap()]).unwrap();
    desk
}

fn field(name: &str) -> FieldRef {
    FieldRef::find(name, &desk()).unwrap_or_else(|| panic!("no field {name}"))
}

/// The literal that the checker makes of a text for a field.
fn literal(field: &FieldRef, text: &str) -> Literal {
    match field.kind() {
        Kind::Number => Literal::Number(text.parse().unwrap()),
        Kind::Words(words) => {
            let rank = words.rank(text).unwrap_or_else(|| panic!("{field} is never {text}"));
            Literal::Word { word: text.into(), rank: Some(rank) }
        }
        Kind::Declared(_) => Literal::Word { word: text.into(), rank: None },
        Kind::Text => Literal::Text(text.into()),
        Kind::YesNo => Literal::YesNo(text == "yes"),
        Kind::Set(_) => Literal::Set(text.split(' ').map(str::to_owned).collect()),
        Kind::Time => Literal::Time(text.parse().unwrap()),
        Kind::TimeOfDay => Literal::TimeOfDay(text.parse().unwrap()),
        Kind::Decimal => Literal::Decimal(text.parse().unwrap()),
        Kind::Date => Literal::Date(text.parse().unwrap()),
    }
}

fn ask(name: &str, test: impl FnOnce(&FieldRef) -> Op) -> Condition {
    let field = field(name);
    let test = test(&field);
    Condition { kind: ConditionKind::Predicate(Predicate::new(field, test)), span: span() }
}

fn is(name: &str, value: &str) -> Condition {
    ask(name, |f| Op::Is(literal(f, value)))
}

fn changed(name: &str, from: Option<&str>, to: Option<&str>) -> Condition {
    ask(name, |f| Op::Changed { from: from.map(|t| literal(f, t)), to: to.map(|t| literal(f, t)) })
}

fn tagged(tag: &str) -> Condition {
    ask("tags", |_| Op::HasAny(vec![tag.into()].into()))
}

fn always() -> Condition {
    Condition::always(span())
}

fn not(inner: Condition) -> Condition {
    Condition { kind: ConditionKind::Not(Box::new(inner)), span: span() }
}

fn all(parts: Vec<Condition>) -> Condition {
    Condition { kind: ConditionKind::All(parts), span: span() }
}

fn any(parts: Vec<Condition>) -> Condition {
    Condition { kind: ConditionKind::Any(parts), span: span() }
}

fn hours(n: i64) -> Duration {
    Duration::Clock(SignedDuration::from_hours(n))
}

fn business_hours(n: i64) -> Duration {
    Duration::Open(SignedDuration::from_hours(n))
}

fn set(name: &str, value: &str) -> ActionKind {
    let field = field(name);
    let value = literal(&field, value);
    ActionKind::Set(field, SetTo::Literal(value))
}

fn tag(tag: &str) -> ActionKind {
    ActionKind::Add(field("tags"), vec![tag.into()])
}

/// `"text {{field}} text"`, with these filters.
fn template(text: &str, filters: &[Filter]) -> Template {
    let mut parts = vec![];
    for (i, piece) in text.split("{{").enumerate() {
        match piece.split_once("}}") {
            Some((name, after)) if i > 0 => {
                parts.push(Part::Placeholder { field: field(name), filters: filters.to_vec() });
                parts.push(Part::Text(after.into()));
            }
            _ => parts.push(Part::Text(piece.into())),
        }
    }
    Template { parts }
}

fn trigger(title: &str, when: Condition, then: Vec<ActionKind>) -> Trigger {
    Trigger {
        title: title.into(),
        doc: None,
        mode: Mode::Live,
        on: On { created: true, updated: true },
        when,
        caps: vec![],
        then: then.into_iter().map(|kind| Action { kind, span: span() }).collect(),
        span: span(),
    }
}

fn rules(triggers: Vec<Trigger>) -> Rules {
    Rules {
        files: Arc::default(),
        desk: Arc::new(desk()),
        version: Version { hash: "0123456789abcdef".into(), commit: None },
        triggers: triggers.into_iter().map(Arc::new).collect(),
        automations: vec![],
        macros: vec![],
        reports: vec![],
        views: vec![],
        slas: vec![],
        volumes: vec![],
        tests: vec![],
        lets: vec![],
        lists: vec![],
    }
}

fn created() -> Event {
    Event {
        kind: EventKind::Created,
        via: Via::Twitter,
        actor: Actor::Person,
        comment: None,
        cause: None,
        fired_before: vec![],
        volumes: vec![],
    }
}

fn updated(before: Ticket) -> Event {
    Event {
        kind: EventKind::Updated { before: Box::new(before) },
        via: Via::Web,
        actor: Actor::Person,
        comment: None,
        cause: None,
        fired_before: vec![],
        volumes: vec![],
    }
}
