//! A daemon that is killed at every observable moment: before and after each of its requests takes effect. Nothing is
//! lost, duplicated or sent twice.

use std::{collections::BTreeSet, time::Duration};

use crate::support::{
    TestDesk,
    database::{DirectConnection, server},
    simulator,
};
use twite::{
    clock::Clock,
    desk::{Incoming, IncomingKind, Transport, XId},
    sim::{Cut, Fault, Moment, Sent, SentKind, SimHandle},
    store::Counts,
};

const RULES: &str = r#"
trigger "Answer everybody" {
  on created
  when channel in (twitter, twitter_dm)
  then
    add tags answered
    reply "Thank you, {{ticket.requester.handle}}. We are looking into it."
}
"#;

const LIMITS: &str = "[limits]\nreplies_per_person_per_hour = 1000\nreplies_per_account_per_hour = 1000\n";
const CONVERSATIONS: &str = include_str!("../../../examples/conversations/northwind.ndjson");
const ACCOUNTS: &[&str] = &["NorthwindHelp", "NorthwindRail"];

async fn desk() -> TestDesk {
    let sim = simulator().await;
    let report = sim.load_lines(CONVERSATIONS.as_bytes()).unwrap();
    assert!(report.unreadable.is_empty(), "{report:?}");
    sim.release(usize::MAX, true).unwrap();
    TestDesk::on(sim, ACCOUNTS, RULES, LIMITS).await
}

/// A reply as X has it: the account, the text, the post it answers, and the recipient.
type Said = (String, Option<String>, Option<String>, Option<String>);

/// All replies sent, in any order.
fn sent(sim: &SimHandle) -> Vec<Said> {
    let mut sent: Vec<_> = sim
        .sent()
        .into_iter()
        .filter(|s: &Sent| matches!(s.kind, SentKind::Post | SentKind::Dm))
        .map(|s| (s.author, s.text, s.in_reply_to, s.to))
        .collect();
    sent.sort();
    sent
}

fn all_delivered(counts: &Counts, replies: i64) -> bool {
    counts.sent + counts.refused + counts.unknown == replies
}

/// Counts and replies of a run without interruption.
async fn undisturbed() -> (Counts, Vec<Said>) {
    let desk = desk().await;
    let _served = desk.serve();
    // Every ticket except the one from a like gets a reply.
    desk.until("everything", |c, _| c.tickets > 20 && c.sent == c.tickets - 1).await;
    let counts = desk.quiet().await;
    let sent = sent(&desk.sim);
    assert_eq!(i64::try_from(sent.len()).unwrap(), counts.sent);
    (counts, sent)
}

