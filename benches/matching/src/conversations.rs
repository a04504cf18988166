//! Real posts, one X payload per line: checks that the index and the plain evaluator decide the same on each, and times
//! both.

use std::{fs, path::Path, sync::Arc, time::Instant};

use twite::{
    desk::{Actor, Author, Channel, Event, EventComment, EventKind, Person, SourceId, Status, Ticket, Via, text},
    engine::{Decision, RuleSet, decide, decide_plainly, index::Recent},
    x::wire::decode_line,
};

use crate::{
    condition::{Condition, Number},
    random::Random,
    rules, table,
    tickets::{Case, Names},
};

/// Number of rules made from the posts, and number of posts in a quick run.
const RULES: usize = 10_000;
const QUICK: usize = 40;

/// Decides on every post of a file with the index and with the plain evaluator, and prints the times.
///
/// # Panics
/// If the two decisions differ, with the number of the post.
pub fn compare(file: &Path, names: &Names, quick: bool) {
    let text = fs::read_to_string(file).expect("the file can be read");
    let cases: Vec<Case> = text.lines().filter_map(case).collect();
    let rules = rules::RuleSet::new(names, conditions(&cases));
    let recent = cases.iter().step_by(12).map(|case| Recent {
        ticket: case.ticket.clone(),
        event: case.event.clone(),
        now: case.now,
    });
    let set = RuleSet::learned(Arc::clone(rules.checked()), &recent.collect::<Vec<_>>());
    let cases: Vec<_> =
        if quick { cases.iter().step_by(cases.len().div_ceil(QUICK)).collect() } else { cases.iter().collect() };
    let (indexed, by_index) = all(&cases, |c| decide(&set, &c.ticket, &c.event, c.now));
    let (plain, plainly) = all(&cases, |c| decide_plainly(&set, &c.ticket, &c.event, c.now));
    for (n, (indexed, plain)) in indexed.iter().zip(&plain).enumerate() {
        assert!(indexed == plain, "post {n} is decided in two ways");
    }
    let fired = plain.iter().map(|d| d.fired.len()).sum::<usize>() as f64 / cases.len() as f64;
    println!(
        "{} posts, {} rules, {} fired for each; decided alike by both ways: {} ns for each by the index, {} ns plainly",
        table::grouped(cases.len() as f64),
        table::grouped(RULES as f64),
        table::short(fired),
        table::grouped(by_index),
        table::grouped(plainly),
    );
}

fn all(cases: &[&Case], decide: impl Fn(&Case) -> Decision) -> (Vec<Decision>, f64) {
    let from = Instant::now();
    let decisions = cases.iter().map(|case| decide(case)).collect();
    (decisions, from.elapsed().as_nanos() as f64 / cases.len() as f64)
}

/// The ticket that a post opens.
fn case(line: &str) -> Option<Case> {
    let post = decode_line(line).ok()?;
    let requester = post.people.iter().find(|person| person.id.as_ref().and_then(SourceId::x) == Some(&post.author));
    let now = post.made?;
    let ticket = Ticket {
        channel: Channel::Twitter,
        subject: text::headline(&post.text, 80),
        description: post.text.clone(),
        requester: requester.cloned().unwrap_or_else(Person::default),
        language: post.language,
        post: post.facts,
        created: now,
        updated: now,
        comments: 1,
        ..Ticket::default()
    };
    let comment = EventComment::new(Author::Requester, true, post.text);
    let event = Event {
        kind: EventKind::Created,
        via: Via::Twitter,
        actor: Actor::Person,
        comment: Some(comment),
        cause: None,
        fired_before: vec![],
        volumes: vec![],
    };
    Some(Case { ticket, event, now })
}

/// Rules about the text of the posts: words and pairs of words that occur in it, with numeric and other predicates.
fn conditions(cases: &[Case]) -> Vec<Condition> {
    let mut random = Random::new(0x706f_7374);
    let mut conditions = vec![];
    while conditions.len() < RULES {
        let folded = text::fold(random.pick(cases).text()).into_owned();
        let plain = |word: &&str| word.len() > 5 && word.bytes().all(|b| b.is_ascii_alphanumeric());
        let words: Vec<&str> = folded.split(' ').filter(plain).collect();
        if words.len() < 4 {
            continue;
        }
        let mut word = || (*random.pick(&words)).to_owned();
        let (one, other, third) = (word(), word(), word());
        let followers = Condition::AtLeast(Number::Followers, random.log_normal(2_000.0, 2.0));
        conditions.push(match random.below(5) {
            0 => Condition::All(vec![Condition::Contains(one), Condition::Contains(other), followers]),
            1 => Condition::All(vec![
                Condition::Contains(format!("{one} {other}")),
                Condition::StatusBelow(Status::Solved),
            ]),
            2 => Condition::All(vec![Condition::Verified, followers, Condition::Contains(one)]),
            3 => Condition::All(vec![
                Condition::Any(vec![Condition::Contains(one), Condition::Contains(other)]),
                Condition::Not(Box::new(Condition::Contains(third))),
                followers,
            ]),
            _ => Condition::All(vec![Condition::Contains(one), Condition::Contains(other), Condition::Contains(third)]),
        });
    }
    conditions
}
