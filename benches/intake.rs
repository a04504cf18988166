//! Benchmark of intake: from the inbox to committed decisions, with the rules in `rules/`, compared with plain INSERTs
//! of the same rows, in the same run.
//!
//! ```sh
//! cargo bench --bench intake               # 5,000 messages
//! cargo bench --bench intake -- 20000      # more
//! cargo bench --bench intake -- only       # the daemon alone, for a profiler
//! .ci/with-postgres cargo bench --bench intake   # on PostgreSQL as well
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark that panics has failed, it measures the machine, and its product is what it prints"
)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::{
    Arguments as _, Column as _, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection,
    TypeInfo as _, ValueRef as _,
    postgres::PgArguments,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};
use twite::{
    clock::Clock,
    daemon::{Daemon, Reload, Source},
    desk::{ConnectedAccount, Incoming, IncomingKind, Transport, XId},
    settings::Address,
    store::{Key, Store},
    x::{
        client,
        wire::{decode_direct_line, decode_line},
    },
};

/// The accounts of `rules/twite.toml`.
const ACCOUNTS: &[(&str, &str)] = &[("NorthwindHelp", "1480000000000007919"), ("NorthwindRail", "1480000000000015838")];
/// Runs of each, in turn; the shortest counts, the one least disturbed by other processes.
const TIMES: usize = 3;

fn main() {
    let messages = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(5_000_usize);
    let only = std::env::args().any(|a| a == "only");
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run(messages, only));
}

async fn run(messages: usize, only: bool) {
    let inbox = written(messages, Clock::Wall.now());
    if only {
        let directory = tempfile::tempdir().unwrap();
        let took = taken_in(&Address::from(&*directory.path().join("twite.db")), &inbox, false, None).await;
        println!("{messages} messages in {:.2} s", took.as_secs_f64());
        return;
    }
    let server = std::env::var("TWITE_TEST_POSTGRES").ok();
    println!("{messages} messages, the rules in `rules/`; times are the best of {TIMES}\n");
    println!("| what | messages/s | rows/s | transactions | time against bare |\n| --- | ---: | ---: | ---: | ---: |");
    for (one_by_one, what) in [(false, "all waiting at once"), (true, "one by one, as they come")] {
        let (mut sqlite, mut postgres) = (Pair::default(), Pair::default());
        let (mut rows, mut transactions) = (0, 0);
        for _ in 0..TIMES {
            let directory = tempfile::tempdir().unwrap();
            let database = directory.path().join("twite.db");
            let mut beside = Beside::new(&database);
            let took = taken_in(&Address::from(&*database), &inbox, one_by_one, Some(&mut beside)).await;
            let kept = dump(&database, &beside.ends).await;
            (rows, transactions) = (kept.iter().map(|table| table.rows.len()).sum(), beside.ends.len());
            let bare = directory.path().join("bare.db");
            sqlite.record(took, inserted_in_sqlite(&bare, &kept, transactions).await);
            if let Some(server) = &server {
                let took = taken_in(&database_on(server, "twite_intake").await, &inbox, one_by_one, None).await;
                let bare = database_on(server, "twite_bare").await;
                postgres.record(took, inserted_in_postgres(&bare, server, &kept, transactions).await);
            }
        }
        let line = |what: &str, time: Duration, ratio: f64| {
            let each = |n: usize| n as f64 / time.as_secs_f64();
            println!("| {what} | {:.0} | {:.0} | {transactions} | {ratio:.2} |", each(messages), each(rows));
        };
        for (name, pair) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
            if let Pair { ours: Some(ours), bare: Some(bare) } = pair {
                line(&format!("{name}, {what}"), ours, ours.as_secs_f64() / bare.as_secs_f64());
                line("the same rows bare, in the same transactions", bare, 1.0);
            }
        }
    }
}

/// The shortest times of intake and of plain INSERTs.
#[derive(Default)]
struct Pair {
    ours: Option<Duration>,
    bare: Option<Duration>,
}

impl Pair {
    fn record(&mut self, ours: Duration, bare: Duration) {
        let shortest = |known: Option<Duration>, time| known.map_or(time, |known| known.min(time));
        (self.ours, self.bare) = (Some(shortest(self.ours, ours)), Some(shortest(self.bare, bare)));
    }
}

