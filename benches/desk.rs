//! Benchmark of a large desk: one minute of the scheduler, views and reports over a million tickets, each compared with
//! the same query written by hand in SQL, in the same run.
//!
//! ```sh
//! cargo bench --bench desk                 # a million tickets, 500 automations
//! cargo bench --bench desk -- 100000       # fewer
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
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use twite::{
    clock::Clock,
    daemon::{Daemon, Reload, Source},
    desk::Viewer,
    store::{Key, Store},
    x::client,
};

const AUTOMATIONS: usize = 500;
const DUE: i64 = 1_000;
/// Every ticket has one topic, and every automation tests for one.
const TOPICS: usize = 100;
const NOW: &str = "2026-11-02T10:00:00Z";

fn main() {
    let tickets = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(1_000_000_i64);
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run(tickets));
}

async fn run(tickets: i64) {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("twite.db");
    write_rules(directory.path());
    let source = Source::new(vec![directory.path().join("rules")], None);
    let live = Reload::start(source, Clock::Wall.now()).unwrap_or_else(|report| panic!("{report}"));
    let store = Store::open(&database).await.unwrap();
    let daemon = Daemon::new(store, Key::random().unwrap(), live, Clock::driven(), client::http().unwrap());
    let now: Timestamp = NOW.parse().unwrap();
    daemon.clock().reached(now);
    // On an empty desk: afterwards these automations count as evaluated for every ticket.
    while daemon.evaluate_next().await.unwrap() {}

    println!("{tickets} tickets, {AUTOMATIONS} automations, SQLite; times are the best of several\n");
    let mut by_hand = SqliteConnectOptions::new().filename(&database).connect().await.unwrap();
    let took = Instant::now();
    fill(&mut by_hand, tickets, now).await;
    println!("filled in {:.1} s\n", took.elapsed().as_secs_f64());

    println!("| what | Twite | by hand in SQL | ratio |\n| --- | ---: | ---: | ---: |");
    scheduler(&daemon, &mut by_hand, now).await;
    views(&daemon, &mut by_hand, now).await;
    reports(&daemon, &mut by_hand, now).await;
}

/// Automations of the usual kinds, with as many different durations; twenty views; twenty reports.
fn write_rules(directory: &Path) {
    let rules = directory.join("rules");
    fs::create_dir_all(&rules).unwrap();
    fs::write(
        rules.join("twite.toml"),
        "[[account]]\nhandle = \"acme\"\n[[group]]\nname = \"Social\"\n[[group]]\nname = \"Billing\"\n\
         [hours]\nzone = \"Europe/Paris\"\nmonday = [\"09:00-17:00\"]\ntuesday = [\"09:00-17:00\"]\n\
         wednesday = [\"09:00-17:00\"]\nthursday = [\"09:00-17:00\"]\nfriday = [\"09:00-16:00\"]\n",
    )
    .unwrap();
    let mut text = String::new();
    for n in 0..AUTOMATIONS {
        let when = match n % 5 {
            0 => format!("status is solved and time since solved >= {} hours", 96 + n),
            1 => format!("status < pending and replies is 0 and time since created >= {} business hours", 2 + n / 5),
            2 => format!(
                "priority is urgent and not within business hours and time since requester_updated >= {n} minutes"
            ),
            3 => format!("status is pending and time since status_changed >= {} days", 5 + n / 40),
            _ => format!("requester.followers >= {} and status is open and time since updated > {n} minutes", n * 100),
        };
        let topic = format!("tags has t{}", n % TOPICS);
        writeln!(text, "automation \"A{n}\" {{\n  when {topic} and {when}\n  then add tags done_{n}\n}}\n").unwrap();
    }
    for (n, (filter, _)) in VIEWS.iter().enumerate() {
        writeln!(
            text,
            "view \"V{n}\" {{\n  where {filter}\n  columns id, subject, updated\n  sort by updated descending\n}}\n"
        )
        .unwrap();
    }
    for (n, (report, _)) in REPORTS.iter().enumerate() {
        writeln!(text, "report \"R{n}\" {{\n  {report}\n}}\n").unwrap();
    }
    fs::write(rules.join("rules.twite"), text).unwrap();
}

