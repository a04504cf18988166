//! Volumes start and end as a count over all decisions says, in whatever order and however many at once messages are taken
//! in, through restarts and downtime; each start and each end is told once, and is replayed as it was decided.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection, prelude::*, test_runner::Config};
use twite::{
    app::agent::{self, AgentUpdate},
    daemon::Daemon,
    desk::{Actor, Cause, Event, FieldRef, TicketId, Via, Viewer, XId},
    engine::minute,
    lang::rules::{Action, ActionKind, Literal, SetTo, Span},
    sim::SimHandle,
    x::wire::{Post, decode_line},
};

const START: &str = "2026-03-06T00:00:00Z";
const LIMITS: &str = "[limits]\nautomations_per_minute = 1_000_000\n";
/// The volume of the rules below.
const TICKETS: usize = 4;
const WITHIN: i64 = 10;
const RULES: &str = r#"
volume "Outage" {
  when tags has outage
  at least 4 tickets within 10 minutes
}
volume "Other" {
  when tags has never
  at least 2 tickets within 1 minute
}
trigger "Outage starts" { when volume "Outage" starts  then note "it starts" }
trigger "Outage lasts" { when volume "Outage" lasts  then add tags known }
trigger "Outage ends" { when volume "Outage" ends  then note "it ends" }
trigger "Never" { when volume "Other" starts or volume "Other" lasts or volume "Other" ends  then note "never" }
trigger "Tag" { when description contains "down"  then add tags outage }
"#;

fn at(minutes: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

/// A post of a person about an outage or something else, written at a time, in the person's conversation.
fn post(id: usize, person: usize, outage: bool, made: Timestamp) -> Post {
    post_in(&format!("1{person}9999"), id, person, outage, made)
}

fn post_in(conversation: &str, id: usize, person: usize, outage: bool, made: Timestamp) -> Post {
    let what = if outage { "down" } else { "fine" };
    decode_line(&format!(
        r#"{{"data":{{"id":"1{id:05}","author_id":"{person}7","conversation_id":"{conversation}","text":"@acme {what}","created_at":"{made}","entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},"includes":{{"users":[{{"id":"{person}7","username":"kim{person}","name":"Kim"}}]}}}}"#
    ))
    .unwrap()
}

async fn start(directory: &Path, sim: &SimHandle, rules: &str) -> (Arc<Daemon>, Vec<XId>) {
    inside::daemon(directory, sim, &["acme"], rules, LIMITS).await
}

async fn take_all(daemon: &Daemon) {
    while daemon.take_next().await.unwrap() {}
}

async fn evaluate_all(daemon: &Daemon) {
    while daemon.evaluate_next().await.unwrap() {}
}

#[derive(Debug, Clone)]
enum Step {
    /// Posts that are taken in together: person, whether it is about the outage, seconds ago.
    Posts(Vec<(usize, bool, i64)>),
    Restart,
    /// Nothing is evaluated until the next restart.
    Down,
}

fn step() -> impl Strategy<Value = Step> {
    let post = (1..12_usize, prop::bool::weighted(0.8), prop_oneof![3 => Just(0_i64), 1 => 0..600_i64]);
    prop_oneof![
        8 => collection::vec(post, 1..6).prop_map(Step::Posts),
        1 => Just(Step::Restart),
        1 => Just(Step::Down),
    ]
}

/// What happened, as counted over all decisions.
#[derive(Debug, Default)]
struct Seen {
    starts: usize,
    ends: usize,
    lasts: usize,
}

/// Plays the steps, and compares what the rules were told with a count over all decisions in their order.
async fn play(steps: &[(i64, Step)]) -> Seen {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (mut daemon, mut accounts) = start(directory.path(), &sim, RULES).await;
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
                (daemon, accounts) = start(directory.path(), &sim, RULES).await;
                daemon.clock().reached(at(now));
            }
            Step::Posts(posts) => {
                for (person, outage, ago) in posts {
                    id += 1;
                    let made = at(now).checked_sub(SignedDuration::from_secs(*ago)).unwrap().max(at(0));
                    daemon.feed(&accounts[0], vec![post(id, *person, *outage, made)]).await.unwrap();
                }
                take_all(&daemon).await;
            }
        }
    }
    daemon.clock().reached(at(now + 2_000));
    evaluate_all(&daemon).await;
    let seen = check(&daemon).await;
    daemon.store().close().await;
    seen
}

