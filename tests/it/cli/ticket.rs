//! `twite ticket update` and `twite ticket reply`, on a desk that a morning of the demo has filled.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::support::database;

fn twite(database: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut twite = Command::cargo_bin("twite").unwrap();
    twite.current_dir(env!("CARGO_MANIFEST_DIR")).env("NO_COLOR", "1").args(arguments).arg("--database").arg(database);
    let ran = twite.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

fn json(database: &Path, arguments: &[&str]) -> Value {
    let (status, out, errors) = twite(database, &[arguments, &["--format", "json"]].concat());
    assert_eq!(status, 0, "{out}{errors}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test]
async fn a_ticket_is_updated_and_answered() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    assert_eq!(twite(database, &["demo", "--once"]).0, 0);
    let shown = || json(database, &["ticket", "show", "3"]);
    let before = shown();
    let seen = before["version"].as_i64().unwrap();

    let dry = json(database, &["ticket", "update", "3", "--set", "status=pending", "--dry-run"]);
    assert_eq!(dry["changes"][0], serde_json::json!({"field": "status", "from": "new", "to": "pending"}));
    assert_eq!(shown(), before, "a dry run changes nothing");

    json(database, &["ticket", "update", "3", "--set", "status=pending", "--add-tag", "refund", "--note", "rang her"]);
    let after = shown();
    assert_eq!(after["ticket"]["status"], "pending");
    assert!(after["ticket"]["tags"].as_array().unwrap().contains(&"refund".into()), "{after}");
    assert!(after["version"].as_i64().unwrap() > seen);

    // With an earlier version, a field may be changed, except one that has changed since.
    let version = seen.to_string();
    let (status, _, errors) =
        twite(database, &["ticket", "update", "3", "--set", "status=solved", "--expect-version", &version]);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("status"), "{errors}");
    json(database, &["ticket", "update", "3", "--set", "priority=low", "--expect-version", &version]);
    assert_eq!((&shown()["ticket"]["status"], &shown()["ticket"]["priority"]), (&"pending".into(), &"low".into()));

    json(database, &["ticket", "reply", "3", "We are sorry"]);
    let outgoing = shown()["outgoing"].to_string();
    assert!(outgoing.contains("We are sorry"), "{outgoing}");
    let runs = json(database, &["why", "3"]);
    let last = runs.as_array().unwrap().last().unwrap();
    assert_eq!((&last["actor"], &last["event"]["via"]), (&"owner".into(), &"cli".into()), "{last}");
    let (_, why, _) = twite(database, &["why", "3"]);
    assert!(why.contains("by the owner of this machine: \"We are sorry\""), "{why}");
    let (status, _, errors) = twite(database, &["ticket", "reply", "3", "Hello", "--from", "@nobody"]);
    assert_eq!((status, errors.contains("@nobody is not declared")), (1, true), "{errors}");
    let (status, _, errors) = twite(database, &["ticket", "update", "4711", "--set", "status=solved"]);
    assert_eq!((status, errors.contains("4711")), (1, true), "{errors}");
}