/// A new, empty database on a server.
async fn database_on(server: &str, name: &str) -> Address {
    let mut admin = PgConnection::connect(server).await.unwrap();
    for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
    }
    named(server, name).parse().unwrap()
}

/// The URL of another database on the same server.
fn named(server: &str, database: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(database);
    url.into()
}

/// Messages of X as they lie in the inbox. Computed, so that every run has the same, except for their times, which lie
/// in the last hour. Of ten, four start a conversation, three continue one, one is the account's answer, one is by a
/// third person who joins, and one is a direct message.
fn written(messages: usize, now: Timestamp) -> Vec<(XId, Incoming)> {
    const TEXTS: &[&str] = &[
        "my parcel was meant to come on Friday. Any idea where it is? 📦",
        "I was charged twice for the same ticket, please refund one of them",
        "the app is down again, nothing but a white page since this morning #outage",
        "can I bring my bike on the 7:40 to Malmö?",
        "best service in years, thank you so much! ❤️",
        "third time this month that you lost an order of mine. How hard can it be? Order no. 4711234",
        "why does the timetable say one thing and the sign on the platform another &amp; nobody here to ask",
        "hola, no puedo entrar en mi cuenta desde ayer",
    ];
    let start = now.as_millisecond() - 3_600_000;
    let id = |n: usize| (((start - 1_288_834_974_657 + n as i64) << 22) + n as i64 % 4096).to_string();
    let mut roots: Vec<(usize, usize, usize)> = vec![];
    let mut dice = 7_u64;
    let mut roll = move |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % sides
    };
    (0..messages)
        .map(|n| {
            let account = usize::from(roll(4) == 0);
            let person = roll(messages.div_ceil(3));
            let text = TEXTS[roll(TEXTS.len())];
            let kind = if roots.is_empty() { 0 } else { roll(10) };
            let at = start + n as i64;
            match kind {
                0..4 => {
                    roots.push((n, person, account));
                    post(&id(n), at, &stranger(person), account, text, None)
                }
                9 => direct(&id(n), at, &stranger(person), account, text),
                _ => {
                    // Most messages continue a recent conversation.
                    let (root, asker, account) = roots[roots.len() - 1 - roll(roots.len().min(200))];
                    let author = match kind {
                        4..7 => stranger(asker),
                        7 => ours(account),
                        _ => stranger(person),
                    };
                    let above = (id(root), stranger(asker)["id"].clone());
                    post(&id(n), at, &author, account, text, Some(above))
                }
            }
        })
        .collect()
}

fn stranger(n: usize) -> Value {
    json!({
        "id": (1_500_000_000_000_000_000 + n).to_string(), "username": format!("person_{n}"), "name": format!("Person {n} Öst"),
        "created_at": "2014-03-09T10:00:00.000Z", "verified": n.is_multiple_of(40), "location": "Göteborg",
        "public_metrics": {"followers_count": n * 7919 % 11_000, "following_count": 200, "tweet_count": n % 1_000, "listed_count": 1},
    })
}

fn ours(account: usize) -> Value {
    let (handle, id) = ACCOUNTS[account];
    json!({"id": id, "username": handle, "name": handle, "verified": true, "verified_type": "business"})
}

fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).unwrap().to_string()
}

fn post(
    id: &str,
    at: i64,
    author: &Value,
    account: usize,
    text: &str,
    above: Option<(String, Value)>,
) -> (XId, Incoming) {
    let (handle, account) = ACCOUNTS[account];
    let mut data = json!({
        "id": id, "author_id": author["id"], "created_at": time(at), "lang": "en", "edit_history_tweet_ids": [id],
        "public_metrics": {"retweet_count": 0, "reply_count": 1, "like_count": 3, "quote_count": 0},
    });
    data["conversation_id"] = above.as_ref().map_or(id, |(root, _)| root).into();
    if let Some((root, asker)) = above {
        data["referenced_tweets"] = json!([{"type": "replied_to", "id": root}]);
        data["in_reply_to_user_id"] = asker;
    }
    data["text"] = text.into();
    if author["id"] != account {
        data["text"] = format!("@{handle} {text}").into();
        data["entities"] = json!({
            "mentions": [{"start": 0, "end": handle.len() + 1, "username": handle, "id": account}],
            "hashtags": text.split_once('#').map(|(_, tag)| json!({"tag": tag})).into_iter().collect::<Vec<_>>(),
        });
    }
    let line = json!({"data": data, "includes": {"users": [author]}}).to_string();
    (account.parse().unwrap(), decode_line(&line).unwrap().into_incoming(IncomingKind::Post))
}

