//! Tests that need the inside of the store: connections that fail, query plans, processes. All others are in `tests/it/store`.

use jiff::Timestamp;
use tempfile::TempDir;

use super::{
    db::{Builder, query, sqlite::READERS},
    view::Query as ViewQuery,
    *,
};
use crate::{
    desk::{
        ConnectedAccount, Declarations, FieldRef, Incoming, IncomingKind, Person, Ticket, TicketId, Transport, Viewer,
        XId,
        declarations::{Agent, Sees},
    },
    lang::rules::{Comparison, Condition, ConditionKind, Literal, Op, Predicate, Span},
};

fn x(id: u64) -> XId {
    id.to_string().parse().unwrap()
}

/// A store on a SQLite file of its own.
async fn store() -> (Store, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("twite.db")).await.unwrap();
    (store, directory)
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Messages of about 100 kB each.
fn messages(from: u64, count: u64) -> Vec<Incoming> {
    (from..from + count)
        .map(|id| Incoming { kind: IncomingKind::Post, version: x(id), x_id: x(id), payload: "x".repeat(100_000) })
        .collect()
}

async fn pages(store: &Store, most: Option<i64>) -> i64 {
    let pragma = most.map_or("PRAGMA page_count".to_owned(), |most| format!("PRAGMA max_page_count = {most}"));
    Builder::new(store.writer.dialect(), pragma).build_query_scalar().fetch_one(&store.writer).await.unwrap()
}

async fn account(store: &Store) {
    store.connect(&ConnectedAccount::new(x(1), "acme", now())).await.unwrap();
}

#[tokio::test]
async fn a_disk_that_was_full_is_forgotten_once_there_is_room() {
    let (store, _directory) = store().await;
    account(&store).await;
    for round in 0..3 {
        let used = pages(&store, None).await;
        pages(&store, Some(used + 20)).await;
        let full = store
            .accept(&x(1), Transport::Poll, &messages(round * 100, 10), Some(("walk", "1")), NOW)
            .await
            .unwrap_err();
        assert!(full.to_string().contains("full"), "{full}");
        assert!(!full.is_about_data());
        // The failed connection is closed, and with it the `max_page_count` that was set on it.
        store.begin().await.unwrap().commit().await.unwrap();
        assert_eq!(store.pending(100).await.unwrap().len(), usize::try_from(round).unwrap() * 10, "nothing of it was");
        store.accept(&x(1), Transport::Poll, &messages(round * 100, 10), Some(("walk", "1")), NOW).await.unwrap();
    }
    assert_eq!(store.pending(100).await.unwrap().len(), 30);
}

