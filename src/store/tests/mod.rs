//! Tests of the store on real databases: SQLite files or a PostgreSQL server, see [`database`].

#[path = "../../../tests/it/support/database.rs"]
mod database;
mod failures;
// Shared with the integration tests; the generator also with the fuzzer.
#[path = "../../../tests/it/support/generate.rs"]
mod generate;
mod layout;
mod lease;
mod reports;
mod views;

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use self::database::TestDatabase;
use super::*;
use crate::desk::{Ticket, XId};

/// A store on a temporary database of its own.
async fn store() -> (Store, TestDatabase) {
    let database = TestDatabase::new().await;
    (database.open().await, database)
}

/// As [`store`], but always a SQLite file.
async fn file_store() -> (Store, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("twite.db")).await.unwrap();
    (store, directory)
}

fn x(id: u64) -> XId {
    id.to_string().parse().unwrap()
}

fn key(conversation: u64, person: u64) -> TicketKey {
    TicketKey { account: x(1), conversation: conversation.to_string(), person: x(person) }
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
