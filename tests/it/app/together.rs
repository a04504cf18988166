//! Messages that wait are taken in together: with the same result as one by one, and one that fails does not affect the
//! others.

use std::sync::Arc;

use crate::support::{inside, owner::OwnerReads as _, simulator};
use sqlx::{
    Column as _, ConnectOptions as _, Row as _, SqliteConnection, ValueRef as _,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use tokio::sync::broadcast::Receiver;
use twite::{
    app::Notice,
    daemon::Daemon,
    desk::{Incoming, IncomingKind, Transport, XId},
    sim::{NewPerson, SimHandle},
    x::wire::decode_line,
};

const CONVERSATIONS: &str = include_str!("../../../examples/conversations/northwind.ndjson");
const RULES: &str = r#"
trigger "Everybody" {
  on created, updated
  when comment.by_requester
  then
    add tags seen
    note "seen"
    notify group "Social" {
      subject "{{ticket.subject}}"
      body "{{comment.text}}"
    }
}

trigger "Answer" {
  on created
  when tags has seen
  then
    remove tags seen
    add tags answered
    set field.topic to "other"
    assign to next agent of group "Social"
    reply "We are on it."
}

automation "Quiet" {
  when status < pending and time since created >= 5 minutes
  then set priority to high
}
"#;
const DESK: &str = r#"
[[group]]
name = "Social"
email = "social@northwind.example"
[[agent]]
name = "Ana"
email = "ana@northwind.example"
groups = ["Social"]
[[agent]]
name = "Kim"
email = "kim@northwind.example"
groups = ["Social"]
[[field]]
name = "topic"
type = "text"
"#;

/// A daemon, and a second connection to its database.
struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    accounts: Vec<XId>,
    told: Receiver<Notice>,
    database: SqliteConnection,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new(accounts: &[(&str, &str)]) -> Self {
        let sim = simulator().await;
        for (handle, id) in accounts {
            sim.make_user(&NewPerson { id: Some((*id).to_owned()), ..NewPerson::named(*handle) }).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let handles: Vec<_> = accounts.iter().map(|(handle, _)| *handle).collect();
        // A SQLite file, as the tests add SQL triggers.
        let file = directory.path().join("twite.db");
        let (daemon, accounts) = inside::daemon_on((&file).into(), directory.path(), &sim, &handles, RULES, DESK).await;
        let told = daemon.notices().listen();
        let database = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
        Self { sim, daemon, accounts, told, database, _directory: directory }
    }

    /// Puts one message for each text into the inbox, each by another person; an empty text is a message that cannot be
    /// decoded.
    async fn receive(&self, from: usize, words: &[&str]) {
        let items: Vec<_> = words
            .iter()
            .zip(from..)
            .map(|(words, n)| {
                let id = format!("{}", 1_000 + n);
                let data = if words.is_empty() {
                    serde_json::json!({ "id": id })
                } else {
                    serde_json::json!({
                        "id": id, "author_id": format!("{}", 7_000 + n), "conversation_id": id,
                        "text": format!("@acme {words}"), "created_at": "2026-11-16T07:01:00.000Z",
                    })
                };
                let payload = serde_json::json!({ "data": data }).to_string();
                let id: XId = id.parse().unwrap();
                Incoming { kind: IncomingKind::Post, version: id.clone(), x_id: id, payload }
            })
            .collect();
        self.daemon
            .store()
            .accept(&self.accounts[0], Transport::Poll, &items, None, self.daemon.clock().now())
            .await
            .unwrap();
    }

    async fn execute(&mut self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.database).await.unwrap();
    }

    /// Takes in everything that waits: how many share a transaction depends on timing.
    async fn take_all(&self) {
        while self.daemon.take_next().await.unwrap() {}
    }

    /// The descriptions of the tickets, in order.
    async fn tickets(&mut self) -> Vec<String> {
        sqlx::query_scalar("SELECT description FROM ticket ORDER BY id").fetch_all(&mut self.database).await.unwrap()
    }

    /// The ids of the inbox items in this state.
    async fn in_state(&mut self, state: &str) -> Vec<i64> {
        let ids = sqlx::query_scalar("SELECT id FROM inbox WHERE state = $1 ORDER BY id").bind(state);
        ids.fetch_all(&mut self.database).await.unwrap()
    }

    /// The reasons why messages were set aside.
    fn set_aside(&mut self) -> Vec<String> {
        let mut reasons = vec![];
        while let Ok(notice) = self.told.try_recv() {
            if let Notice::SetAside { reason, .. } = notice {
                reasons.push(reason);
            }
        }
        reasons
    }

    /// From now on, inserting a comment with "poison" fails, permanently or temporarily.
    async fn refuse_poison(&mut self, for_good: bool) {
        self.execute("CREATE TABLE refused (n INTEGER CHECK (n = 0))").await;
        self.execute(if for_good {
            "CREATE TRIGGER refuse BEFORE INSERT ON comment WHEN new.text LIKE '%poison%'
             BEGIN INSERT INTO refused VALUES (1); END"
        } else {
            "CREATE TRIGGER refuse BEFORE INSERT ON comment WHEN new.text LIKE '%poison%'
             BEGIN SELECT RAISE(ABORT, 'not now'); END"
        })
        .await;
    }
}