#[tokio::test]
async fn a_snapshot_that_fails_is_no_harm_to_the_next() {
    let (store, _directory) = store().await;
    for _ in 0..READERS * 3 {
        let mut snapshot = store.snapshot(Viewer::Owner).await.unwrap();
        query("SELECT * FROM nothing_of_the_kind").execute(&mut snapshot.conn).await.unwrap_err();
        drop(snapshot);
        let mut snapshot = store.snapshot(Viewer::Owner).await.unwrap();
        query("ROLLBACK").execute(&mut snapshot.conn).await.unwrap();
        // As if SQLite had rolled back by itself.
        snapshot.close().await.unwrap_err();
    }
    for _ in 0..READERS * 3 {
        store.snapshot(Viewer::Owner).await.unwrap().close().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_waited_for_and_used_again() {
    let (store, directory) = store().await;
    account(&store).await;
    let other = Store::open(&directory.path().join("twite.db")).await.unwrap();
    let held = other.begin().await.unwrap();
    // The busy timeout is set per connection; a short one keeps the test fast.
    query("PRAGMA busy_timeout = 1").execute(&store.writer).await.unwrap();
    let locked = store.accept(&x(1), Transport::Poll, &messages(1, 1), None, NOW).await.unwrap_err();
    assert!(locked.to_string().contains("locked") && !locked.is_about_data(), "{locked}");
    drop(held);
    store.accept(&x(1), Transport::Poll, &messages(1, 1), None, NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_database_may_be_opened_by_several_at_once() {
    for _ in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("twite.db");
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let path = path.clone();
            opening.spawn(async move { Store::open(&path).await.map(drop) });
        }
        for opened in opening.join_all().await {
            opened.unwrap();
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_is_written_to_no_more() {
    for replaced in [None, Some(false), Some(true)] {
        let (store, directory) = store().await;
        account(&store).await;
        let (path, aside) = (directory.path().join("twite.db"), directory.path().join("aside.db"));
        std::fs::rename(&path, &aside).unwrap();
        match replaced {
            None => {}
            Some(false) => std::fs::write(&path, "").unwrap(),
            // Closed at once: a connection that closes later would touch the file that comes back.
            Some(true) => Store::open(&path).await.unwrap().close().await,
        }
        for _back in [false, true] {
            let gone = store.accept(&x(1), Transport::Poll, &messages(1, 1), None, now()).await.unwrap_err();
            assert!(matches!(gone, StoreError::Replaced(_)) && gone.to_string().contains("start again"), "{gone}");
            assert!(!gone.is_about_data());
            // Some connections may be to the other file, so the store keeps failing after the file is back.
            std::fs::rename(&aside, &path).unwrap_or_default();
        }
        let store = Store::open(&path).await.unwrap();
        store.accept(&x(1), Transport::Poll, &messages(1, 1), None, now()).await.unwrap();
    }
}

#[tokio::test]
async fn common_views_find_their_tickets_by_index() {
    let (store, _directory) = store().await;
    let desk = Declarations::default();
    let ask = |name, op| Condition {
        kind: ConditionKind::Predicate(Predicate::new(FieldRef::find(name, &desk).unwrap(), op)),
        span: Span { file: "views.twite".into(), start: 0, end: 0, line: 1 },
    };
    let tagged = ask("tags", Op::HasAny(vec!["vip".into()].into()));
    let watched = ask("watchers", Op::HasAny(vec!["Ana".into()].into()));
    let solved = Literal::Word { word: "solved".into(), rank: Some(4) };
    let unsolved = ask("status", Op::Compare(Comparison::Less, solved));
    let ana = |sees| Agent { name: "Ana".into(), groups: vec!["Social".into()], sees, ..Agent::default() };
    let (groups, assigned) = (ana(Sees::Groups), ana(Sees::Assigned));
    for (viewer, filter, index) in [
        (Viewer::Owner, &tagged, "ticket_tag_by_tag"),
        (Viewer::Owner, &watched, "ticket_watcher_by_agent"),
        (Viewer::Agent(&groups), &watched, "ticket_watcher_by_agent"),
        (Viewer::Owner, &unsolved, "ticket_by_status"),
        (Viewer::Agent(&groups), &tagged, "ticket_tag_by_tag"),
        (Viewer::Agent(&groups), &unsolved, "ticket_by_status"),
        (Viewer::Agent(&assigned), &unsolved, "ticket_by_assignee"),
    ] {
        let dialect = store.reader.dialect();
        let query = ViewQuery::of(dialect, "EXPLAIN QUERY PLAN SELECT t.id", viewer, filter, &desk, now());
        let rows = query.sql.build().fetch_all(&store.reader).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:#?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN t")), "{plan:#?}");
    }
}

#[test]
fn a_process_that_is_gone_is_told_from_one_that_lives() {
    let here = Holder::this_process();
    if here.process.is_empty() {
        return;
    }
    assert!(!here.is_gone());
    let process = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut parts = here.process.split(' ').map(str::to_owned).collect();
        edit(&mut parts);
        Holder { process: parts.join(" "), ..here.clone() }
    };
    assert!(process(&|parts| parts[2] = "1".into()).is_gone(), "its number is another process's by now");
    assert!(process(&|parts| parts[0] = "before".into()).is_gone(), "the machine was started anew");
    assert!(!process(&|parts| parts[1] = "pid:[1]".into()).is_gone(), "what another container runs cannot be told");
    let elsewhere = Holder { host: "elsewhere".into(), pid: 1, process: String::new() };
    assert!(!elsewhere.is_gone());
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let started = lease::started(&child.id().to_string()).unwrap();
    let child_holder = Holder { pid: child.id(), ..process(&|parts| parts[2].clone_from(&started)) };
    assert!(!child_holder.is_gone());
    child.kill().unwrap();
    // Killed, and a zombie until it is waited for.
    while !child_holder.is_gone() {
        std::thread::yield_now();
    }
    child.wait().unwrap();
    assert!(child_holder.is_gone());
}

#[tokio::test]
async fn a_statement_that_writes_past_the_cache_is_read() {
    let (store, _directory) = store().await;
    account(&store).await;
    let person = Person { id: Some(x(7).into()), name: Some("Ana".into()), ..Person::default() };
    let ticket = Ticket {
        id: TicketId(1),
        requester: person,
        tags: ["vip".to_owned()].into(),
        subject: "one".into(),
        ..Ticket::default()
    };
    let key = TicketKey { account: x(1), conversation: "9".into(), person: x(7).into() };
    let mut tx = store.begin().await.unwrap();
    tx.open(&ticket, &key, &x(9), now()).await.unwrap();
    assert_eq!(tx.ticket_version(TicketId(1)).await.unwrap(), 1);
    for (statement, subject, name) in [
        ("UPDATE ticket SET subject = 'two', version = version + 1", "two", "Ana"),
        ("UPDATE person SET name = 'Bea'", "two", "Bea"),
        ("DELETE FROM ticket_tag", "two", "Bea"),
    ] {
        assert!(tx.ticket(TicketId(1)).await.unwrap().is_some(), "it is cached");
        query(statement).execute(&mut tx.conn).await.unwrap();
        let read = tx.ticket(TicketId(1)).await.unwrap().unwrap();
        assert_eq!((read.subject.as_str(), read.requester.name.as_deref()), (subject, Some(name)), "{statement}");
        assert_eq!(tx.person(&x(7).into()).await.unwrap().unwrap().name.as_deref(), Some(name), "{statement}");
        // Buffered rows are not lost with the cached ticket.
        assert_eq!(read.tags.is_empty(), statement.starts_with("DELETE"), "{statement}");
        assert_eq!(tx.ticket_version(TicketId(1)).await.unwrap(), 2);
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_in_a_set_follows_its_last_change_in_a_transaction() {
    let (store, _directory) = store().await;
    account(&store).await;
    let with = |on: bool| {
        let one = |text: &str| if on { [text.to_owned()].into() } else { std::collections::BTreeSet::new() };
        let mut ticket = Ticket {
            id: TicketId(1),
            requester: Person { id: Some(x(7).into()), ..Person::default() },
            tags: one("vip"),
            watchers: one("Ana"),
            ..Ticket::default()
        };
        ticket.post.hashtags = one("fail");
        ticket.post.media = if on { [crate::desk::MediaKind::Photo].into() } else { Default::default() };
        ticket
    };
    let key = TicketKey { account: x(1), conversation: "9".into(), person: x(7).into() };
    let mut tx = store.begin().await.unwrap();
    tx.open(&with(false), &key, &x(9), now()).await.unwrap();
    for on in [true, false, true, false] {
        tx.save(&with(on), now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let read = tx.ticket(TicketId(1)).await.unwrap().unwrap();
    let sets = (read.tags.len(), read.watchers.len(), read.post.hashtags.len(), read.post.media.len());
    assert_eq!(sets, (0, 0, 0, 0));
    for on in [true, false, true] {
        tx.save(&with(on), now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.ticket(TicketId(1)).await.unwrap().unwrap().watchers.len(), 1);
}
