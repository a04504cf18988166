//! Commands that read a desk, on one that a morning of the demo has filled: views, tickets, reports and `why`.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use twite::settings::Address;

use crate::support::database;

/// Runs a command on the desk and returns its exit status, its output and its remarks.
fn run(database: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("twite")
        .unwrap()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .args(arguments)
        .arg("--database")
        .arg(database)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// As [`run`], with the remarks behind the output.
fn twite(database: &Path, arguments: &[&str]) -> (i32, String) {
    let (status, text, remarks) = run(database, arguments);
    (status, text + &remarks)
}

fn json(database: &Path, arguments: &[&str]) -> Value {
    let (status, text, remarks) = run(database, &[arguments, &["--format", "json"]].concat());
    assert_eq!(status, 0, "{text}{remarks}");
    serde_json::from_str(&text).unwrap()
}

/// The hash of the rules changes with every edit.
fn without_version(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once(", ") {
            Some((version, rest)) if version.starts_with("rules ") => format!("rules …, {rest}"),
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn a_desk_can_be_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    let (status, text) = twite(database, &["demo", "--once"]);
    assert_eq!(status, 0, "{text}");

    insta::assert_snapshot!("a_view", twite(database, &["view", "Urgent"]).1);
    insta::assert_snapshot!(
        "a_page_of_a_list",
        twite(database, &["ticket", "list", "--limit", "3", "--offset", "1"]).1
    );
    insta::assert_snapshot!("a_ticket", twite(database, &["ticket", "show", "3"]).1);
    insta::assert_snapshot!("why", without_version(&twite(database, &["why", "3", "--run", "1"]).1));
    let mistaken = ["ticket", "list", "--where", "status < slved", "--sort", "followers"];
    insta::assert_snapshot!("a_list_of_what", twite(database, &mistaken).1);
    let place = Address::named(database).unwrap().to_string();
    let mistakes: String = [
        &["view", "Urgnt"][..],
        &["ticket", "show", "4711"],
        &["why", "4711"],
        &["why", "3", "--run", "9"],
        &["why", "3", "--rule", "Delivry"],
        &["demo", "--once"],
    ]
    .iter()
    .map(|mistaken| {
        let (status, text) = twite(database, mistaken);
        assert_eq!(status, 2, "{text}");
        format!("{}\n  {}", mistaken.join(" "), text.replace(&place, "/demo.db"))
    })
    .collect();
    insta::assert_snapshot!("mistakes", mistakes);

    // Counts and rows agree with the tickets.
    let all = json(
        database,
        &["ticket", "list", "--where", "status in (new, open, pending, hold, solved, closed)", "--limit", "1000"],
    );
    let dms = json(database, &["ticket", "list", "--where", "channel is twitter_dm", "--columns", "id, channel"]);
    assert!(all.as_array().unwrap().len() > 20);
    assert!(!dms.as_array().unwrap().is_empty());
    assert!(dms.as_array().unwrap().iter().all(|row| row["channel"] == "twitter_dm"));
    for view in json(database, &["view"]).as_array().unwrap() {
        let shown = json(database, &["view", view["title"].as_str().unwrap()]);
        assert_eq!(view["tickets"], shown.as_array().unwrap().len(), "{view}");
    }

    // Every run of every ticket can be replayed, with the same result.
    for row in all.as_array().unwrap() {
        let id = row["id"].to_string();
        let runs = json(database, &["why", &id]);
        assert!(!runs.as_array().unwrap().is_empty(), "ticket {id}");
        for run in runs.as_array().unwrap() {
            assert_eq!(run["agrees"], true, "ticket {id}, {run}");
        }
        let shown = json(database, &["ticket", "show", &id]);
        assert_eq!(shown["ticket"]["id"].to_string(), id);
        assert!(!shown["comments"].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn numbers_are_reported_and_macros_applied() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    let (status, text) = twite(database, &["demo", "--once"]);
    assert_eq!(status, 0, "{text}");
    let tickets = json(database, &["ticket", "list", "--limit", "1000"]);
    let created = tickets.as_array().unwrap().iter().map(|row| row["updated"].as_str().unwrap()).max().unwrap();
    // The demo's messages come from one morning: reports are made as of its end.
    let at = &["--at", created][..];
    let report = |title: &str, format: &str| twite(database, &[&["report", title, "--format", format], at].concat()).1;

    let shown: String = ["The week by source", "First answers", "When people write", "What is open"]
        .map(|title| report(title, "table"))
        .join("\n\n");
    insta::assert_snapshot!("reports", shown);
    insta::assert_snapshot!("a_report_as_csv", report("The week by source", "csv").replace('\r', ""));
    insta::assert_snapshot!("the_reports", twite(database, &["report"]).1);
    let open = json(database, &["report", "What is open"]);
    assert_eq!(open["total"]["values"][0], tickets.as_array().unwrap().len() as f64);
    for format in ["svg", "html"] {
        let drawing = report("The week by source", format);
        assert!(drawing.contains("<svg") && drawing.contains("twitter_dm") && drawing.contains("</svg>"), "{drawing}");
    }
    let (status, text) = twite(database, &["report", "The week by sorce"]);
    assert_eq!(status, 2);
    assert!(text.contains("did you mean `The week by source`?"), "{text}");

    // A dry run predicts exactly what the macro does.
    let apply = ["ticket", "apply", "Ask for a direct message", "3"];
    let would = twite(database, &[&apply[..], &["--dry-run"]].concat()).1;
    // Their values are the current time.
    let now = ["updated", "first_reply", "last_reply", "status_changed"];
    let would: Vec<_> = would.lines().filter(|line| !now[1..].iter().any(|field| line.contains(field))).collect();
    insta::assert_snapshot!("a_macro", would.join("\n"));
    assert_eq!(json(database, &["ticket", "show", "3"])["ticket"]["status"], "new");
    let would = json(database, &[&apply[..], &["--dry-run"]].concat());
    let done = json(database, &apply);
    let changes = |done: &Value| {
        let changes = done[0]["changes"].as_array().unwrap().iter().cloned();
        changes.filter(|change| !now.contains(&change["field"].as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(changes(&would), changes(&done));
    let ticket = json(database, &["ticket", "show", "3"]);
    assert_eq!(ticket["ticket"]["status"], "pending");
    let waiting = ticket["outgoing"].as_array().unwrap().iter().filter(|left| left["state"] == "waiting");
    let said: Vec<_> = waiting.map(|left| left["text"].as_str().unwrap_or_default()).collect();
    assert!(said.iter().any(|text| text.contains("direct message")), "{said:?}");

    // Assigned to the agent of Billing with the fewest tickets: there is only one.
    let (status, text) = twite(database, &["ticket", "apply", "Hand over to Billing", "4", "4711"]);
    assert_eq!(status, 1, "one ticket is not there, and the other is done\n{text}");
    assert!(text.contains("no ticket 4711"), "{text}");
    assert_eq!(json(database, &["ticket", "show", "4"])["ticket"]["assignee"], "Tomás Rey");
    let (status, text) = twite(database, &["ticket", "apply", "Ask for a dm", "3"]);
    assert_eq!(status, 2);
    assert!(text.contains("unknown macro"), "{text}");

    // Every run can be replayed, those of macros too.
    for id in ["3", "4"] {
        for run in json(database, &["why", id]).as_array().unwrap() {
            assert_eq!(run["agrees"], true, "ticket {id}, {run}");
        }
    }
}
