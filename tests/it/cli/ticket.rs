//! `twite ticket update` and `twite ticket reply`, on a desk that a morning of the demo has filled.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::support::database;

pub(super) fn twite(database: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut twite = Command::cargo_bin("twite").unwrap();
    twite.current_dir(env!("CARGO_MANIFEST_DIR")).env("NO_COLOR", "1").args(arguments).arg("--database").arg(database);
    let ran = twite.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

pub(super) fn json(database: &Path, arguments: &[&str]) -> Value {
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

    // Whoever follows a ticket finds it.
    let by = |arguments: &[&str]| json(database, &[arguments, &["--as", "Maya Lindqvist"]].concat());
    by(&["ticket", "update", "3", "--add-watcher", "me", "--add-watcher", "Tomás Rey"]);
    assert_eq!(shown()["ticket"]["watchers"], serde_json::json!(["Maya Lindqvist", "Tomás Rey"]));
    let followed = || by(&["ticket", "list", "--where", "watchers has me"]).as_array().unwrap().len();
    assert_eq!(followed(), 1);
    by(&["ticket", "update", "3", "--remove-watcher", "me"]);
    assert_eq!((shown()["ticket"]["watchers"].clone(), followed()), (serde_json::json!(["Tomás Rey"]), 0));

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
    assert_eq!((status, errors.contains("4711")), (2, true), "{errors}");
}

#[tokio::test]
async fn a_ticket_is_rated() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    assert_eq!(twite(database, &["demo", "--once"]).0, 0);
    let shown = || json(database, &["ticket", "show", "3"]);
    let before = shown();
    json(database, &["ticket", "rate", "3", "good", "--dry-run"]);
    assert_eq!(shown(), before, "a dry run changes nothing");
    json(database, &["ticket", "rate", "3", "bad", "--comment", "It took {{ticket.id}} days, \"all in all\""]);
    let ticket = &shown()["ticket"];
    assert_eq!((&ticket["satisfaction"], &ticket["satisfaction_by"]), (&"bad".into(), &"requester".into()));
    assert_eq!(ticket["satisfaction_comment"], "It took {{ticket.id}} days, \"all in all\"");
    assert_eq!((&ticket["status"], &ticket["requester"]["satisfaction"]), (&"open".into(), &"bad".into()));
    let (_, why, _) = twite(database, &["why", "3"]);
    assert!(why.contains("Not happy with us"), "{why}");
    json(database, &["ticket", "rate", "3", "good", "--as", "Maya Lindqvist"]);
    let ticket = &shown()["ticket"];
    assert_eq!((&ticket["satisfaction"], &ticket["satisfaction_by"]), (&"good".into(), &"agent".into()));
    assert!(ticket["satisfaction_comment"].is_null(), "it came with the other rating: {ticket}");
    let (status, _, errors) = twite(database, &["ticket", "rate", "3", "fine"]);
    assert_eq!((status, errors.contains("good")), (2, true), "{errors}");
}

