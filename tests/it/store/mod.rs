//! Tests of `store`, on SQLite or PostgreSQL (see [`crate::support::database`]).

mod forget;
mod full_disk;
mod layout;
mod lease;
mod people;
mod postgres;
mod reports;
mod versions;
mod views;

use jiff::Timestamp;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use twite::{
    desk::{ConnectedAccount, Incoming, IncomingKind, Transport, XId},
    store::{Store, StoreError, TicketKey},
};

use crate::support::database::TestDatabase;

/// A store on a new database.
async fn store() -> (Store, TestDatabase) {
    let database = TestDatabase::new().await;
    (database.open().await, database)
}

fn x(id: u64) -> XId {
    id.to_string().parse().unwrap()
}

fn key(conversation: u64, person: u64) -> TicketKey {
    TicketKey { account: x(1), conversation: conversation.to_string(), person: x(person).into() }
}

#[tokio::test]
async fn a_database_has_an_id_of_its_own_and_keeps_it() {
    let (one, database) = store().await;
    let (other, _other) = store().await;
    let again = database.open().await;
    assert_eq!(one.id(), again.id());
    assert_ne!(one.id(), other.id());
    assert!(one.id().len() == 26 && one.id().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for (n, statement) in ["CREATE TABLE orders (n)", "PRAGMA application_id = 7"].into_iter().enumerate() {
        let path = directory.path().join(format!("{n}.db"));
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut theirs = options.connect().await.unwrap();
        sqlx::query(statement).execute(&mut theirs).await.unwrap();
        theirs.close().await.unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Store::open(&path).await, Err(StoreError::Foreign)), "{statement}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{statement}");
    }
    // An empty file is accepted as a new database.
    let path = directory.path().join("empty.db");
    std::fs::write(&path, "").unwrap();
    Store::open(&path).await.unwrap().close().await;
    Store::open(&path).await.unwrap().close().await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_anywhere_never_was() {
    let (store, _directory) = store().await;
    let account = ConnectedAccount::new(x(1), "acme", Timestamp::UNIX_EPOCH);
    store.connect(&account).await.unwrap();
    let messages: Vec<_> = (1_000..1_005)
        .map(|id| Incoming { kind: IncomingKind::Post, version: x(id), x_id: x(id), payload: "x".repeat(100_000) })
        .collect();
    for polls in 0..60 {
        let (store, messages) = (store.clone(), messages.clone());
        let mut accept =
            Box::pin(async move { store.accept(&x(1), Transport::Poll, &messages, None, Timestamp::UNIX_EPOCH).await });
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