/// The most tickets within any period that contains a time, counted plainly.
fn most(counted: &BTreeMap<i64, Timestamp>, ticket: i64, at: Timestamp) -> usize {
    let within = SignedDuration::from_mins(WITHIN);
    let others = || counted.iter().filter(|(other, _)| **other != ticket).map(|(_, at)| *at);
    let ends = others().chain([at]).filter(|end| *end >= at && at.duration_until(*end) < within);
    let in_period = |end: Timestamp| others().filter(|o| *o <= end && o.duration_until(end) < within).count() + 1;
    ends.map(in_period).max().unwrap()
}

async fn check(daemon: &Daemon) -> Seen {
    let mut seen = Seen::default();
    let mut counted: BTreeMap<i64, Timestamp> = BTreeMap::new();
    let mut lasts = None;
    for recorded in inside::decisions(daemon).await {
        let run = recorded.run.unwrap();
        let event: &Event = &run.event;
        let fired: Vec<_> = recorded.fired.iter().map(String::as_str).collect();
        assert!(!fired.contains(&"Never"));
        let inside = |counted: &BTreeMap<i64, Timestamp>, now: Timestamp| {
            let within = SignedDuration::from_mins(WITHIN);
            counted.values().filter(|at| at.duration_until(now) < within).count()
        };
        if let Some(Cause::VolumeEnds(volume)) = &event.cause {
            assert_eq!(volume, "Outage");
            assert!(lasts.take().is_some(), "it ends, and did not last");
            assert_eq!(recorded.now, minute(recorded.now));
            assert!(inside(&counted, recorded.now) <= TICKETS / 2, "it ends too early at {}", recorded.now);
            let before = recorded.now.checked_sub(SignedDuration::from_mins(1)).unwrap();
            assert!(inside(&counted, before) > TICKETS / 2, "it ends too late at {}", recorded.now);
            assert!(fired.contains(&"Outage ends") && !fired.contains(&"Outage lasts"));
            seen.ends += 1;
            continue;
        }
        assert!(!fired.contains(&"Outage ends"));
        let tagged = run.decision["ticket"]["tags"].as_array().unwrap().iter().any(|tag| tag == "outage");
        let told = event.volumes.iter().find(|told| told.volume == "Outage");
        let at = told.and_then(|told| told.counted);
        assert_eq!(at.is_some(), tagged && !event.is_by_time(), "{event:?}");
        let mut starts = false;
        if let Some(at) = at {
            let tickets = most(&counted, run.ticket.id.0, at);
            starts = lasts.is_none() && tickets >= TICKETS;
            if lasts.is_none() {
                assert_eq!(told.unwrap().tickets, Some(u32::try_from(tickets).unwrap()), "{event:?}");
            }
            let latest = counted.entry(run.ticket.id.0).or_insert(at);
            *latest = at.max(*latest);
        }
        assert_eq!(fired.contains(&"Outage starts"), starts, "{} {event:?}", recorded.now);
        lasts = lasts.or(starts.then_some(recorded.now));
        seen.starts += usize::from(starts);
        // Automations have no triggers here.
        let is_due = event.before().is_none() && !matches!(event.kind, twite::desk::EventKind::Created);
        assert!(is_due || fired.contains(&"Outage lasts") == lasts.is_some(), "{} {event:?}", recorded.now);
        seen.lasts += usize::from(fired.contains(&"Outage lasts"));
    }
    assert!(lasts.is_none(), "it still lasts after a day without messages");
    seen
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(Config { cases: cases(), max_shrink_iters: 60, failure_persistence: None, ..Config::default() })]

    #[test]
    fn volumes_start_and_end_as_counted_plainly(steps in collection::vec((0..6_i64, step()), 1..30)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(play(&steps));
    }
}