const ACME: &[(&str, &str)] = &[("acme", "1001")];

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_read_is_set_aside_among_the_others() {
    let mut desk = Desk::new(ACME).await;
    desk.receive(0, &["one", "", "three"]).await;
    desk.take_all().await;
    assert_eq!(desk.tickets().await, ["@acme one", "@acme three"]);
    assert_eq!((desk.in_state("set_aside").await, desk.in_state("pending").await), (vec![2], vec![]));
    assert_eq!(desk.set_aside(), ["the post has no `author_id`"]);
    desk.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_stored_is_set_aside_and_the_others_are_whole() {
    let mut desk = Desk::new(ACME).await;
    desk.refuse_poison(true).await;
    desk.receive(0, &["one", "poison", "three", "", "five"]).await;
    desk.take_all().await;
    assert_eq!(desk.tickets().await, ["@acme one", "@acme three", "@acme five"]);
    assert_eq!((desk.in_state("set_aside").await, desk.in_state("pending").await), (vec![2, 4], vec![]));
    let told = desk.set_aside();
    assert!(told.len() == 2 && told[1].contains("CHECK constraint"), "{told:?}");
    // Each of the others was decided once, and nothing of the failing one is stored.
    let counts = desk.daemon.store().counts().await.unwrap();
    assert_eq!((counts.tickets, counts.comments, counts.fired["Answer"]), (3, 3, 3));
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM post), (SELECT count(*) FROM decision), (SELECT count(*) FROM outbox WHERE kind = 'reply')",
    );
    let row = row.fetch_one(&mut desk.database).await.unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1), row.get::<i64, _>(2)), (3, 3, 3));
    desk.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_store_fails_for_all_nothing_is_set_aside() {
    let mut desk = Desk::new(ACME).await;
    desk.refuse_poison(true).await;
    desk.receive(0, &["poison", "more poison"]).await;
    // If every message fails, the store itself may be at fault.
    desk.daemon.take_next().await.unwrap_err();
    assert_eq!(desk.in_state("pending").await, [1, 2]);
    desk.receive(2, &["three"]).await;
    desk.take_all().await;
    assert_eq!(desk.tickets().await, ["@acme three"]);
    assert_eq!(desk.in_state("set_aside").await, [1, 2]);
    desk.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_store_fails_for_the_moment_everything_waits() {
    let mut desk = Desk::new(ACME).await;
    desk.refuse_poison(false).await;
    desk.receive(0, &["one", "poison", "three"]).await;
    while desk.daemon.take_next().await.is_ok() {}
    assert_eq!((desk.in_state("done").await, desk.in_state("pending").await), (vec![1], vec![2, 3]));
    desk.execute("DROP TRIGGER refuse").await;
    desk.take_all().await;
    assert_eq!(desk.tickets().await, ["@acme one", "@acme poison", "@acme three"]);
    assert_eq!(desk.set_aside(), Vec::<String>::new());
    desk.sim.stop().await;
}

/// All rows of all tables, except for times of arrival and of loading rules.
async fn everything(database: &mut SqliteConnection) -> Vec<(String, Vec<String>)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND substr(name, 1, 5) <> '_sqlx'
           AND name NOT IN ('account', 'identity', 'rules_version', 'progress') ORDER BY name",
    )
    .fetch_all(&mut *database)
    .await
    .unwrap();
    let mut kept = vec![];
    for table in tables {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch_all(&mut *database).await;
        let mut rows: Vec<_> = rows.unwrap().iter().map(plain).collect();
        rows.sort();
        kept.push((table, rows));
    }
    kept
}

fn plain(row: &SqliteRow) -> String {
    let columns = row.columns().iter().filter(|column| column.name() != "received");
    let cells = columns.map(|column| match row.try_get_raw(column.ordinal()).unwrap() {
        value if value.is_null() => String::new(),
        _ => row
            .try_get::<String, _>(column.ordinal())
            .unwrap_or_else(|_| row.get::<i64, _>(column.ordinal()).to_string()),
    });
    cells.collect::<Vec<_>>().join("|")
}

#[tokio::test(flavor = "multi_thread")]
async fn together_comes_to_the_same_as_one_by_one() {
    const ACCOUNTS: &[(&str, &str)] =
        &[("NorthwindHelp", "1480000000000007919"), ("NorthwindRail", "1480000000000015838")];
    let posts = || CONVERSATIONS.lines().filter(|line| line.starts_with("{\"data\"")).map(|l| decode_line(l).unwrap());
    let mut together = Desk::new(ACCOUNTS).await;
    together.daemon.feed(&together.accounts[0], posts().collect()).await.unwrap();
    together.take_all().await;
    let mut one_by_one = Desk::new(ACCOUNTS).await;
    for post in posts() {
        one_by_one.daemon.feed(&one_by_one.accounts[0], vec![post]).await.unwrap();
        assert!(one_by_one.daemon.take_next().await.unwrap());
    }
    let expected = everything(&mut one_by_one.database).await;
    for (kept, expected) in everything(&mut together.database).await.into_iter().zip(expected) {
        assert_eq!(kept, expected);
    }
    together.sim.stop().await;
    one_by_one.sim.stop().await;
}