/// Options become actions of their own, whatever is in them, and errors show what was typed.
#[tokio::test]
async fn options_are_taken_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    assert_eq!(twite(database, &["demo", "--once"]).0, 0);
    let refused: &[(&[&str], i32, &str)] = &[
        (&["--add-tag", "refund #42"], 2, "add tags \"refund #42\""),
        (&["--add-tag", "one, two"], 2, "add tags \"one, two\""),
        (&["--add-tag", ""], 2, "\"\" is not a valid tag"),
        (&["--add-tag", "a\n set status to solved"], 2, "add tags \"a\\n set status to solved\""),
        (&["--add-tag", "a } macro \"b\" { then add tags c"], 2, "add tags \"a } macro"),
        (&["--remove-tag", "new # t2"], 2, "remove tags \"new # t2\""),
        (&["--set", "priority=high # x"], 2, "set priority to \"high # x\""),
        (&["--set", "priority=high\n add tags x"], 2, "set priority to \"high\\n add tags x\""),
        (&["--set", "priority="], 2, "`--clear priority` makes a field empty"),
        (&["--set", "priority to low\n set status=solved"], 2, "these options:2:"),
        (&["--set", "stauts=open"], 2, "did you mean `status`"),
        (&["--clear", "status"], 2, "these options:1:"),
        (&[], 2, "nothing is to be done"),
        (&["--note", ""], 1, "the note is empty"),
        (&["--note", " \u{200b} "], 1, "the note is empty"),
        (&["--note", "x", "--after", "5"], 2, "--after"),
    ];
    let before = json(database, &["ticket", "show", "3"]);
    for (options, expected, says) in refused {
        let (status, out, errors) = twite(database, &[&["ticket", "update", "3"], *options].concat());
        assert_eq!((status, &*out), (*expected, ""), "{options:?}: {errors}");
        assert!(errors.contains(says), "{options:?}: {errors}");
        assert!(!errors.contains("macro \"update\""), "{options:?}: {errors}");
    }
    for text in ["", "   ", "\u{200b}"] {
        let (status, _, errors) = twite(database, &["ticket", "reply", "3", text]);
        assert_eq!((status, errors.contains("its text is empty")), (1, true), "{text:?}: {errors}");
    }
    assert_eq!(json(database, &["ticket", "show", "3"]), before, "nothing was changed");

    let lists: &[(&[&str], &str)] = &[
        (&["--where", "status is"], "where status is"),
        (&["--where", "status is open\n columns id"], "columns id"),
        (&["--where", "status is open } view \"x\" {"], "these options:1:"),
        (&["--sort", "priority descending, updated"], "sort by priority descending, updated"),
        (&["--sort", "stauts"], "sort by stauts"),
        (&["--columns", ""], "these options:2:"),
        (&["--columns", "id, nope"], "columns id, nope"),
    ];
    for (options, says) in lists {
        let (status, _, errors) = twite(database, &[&["ticket", "list"], *options].concat());
        assert_eq!((status, errors.contains(says)), (2, true), "{options:?}: {errors}");
        assert!(!errors.contains("view \"tickets\""), "{options:?}: {errors}");
    }

    let taken = ["--set", "group=Social", "--set", "priority=high", "--add-tag", "refund", "--remove-tag", "\"new\""];
    json(database, &[&["ticket", "update", "3"], &taken[..]].concat());
    assert_eq!(json(database, &["ticket", "show", "3"])["ticket"]["priority"], "high");
    json(database, &["ticket", "update", "3", "--clear", "priority"]);
    assert_eq!(json(database, &["ticket", "show", "3"])["ticket"]["priority"], Value::Null);
}

/// A dry run comes to the same as the update, and leaves nothing behind.
#[tokio::test]
async fn a_dry_run_shows_what_applying_does() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    let rules = directory.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("a.twite"), "macro \"Merge\" { then merge into earlier ticket }\n").unwrap();
    std::fs::write(rules.join("twite.toml"), "[[account]]\nhandle = \"acme\"\n").unwrap();
    let post = |id: u32, text: &str| {
        let post = serde_json::json!({"data": {"id": id.to_string(), "author_id": "7", "text": text,
            "created_at": format!("2026-01-05T09:{id}:00Z"), "conversation_id": id.to_string()}});
        post.to_string()
    };
    let posts = directory.path().join("posts.ndjson");
    std::fs::write(&posts, post(10, "@acme one") + "\n" + &post(20, "@acme two") + "\n").unwrap();
    let (rules, posts) = (rules.to_str().unwrap(), posts.to_str().unwrap());
    let (status, _, errors) = twite(database, &["demo", "--once", "--rules", rules, "--posts", posts]);
    assert_eq!(status, 0, "{errors}");

    let apply = |id: &'static str, dry: &'static [&str]| {
        let arguments = [&["ticket", "apply", "Merge", id, "--rules", rules], dry].concat();
        twite(database, &[&arguments[..], &["--format", "json"]].concat())
    };
    let (status, dry, errors) = apply("2", &["--dry-run"]);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(apply("2", &["--dry-run"]).0, 0, "a dry run changes nothing");
    let (status, done, _) = apply("2", &[]);
    let changes = |text: &str| serde_json::from_str::<Value>(text).unwrap()[0]["changes"].clone();
    // The time of each is its own.
    let timeless = |changes: Value| -> Vec<Value> {
        let timed =
            |change: &Value| ["updated", "solved", "status_changed"].contains(&change["field"].as_str().unwrap());
        changes.as_array().unwrap().iter().filter(|change| !timed(change)).cloned().collect()
    };
    assert_eq!((status, timeless(changes(&dry))), (0, timeless(changes(&done))));
    assert!(dry.contains("\"closed\""), "{dry}");
    let (status, said, _) = apply("1", &[]);
    assert_eq!((status, said.contains("no earlier ticket to merge into")), (1, true), "{said}");
}
