//! Caps hold over all tickets, in whatever order and however many at once messages are taken in, through restarts and
//! downtime; what was held back is recorded, and is replayed as it was decided.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection, prelude::*, sample, test_runner::Config};
use serde_json::Value;
use twite::{
    daemon::Daemon,
    desk::{Per, TicketId, Viewer, XId},
    lang::rules::Cap,
    sim::SimHandle,
    x::wire::{Post, decode_line},
};

const START: &str = "2026-03-06T00:00:00Z";
const LIMITS: &str = "[limits]\nautomations_per_minute = 1_000_000\n";

fn at(minutes: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

/// A post of a person in a conversation, written at a minute.
fn post(id: usize, person: usize, conversation: usize, minute: i64) -> Post {
    let made = at(minute);
    decode_line(&format!(
        r#"{{"data":{{"id":"1{id:04}","author_id":"{person}7","conversation_id":"1{conversation}9999","text":"@acme hello","created_at":"{made}","entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},"includes":{{"users":[{{"id":"{person}7","username":"kim{person}","name":"Kim"}}]}}}}"#
    ))
    .unwrap()
}

async fn start(directory: &Path, sim: &SimHandle, rules: &str) -> (Arc<Daemon>, Vec<XId>) {
    inside::daemon(directory, sim, &["acme", "bolt"], rules, LIMITS).await
}

async fn take_all(daemon: &Daemon) {
    while daemon.take_next().await.unwrap() {}
}

async fn evaluate_all(daemon: &Daemon) {
    while daemon.evaluate_next().await.unwrap() {}
}

#[derive(Debug, Clone)]
enum Step {
    /// Posts that are taken in together: account, person, conversation, minutes ago.
    Posts(Vec<(usize, usize, usize, i64)>),
    Restart,
    /// Automations are not evaluated until the next restart.
    Down,
}

fn step() -> impl Strategy<Value = Step> {
    let post = (0..2_usize, 1..4_usize, 1..6_usize, prop_oneof![3 => Just(0_i64), 1 => 0..90_i64]);
    prop_oneof![
        8 => collection::vec(post, 1..5).prop_map(Step::Posts),
        1 => Just(Step::Restart),
        1 => Just(Step::Down),
    ]
}

fn cap() -> impl Strategy<Value = Cap> {
    let per = sample::select(vec![Per::Ticket, Per::Requester, Per::Account, Per::All]);
    let period = prop_oneof![
        4 => sample::select(vec![20, 60, 360, 1_440]).prop_map(|minutes| Some(SignedDuration::from_mins(minutes))),
        1 => Just(None),
    ];
    let cap = (1..4_u32, per, period).prop_map(|(times, per, period)| Cap { times, per, period });
    // Without either, there is nothing to write after `per`.
    cap.prop_filter("a cap counts something", |cap| cap.per != Per::All || cap.period.is_some())
}

/// The caps of a rule, which differ in what they count.
fn caps() -> impl Strategy<Value = Vec<Cap>> {
    collection::vec(cap(), 0..3).prop_map(|mut caps| {
        caps.sort_by_key(|cap| (cap.per, cap.period));
        caps.dedup_by_key(|cap| (cap.per, cap.period));
        caps
    })
}

/// Rules with these caps.
fn rules(caps: &[Vec<Cap>]) -> String {
    let heads = [
        "trigger \"R0\" {\n  on created",
        "trigger \"R1\" {",
        "shadow trigger \"R2\" {",
        "trigger \"R3\" {\n  when tags has r1",
        "automation \"R4\" {\n  when time since created >= 45 minutes",
        "automation \"R5\" {\n  when time since updated >= 30 minutes\n  runs triggers",
    ];
    let rules = heads.iter().zip(caps).enumerate().map(|(n, (head, caps))| {
        let caps: String = caps.iter().map(|cap| format!("  {cap}\n")).collect();
        format!("{head}\n{caps}  then add tags r{n}\n}}\n")
    });
    rules.collect()
}

/// A firing of a rule: when, and for whom.
struct Firing {
    at: Timestamp,
    of: BTreeMap<Per, String>,
}

/// Plays the steps, and compares what fired and what was held back with a count over all decisions in their order.
/// Returns how many were held back.
async fn play(caps: &[Vec<Cap>], steps: &[(i64, Step)]) -> usize {
    let rules = rules(caps);
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (mut daemon, mut accounts) = start(directory.path(), &sim, &rules).await;
    let (mut down, mut id, mut now) = (false, 0, 0);
    for (after, step) in steps {
        now += after;
        daemon.clock().reached(at(now));
        if !down {
            evaluate_all(&daemon).await;
        }
        match step {
            Step::Down => down = true,
            Step::Restart => {
                down = false;
                daemon.store().close().await;
                (daemon, accounts) = start(directory.path(), &sim, &rules).await;
                daemon.clock().reached(at(now));
            }
            Step::Posts(posts) => {
                for (account, person, conversation, ago) in posts {
                    id += 1;
                    let post = post(id, *person, *conversation, (now - ago).max(0));
                    daemon.feed(&accounts[*account], vec![post]).await.unwrap();
                }
                take_all(&daemon).await;
            }
        }
    }
    daemon.clock().reached(at(now + 2_000));
    evaluate_all(&daemon).await;
    let held = check(caps, &daemon).await;
    daemon.store().close().await;
    held
}

async fn check(caps: &[Vec<Cap>], daemon: &Daemon) -> usize {
    let mut firings: BTreeMap<String, Vec<Firing>> = BTreeMap::new();
    let mut all_held = 0;
    for recorded in inside::decisions(daemon).await {
        let run = recorded.run.unwrap();
        let of = BTreeMap::from([
            (Per::Ticket, run.ticket.id.0.to_string()),
            (Per::Requester, run.ticket.requester.id.as_ref().unwrap().to_string()),
            (Per::Account, run.ticket.account.clone().unwrap_or_default()),
            (Per::All, String::new()),
        ]);
        let titles = |key: &str| {
            let rules = run.decision[key].as_array().unwrap().iter();
            rules.map(|rule| rule["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let reached = |title: &str| {
            let before = firings.get(title).map(Vec::as_slice).unwrap_or_default();
            let number: usize = title.strip_prefix('R').unwrap().parse().unwrap();
            caps[number].iter().any(|cap| {
                let counts = |firing: &&Firing| {
                    let recent = cap.period.is_none_or(|period| firing.at.duration_until(recorded.now) < period);
                    firing.of[&cap.per] == of[&cap.per] && recent
                };
                before.iter().filter(counts).count() >= usize::try_from(cap.times).unwrap()
            })
        };
        let (fired, held) = (titles("fired"), titles("held_back"));
        fired.iter().for_each(|title| assert!(!reached(title), "{title} fired at {}", recorded.now));
        held.iter().for_each(|title| assert!(reached(title), "{title} was held back at {}", recorded.now));
        all_held += held.len();
        for title in fired {
            firings.entry(title).or_default().push(Firing { at: recorded.now, of: of.clone() });
        }
    }
    all_held
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(Config { cases: cases(), max_shrink_iters: 60, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_rule_fires_more_often_than_its_caps_allow_nor_less(
        caps in collection::vec(caps(), 6),
        steps in collection::vec((0..120_i64, step()), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(play(&caps, &steps));
    }
}

#[tokio::test]
async fn the_property_sees_many_held_back() {
    let cap = |times, per, minutes: i64| Cap { times, per, period: Some(SignedDuration::from_mins(minutes)) };
    let caps: Vec<_> = [
        vec![cap(1, Per::Requester, 360)],
        vec![cap(3, Per::All, 60), cap(1, Per::Ticket, 20)],
        vec![cap(1, Per::Account, 20)],
        vec![],
        vec![cap(2, Per::Account, 360)],
        vec![cap(1, Per::Requester, 1_440)],
    ]
    .into();
    let posts = |n: usize| Step::Posts((0..4).map(|k| (k % 2, 1 + k % 3, 1 + (n + k) % 5, 0)).collect());
    let steps: Vec<_> = (0..20).map(|n| (17, posts(n))).collect();
    assert!(play(&caps, &steps).await > 50);
}

#[tokio::test]
async fn what_was_held_back_is_told_and_counted() {
    let rules =
        "trigger \"Thanks\" {\n  on created\n  at most once per requester per 30 days\n  then note \"thanks\"\n}\n";
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (daemon, accounts) = start(directory.path(), &sim, rules).await;
    let mut told = daemon.app().notices().listen();
    // Three conversations of one person and one of another, taken in together; a fourth after the period.
    for (id, person) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
        daemon.feed(&accounts[0], vec![post(id, person, id, 0)]).await.unwrap();
    }
    take_all(&daemon).await;
    let mut lines = vec![];
    while let Ok(notice) = told.try_recv() {
        lines.extend(Some(notice.to_string()).filter(|line| line.contains("Thanks")));
    }
    let held = |n| format!("ticket {n}: rule \"Thanks\" held back: at most once per requester per 30 days");
    let fired = |n| format!("ticket {n}: rule \"Thanks\" fired");
    assert_eq!(lines, [fired(1), held(2), held(3), fired(4)]);
    let mut snapshot = daemon.store().snapshot(Viewer::Owner).await.unwrap();
    let lately = snapshot.held_back_lately(at(60)).await.unwrap();
    assert_eq!(lately.iter().map(|held| (&*held.rule, held.times)).collect::<Vec<_>>(), [("Thanks", 2)]);
    assert!(snapshot.held_back_lately(at(1_440)).await.unwrap().is_empty());
    snapshot.close().await.unwrap();

    // A minute before the period is over, and when it is.
    let month = 30 * 1_440;
    for (id, minute) in [(5, month - 1), (6, month)] {
        daemon.clock().reached(at(minute));
        daemon.feed(&accounts[0], vec![post(id, 1, id, minute)]).await.unwrap();
        take_all(&daemon).await;
    }
    let mut decisions = vec![];
    for n in [5, 6] {
        decisions.push(daemon.store().decisions(TicketId(n)).await.unwrap().remove(0).run.unwrap().decision);
    }
    assert_eq!((titles(&decisions[0]["held_back"]), titles(&decisions[1]["fired"])), (vec!["Thanks"], vec!["Thanks"]));
    assert_eq!(decisions[0]["held_back"][0]["until"], at(month).to_string());
    daemon.store().close().await;
}

fn titles(rules: &Value) -> Vec<&str> {
    rules.as_array().unwrap().iter().map(|rule| rule["rule"].as_str().unwrap()).collect()
}
