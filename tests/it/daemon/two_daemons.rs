//! Two daemons on one database, as in an overlapping restart: one works, the other names the holder of the lease and
//! waits.

use std::{process::Command, time::Duration};

use crate::support::{
    Served, TestDesk,
    database::{self, DirectConnection},
};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use twite::{
    sim::{Moment, NewPerson, NewPost, SentKind},
    store::{Holder, Store},
};

const RULES: &str = r#"
trigger "Answer" {
  on created
  when channel in (twitter, twitter_dm)
  then
    add tags answered
    reply "Hello, {{ticket.requester.handle}}"
}
"#;

async fn desk() -> TestDesk {
    let desk = TestDesk::new(&["acme"], RULES, "[limits]\nreplies_per_person_per_hour = 100\n").await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    desk
}

fn messages(desk: &TestDesk) -> usize {
    desk.sim.sent().iter().filter(|sent| matches!(sent.kind, SentKind::Dm | SentKind::Post)).count()
}

fn signal(served: &Served, signal: &str) {
    assert!(Command::new("kill").args([signal, &served.pid().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_is_in_the_middle_of_sending_another_waits() {
    let desk = desk().await;
    let mut sightings = desk.sim.watch();
    let first = desk.serve();
    desk.sim.dm("ana", "acme", "hello?").unwrap();
    // The first daemon is held after X took its message and before it gets the response.
    let sending = loop {
        let sighting = sightings.recv().await.unwrap();
        if sighting.method == "POST" && sighting.moment == Moment::After {
            break sighting;
        }
        sighting.release();
    };
    let mut second = desk.serve();
    let log = desk.logged("waiting until it ends").await;
    let host = Holder::this_process().host;
    assert!(log.contains(&format!("(process {} on {host}) has used this database since 20", first.pid())), "{log}");
    sending.release();
    drop(sightings);
    desk.until("the message is known to be sent", |counts, _| counts.sent == 1).await;
    assert!(second.runs());
    // The first ends; the second takes over at once.
    signal(&first, "-TERM");
    desk.sim.post(&NewPost { by: "ana".into(), text: "@acme and in public?".into(), ..NewPost::default() }).unwrap();
    desk.until("the second's answer", |counts, _| counts.sent == 2).await;
    assert_eq!((messages(&desk), desk.quiet().await.refused), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_one_was_sending_is_looked_up_by_the_next() {
    let desk = desk().await;
    let mut sightings = desk.sim.watch();
    let mut first = desk.serve();
    desk.sim.dm("ana", "acme", "hello?").unwrap();
    loop {
        let sighting = sightings.recv().await.unwrap();
        if sighting.method == "POST" && sighting.moment == Moment::After {
            let _second = desk.serve();
            desk.logged("waiting until it ends").await;
            first.kill();
            drop((sighting, sightings));
            desk.until("the message is found at X", |counts, _| counts.sent == 1).await;
            assert_eq!((messages(&desk), desk.quiet().await.sent), (1, 1));
            return;
        }
        sighting.release();
    }
}

/// Stops a daemon while it holds no lock of the database, which would block everyone else.
async fn stop_between_transactions(desk: &TestDesk, daemon: &Served) {
    loop {
        signal(daemon, "-STOP");
        let address = database::at(&desk.rules().join("twite.db")).await;
        let opened = tokio::time::timeout(Duration::from_secs(2), Store::open(address)).await;
        if matches!(opened, Ok(Ok(_))) {
            return;
        }
        signal(daemon, "-CONT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_asleep_finds_itself_superseded_and_waits() {
    let desk = desk().await;
    let first = desk.serve();
    desk.sim.dm("ana", "acme", "hello?").unwrap();
    desk.until("the first message", |counts, _| counts.sent == 1).await;
    stop_between_transactions(&desk, &first).await;
    let mut second = desk.serve();
    desk.sim.post(&NewPost { by: "ana".into(), text: "@acme are you there?".into(), ..NewPost::default() }).unwrap();
    desk.until("the second has taken over", |counts, _| counts.sent == 2).await;
    signal(&first, "-CONT");
    desk.logged("another daemon has taken over").await;
    desk.sim.post(&NewPost { by: "ana".into(), text: "@acme third".into(), ..NewPost::default() }).unwrap();
    desk.until("one answer each", |counts, _| counts.sent == 3).await;
    assert_eq!(messages(&desk), 3);
    // The first takes over again when the second is gone.
    second.kill();
    desk.sim.post(&NewPost { by: "ana".into(), text: "@acme fourth".into(), ..NewPost::default() }).unwrap();
    desk.until("the first works again", |counts, _| counts.sent == 4).await;
    assert_eq!((messages(&desk), desk.quiet().await.tickets), (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_later_version_leaves_the_layout_until_the_earlier_one_ends() {
    let desk = desk().await;
    let first = desk.serve();
    desk.sim.dm("ana", "acme", "hello?").unwrap();
    desk.until("the first message", |counts, _| counts.sent == 1).await;
    // As if this version had more migrations.
    let store = desk.store().await;
    let mut direct = DirectConnection::at(&desk.rules().join("twite.db")).await;
    let applied = |version: i64| format!("UPDATE _sqlx_migrations SET version = {version} RETURNING 'changed'");
    assert_eq!(direct.texts(applied(0)).await.len(), 1);
    let mut second = desk.serve();
    let host = Holder::this_process().host;
    let log = desk.logged("trying again until it works").await;
    let cause = format!("a daemon of an earlier version (process {} on {host}) uses it; stop that daemon", first.pid());
    assert!(log.contains(&cause), "{log}");
    let written = desk.command().args(["outbox", "withdraw", "1", "--reason", "no"]).output().unwrap();
    let said = String::from_utf8_lossy(&written.stderr).into_owned();
    assert!(written.status.code() == Some(3) && said.contains(&cause), "{written:?}");
    let say = |text: &str| desk.sim.post(&NewPost { by: "ana".into(), text: text.into(), ..NewPost::default() });
    say("@acme and now?").unwrap();
    desk.until_in(&store, "the first goes on", |counts, _| counts.sent == 2).await;
    // As if the migrations had been applied when the first has ended.
    signal(&first, "-TERM");
    assert_eq!(direct.texts(applied(1)).await.len(), 1);
    say("@acme and later?").unwrap();
    desk.until_in(&store, "the second's answer", |counts, _| counts.sent == 3).await;
    assert!(second.runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_finds_the_database_locked_says_so_and_waits() {
    let desk = desk().await;
    let other = desk.store().await;
    let held = other.begin().await.unwrap();
    let mut served = desk.serve();
    let log = desk.logged("trying again until it works").await;
    assert!(log.contains("cannot open the database") && log.contains("another process has locked it"), "{log}");
    assert!(served.runs());
    held.commit().await.unwrap();
    desk.sim.dm("ana", "acme", "hello?").unwrap();
    desk.until("the answer", |counts, _| counts.sent == 1).await;
}

/// Another program that reads the database, as a backup does, leaves the daemon its log: nothing in the daemon opens and
/// closes the file by itself, which would release the locks on it.
#[tokio::test(flavor = "multi_thread")]
async fn another_program_leaves_the_daemon_its_log() {
    if database::server().is_some() {
        return; // There is no file.
    }
    let desk = desk().await;
    let _served = desk.serve();
    desk.logged(" are live, ").await;
    // The first rules, then others, are live on a database that exists.
    desk.sim.dm("ana", "acme", "hello?").unwrap();
    desk.until("the message is answered", |counts, _| counts.sent == 1).await;
    let (file, mut text) = (desk.rules().join("rules.twite"), RULES.to_owned());
    for live in [2, 3] {
        text.push_str("# one more line\n");
        std::fs::write(&file, &text).unwrap();
        desk.logged_times(" are live, ", live).await;
        let path = desk.rules().join("twite.db");
        let other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        other.close().await.unwrap();
        assert!(path.with_extension("db-wal").exists(), "it is deleted by whoever believes to be the last to close it");
    }
}
