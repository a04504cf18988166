//! `twite eval`: invalid tickets are reported with key and line, and skipped ones are counted.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::{Value as Json, json};

use crate::support::{
    command::{directory, twite},
    wording::assert_plain_words,
};

#[test]
fn what_the_demo_and_eval_leave_out_is_named_and_counted() {
    let post = |id: u32| {
        format!(
            "{{\"id\": \"{id}\", \"author_id\": \"2\", \"text\": \"hi @acme\", \"created_at\": \"2026-01-05T09:00:00.000Z\", \"conversation_id\": \"{id}\"}}"
        )
    };
    let users = "\"includes\": {\"users\": [{\"id\": \"2\", \"username\": \"ana\", \"name\": \"Ana\"}]}";
    let padding = "x".repeat(2 << 20);
    let page = format!("{{\"data\": [{}, {}], {users}, \"meta\": {{\"pad\": \"{padding}\"}}}}", post(1), post(2));
    let lines = format!(
        "{page}\nnot json\nnot json\n{{\"data\": [{}, {{\"id\": \"x\"}}], {users}}}\n{}\n",
        post(3),
        "y".repeat(17 << 20)
    );
    let directory = directory(&[
        ("twite.toml", "[[account]]\nhandle = \"acme\"\n"),
        ("a.twite", "trigger \"T\" {\n  on created\n  then add tags a\n}\n"),
        ("posts", &lines),
    ]);
    let (status, out, err) =
        twite(directory.path(), &["demo", "--rules", ".", "--posts", "posts", "--format", "json"], "");
    let summary: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &summary["left_out"], &summary["tickets"]), (1, &4.into(), &3.into()), "{out}{err}");
    for line in
        ["posts:2: skipped: ", "posts:3: skipped: ", "posts:4: skipped: ", "posts:5: skipped: longer than 16 MiB"]
    {
        assert!(err.contains(line), "{line}: {err}");
    }
    let (status, _, err) = twite(directory.path(), &["eval", "--tickets", "posts", "."], "");
    assert_eq!((status, err.contains("posts:2: skipped: ")), (1, true), "{err}");
}

/// JSON pointers to all keys of a value.
fn pointers(value: &Json, at: &str, into: &mut Vec<String>) {
    if let Json::Object(entries) = value {
        for (key, value) in entries {
            let at = format!("{at}/{key}");
            pointers(value, &at, into);
            into.push(at);
        }
    }
}

#[test]
fn every_key_of_a_ticket_of_another_type_is_told_in_plain_words() {
    let ticket = serde_json::to_value(twite::desk::Ticket::default()).unwrap();
    let line = json!({
        "ticket": {},
        "now": "2026-01-05T12:00:00Z",
        "event": {
            "via": "web",
            "kind": {"updated": {"before": {"status": "solved"}}},
            "comment": {"text": "hello", "public": true, "author": "agent"},
            "cause": {"macro": "Hello"},
        },
    });
    let values = [
        json!("zzz"),
        json!(7),
        json!(-7),
        json!(u64::MAX),
        json!(1.5),
        json!(true),
        json!(["zzz"]),
        json!([7]),
        json!([["zzz"]]),
        json!({"zzz": 7}),
        json!([{"zzz": 7}]),
        json!({}),
        Json::Null,
    ];
    let mut cases: Vec<(String, String)> = vec![];
    for whole in [&ticket, &line] {
        let mut at = vec![];
        pointers(whole, "", &mut at);
        for at in at {
            for value in &values {
                let mut changed = whole.clone();
                *changed.pointer_mut(&at).unwrap() = value.clone();
                cases.push((at.clone(), changed.to_string()));
            }
            // An unknown key beside it.
            let (above, _) = at.rsplit_once('/').unwrap();
            let mut changed = whole.clone();
            changed.pointer_mut(above).unwrap()["zzzzzz"] = json!(1);
            cases.push((format!("{above}/zzzzzz"), changed.to_string()));
        }
    }
    assert!(cases.len() > 700, "{}", cases.len());
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.twite"), "trigger \"x\" {\n  on created\n  then add tags b\n}\n").unwrap();
    fs::write(directory.path().join("tickets"), cases.iter().map(|(_, line)| format!("{line}\n")).collect::<String>())
        .unwrap();
    let mut eval = Command::new(env!("CARGO_BIN_EXE_twite"));
    let ran = eval.args(["eval", "--tickets", "tickets", "."]).current_dir(directory.path()).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for line in said.lines() {
        let (number, says) = line.strip_prefix("tickets:").unwrap().split_once(": ").unwrap();
        let (at, of) = &cases[number.parse::<usize>().unwrap() - 1];
        assert_plain_words(says, of);
        if let Some(complaint) = says.strip_prefix("skipped: ") {
            assert!(complaint.contains(&format!("`{at}")), "{at}: {complaint}");
            *refused.entry(at).or_default() += 1;
        }
    }
    for (at, _) in &cases {
        let refused = refused.get(at.as_str()).copied().unwrap_or_default();
        let least = match at.as_str() {
            at if at.ends_with("/zzzzzz") => 1,
            // All others are tables.
            "/custom" => 9,
            _ => 8,
        };
        assert!(refused >= least, "`{at}` takes values of too many types: it refuses {refused}");
    }
}

/// A key in the wrong place, with the place it belongs to; and numbers as they are written.
#[test]
fn a_key_in_the_wrong_place_is_told_the_right_one() {
    let directory = directory(&[
        ("twite.toml", "[[account]]\nhandle = \"acme\"\n[[field]]\nname = \"size\"\ntype = \"number\"\n"),
        ("a.twite", "trigger \"T\" {\n  on created\n  then add tags a\n}\n"),
    ]);
    for (line, says) in [
        (r#"{"requester.followers": 5}"#, r#"write `{"requester": {"followers": …}}`"#),
        (r#"{"followers": 5}"#, r#"did you mean `{"requester": {"followers": …}}`?"#),
        (r#"{"field.size": 5}"#, r#"write `{"custom": {"size": …}}`"#),
        (r#"{"ticket": {}, "status": "open"}"#, "`/status` is an unknown key: write it inside `ticket`"),
        (r#"{"ticket": {}, "post.likes": 5}"#, r#"write `{"post": {"likes": …}}` inside `ticket`"#),
        (r#"{"statu": "open"}"#, "did you mean `status`?"),
        (r#"{"requester": {"folowers": 5}}"#, "did you mean `followers`?"),
        (
            r#"{"requester": {"followers": 1.0}}"#,
            "must be a whole number without a decimal point or an exponent: write 1",
        ),
        (r#"{"requester": {"followers": 1.5}}"#, "must be a whole number, not 1.5"),
        (r#"{"requester": {"followers": 1e300}}"#, "must be a whole number, not 1e300"),
        (r#"{"subject": 2e2}"#, "must be a string, not 200"),
        (
            r#"{"requester": {"followers": 2e2}}"#,
            "must be a whole number without a decimal point or an exponent: write 200",
        ),
    ] {
        let (status, _, err) = twite(directory.path(), &["eval", "--tickets", "-", "."], line);
        assert_eq!((status, err.contains(says)), (1, true), "{line}: {err}");
    }
}
