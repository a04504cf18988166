//! `twite demo`: for posts that open no ticket, it reports the exact cause.

use std::{fs, path::Path, process::Command};

use crate::support::database;

const MENTION: &str = r#"{"data": {"id": "1", "author_id": "2", "text": "hi @acme", "created_at": "2026-01-05T09:00:00.000Z", "conversation_id": "1", "entities": {"mentions": [{"start": 3, "end": 8, "username": "acme"}]}}, "includes": {"users": [{"id": "2", "username": "ana", "name": "Ana"}]}}"#;

/// Runs `twite demo --once` with this `twite.toml`; returns its output.
fn demo(directory: &Path, toml: &str, arguments: &[&str]) -> String {
    let rules = directory.join("rules");
    fs::create_dir_all(&rules).unwrap();
    fs::write(rules.join("twite.toml"), toml).unwrap();
    fs::write(rules.join("a.twite"), "trigger \"x\" {\n  on created\n  then add tags b\n}\n").unwrap();
    let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
    let ran =
        twite.current_dir(directory).args(["demo", "--once", "--rules", "rules"]).args(arguments).output().unwrap();
    String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap()
}

/// Declarations, posts, and the expected message.
const CAUSES: &[(&str, Option<&str>, &str)] = &[
    ("[[account]]\nhandle = \"acme\"\n", Some(""), "the file contains no posts"),
    ("[[account]]\nhandle = \"acme\"\n", Some("{}\n"), "none of the lines could be read"),
    ("[[account]]\nhandle = \"other\"\n", Some(MENTION), "none of these posts mentions one of your accounts (@other)"),
    (
        "[[account]]\nhandle = \"acme\"\n",
        Some(
            r#"{"dm": {"id": "1990000000000000003", "text": "psst", "sender_id": "500", "participant_ids": ["500", "600"]}}"#,
        ),
        "none of these posts mentions one of your accounts (@acme), and no message is to one",
    ),
    ("# none\n", Some(MENTION), "twite.toml declares no account"),
    ("[[account]]\nhandle = \"acme\"\n", Some(MENTION), ""),
    (
        "[[account]]\nhandle = \"acme\"\ncapture_mentions = false\n",
        Some(MENTION),
        "1 post mentions @acme, which captures no mentions",
    ),
    (
        "[[account]]\nhandle = \"acme\"\ncapture_mentions = false\n",
        None,
        "posts mention @acme, which captures no mentions",
    ),
];

#[test]
fn posts_that_open_no_ticket_are_accounted_for() {
    let all =
        ["contains no posts", "could be read", "none of these posts", "declares no account", "captures no mentions"];
    for (toml, posts, cause) in CAUSES {
        let directory = tempfile::tempdir().unwrap();
        let arguments: &[&str] = match posts {
            Some(posts) => {
                fs::write(directory.path().join("posts"), posts).unwrap();
                &["--posts", "posts"]
            }
            None => &[],
        };
        let said = demo(directory.path(), toml, arguments);
        assert!(said.contains(cause), "{toml}{posts:?}: {said}");
        let told = all.iter().filter(|cause| said.contains(**cause)).count();
        assert_eq!(told, usize::from(!cause.is_empty()), "{toml}{posts:?}: {said}");
        let said = demo(directory.path(), toml, &[arguments, &["--format", "json"]].concat());
        assert!(said.contains("note: ") != cause.is_empty() && said.contains(cause), "{toml}{posts:?}: {said}");
    }
}

#[test]
fn an_account_that_is_named_is_as_it_is_declared() {
    let directory = tempfile::tempdir().unwrap();
    let toml = "[[account]]\nhandle = \"acme\"\ncapture_mentions = false\n";
    let said = demo(directory.path(), toml, &["--account", "@ACME"]);
    assert!(said.contains("captures no mentions") && !said.contains("not declared"), "{said}");
    let said = demo(directory.path(), toml, &["--account", "other"]);
    assert!(said.contains("note: @other is not declared in twite.toml") && said.contains("mentions @other"), "{said}");
}

#[test]
fn a_desk_with_the_handle_of_a_customer_is_no_customer() {
    let directory = tempfile::tempdir().unwrap();
    let said = demo(directory.path(), "[[account]]\nhandle = \"KimLarsen\"\n", &[]);
    assert!(said.contains("Kim Larsen mentions @KimLarsen"), "{said}");
}

#[tokio::test]
async fn a_database_of_the_demo_knows_what_was_live_and_who_worked() {
    let directory = tempfile::tempdir().unwrap();
    let database = database::url_at(&directory.path().join("demo.db")).await;
    demo(directory.path(), "[[account]]\nhandle = \"acme\"\n", &["--database", &database]);
    let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
    let ran = twite.current_dir(&directory).args(["status", "--database", &database]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("files     the same") && said.contains("daemon    not running; last seen at"), "{said}");
    let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
    let ran = twite.current_dir(&directory).args(["accounts", "list", "--database", &database]).output().unwrap();
    let said = said + &String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("@acme") && !said.contains("1970"), "{said}");
}