/// A view's filter, and the same condition in SQL over `ticket t JOIN person p`.
const VIEWS: &[(&str, &str)] = &[
    ("status is new", "t.status = 'new'"),
    ("status < solved and priority is urgent", "t.status IN ('new','open','pending','hold') AND t.priority = 'urgent'"),
    ("status is open and group is \"Social\"", "t.status = 'open' AND t.group_name = 'Social'"),
    (
        "status is pending and time since status_changed >= 5 days",
        "t.status = 'pending' AND t.status_changed <= $now - 432000000",
    ),
    (
        "tags has t7 and status < solved",
        "t.id IN (SELECT ticket FROM ticket_tag WHERE tag = 't7') AND t.status IN ('new','open','pending','hold')",
    ),
    (
        "channel is twitter_dm and status < solved",
        "t.channel = 'twitter_dm' AND t.status IN ('new','open','pending','hold')",
    ),
    (
        "requester.followers >= 90_000 and status < solved",
        "p.followers >= 90000 AND t.status IN ('new','open','pending','hold')",
    ),
    ("status is solved and time since solved < 1 day", "t.status = 'solved' AND t.solved > $now - 86400000"),
    ("replies is 0 and status is new", "t.replies = 0 AND t.status = 'new'"),
    ("status is hold", "t.status = 'hold'"),
    ("subject contains \"order\" and status is open", "instr(t.subject_folded, 'order') > 0 AND t.status = 'open'"),
    ("status is open and priority is high", "t.status = 'open' AND t.priority = 'high'"),
    ("time since created < 1 day", "t.created > $now - 86400000"),
    (
        "status is new and channel in (twitter, twitter_like)",
        "t.status = 'new' AND t.channel IN ('twitter','twitter_like')",
    ),
    ("status < pending and comments >= 9", "t.status IN ('new','open') AND t.comments >= 9"),
    ("requester.verified and status is new", "coalesce(p.verified, 0) = 1 AND t.status = 'new'"),
    (
        "tags has any of (t1, t2) and status is pending",
        "t.id IN (SELECT ticket FROM ticket_tag WHERE tag IN ('t1','t2')) AND t.status = 'pending'",
    ),
    ("group is \"Billing\" and status is pending", "t.group_name = 'Billing' AND t.status = 'pending'"),
    (
        "status is open and time since requester_updated > 2 days",
        "t.status = 'open' AND t.requester_updated < $now - 172800000",
    ),
    ("priority is low and status is new", "t.priority = 'low' AND t.status = 'new'"),
];

