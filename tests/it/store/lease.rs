//! The lease: which process takes over, and when, independent of wall clocks.

use std::time::Duration;

use tokio::time::Instant;

use jiff::Timestamp;

use twite::{
    desk::Destination,
    store::{Asked, Ended, Holder, Lease, Store, StoreError, TERM, Watch},
};

use super::store;
use crate::support::database::{self, DirectConnection};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A holder whose process cannot be checked.
fn stranger(pid: u32) -> Holder {
    Holder { host: "elsewhere".into(), pid, process: String::new() }
}

fn taken(asked: Asked) -> Ended {
    match asked {
        Asked::Taken(ended) => ended,
        Asked::Held(lease) => panic!("{lease:?} holds it"),
    }
}

fn held(asked: Asked) -> Lease {
    match asked {
        Asked::Held(lease) => lease,
        Asked::Taken(ended) => panic!("taken from who {ended:?}"),
    }
}

#[tokio::test]
async fn whoever_comes_second_waits_and_is_told_who_is_first() {
    let (first, database) = store().await;
    let second = database.open().await;
    let (mut one, mut two, start) = (Watch::default(), Watch::default(), Instant::now());
    assert_eq!(taken(first.ask_for_lease(&stranger(1), &mut one, at(0), start).await.unwrap()), Ended::Released);
    let lease = held(second.ask_for_lease(&stranger(2), &mut two, at(1), start).await.unwrap());
    assert_eq!((lease.holder.pid, lease.since), (1, at(0)));
    // Each renewal that is seen restarts the wait.
    for n in 1..10 {
        first.renew_lease(at(n)).await.unwrap();
        let later = start + TERM * u32::try_from(n).unwrap();
        held(second.ask_for_lease(&stranger(2), &mut two, at(n), later).await.unwrap());
    }
    first.release_lease(at(99)).await.unwrap();
    assert_eq!(taken(second.ask_for_lease(&stranger(2), &mut two, at(100), start).await.unwrap()), Ended::Released);
}

#[tokio::test]
async fn who_is_silent_for_a_term_is_superseded_and_can_do_nothing_more() {
    let (first, database) = store().await;
    let second = database.open().await;
    let (mut one, mut two, start) = (Watch::default(), Watch::default(), Instant::now());
    taken(first.ask_for_lease(&stranger(1), &mut one, at(0), start).await.unwrap());
    held(second.ask_for_lease(&stranger(2), &mut two, at(0), start).await.unwrap());
    held(second.ask_for_lease(&stranger(2), &mut two, at(0), start + TERM).await.unwrap());
    // Longer than the term without a renewal: the second takes over.
    let later = start + TERM + Duration::from_millis(1);
    assert_eq!(taken(second.ask_for_lease(&stranger(2), &mut two, at(11), later).await.unwrap()), Ended::Silent);
    for refused in [
        first.begin().await.map(drop),
        first.renew_lease(at(12)).await,
        first.check_lease().await,
        first.release_lease(at(12)).await,
        first.claim(&Destination::Mail, at(12)).await.map(drop),
        first.clone().begin().await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::Superseded)), "{refused:?}");
    }
    second.check_lease().await.unwrap();
    // A store without a lease, such as that of a command, is not fenced.
    database.open().await.begin().await.unwrap().commit().await.unwrap();
    // The first can take the lease again after the second has released it.
    second.release_lease(at(13)).await.unwrap();
    taken(first.ask_for_lease(&stranger(1), &mut one, at(14), later).await.unwrap());
    first.begin().await.unwrap().commit().await.unwrap();
    assert!(second.begin().await.is_err());
}

#[tokio::test]
async fn a_wall_clock_that_is_set_neither_ends_nor_lengthens_a_lease() {
    let (first, database) = store().await;
    let second = database.open().await;
    let (mut one, mut two, start) = (Watch::default(), Watch::default(), Instant::now());
    taken(first.ask_for_lease(&stranger(1), &mut one, at(0), start).await.unwrap());
    let day = 86_400;
    for (step, now) in [(0, at(0)), (1, at(day)), (2, at(-day))] {
        held(second.ask_for_lease(&stranger(2), &mut two, now, start + Duration::from_secs(step)).await.unwrap());
    }
    let later = start + TERM * 2;
    taken(second.ask_for_lease(&stranger(2), &mut two, at(-day), later).await.unwrap());
}

#[tokio::test]
async fn of_many_that_wait_one_takes_over() {
    let (first, database) = store().await;
    let start = Instant::now();
    taken(first.ask_for_lease(&stranger(1), &mut Watch::default(), at(0), start).await.unwrap());
    let mut waiting = vec![];
    for pid in 2..10 {
        let (store, mut watch) = (database.open().await, Watch::default());
        held(store.ask_for_lease(&stranger(pid), &mut watch, at(0), start).await.unwrap());
        waiting.push((pid, store, watch));
    }
    let asking: Vec<_> = waiting
        .into_iter()
        .map(|(pid, store, mut watch)| {
            tokio::spawn(async move {
                let asked = store.ask_for_lease(&stranger(pid), &mut watch, at(20), start + TERM * 2).await.unwrap();
                (matches!(asked, Asked::Taken(_)), store)
            })
        })
        .collect();
    let mut winners = 0;
    for asked in asking {
        let (taken, _open) = asked.await.unwrap();
        winners += u32::from(taken);
    }
    assert_eq!(winners, 1);
    assert!(matches!(first.begin().await, Err(StoreError::Superseded)));
}

#[tokio::test]
async fn a_schema_is_not_migrated_while_a_daemon_of_an_earlier_version_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("twite.db");
    let address = database::at(&path).await;
    let (first, start) = (Store::open(address.clone()).await.unwrap(), Instant::now());
    taken(first.ask_for_lease(&stranger(1), &mut Watch::default(), at(0), start).await.unwrap());
    // An earlier version has applied fewer migrations.
    let mut direct = DirectConnection::at(&path).await;
    assert_eq!(direct.texts("DELETE FROM _sqlx_migrations RETURNING 'gone'").await.len(), 1);
    let mut watch = Watch::default();
    for refused in [Store::open(address.clone()).await, Store::open_watching(address.clone(), &mut watch).await] {
        assert!(matches!(&refused, Err(StoreError::InUse(holder)) if holder.pid == 1), "{refused:?}");
    }
    first.renew_lease(at(1)).await.unwrap();
    first.release_lease(at(2)).await.unwrap();
    // It is migrated now, which fails here, as the tables are there already.
    let tried = Store::open_watching(address, &mut watch).await;
    assert!(matches!(tried, Err(StoreError::Migrate(_))), "{tried:?}");
}