#[tokio::test]
async fn the_property_sees_many_starts_and_ends() {
    let posts = |n: usize| Step::Posts((0..4).map(|k| (1 + (n * 4 + k) % 11, k != 3, 0)).collect());
    let quiet = |n: i64| (n, Step::Posts(vec![(1, false, 0)]));
    let mut steps = vec![];
    for n in 0..5 {
        steps.extend([
            (1, posts(n)),
            (2, posts(n + 1)),
            (1, Step::Restart),
            (3, posts(n + 2)),
            quiet(14),
            (1, Step::Down),
        ]);
        steps.extend([(2, posts(n)), (1, posts(n + 1)), quiet(20), (1, Step::Restart)]);
    }
    let seen = play(&steps).await;
    assert!(seen.starts >= 8 && seen.ends == seen.starts && seen.lasts > 30, "{seen:?}");
}

/// The titles of the rules that fired on each ticket, run by run.
async fn fired(daemon: &Daemon, ticket: i64) -> Vec<Vec<String>> {
    daemon.store().decisions(TicketId(ticket)).await.unwrap().into_iter().map(|recorded| recorded.fired).collect()
}

#[tokio::test]
async fn messages_of_downtime_count_when_they_were_written() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (daemon, accounts) = start(directory.path(), &sim, RULES).await;
    // One every 5 minutes, all taken in at once, hours later: never four within ten minutes.
    daemon.clock().reached(at(300));
    let posts = (0..8).map(|n| post(n + 1, n + 1, true, at(5 * i64::try_from(n).unwrap())));
    daemon.feed(&accounts[0], posts.collect()).await.unwrap();
    take_all(&daemon).await;
    for ticket in 1..=8 {
        assert_eq!(fired(&daemon, ticket).await, [["Tag"]]);
    }
    // Four within ten minutes that were written hours ago: it starts, and ends at once.
    let posts = (0..4).map(|n| post(n + 20, n + 20, true, at(100 + i64::try_from(n).unwrap())));
    daemon.feed(&accounts[0], posts.collect()).await.unwrap();
    take_all(&daemon).await;
    assert_eq!(fired(&daemon, 12).await, [["Outage starts", "Outage lasts", "Tag"]]);
    let lasting = daemon.store().snapshot(Viewer::Owner).await.unwrap().lasting_volumes().await.unwrap();
    assert_eq!(lasting.iter().map(|l| (l.ticket.0, l.since, l.ends_at)).collect::<Vec<_>>(), [(12, at(103), at(111))]);
    // A message from later is told so.
    daemon.feed(&accounts[0], vec![post(30, 30, true, at(200))]).await.unwrap();
    take_all(&daemon).await;
    assert_eq!(fired(&daemon, 13).await, [["Tag"]]);
    assert_eq!(fired(&daemon, 12).await.pop().unwrap(), ["Outage ends", "Tag"]);
    daemon.store().close().await;
}

async fn close(daemon: &Daemon, ticket: i64) {
    let status = FieldRef::find("status", &daemon.rules().desk).unwrap();
    let closed = SetTo::Literal(Literal::Word { word: "closed".into(), rank: Some(5) });
    update(daemon, ticket, ActionKind::Set(status, closed)).await;
}

async fn tag(daemon: &Daemon, ticket: i64) {
    let tags = FieldRef::find("tags", &daemon.rules().desk).unwrap();
    update(daemon, ticket, ActionKind::Add(tags, vec!["seen".into()])).await;
}

async fn update(daemon: &Daemon, ticket: i64, kind: ActionKind) {
    let span = Span { file: "".into(), start: 0, end: 0, line: 1 };
    let action = Action { kind, span };
    let update = AgentUpdate::new(Actor::Owner, Via::Cli, vec![action]);
    agent::update(daemon.app(), TicketId(ticket), &update).await.unwrap();
}