/// A report, and the same query in SQL; the time zone's offset is the one of that day.
const REPORTS: &[(&str, &str)] = &[
    ("measure count\n  by status", "SELECT status, count(*) FROM ticket GROUP BY status"),
    (
        "measure count\n  by channel\n  over last 30 days",
        "SELECT channel, count(*) FROM ticket WHERE created >= $now - 2592000000 GROUP BY channel",
    ),
    (
        "measure count\n  by day of created\n  over last 30 days",
        "SELECT (created + 3600000) / 86400000, count(*) FROM ticket WHERE created >= $now - 2592000000 GROUP BY 1",
    ),
    (
        "measure count, distinct requesters\n  by channel",
        "SELECT channel, count(*), count(DISTINCT requester) FROM ticket GROUP BY channel",
    ),
    (
        "measure average first_reply_time\n  by group",
        "SELECT group_name, avg(first_reply - created) FROM ticket GROUP BY group_name",
    ),
    (
        "measure median first_reply_time\n  over last 30 days",
        "SELECT avg(v) FROM (SELECT first_reply - created AS v, row_number() OVER (ORDER BY first_reply - created) AS r, count(*) OVER () AS n FROM ticket WHERE created >= $now - 2592000000 AND first_reply IS NOT NULL) WHERE r IN ((n + 1) / 2, (n + 2) / 2)",
    ),
    (
        "measure p90 resolution_time\n  by channel\n  over last 30 days",
        "SELECT channel, v FROM (SELECT channel, solved - created AS v, row_number() OVER (PARTITION BY channel ORDER BY solved - created) AS r, count(*) OVER (PARTITION BY channel) AS n FROM ticket WHERE created >= $now - 2592000000 AND solved IS NOT NULL) WHERE r = (9 * n + 9) / 10",
    ),
    (
        "measure reach\n  by channel\n  over last 30 days",
        "SELECT channel, sum(followers) FROM (SELECT DISTINCT t.channel, t.requester, p.followers FROM ticket t JOIN person p ON p.id = t.requester WHERE t.created >= $now - 2592000000) GROUP BY channel",
    ),
    (
        "measure count\n  by hour of week of created\n  over last 12 weeks",
        "SELECT ((created + 3600000) / 3600000 + 72) % 168, count(*) FROM ticket WHERE created >= $now - 7257600000 GROUP BY 1",
    ),
    (
        "measure count\n  by requester.followers in bands (100, 1_000, 10_000)",
        "SELECT CASE WHEN p.followers < 100 THEN 0 WHEN p.followers < 1000 THEN 1 WHEN p.followers < 10000 THEN 2 ELSE 3 END, count(*) FROM ticket t JOIN person p ON p.id = t.requester GROUP BY 1",
    ),
    (
        "measure count\n  by priority\n  over last 7 days",
        "SELECT priority, count(*) FROM ticket WHERE created >= $now - 604800000 GROUP BY priority",
    ),
    (
        "where tags has t3\n  measure count\n  by status",
        "SELECT status, count(*) FROM ticket WHERE id IN (SELECT ticket FROM ticket_tag WHERE tag = 't3') GROUP BY status",
    ),
    (
        "measure count\n  by tags\n  over last 30 days",
        "SELECT tag, count(*) FROM ticket JOIN ticket_tag ON ticket = id WHERE created >= $now - 2592000000 GROUP BY tag",
    ),
    (
        "measure average replies\n  by week of created\n  over last 12 weeks",
        "SELECT ((created + 3600000) / 86400000 + 3) / 7, avg(replies) FROM ticket WHERE created >= $now - 7257600000 GROUP BY 1",
    ),
    (
        "measure count\n  by month of created",
        "SELECT strftime('%Y-%m', (created + 3600000) / 1000, 'unixepoch'), count(*) FROM ticket GROUP BY 1",
    ),
    (
        "where status is solved\n  measure count\n  by day of solved\n  over last 30 days of solved",
        "SELECT (solved + 3600000) / 86400000, count(*) FROM ticket WHERE status = 'solved' AND solved >= $now - 2592000000 GROUP BY 1",
    ),
    (
        "measure count\n  by channel, status\n  over last 30 days",
        "SELECT channel, status, count(*) FROM ticket WHERE created >= $now - 2592000000 GROUP BY channel, status",
    ),
    ("measure most comments\n  by channel", "SELECT channel, max(comments) FROM ticket GROUP BY channel"),
    (
        "measure count\n  by channel\n  over last 7 days\n  compare to previous period",
        "SELECT channel, created < $now - 604800000, count(*) FROM ticket WHERE created >= $now - 1209600000 GROUP BY 1, 2",
    ),
    (
        "measure median business first_reply_time\n  over last 7 days",
        "SELECT avg(v) FROM (SELECT first_reply - created AS v, row_number() OVER (ORDER BY first_reply - created) AS r, count(*) OVER () AS n FROM ticket WHERE created >= $now - 604800000 AND first_reply IS NOT NULL) WHERE r IN ((n + 1) / 2, (n + 2) / 2)",
    ),
];

