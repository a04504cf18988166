//! Database failures in the middle of an operation: it is rolled back, and the next operation works.

use jiff::Timestamp;

use super::{
    super::db::{Builder, query, sqlite::READERS},
    file_store, store, *,
};

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
    store
        .connect(&ConnectedAccount {
            id: x(1),
            handle: "acme".into(),
            state: AccountState::Connected,
            connected: now(),
            capture_from: None,
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_disk_that_was_full_is_forgotten_once_there_is_room() {
    let (store, _directory) = file_store().await;
    account(&store).await;
    for round in 0..3 {
        let used = pages(&store, None).await;
        pages(&store, Some(used + 20)).await;
        let full = store.accept(&x(1), &messages(round * 100, 10), Some(("walk", "1")), NOW).await.unwrap_err();
        assert!(full.to_string().contains("full"), "{full}");
        assert!(!full.is_about_data());
        // The failed connection is closed, and with it the `max_page_count` that was set on it.
        store.begin().await.unwrap().commit().await.unwrap();
        assert_eq!(store.pending(100).await.unwrap().len(), usize::try_from(round).unwrap() * 10, "nothing of it was");
        store.accept(&x(1), &messages(round * 100, 10), Some(("walk", "1")), NOW).await.unwrap();
    }
    assert_eq!(store.pending(100).await.unwrap().len(), 30);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_anywhere_never_was() {
    let (store, _directory) = store().await;
    account(&store).await;
    for polls in 0..60 {
        let (store, items) = (store.clone(), messages(1000, 5));
        let mut accept = Box::pin(async move { store.accept(&x(1), &items, None, NOW).await });
        // Dropped after a number of polls, at any await point.
        let mut done = false;
        for _ in 0..polls {
            let step = std::future::poll_fn(|context| {
                std::task::Poll::Ready(std::future::Future::poll(accept.as_mut(), context).is_ready())
            });
            if step.await {
                done = true;
                break;
            }
            tokio::task::yield_now().await;
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        drop(accept);
        if done {
            break;
        }
    }
    store.begin().await.unwrap().commit().await.unwrap();
    assert!(matches!(store.pending(100).await.unwrap().len(), 0 | 5), "all of it or none");
}

#[tokio::test]
async fn a_snapshot_that_fails_is_no_harm_to_the_next() {
    let (store, _directory) = file_store().await;
    for _ in 0..READERS * 3 {
        let mut snapshot = store.snapshot().await.unwrap();
        query("SELECT * FROM nothing_of_the_kind").execute(&mut snapshot).await.unwrap_err();
        drop(snapshot);
        let mut snapshot = store.snapshot().await.unwrap();
        query("ROLLBACK").execute(&mut snapshot).await.unwrap();
        // As if SQLite had rolled back by itself.
        snapshot.rollback().await.unwrap_err();
    }
    for _ in 0..READERS * 3 {
        store.snapshot().await.unwrap().rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_waited_for_and_used_again() {
    let (store, directory) = file_store().await;
    account(&store).await;
    let other = Store::open(&directory.path().join("twite.db")).await.unwrap();
    let held = other.begin().await.unwrap();
    // The busy timeout is set per connection; a short one keeps the test fast.
    query("PRAGMA busy_timeout = 1").execute(&store.writer).await.unwrap();
    let locked = store.accept(&x(1), &messages(1, 1), None, NOW).await.unwrap_err();
    assert!(locked.to_string().contains("locked") && !locked.is_about_data(), "{locked}");
    drop(held);
    store.accept(&x(1), &messages(1, 1), None, NOW).await.unwrap();
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
        let (store, directory) = file_store().await;
        account(&store).await;
        let (path, aside) = (directory.path().join("twite.db"), directory.path().join("aside.db"));
        std::fs::rename(&path, &aside).unwrap();
        match replaced {
            None => {}
            Some(false) => std::fs::write(&path, "").unwrap(),
            Some(true) => drop(Store::open(&path).await.unwrap()),
        }
        for _back in [false, true] {
            let gone = store.accept(&x(1), &messages(1, 1), None, now()).await.unwrap_err();
            assert!(matches!(gone, StoreError::Replaced(_)) && gone.to_string().contains("start again"), "{gone}");
            assert!(!gone.is_about_data());
            // Some connections may be to the other file, so the store keeps failing after the file is back.
            std::fs::rename(&aside, &path).unwrap_or_default();
        }
        let store = Store::open(&path).await.unwrap();
        store.accept(&x(1), &messages(1, 1), None, now()).await.unwrap();
    }
}