#[tokio::test]
async fn the_end_is_told_on_an_open_ticket_if_there_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (daemon, accounts) = start(directory.path(), &sim, RULES).await;
    let mut told = daemon.app().notices().listen();
    for (n, closed) in [(0, vec![4]), (1, vec![1, 2, 3, 4])] {
        let now = 100 * n;
        daemon.clock().reached(at(now));
        let first = usize::try_from(now).unwrap();
        let posts = (1..=4).map(|n| post(first + n, first + n, true, at(now)));
        daemon.feed(&accounts[0], posts.collect()).await.unwrap();
        take_all(&daemon).await;
        for ticket in closed {
            close(&daemon, 4 * n + ticket).await;
        }
        daemon.clock().reached(at(now + 10));
        evaluate_all(&daemon).await;
    }
    let mut lines = vec![];
    while let Ok(notice) = told.try_recv() {
        lines.extend(Some(notice.to_string()).filter(|line| line.contains("volume")));
    }
    assert_eq!(
        lines,
        [
            "ticket 4: volume \"Outage\" starts",
            "ticket 3: volume \"Outage\" ends",
            "ticket 8: volume \"Outage\" starts",
            "volume \"Outage\" ends; its tickets are closed, so no trigger is told",
        ]
    );
    assert_eq!(fired(&daemon, 3).await.pop().unwrap(), ["Outage ends", "Tag"]);
    daemon.store().close().await;
}

#[tokio::test]
async fn what_is_kept_of_a_volume_is_bounded_and_goes_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (daemon, accounts) = start(directory.path(), &sim, RULES).await;
    for n in 0..60 {
        let made = at(i64::try_from(n).unwrap() / 10);
        daemon.clock().reached(made);
        daemon.feed(&accounts[0], vec![post(n + 1, n + 1, true, made)]).await.unwrap();
        take_all(&daemon).await;
    }
    let mut tx = daemon.store().begin().await.unwrap();
    let far = SignedDuration::from_hours(1_000);
    let kept = tx.counted_near("Outage", (TicketId(0), None), at(0), far).await.unwrap();
    assert!(kept.len() <= 2 * TICKETS + 10, "{}", kept.len());
    tx.rollback().await.unwrap();
    daemon.clock().reached(at(60));
    evaluate_all(&daemon).await;
    // What is too old goes with the next one that is counted.
    daemon.feed(&accounts[0], vec![post(100, 100, true, at(60))]).await.unwrap();
    take_all(&daemon).await;
    let mut tx = daemon.store().begin().await.unwrap();
    assert_eq!(tx.counted_near("Outage", (TicketId(0), None), at(0), far).await.unwrap(), [at(60)]);
    tx.rollback().await.unwrap();
    daemon.store().close().await;
    let (daemon, _) = start(directory.path(), &sim, "trigger \"T\" { when status is new  then stop }").await;
    evaluate_all(&daemon).await;
    let mut tx = daemon.store().begin().await.unwrap();
    assert_eq!(tx.volumes().await.unwrap(), [""; 0]);
    tx.rollback().await.unwrap();
    daemon.store().close().await;
}

/// Tickets that became one count once, as of the later, and the end is told on what is left.
#[tokio::test]
async fn a_merged_ticket_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let merges =
        format!("{RULES}trigger \"Merge\" {{ on created when tags has outage  then merge into earlier ticket }}");
    let (daemon, accounts) = start(directory.path(), &sim, &merges).await;
    let say = async |id: usize, person: usize, minutes: i64| {
        daemon.clock().reached(at(minutes));
        evaluate_all(&daemon).await;
        // Each is in a conversation of its own.
        let post = post_in(&format!("1{id:05}"), id, person, true, at(minutes));
        daemon.feed(&accounts[0], vec![post]).await.unwrap();
        take_all(&daemon).await;
    };
    let lasting = async || {
        let lasting = daemon.store().snapshot(Viewer::Owner).await.unwrap().lasting_volumes().await.unwrap();
        lasting.iter().map(|lasting| (lasting.ticket.0, lasting.ends_at)).collect::<Vec<_>>()
    };
    for (id, person) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 2)] {
        say(id, person, 0).await;
    }
    assert_eq!(lasting().await, [], "three people wrote");
    say(6, 4, 1).await;
    assert_eq!(lasting().await, [(6, at(10))]);
    // The first of them writes again, which makes it last longer by one ticket, not by two.
    say(7, 1, 5).await;
    say(8, 1, 6).await;
    let mut tx = daemon.store().begin().await.unwrap();
    let counted = tx.counted_near("Outage", (TicketId(0), None), at(0), SignedDuration::from_hours(1)).await.unwrap();
    assert_eq!(counted, [at(0), at(0), at(1), at(6)]);
    tx.rollback().await.unwrap();
    daemon.store().close().await;
}