/// Inserts tickets created over one year, most of them closed, as on any desk. Computed, so that every run has the
/// same.
async fn fill(connection: &mut SqliteConnection, tickets: i64, now: Timestamp) {
    let now = now.as_millisecond();
    for statement in [
        "PRAGMA synchronous = OFF".to_owned(),
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people})
             INSERT INTO person (source_id, handle, handle_folded, name, name_folded, followers, tweets, verified)
             SELECT CAST(1000 + i AS TEXT), 'p' || i, 'p' || i, 'Person ' || i, 'person ' || i,
                    (i * 7919) % 100000, i % 1000, i % 50 = 0 FROM n",
            people = tickets / 2
        ),
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tickets}),
             t AS (SELECT i, (i * 2654435761) % 1000 AS a, (i * 40503) % 997 AS b,
                          {now} - ({tickets} - i) * (31536000000 / {tickets}) AS made FROM n)
             INSERT INTO ticket (key_account, key_conversation, key_person, opened_by, requester, channel, account, status,
               priority, subject, subject_folded, description, description_folded, group_name, post_has_media,
               post_is_reply, post_is_quote, replies, reopens, agent_touches, comments, created, updated, status_changed, solved, closed,
               requester_updated, first_reply)
             SELECT '1', CAST(i AS TEXT), CAST(1000 + i % ({tickets} / 2) AS TEXT), CAST(i AS TEXT), 1 + i % ({tickets} / 2),
               CASE WHEN a % 10 < 7 THEN 'twitter' WHEN a % 10 < 9 THEN 'twitter_dm' ELSE 'twitter_like' END, 'acme',
               CASE WHEN a < 950 THEN 'closed' WHEN a < 970 THEN 'solved' WHEN a < 980 THEN 'pending' WHEN a < 983 THEN 'hold'
                    WHEN a < 993 THEN 'open' ELSE 'new' END,
               CASE b % 4 WHEN 0 THEN 'low' WHEN 1 THEN 'normal' WHEN 2 THEN 'high' ELSE 'urgent' END,
               'my order ' || i, 'my order ' || i, 'my order ' || i || ' never came', 'my order ' || i || ' never came',
               CASE WHEN b % 3 = 0 THEN 'Billing' ELSE 'Social' END, 0, 0, 0,
               CASE WHEN a < 993 THEN b % 4 ELSE 0 END, 0, b % 5, 1 + b % 10, made, made + b * 60000, made + b * 60000,
               CASE WHEN a < 970 THEN made + b * 60000 END, CASE WHEN a < 950 THEN made + 345600000 END,
               made, CASE WHEN a < 993 THEN made + b * 30000 END FROM t"
        ),
        format!("INSERT INTO ticket_tag (ticket, tag) SELECT id, 't' || (id % {TOPICS}) FROM ticket"),
        "ANALYZE".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
}

fn row(what: &str, ours: Duration, theirs: Duration) {
    let millis = |d: Duration| format!("{:.2} ms", d.as_secs_f64() * 1e3);
    println!("| {what} | {} | {} | {:.2} |", millis(ours), millis(theirs), ours.as_secs_f64() / theirs.as_secs_f64());
}

/// Shortest time of several runs, the one least disturbed by other processes.
macro_rules! best {
    ($times:expr, $work:expr) => {{
        let mut best = Duration::MAX;
        for _ in 0..$times {
            let from = Instant::now();
            $work;
            best = best.min(from.elapsed());
        }
        best
    }};
}

async fn ask(connection: &mut SqliteConnection, sql: &str, now: Timestamp) -> usize {
    let sql = sql.replace("$now", &now.as_millisecond().to_string());
    sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *connection).await.unwrap().len()
}

