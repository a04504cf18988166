//! What the store promises, on real database files.

mod failures;
/// The generator that tests outside of the crate and the fuzzer use as well.
#[path = "../../../tests/it/support/generate.rs"]
mod generate;
mod lease;
mod reports;
mod views;

use tempfile::TempDir;

use super::*;
use crate::desk::{Ticket, XId};

/// A store in a directory of its own, which goes with it.
async fn store() -> (Store, TempDir) {
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