fn direct(id: &str, at: i64, author: &Value, account: usize, text: &str) -> (XId, Incoming) {
    let (_, account) = ACCOUNTS[account];
    let data = json!({
        "id": id, "event_type": "MessageCreate", "sender_id": author["id"], "text": text, "created_at": time(at),
        "dm_conversation_id": format!("{account}-{}", author["id"].as_str().unwrap()),
    });
    let line = json!({"data": data, "includes": {"users": [author]}}).to_string();
    (account.parse().unwrap(), decode_direct_line(&line).unwrap().into_incoming())
}

/// A look at the database after each transaction: each table's highest row id.
struct Beside {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    ends: Vec<Vec<i64>>,
}

impl Beside {
    fn new(database: &Path) -> Self {
        Self { options: options(database), connection: None, ends: vec![] }
    }

    async fn look(&mut self) {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(self.options.connect().await.unwrap()),
        };
        self.ends.push(row_ids(connection).await);
    }
}

/// The tables written for a message, each after those it refers to.
const TABLES: &[&str] = &[
    "person",
    "ticket",
    "ticket_tag",
    "ticket_hashtag",
    "ticket_media",
    "ticket_field",
    "field_version",
    "ticket_link",
    "post",
    "comment",
    "comment_version",
    "inbox",
    "outbox",
    "rules_version",
    "decision",
    "fired",
    "active_automation",
    "round_robin",
];

/// The other tables with rows, which are not written for a message.
const OTHERS: &[&str] = &["_sqlx_migrations", "account", "identity", "progress", "sqlite_sequence"];

/// The time that intake takes.
async fn taken_in(
    database: &Address,
    inbox: &[(XId, Incoming)],
    one_by_one: bool,
    mut beside: Option<&mut Beside>,
) -> Duration {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let source = Source::new(vec![rules], None);
    let live = Reload::start(source, Clock::Wall.now()).unwrap_or_else(|report| panic!("{report}"));
    let store = Store::open(database.clone()).await.unwrap();
    for (handle, id) in ACCOUNTS {
        let connected = Clock::Wall.now().saturating_sub(SignedDuration::from_hours(24)).unwrap();
        store.connect(&ConnectedAccount::new(id.parse().unwrap(), *handle, connected)).await.unwrap();
    }
    let daemon = Daemon::new(store.clone(), Key::random().unwrap(), live, Clock::Wall, client::http().unwrap());
    let mut time = Duration::ZERO;
    let batch = if one_by_one { 1 } else { inbox.len() };
    for some in inbox.chunks(batch) {
        for part in some.chunk_by(|a, b| a.0 == b.0) {
            let items: Vec<_> = part.iter().map(|(_, item)| item.clone()).collect();
            store.accept(&part[0].0, Transport::File, &items, None, Clock::Wall.now()).await.unwrap();
        }
        loop {
            let from = Instant::now();
            let some = daemon.take_next().await.unwrap();
            if !some {
                break;
            }
            time += from.elapsed();
            if let Some(beside) = &mut beside {
                beside.look().await;
            }
        }
    }
    assert_eq!(store.queues().await.unwrap().set_aside, 0);
    store.close().await;
    time
}

async fn row_ids(connection: &mut SqliteConnection) -> Vec<i64> {
    let mut ends = vec![];
    for table in TABLES {
        let sql = match *table {
            "inbox" => "SELECT coalesce(min(id) - 1, 1 << 40) FROM inbox WHERE state = 'pending'".to_owned(),
            table => format!("SELECT coalesce(max(rowid), 0) FROM {table}"),
        };
        ends.push(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *connection).await.unwrap());
    }
    ends
}

/// Same options as [`Store::open`].
fn options(database: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(database)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "on")
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
}

enum Cell {
    Null,
    Number(i64),
    Text(String),
}

/// A table's INSERT, the types of its columns, and its rows, each with the number of the transaction that wrote it.
struct Table {
    insert: String,
    types: Vec<String>,
    rows: Vec<(usize, Vec<Cell>)>,
}