async fn scheduler(daemon: &Daemon, by_hand: &mut SqliteConnection, now: Timestamp) {
    // What a full scan would run every minute: one statement per automation.
    let scan: Vec<String> = (0..AUTOMATIONS)
        .map(|n| {
            let filter = match n % 5 {
                0 => format!("status = 'solved' AND solved <= $now - {}", (96 + n) * 3_600_000),
                1 => format!("status IN ('new','open') AND replies = 0 AND created <= $now - {}", (2 + n / 5) * 3_600_000),
                2 => format!("priority = 'urgent' AND status <> 'closed' AND requester_updated <= $now - {}", n * 60_000),
                3 => format!("status = 'pending' AND updated <= $now - {}", (5 + n / 40) * 86_400_000),
                _ => format!(
                    "status = 'open' AND updated < $now - {} AND requester IN (SELECT id FROM person WHERE followers >= {})",
                    n * 60_000,
                    n * 100
                ),
            };
            let topic = format!("id IN (SELECT ticket FROM ticket_tag WHERE tag = 't{}')", n % TOPICS);
            format!("SELECT count(*) FROM ticket WHERE {topic} AND {filter}")
        })
        .collect();
    let scanned = best!(
        1,
        for sql in &scan {
            ask(by_hand, sql, now).await;
        }
    );
    let nothing = best!(20, assert!(!daemon.evaluate_next().await.unwrap()));
    row("a minute with nothing due, against asking for each automation", nothing, scanned);
    // A thousand tickets that are not closed come due; what fires is stored with its full audit.
    let at = now.as_millisecond();
    let due = format!(
        "UPDATE ticket SET next_check_at = {at} WHERE id IN (SELECT id FROM ticket WHERE status <> 'closed' ORDER BY id LIMIT {DUE})"
    );
    sqlx::query(sqlx::AssertSqlSafe(due)).execute(&mut *by_hand).await.unwrap();
    let fired_before = fired(by_hand).await;
    let first = best!(1, while daemon.evaluate_next().await.unwrap() {});
    let firings = fired(by_hand).await - fired_before;
    row(
        &format!("a minute with {DUE} due, of which automations fire on many ({firings} firings stored)"),
        first,
        scanned,
    );
    // One minute later they are evaluated again, and hardly anything fires.
    daemon.clock().reached(now + SignedDuration::from_mins(1));
    let fired_before = fired(by_hand).await;
    let again = best!(1, while daemon.evaluate_next().await.unwrap() {});
    let firings = fired(by_hand).await - fired_before;
    row(&format!("a minute with {DUE} due, of which few fire ({firings} firings stored)"), again, scanned);
}

async fn fired(connection: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM fired").fetch_one(&mut *connection).await.unwrap()
}

async fn views(daemon: &Daemon, by_hand: &mut SqliteConnection, now: Timestamp) {
    let rules = daemon.rules();
    let mut snapshot = daemon.store().snapshot(Viewer::Owner).await.unwrap();
    let (mut page, mut page_by_hand, mut count, mut count_by_hand) =
        <(Duration, Duration, Duration, Duration)>::default();
    for (view, (_, filter)) in rules.views.iter().zip(VIEWS) {
        let join = "FROM ticket t JOIN person p ON p.id = t.requester WHERE";
        page += best!(5, drop(snapshot.view(view, &rules.desk, now, 50, 0).await.unwrap()));
        // Whole tickets with their tags, as a page of a view shows them.
        let sql = format!(
            "SELECT t.*, p.*, (SELECT group_concat(tag) FROM ticket_tag WHERE ticket = t.id) {join} {filter}
             ORDER BY t.updated DESC, t.id LIMIT 50"
        );
        page_by_hand += best!(5, ask(by_hand, &sql, now).await);
        let mut found = 0;
        count += best!(5, found = snapshot.count(&view.filter, &rules.desk, now).await.unwrap());
        let sql = format!("SELECT count(*) {join} {filter}");
        count_by_hand += best!(5, ask(by_hand, &sql, now).await);
        let sql = sql.replace("$now", &now.as_millisecond().to_string());
        let real: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *by_hand).await.unwrap();
        assert_eq!(found, real.unsigned_abs(), "{filter}: the same question");
    }
    row("a page of 50 of each of 20 views, together", page, page_by_hand);
    row("the counts of 20 views, together", count, count_by_hand);
}

async fn reports(daemon: &Daemon, by_hand: &mut SqliteConnection, now: Timestamp) {
    let rules = daemon.rules();
    let mut snapshot = daemon.store().snapshot(Viewer::Owner).await.unwrap();
    for (report, (text, sql)) in rules.reports.iter().zip(REPORTS) {
        let ours = best!(3, drop(snapshot.report(report, &rules.desk, now).await.unwrap()));
        let theirs = best!(3, ask(by_hand, sql, now).await);
        row(&text.split_whitespace().collect::<Vec<_>>().join(" "), ours, theirs);
    }
}
