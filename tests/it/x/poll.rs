//! Polling misses nothing that X shows: messages listed late, more than one poll has calls for, and kills at any
//! moment.

use std::{collections::BTreeSet, sync::Arc};

use crate::support::{TestDesk, inside, owner::OwnerReads as _, simulator};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::Config};
use twite::{
    app::Notice,
    clock::Clock,
    daemon::Daemon,
    desk::{ConnectedAccount, Incoming, IncomingKind, XId},
    sim::{Fault, NewPerson, NewPost, SimHandle},
    store::Store,
    x::transport::poll::{Endpoint, OVERLAP, PageRead, Position, Stretch},
};

const TAG: &str = "trigger \"Tag\" {\n  on created\n  then add tags seen\n}\n";
const SUITE: &str = "edition = \"suite\"\n";

fn id(at: Timestamp) -> XId {
    XId::made_at(at).unwrap()
}

async fn desk(sim: &SimHandle) -> (Arc<Daemon>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let (daemon, _) = inside::daemon(directory.path(), sim, &["acme"], TAG, SUITE).await;
    (daemon, directory)
}

async fn tickets(daemon: &Daemon) -> i64 {
    daemon.run_until_idle().await.unwrap();
    daemon.store().counts().await.unwrap().tickets
}

/// Lets X list a mention now that was posted this long ago.
fn list_late(sim: &SimHandle, ago: SignedDuration) {
    let made = sim.now().checked_sub(ago).unwrap();
    let (id, text) = (id(made), format!("@acme listed {ago} late"));
    let line = serde_json::json!({
        "data": {"id": id, "text": text, "author_id": "501", "created_at": made.to_string(), "conversation_id": id},
        "includes": {"users": [{"id": "501", "username": "u501", "name": "U"}]},
    });
    let report = sim.load_lines(line.to_string().as_bytes()).unwrap();
    assert!(report.unreadable.is_empty(), "{report:?}");
    sim.release(10, false).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_that_x_lists_late_is_read() {
    let sim = simulator().await;
    let (daemon, _directory) = desk(&sim).await;
    sim.make_user(&NewPerson::named("mira")).unwrap();
    sim.post(&NewPost { by: "mira".into(), text: "@acme I am seen first".into(), ..NewPost::default() }).unwrap();
    assert_eq!(tickets(&daemon).await, 1);
    let mut expected = 1;
    for ago in [SignedDuration::from_secs(3), SignedDuration::from_mins(5), OVERLAP - SignedDuration::from_mins(1)] {
        list_late(&sim, ago);
        expected += 1;
        assert_eq!(tickets(&daemon).await, expected, "{ago} late");
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_group_is_left_out_aloud() {
    let sim = simulator().await;
    let (daemon, _directory) = desk(&sim).await;
    let (account, group) = (daemon.store().accounts().await.unwrap().remove(0).id, id(sim.now()));
    let message = |n: i64, conversation: String| {
        let id = id(sim.now().saturating_add(SignedDuration::from_secs(n)).unwrap());
        serde_json::json!({"id": id, "event_type": "MessageCreate", "text": "hello", "sender_id": "500",
            "dm_conversation_id": conversation, "participant_ids": ["500", "501", account]})
    };
    let page = serde_json::json!({"data": [message(1, group.to_string()), message(2, "500-501".to_owned()),
        message(3, format!("500-{account}"))], "meta": {"result_count": 3}});
    sim.fault(Fault::on("GET /2/dm_events").times(3).answer(200, page.to_string())).unwrap();
    assert_eq!(tickets(&daemon).await, 1);
    assert_eq!(daemon.store().counts().await.unwrap().set_aside, 2);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_from_the_future_hides_nothing() {
    let sim = simulator().await;
    let (daemon, _directory) = desk(&sim).await;
    list_late(&sim, SignedDuration::from_hours(-24 * 365));
    assert_eq!(tickets(&daemon).await, 1);
    sim.make_user(&NewPerson::named("mira")).unwrap();
    sim.post(&NewPost { by: "mira".into(), text: "@acme and now".into(), ..NewPost::default() }).unwrap();
    assert_eq!(tickets(&daemon).await, 2);
    sim.stop().await;
}

/// Posts this many mentions, direct messages and likes by different people while nothing polls.
fn flood(sim: &SimHandle, mentions: usize, messages: usize, likes: usize) {
    for n in 0..mentions.max(messages).max(likes) {
        let by = format!("p{n}");
        if sim.make_user(&NewPerson::named(&by)).is_err() {
            continue;
        }
        if n < mentions {
            sim.post(&NewPost { by: by.clone(), text: format!("@acme {n}"), ..NewPost::default() }).unwrap();
        }
        if n < messages {
            sim.dm(&by, "acme", &format!("hello {n}")).unwrap();
        }
        if n < likes {
            let post = sim.post(&NewPost { by, text: format!("what a day {n}"), ..NewPost::default() }).unwrap();
            sim.like("acme", &post).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_nobody_read_is_read_to_its_end() {
    let sim = simulator().await;
    let (daemon, _directory) = desk(&sim).await;
    sim.make_user(&NewPerson::named("mira")).unwrap();
    sim.dm("mira", "acme", "first").unwrap();
    assert_eq!(tickets(&daemon).await, 1);
    flood(&sim, 0, 700, 600);
    assert_eq!(tickets(&daemon).await, 1 + 700 + 600);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_x_shows_no_more_is_said_each_time() {
    let sim = simulator().await;
    let (daemon, _directory) = desk(&sim).await;
    list_late(&sim, SignedDuration::from_hours(1));
    let mut expected = 1;
    assert_eq!(tickets(&daemon).await, expected);
    let mut told = daemon.notices().listen();
    // The same within the minutes that each poll reads again.
    for round in 1..=2 {
        for n in 0..1_000 {
            let by = format!("r{round}p{n}");
            sim.make_user(&NewPerson::named(&by)).unwrap();
            sim.post(&NewPost { by, text: format!("@acme {n}"), ..NewPost::default() }).unwrap();
        }
        expected += 800;
        assert_eq!(tickets(&daemon).await, expected);
        let mut said = vec![];
        while let Ok(notice) = told.try_recv() {
            said.extend(matches!(notice, Notice::Trouble { .. }).then(|| notice.to_string()));
        }
        assert!(said.len() == 1 && said[0].contains("@acme mentions: posts from "), "{said:?}");
        let gaps = daemon.store().gaps().await.unwrap();
        assert_eq!((gaps.len(), gaps[0].endpoint.as_str()), (round, "mentions"));
        let told =
            daemon.store().hindrances().await.unwrap().into_iter().filter(|h| h.reason.contains("may be missing"));
        assert_eq!(told.count(), round, "`status` names each");
    }
    sim.stop().await;
}

/// New messages that arrive while a list is read page by page push old ones off its end.
#[test]
fn a_gap_is_found_below_the_newest_that_was_known_however_few_were_read() {
    let account = ConnectedAccount::new("1".parse().unwrap(), "acme", Timestamp::UNIX_EPOCH);
    let message =
        |id: XId| Incoming { kind: IncomingKind::Post, x_id: id.clone(), version: id, payload: String::new() };
    let second = |n: i64| id(Timestamp::from_second(1_800_000_000 + n).unwrap());
    // Messages at the first page, new messages per page, and whether the last known message is pushed off. X lists 800.
    for (there, come, is_lost) in [
        (1, 0, false),
        (100, 0, false),
        (150, 50, false),
        (799, 0, false),
        (801, 0, true),
        (850, 50, true),
        (300, 300, true),
        (500, 200, true),
    ] {
        let known = second(0);
        let page = |from: i64, to: i64, next: bool| PageRead {
            items: (from..to).rev().map(second).map(message).collect(),
            next: next.then(|| "next".to_owned() + &from.to_string()),
            ..PageRead::default()
        };
        let mut position = Position::default();
        let first = position.from_top(&account, Endpoint::Mentions, 0);
        assert_eq!(position.note(Endpoint::Mentions, first, &page(0, 1, false), &|_| false, None), None);
        let mut stretch = position.from_top(&account, Endpoint::Mentions, 0);
        let (mut newest, mut upper) = (there, there + 1);
        let told = loop {
            // The newest 800, with the known message if it is still among them.
            let bottom = (newest - 799).max(0);
            let lower = (upper - 100).max(bottom).min(upper);
            let told =
                position.note(Endpoint::Mentions, stretch, &page(lower, upper, lower > bottom), &|_| false, None);
            (newest, upper) = (newest + come, lower);
            match position.unfinished() {
                Some(unfinished) => stretch = unfinished.clone(),
                None => break told,
            }
        };
        let expected = is_lost.then_some(known);
        assert_eq!(told.map(|told| told.known), expected, "{there}, and {come} a page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_x_takes_no_more_is_found_again() {
    let sim = simulator().await;
    let (daemon, _directory) = desk(&sim).await;
    flood(&sim, 350, 350, 0);
    for endpoint in ["GET /2/users/:id/mentions", "GET /2/dm_events"] {
        let refusal = r#"{"title":"Invalid Request","detail":"The `pagination_token` is not valid.","status":400}"#;
        sim.fault(Fault::on(endpoint).skip(1).answer(400, refusal)).unwrap();
    }
    assert_eq!(tickets(&daemon).await, 700);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_used_up_stall_one_endpoint_and_are_said_once() {
    let sim = simulator().await;
    let (daemon, _directory) = desk(&sim).await;
    sim.limit("GET /2/dm_events", 1).unwrap();
    let mut told = daemon.notices().listen();
    flood(&sim, 1, 1, 0);
    // The daemon polls until nothing is new; its second request exceeds the limit.
    assert_eq!(tickets(&daemon).await, 2);
    flood(&sim, 0, 0, 0);
    assert_eq!(tickets(&daemon).await, 2);
    let mut said = vec![];
    while let Ok(notice) = told.try_recv() {
        said.extend(matches!(notice, Notice::Trouble { .. }).then(|| notice.to_string()));
    }
    assert!(!said.is_empty() && said.iter().all(|said| said.contains("@acme direct messages")), "{said:?}");
    let polling = daemon.store().polling().await.unwrap();
    let stalled: Vec<_> = polling.iter().filter(|p| p.stalled.is_some()).collect();
    assert!(stalled.len() == 1 && stalled[0].endpoint == "direct messages" && stalled[0].next.is_some(), "{polling:?}");
    assert!(stalled[0].throttled, "{polling:?}");

    sim.limit("GET /2/dm_events", 100).unwrap();
    sim.dm("p0", "acme", "again").unwrap();
    daemon.run_until_idle().await.unwrap();
    assert!(daemon.store().polling().await.unwrap().iter().all(|p| p.stalled.is_none()));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_nobody_connected_is_named() {
    let desk = TestDesk::new(&["acme"], TAG, "[[account]]\nhandle = \"bikes\"\n").await;
    let _served = desk.serve();
    let mut log = String::new();
    while !log.contains("not connected") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        log = std::fs::read_to_string(desk.log()).unwrap_or_default();
    }
    assert!(log.contains("@bikes") && log.contains("twite accounts add bikes") && !log.contains("@acme."), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_captured_from_when_it_was_connected_by_the_clock_of_x() {
    let desk = TestDesk::new(&["acme"], TAG, "[[account]]\nhandle = \"bikes\"\n").await;
    desk.sim.make_user(&NewPerson::named("bikes")).unwrap();
    for hours in [-24, 24] {
        let now_at_x = Clock::Wall.now() + SignedDuration::from_hours(hours);
        desk.sim.set_clock(now_at_x);
        let tokens = desk.sim.connect("bikes").unwrap();
        let tokens = serde_json::json!({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token});
        let (rules, database) = (desk.rules(), desk.directory.path().join(format!("{hours}.db")));
        let ran = tokio::task::spawn_blocking(move || {
            assert_cmd::cargo::cargo_bin_cmd!("twite")
                .args(["accounts", "add", "bikes", "--tokens-from-stdin", "--rules"])
                .arg(rules)
                .arg("--database")
                .arg(&database)
                .env("TWITE_KEY", crate::support::key())
                .write_stdin(tokens.to_string())
                .assert()
                .success();
            database
        });
        let store = Store::open(&ran.await.unwrap()).await.unwrap();
        let from = store.accounts().await.unwrap()[0].capture_from.unwrap();
        let off = from.duration_until(now_at_x);
        assert!(off >= SignedDuration::ZERO && off <= SignedDuration::from_secs(60), "{from} is not {now_at_x}");
    }
}

/// A message of the model: minute it was made, and after how many minutes X lists it.
type Made = (i64, i64);

/// Time passes, then a poll of up to `pages` pages of this size.
#[derive(Debug, Clone)]
struct Step {
    minutes: i64,
    size: usize,
    pages: usize,
    /// Killed after this many pages, before the last one is stored.
    killed: Option<usize>,
    /// X invalidates its pagination tokens.
    forgets: bool,
}

fn step() -> impl Strategy<Value = Step> {
    (0..12_i64, 1..6_usize, 1..5_usize, prop::option::of(0..5_usize), prop::bool::weighted(0.2))
        .prop_map(|(minutes, size, pages, killed, forgets)| Step { minutes, size, pages, killed, forgets })
}

/// Model of a list of X.
struct Model {
    endpoint: Endpoint,
    /// Messages with the minute from which they are listed, newest first.
    listed: Vec<(XId, i64)>,
    /// Generation of pagination tokens; older tokens are refused.
    life: usize,
}

impl Model {
    fn page(&self, stretch: &Stretch, now: i64, size: usize) -> Option<PageRead> {
        let from = match &stretch.token {
            Some(token) => {
                let (life, from) = token.split_once(' ').unwrap();
                if life.parse() != Ok(self.life) {
                    return None;
                }
                Some(from.parse::<usize>().unwrap())
            }
            None => None,
        };
        let by_id = matches!(self.endpoint, Endpoint::Mentions | Endpoint::OwnPosts);
        let shown = |(n, (id, listed)): &(usize, &(XId, i64))| {
            *listed <= now
                && from.is_none_or(|from| *n > from)
                && (!by_id || stretch.since.as_ref().is_none_or(|since| id > since))
                && (!by_id || stretch.until.as_ref().is_none_or(|until| id < until))
        };
        let mut rest = self.listed.iter().enumerate().filter(shown).peekable();
        let mut page = PageRead::default();
        let mut last = 0;
        for (n, (id, _)) in rest.by_ref().take(size) {
            last = n;
            page.items.push(Incoming {
                kind: IncomingKind::Post,
                x_id: id.clone(),
                version: id.clone(),
                payload: String::new(),
            });
        }
        page.next = rest.peek().map(|_| format!("{} {last}", self.life));
        Some(page)
    }
}

fn account(capture_from: Option<Timestamp>) -> ConnectedAccount {
    ConnectedAccount { capture_from, ..ConnectedAccount::new("9".parse().unwrap(), "acme", minute(0)) }
}

fn minute(n: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + n * 60).unwrap()
}

#[test]
fn what_is_known_is_not_read_again_at_every_poll() {
    // Mentions per minute, and how often each may be read on average, with a poll every 30 seconds.
    for (per_minute, most) in [(0, 0.0), (1, 40.0), (10, 8.0), (47, 8.0), (200, 8.0)] {
        let made = |n: i64| minute(0) + SignedDuration::from_millis(n * 60_000 / per_minute.max(1));
        let listed: Vec<_> = (0..60 * per_minute).rev().map(|n| (id(made(n)), n / per_minute.max(1))).collect();
        let mut x = Model { endpoint: Endpoint::Mentions, listed: vec![], life: 0 };
        let (mut position, mut read, mut known) = (Position::default(), 0, BTreeSet::new());
        let account = account(Some(minute(0)));
        for poll in 0..=120 {
            let now = minute(0) + SignedDuration::from_secs(poll * 30);
            // X lists the mentions of every third minute 14 minutes late.
            let is_listed = |(id, at): &&(XId, i64)| {
                let late = if at % 3 == 0 { 14 } else { 0 };
                id.made_at_millis().is_some_and(|made| made + late * 60_000 <= now.as_millisecond())
            };
            x.listed = listed.iter().filter(is_listed).map(|(id, _)| (id.clone(), 0)).collect();
            let mut stretch = position.from_top(&account, Endpoint::Mentions, 0);
            loop {
                let page = x.page(&stretch, 0, 100).unwrap();
                position.note(Endpoint::Mentions, stretch.clone(), &page, &|_| false, Some(now));
                read += page.items.len();
                known.extend(page.items.into_iter().map(|item| item.x_id));
                match position.unfinished() {
                    Some(unfinished) => stretch = unfinished.clone(),
                    None => break,
                }
            }
        }
        // All mentions listed before the last sweep are known; the sweep is at most five minutes old.
        let missed = x.listed.iter().filter(|(id, _)| !known.contains(id)).count();
        assert!(missed as i64 <= 5 * per_minute, "{per_minute}: {missed} of {}", x.listed.len());
        let times = read as f64 / known.len().max(1) as f64;
        assert!(times <= most, "{per_minute} a minute: each read {times:.1} times");
    }
}

/// Posts that are liked, then a poll of this many pages of this size, and whether X invalidates its tokens before it.
type Liked = (Vec<u64>, usize, usize, bool);

/// Asserts that every like is read. The list is ordered by the time of the like; posts may be liked in any order and
/// again.
fn read_likes(batches: Vec<Liked>) {
    let account = account(None);
    let mut x = Model { endpoint: Endpoint::Likes, listed: vec![], life: 0 };
    let mut position = Position::default();
    // Rows of the inbox by post.
    let mut inbox = std::collections::BTreeMap::new();
    let end = (vec![], 30, usize::MAX, false);
    for (liked, size, pages, forgets) in batches.into_iter().chain([end]) {
        for n in liked {
            let post = id(minute(0) + SignedDuration::from_secs(n.try_into().unwrap()));
            // A post that is liked again moves to the top.
            x.listed.retain(|(known, _)| *known != post);
            x.listed.insert(0, (post, 0));
            // Tokens of the model count from the top, so they become invalid.
            x.life += 1;
        }
        x.life += usize::from(forgets);
        let mut stretch = position.from_top(&account, Endpoint::Likes, inbox.len() as i64);
        for _ in 0..pages {
            let page = loop {
                match x.page(&stretch, 0, size) {
                    Some(page) => break page,
                    None => {
                        assert!(position.place_refused(Endpoint::Likes));
                        stretch = position.unfinished().unwrap().clone();
                    }
                }
            };
            let known_to = stretch.known_to;
            let is_known = |id: &XId| inbox.get(id).is_some_and(|row| *row <= known_to);
            position.note(Endpoint::Likes, stretch.clone(), &page, &is_known, Some(minute(600)));
            for item in page.items {
                let row = inbox.len() as i64 + 1;
                inbox.entry(item.x_id).or_insert(row);
            }
            match position.unfinished() {
                Some(unfinished) => stretch = unfinished.clone(),
                None => break,
            }
        }
    }
    let read: BTreeSet<_> = inbox.into_keys().collect();
    let all: BTreeSet<_> = x.listed.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(read, all);
}

#[test]
fn a_like_that_comes_up_again_alone_on_a_page_hides_none_below() {
    let second = vec![
        2, 3, 21, 4, 81, 10, 8, 5, 11, 6, 12, 13, 22, 14, 23, 24, 25, 26, 27, 7, 28, 15, 29, 16, 30, 37, 38, 39, 40,
        145, 0, 19, 31, 32, 33, 9, 41, 82, 42, 43, 44, 17, 34,
    ];
    read_likes(vec![(vec![43], 1, 1, false), (second, 14, 2, false), (vec![45, 46, 43], 1, 2, false)]);
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_x_shows_is_read_once(
        endpoint in prop::sample::select(vec![Endpoint::Mentions, Endpoint::OwnPosts, Endpoint::DirectMessages]),
        made in prop::collection::btree_set((0..150_i64, 0..OVERLAP.as_mins()), 0..400),
        steps in prop::collection::vec(step(), 0..25),
    ) {
        let made: Vec<Made> = made.into_iter().collect();
        let mut listed: Vec<_> = made
            .iter()
            .enumerate()
            .map(|(n, (at, late))| {
                // Messages of the same minute are some milliseconds apart.
                let made = minute(*at) + SignedDuration::from_millis(n as i64);
                (id(made), at + late + 1)
            })
            .collect();
        listed.sort_by(|a, b| b.0.cmp(&a.0));
        let mut x = Model { endpoint, listed, life: 0 };
        let account = account(Some(minute(0)));
        let mut stored = serde_json::to_string(&Position::default()).unwrap();
        let mut inbox = BTreeSet::new();
        let mut now = 0;
        let last = Step { minutes: 400, size: 7, pages: usize::MAX, killed: None, forgets: false };
        for step in steps.into_iter().chain([last.clone(), last]) {
            now += step.minutes;
            x.life += usize::from(step.forgets);
            let mut position: Position = serde_json::from_str(&stored).unwrap();
            let mut stretch = position.from_top(&account, endpoint, 0);
            let mut pages = 0;
            while pages < step.pages {
                let Some(page) = x.page(&stretch, now, step.size) else {
                    prop_assert!(position.place_refused(endpoint));
                    stretch = position.unfinished().unwrap().clone();
                    continue;
                };
                position.note(endpoint, stretch.clone(), &page, &|_| false, Some(minute(now)));
                if step.killed == Some(pages) {
                    break;
                }
                stored = serde_json::to_string(&position).unwrap();
                inbox.extend(page.items.into_iter().map(|item| item.x_id));
                pages += 1;
                match position.unfinished() {
                    Some(unfinished) => stretch = unfinished.clone(),
                    None => break,
                }
                prop_assert!(pages < 10_000, "it ends");
            }
        }
        let all: BTreeSet<_> = x.listed.iter().map(|(id, _)| id.clone()).collect();
        prop_assert_eq!(inbox, all);
    }

    #[test]
    fn whatever_is_liked_is_read_once(
        batches in prop::collection::vec((prop::collection::vec(0..400_u64, 0..60), 1..30_usize, 1..4_usize, any::<bool>()), 1..12),
    ) {
        read_likes(batches);
    }
}