/// Whoever updates a ticket while the daemon is down does not know what was written at X meanwhile, and whether it prolongs
/// a volume.
#[tokio::test]
async fn a_volume_that_lasts_in_a_downtime_waits_for_the_messages_of_the_downtime() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (daemon, accounts) = start(directory.path(), &sim, RULES).await;
    let post_at = async |id: usize, made: Timestamp| {
        daemon.feed(&accounts[0], vec![post(id, id, true, made)]).await.unwrap();
        take_all(&daemon).await;
    };
    daemon.clock().reached(at(0));
    for id in 1..=4 {
        post_at(id, at(0)).await;
    }
    evaluate_all(&daemon).await;
    let ends_at = async || {
        let lasting = daemon.store().snapshot(Viewer::Owner).await.unwrap().lasting_volumes().await.unwrap();
        lasting.iter().map(|lasting| lasting.ends_at).collect::<Vec<_>>()
    };
    // The daemon is down for an hour; X has messages of its first minutes. An update in that hour neither ends it nor makes
    // it last longer.
    daemon.clock().reached(at(60));
    tag(&daemon, 2).await;
    close(&daemon, 1).await;
    assert_eq!(ends_at().await, [at(10)]);
    for id in 5..=8 {
        post_at(id, at(8)).await;
    }
    assert_eq!(ends_at().await, [at(18)]);
    evaluate_all(&daemon).await;
    assert_eq!(ends_at().await, []);
    assert_eq!(fired(&daemon, 4).await.concat(), ["Outage starts", "Outage lasts", "Tag", "Outage ends", "Tag"]);
    daemon.store().close().await;
}

/// Fewer tickets end a volume sooner, at once if too few are left.
#[tokio::test]
async fn merging_ends_a_volume() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let (daemon, accounts) = start(directory.path(), &sim, RULES).await;
    for (id, person) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
        let made = at(i64::try_from(id).unwrap() - 1);
        daemon.clock().reached(made);
        let post = post_in(&format!("1{id:05}"), id, person, true, made);
        daemon.feed(&accounts[0], vec![post]).await.unwrap();
        take_all(&daemon).await;
    }
    let lasting = async || {
        let lasting = daemon.store().snapshot(Viewer::Owner).await.unwrap().lasting_volumes().await.unwrap();
        lasting.iter().map(|lasting| (lasting.ticket.0, lasting.ends_at)).collect::<Vec<_>>()
    };
    assert_eq!(lasting().await, [(4, at(11))]);
    daemon.clock().reached(at(4));
    for (merged, left) in [(4, (3, at(10))), (2, (3, at(4)))] {
        let span = Span { file: "".into(), start: 0, end: 0, line: 1 };
        let update = AgentUpdate::new(Actor::Owner, Via::Cli, vec![Action { kind: ActionKind::Merge, span }]);
        agent::update(daemon.app(), TicketId(merged), &update).await.unwrap();
        assert_eq!(lasting().await, [left], "after {merged}");
    }
    evaluate_all(&daemon).await;
    assert_eq!(lasting().await, []);
    assert_eq!(fired(&daemon, 3).await.pop().unwrap(), ["Outage ends", "Tag"]);
    daemon.store().close().await;
}