fn same(counts: &Counts, sent: &[Said], desk: &TestDesk, expected: &Counts) {
    let distinct: BTreeSet<_> = self::sent(&desk.sim).into_iter().collect();
    assert_eq!(self::sent(&desk.sim).len(), distinct.len(), "a reply was sent twice");
    assert_eq!(self::sent(&desk.sim), sent, "the same replies");
    assert_eq!(counts, expected, "the same tickets");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_every_request() {
    let (expected, expected_sent) = undisturbed().await;
    let desk = desk().await;
    let mut sightings = desk.sim.watch();
    // Run n is killed at its n-th request, so that every moment ends some run. A run that survives until everything is
    // sent has no moment left.
    let mut lives = 0;
    'lives: for last in 1..200 {
        lives += 1;
        let mut served = desk.serve();
        for n in 1..=last {
            let quiet = Duration::from_secs(3);
            match tokio::time::timeout(quiet, sightings.recv()).await {
                Ok(Some(sighting)) if n == last => {
                    served.kill();
                    drop(sighting);
                }
                Ok(Some(sighting)) => sighting.release(),
                Ok(None) | Err(_) => break,
            }
            if sent(&desk.sim).len() == expected_sent.len() && last > 40 {
                break 'lives;
            }
        }
        served.kill();
        // Requests of the killed daemon do not count for the next run.
        while sightings.try_recv().is_ok() {}
    }
    drop(sightings);
    let _served = desk.serve();
    desk.until("the last life", |c, _| c.tickets == expected.tickets && all_delivered(c, expected.sent)).await;
    let counts = desk.quiet().await;
    println!("{lives} lives");
    same(&counts, &expected_sent, &desk, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_send_and_its_record() {
    let (expected, expected_sent) = undisturbed().await;
    let desk = desk().await;
    let mut sightings = desk.sim.watch();
    let mut killed = 0;
    while killed < 6 {
        let mut served = desk.serve();
        while let Ok(Some(sighting)) = tokio::time::timeout(Duration::from_secs(5), sightings.recv()).await {
            if sighting.method == "POST" && sighting.moment == Moment::After {
                served.kill();
                drop(sighting);
                killed += 1;
                break;
            }
            sighting.release();
        }
        served.kill();
        while sightings.try_recv().is_ok() {}
    }
    drop(sightings);
    let _served = desk.serve();
    desk.until("the last life", |c, _| c.tickets == expected.tickets && all_delivered(c, expected.sent)).await;
    let counts = desk.quiet().await;
    same(&counts, &expected_sent, &desk, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_lost() {
    let (expected, expected_sent) = undisturbed().await;
    let desk = desk().await;
    for endpoint in ["POST /2/tweets", "POST /2/dm_conversations*"] {
        desk.sim.fault(Fault::on(endpoint).times(3).cut(Cut::After)).unwrap();
        desk.sim.fault(Fault::on(endpoint).skip(3).times(2).cut(Cut::Before)).unwrap();
        desk.sim.fault(Fault::on(endpoint).skip(5).times(1).answer(502, "<html>bad gateway</html>")).unwrap();
    }
    let _served = desk.serve();
    desk.until("everything", |c, _| c.tickets == expected.tickets && all_delivered(c, expected.sent)).await;
    let counts = desk.quiet().await;
    same(&counts, &expected_sent, &desk, &expected);
}

/// Inbox items waiting, tickets, comments, decisions, rules fired, and replies.
async fn kept(desk: &TestDesk) -> [i64; 6] {
    let mut database = DirectConnection::at(&desk.rules().join("twite.db")).await;
    let counts = database
        .texts(
            "SELECT CAST(n AS TEXT) FROM (SELECT 1 AS place, count(*) AS n FROM inbox WHERE state = 'pending'
             UNION ALL SELECT 2, count(*) FROM ticket UNION ALL SELECT 3, count(*) FROM comment WHERE delivery = 'imported'
             UNION ALL SELECT 4, count(*) FROM decision UNION ALL SELECT 5, count(*) FROM fired
             UNION ALL SELECT 6, count(*) FROM outbox WHERE kind = 'reply') AS counts ORDER BY place",
        )
        .await;
    std::array::from_fn(|n| counts[n].parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_many_are_taken_in_together() {
    const MESSAGES: i64 = 2_000;
    const LIVES: i64 = 8;
    // Nothing is sent: the counts show only what decisions leave.
    let desk = TestDesk::new(&["acme"], RULES, "[limits]\nreplies_per_account_per_hour = 0\n").await;
    let store = desk.store().await;
    let items: Vec<_> = (0..MESSAGES)
        .map(|n| {
            let id: XId = (100_000 + n).to_string().parse().unwrap();
            let payload = serde_json::json!({"data": {
                "id": id, "author_id": (500_000 + n).to_string(), "conversation_id": id, "text": "@acme hello",
                "created_at": Clock::Wall.now(),
            }});
            Incoming { kind: IncomingKind::Post, version: id.clone(), x_id: id, payload: payload.to_string() }
        })
        .collect();
    store.accept(&desk.accounts[0], Transport::Poll, &items, None, Clock::Wall.now()).await.unwrap();
    store.close().await;
    for life in 1..=LIVES {
        let mut served = desk.serve();
        // Killed at any point between two batches.
        while kept(&desk).await[1] < MESSAGES * life / (LIVES + 1) {
            assert!(served.runs());
        }
        served.kill();
        let [waiting, tickets, comments, decisions, fired, replies] = kept(&desk).await;
        assert_eq!(waiting + tickets, MESSAGES, "a message waits, or has its ticket");
        assert_eq!([comments, decisions, fired, replies], [tickets; 4], "what is done is done whole, and once");
    }
    let _served = desk.serve();
    desk.until("the rest", |c, _| c.tickets == MESSAGES).await;
    assert_eq!(kept(&desk).await, [0, MESSAGES, MESSAGES, MESSAGES, MESSAGES, MESSAGES]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_deleted_or_replaced_ends_the_daemon() {
    if server().is_some() {
        return;
    }
    use twite::sim::{NewPerson, NewPost};
    for replaced in [false, true] {
        let desk = TestDesk::new(&["acme"], RULES, LIMITS).await;
        desk.sim.make_user(&NewPerson::named("ana")).unwrap();
        let mut served = desk.serve();
        let say = |text: &str| {
            desk.sim.post(&NewPost { by: "ana".into(), text: text.into(), ..NewPost::default() }).unwrap();
        };
        say("@acme one");
        desk.until("an answer", |counts, _| counts.sent == 1).await;
        let (path, aside) = (desk.rules().join("twite.db"), desk.rules().join("aside.db"));
        std::fs::rename(&path, &aside).unwrap();
        if replaced {
            std::fs::copy(&aside, &path).unwrap();
        }
        say("@acme two");
        while served.runs() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(desk.log()).unwrap();
        assert!(log.contains("was deleted or replaced by another file while it was in use"), "{log}");
        assert_eq!((served.status(), path.exists()), (Some(3), replaced), "{log}");
        assert_eq!(sent(&desk.sim).len(), 1, "nothing is sent that nobody would know of");
        // The original file is restored, and everything continues.
        std::fs::rename(&aside, &path).unwrap();
        let _served = desk.serve();
        desk.until("the other answer", |counts, _| (counts.tickets, counts.sent) == (2, 2)).await;
        assert_eq!(sent(&desk.sim).len(), 2);
    }
}