async fn dump(database: &Path, ends: &[Vec<i64>]) -> Vec<Table> {
    let mut connection = options(database).connect().await.unwrap();
    let all = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let all: Vec<String> = sqlx::query_scalar(all).fetch_all(&mut connection).await.unwrap();
    for table in all.iter().filter(|table| !TABLES.contains(&table.as_str()) && !OTHERS.contains(&table.as_str())) {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
        assert_eq!(count, 0, "the rows of {table} are not inserted bare");
    }
    let mut tables = vec![];
    for (n, table) in TABLES.iter().enumerate() {
        let sql = format!("SELECT rowid AS place, * FROM {table} ORDER BY rowid");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        let Some(first) = rows.first() else { continue };
        let columns: Vec<_> = first.columns().iter().skip(1).map(|c| c.name()).collect();
        let types = first.columns().iter().skip(1).map(|c| c.type_info().name().to_owned()).collect();
        let places: Vec<_> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        let insert = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "));
        let rows = rows.iter().map(|row| {
            let place: i64 = row.get(0);
            let transaction = ends.partition_point(|ends| ends[n] < place);
            (transaction, (1..=columns.len()).map(|c| cell(row, c)).collect())
        });
        tables.push(Table { insert, types, rows: rows.collect() });
    }
    tables
}

fn cell(row: &SqliteRow, column: usize) -> Cell {
    let value = row.try_get_raw(column).unwrap();
    match value.type_info().name() {
        _ if value.is_null() => Cell::Null,
        "INTEGER" => Cell::Number(row.get(column)),
        "TEXT" => Cell::Text(row.get(column)),
        other => panic!("no table has {other}"),
    }
}

/// Inserts the rows into an empty database with the same schema, on one connection: one statement per row, prepared
/// once.
async fn inserted_in_sqlite(database: &Path, tables: &[Table], transactions: usize) -> Duration {
    Store::open(database).await.unwrap().close().await;
    let mut connection = options(database).statement_cache_capacity(TABLES.len() + 2).connect().await.unwrap();
    let mut ahead: Vec<_> = tables.iter().map(|table| table.rows.iter().peekable()).collect();
    let from = Instant::now();
    for transaction in 0..transactions {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        for (Table { insert, .. }, rows) in tables.iter().zip(&mut ahead) {
            while let Some((_, row)) = rows.next_if(|(of, _)| *of <= transaction) {
                let mut values = SqliteArguments::default();
                for cell in row {
                    match cell {
                        Cell::Null => values.add(None::<i64>),
                        Cell::Number(number) => values.add(*number),
                        Cell::Text(text) => values.add(text.as_str()),
                    }
                    .unwrap();
                }
                let query = sqlx::query_with(sqlx::AssertSqlSafe(insert.as_str()), values);
                query.execute(&mut connection).await.unwrap();
            }
        }
        sqlx::query("COMMIT").execute(&mut connection).await.unwrap();
    }
    from.elapsed()
}

/// As [`inserted_in_sqlite`].
async fn inserted_in_postgres(database: &Address, server: &str, tables: &[Table], transactions: usize) -> Duration {
    Store::open(database.clone()).await.unwrap().close().await;
    let mut connection = PgConnection::connect(&named(server, "twite_bare")).await.unwrap();
    let mut ahead: Vec<_> = tables.iter().map(|table| table.rows.iter().peekable()).collect();
    let from = Instant::now();
    for transaction in 0..transactions {
        sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
        for (Table { insert, types, .. }, rows) in tables.iter().zip(&mut ahead) {
            while let Some((_, row)) = rows.next_if(|(of, _)| *of <= transaction) {
                let mut values = PgArguments::default();
                for (cell, of) in row.iter().zip(types) {
                    match (cell, of.as_str()) {
                        (Cell::Null, "TEXT") => values.add(None::<String>),
                        (Cell::Null, "BLOB") => values.add(None::<Vec<u8>>),
                        (Cell::Null, _) => values.add(None::<i64>),
                        (Cell::Number(number), _) => values.add(*number),
                        (Cell::Text(text), _) => values.add(text.as_str()),
                    }
                    .unwrap();
                }
                let query = sqlx::query_with(sqlx::AssertSqlSafe(insert.as_str()), values);
                query.execute(&mut connection).await.unwrap();
            }
        }
        sqlx::query("COMMIT").execute(&mut connection).await.unwrap();
    }
    from.elapsed()
}
