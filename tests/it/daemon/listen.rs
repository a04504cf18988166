//! The HTTP server of the daemon: health and metrics.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::support::TestDesk;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use twite::{
    sim::{NewPerson, NewPost},
    x::client,
};

const RULES: &str = "trigger \"Answer\" { on created then reply \"Thank you. Ref {{ticket.id}}\" }\n";

/// A desk whose daemon listens on a port of the system's choice.
async fn desk() -> TestDesk {
    let desk = TestDesk::new(&["acme"], RULES, "[web]\nlisten = \"127.0.0.1:0\"\n").await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    desk
}

/// The address on which the daemon with this number listens, from its log.
async fn address(desk: &TestDesk, number: usize) -> String {
    let log = desk.logged_times("listening on http://", number).await;
    let lines = log.lines().filter_map(|line| line.split_once("listening on http://"));
    lines.map(|(_, address)| address.trim().to_owned()).nth(number - 1).unwrap()
}

async fn get(address: &str, path: &str) -> (u16, String) {
    let answer = client::http().unwrap().get(format!("http://{address}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The metrics once one of these lines is there.
async fn metrics_with(address: &str, line: &str) -> String {
    for _ in 0..600 {
        let (status, text) = get(address, "/metrics").await;
        assert_eq!(status, 200, "{text}");
        if text.lines().any(|found| found == line) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the metrics never had {line:?}:\n{}", get(address, "/metrics").await.1);
}

fn names(metrics: &str) -> BTreeSet<&str> {
    metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_what_happened() {
    let desk = desk().await;
    desk.sim.post(&NewPost { by: "ana".into(), text: "@acme hello?".into(), ..NewPost::default() }).unwrap();
    let _served = desk.serve();
    let address = address(&desk, 1).await;
    let metrics = metrics_with(&address, "twite_deliveries_total{outcome=\"sent\",what=\"reply\"} 1").await;
    for line in [
        "twite_messages_received_total{account=\"acme\",kind=\"post\",transport=\"poll\"} 1",
        "twite_message_lag_seconds_count{transport=\"poll\"} 1",
        "twite_tickets_opened_total{channel=\"twitter\"} 1",
        "twite_rules_fired_total{mode=\"live\"} 1",
        "twite_x_calls_total{account=\"acme\",operation=\"POST /2/tweets\",outcome=\"ok\"} 1",
        "twite_x_cost_dollars_total{account=\"acme\",operation=\"POST /2/tweets\"} 0.015",
        "twite_inbox_messages{state=\"pending\"} 0",
        "twite_outbox_effects{state=\"waiting\"} 0",
        "twite_account_state{account=\"acme\",state=\"connected\"} 1",
        "twite_account_state{account=\"acme\",state=\"unauthorised\"} 0",
        "twite_database_up 1",
        "twite_working 1",
        "twite_rules_broken 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("hello"), "{metrics}");
    assert!(!desk.sim.sent().is_empty());

    // Rule files with errors.
    fs::write(desk.rules().join("rules.twite"), "trigger \"Answer\" {").unwrap();
    metrics_with(&address, "twite_rules_broken 1").await;
    metrics_with(&address, "twite_reloads_total{outcome=\"broken\"} 1").await;
    promtool(&["check", "metrics"], &metrics);

    // Every metric is documented, and every metric of the sample alerts exists.
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md")).unwrap();
    let told: BTreeSet<_> = page.lines().filter_map(|line| line.strip_prefix("| `twite_")?.split('`').next()).collect();
    let told: BTreeSet<_> = told.into_iter().map(|name| format!("twite_{name}")).collect();
    for name in names(&metrics) {
        assert!(told.contains(name), "docs/operating.md does not list {name}");
    }
    let alerts =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/monitoring/alerts.yml")).unwrap();
    for name in alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("twite_"))
    {
        assert!(told.contains(name.trim_end_matches("_bucket")), "the sample alerts name {name}, which does not exist");
    }
}

/// Runs promtool, if `TWITE_PROMTOOL` names it, as in `.ci/run`.
fn promtool(arguments: &[&str], input: &str) {
    let Some(promtool) = std::env::var_os("TWITE_PROMTOOL") else {
        eprintln!("TWITE_PROMTOOL is not set, so promtool does not check the metrics");
        return;
    };
    let mut child = Command::new(promtool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_waits_is_alive_and_not_ready() {
    let desk = desk().await;
    let first = desk.serve();
    let working = address(&desk, 1).await;
    metrics_with(&working, "twite_working 1").await;
    assert_eq!(get(&working, "/readyz").await, (200, "ready\n".to_owned()));
    let _second = desk.serve();
    let waiting = address(&desk, 2).await;
    desk.logged("waiting until it ends").await;
    let (status, reason) = get(&waiting, "/readyz").await;
    assert_eq!(status, 503);
    assert!(
        reason.contains(&format!("another daemon ends, which uses the same database: process {}", first.pid())),
        "{reason}"
    );
    assert_eq!(get(&waiting, "/healthz").await, (200, "ok\n".to_owned()));
    metrics_with(&waiting, "twite_working 0").await;
    drop(first);
    metrics_with(&waiting, "twite_working 1").await;
    assert_eq!(get(&waiting, "/readyz").await.0, 200);
    assert_eq!(get(&waiting, "/elsewhere").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_asked_for_again() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let desk = TestDesk::new(&["acme"], RULES, &format!("[web]\nlisten = \"{address}\"\n")).await;
    let _served = desk.serve();
    desk.logged(&format!("cannot listen on {address}")).await;
    drop(taken);
    desk.logged("listening on http://").await;
    assert_eq!(get(&address.to_string(), "/healthz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded() {
    let desk = desk().await;
    let _served = desk.serve();
    let address = address(&desk, 1).await;
    for request in [
        format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(100_000)),
        format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(100_000)),
        "POST /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // The server may close the connection before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = vec![];
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // Connections that send nothing take nothing from the others.
    let idle = connections(&address, 50).await;
    assert_eq!(get(&address, "/healthz").await.0, 200);
    drop(idle);
}

async fn connections(address: &str, count: usize) -> Vec<TcpStream> {
    let mut streams = vec![];
    for _ in 0..count {
        streams.push(TcpStream::connect(address).await.unwrap());
    }
    streams
}
