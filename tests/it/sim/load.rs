//! Conversations from files, which happen in the simulator in order.

use super::*;

#[tokio::test]
async fn conversations_are_loaded_and_happen_in_order() {
    let world = World::new().await;
    let user = |id: &str, name: &str| json!({"id": id, "username": name, "name": name, "public_metrics": {"followers_count": 3, "tweet_count": 9}});
    let post = |id: &str, minute: u32, text: &str| {
        json!({
            "data": {"id": id, "text": text, "author_id": "500", "created_at": format!("2026-11-16T07:{minute:02}:00.000Z"), "lang": null},
            "includes": {"users": [user("500", "nils")]},
        })
    };
    let lines = [
        post("2122223390684086273", 10, "@acme later &amp; wiser").to_string(),
        "{\"data\": {\"id\":".into(),
        post("2122223390684086200", 5, "@acme first").to_string(),
        String::new(),
        json!({"data": {"id": 2122223390684086273_u64, "text": "a", "author_id": "500"}}).to_string(),
        json!({"data": {"id": "12", "text": "nobody's"}}).to_string(),
        json!({"data": {"text": "no id", "author_id": "500"}}).to_string(),
        json!({"like": {"by": "500", "post": "2122223390684086200", "created_at": "2026-11-16T07:30:00Z"}}).to_string(),
        json!({"dm": {"id": "2122223390684086300", "from": user("500", "nils"), "to": world.tokens.user_id, "text": "psst <3", "created_at": "2026-11-16T07:20:00.000Z"}}).to_string(),
        post("2122223390684086200", 5, "@acme first").to_string(),
        "[]".into(),
        "x".repeat(17 << 20),
    ];
    let report = world.sim.load_lines(lines.join("\n").as_bytes()).unwrap();
    assert_eq!(
        (report.lines, report.posts, report.dms, report.likes, report.users, report.repeated),
        (11, 2, 1, 1, 1, 1)
    );
    assert_eq!(report.skipped, 6);
    let reasons: Vec<(usize, &str)> = report.unreadable.iter().map(|left| (left.line, left.reason.as_str())).collect();
    assert_eq!(reasons.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5, 6, 7, 11, 12]);
    for (at, reason) in [(1, "is the number"), (2, "no `author_id`"), (3, "no `id`"), (5, "longer than 16 MiB")] {
        assert!(reasons[at].1.contains(reason), "{}", reasons[at].1);
    }

    assert_eq!(world.get(&world.mentions()).await["meta"]["result_count"], 0);
    assert_eq!(world.sim.release(1, true).unwrap(), 1);
    assert_eq!(world.sim.now(), "2026-11-16T07:05:00Z".parse().unwrap());
    let first = world.get(&format!("{}?tweet.fields=lang,created_at&expansions=author_id", world.mentions())).await;
    assert_eq!(ids(&first), ["2122223390684086200"]);
    assert!(first["data"][0].get("lang").is_none() && first["includes"]["users"][0]["username"] == "nils");
    let answer = world.reply("Hello", "2122223390684086200").await.json::<Value>().await.unwrap();
    let own: u64 = answer["data"]["id"].as_str().unwrap().parse().unwrap();
    assert!(own > 2122223390684086200, "what is made is newer than what happened");

    world.sim.replay(1_000.0);
    while world.sim.waiting() > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let page = world.get(&world.mentions()).await;
    assert_eq!(page["data"][0]["text"], "@acme later &amp; wiser");
    assert_eq!(world.get("/2/dm_events").await["data"][0]["text"], "psst &lt;3");
    assert_eq!(ids(&world.get("/2/users/500/liked_tweets").await), ["2122223390684086200"]);
    let again = world.sim.load_lines(lines.join("\n").as_bytes()).unwrap();
    assert_eq!((again.posts, again.dms, again.repeated), (0, 0, 4));
}

/// Lines of files, the reasons why they cannot be read, and the number of posts, messages and likes read from them.
const LINES: &[(&str, &[&str], [usize; 3])] = &[
    (
        r#"{"data":{"id":"1990000000000000001","text":"@acme a","author_id":"500"},"includes":{"users":[{"id":"500","username":"nils","name":"Nils"}]}}"#,
        &[],
        [1, 0, 0],
    ),
    ("null", &["`null`, not a JSON object"], [0; 3]),
    ("1", &["a number, not a JSON object"], [0; 3]),
    (r#""x""#, &["a text, not a JSON object"], [0; 3]),
    ("[1]", &["a list, not a JSON object"], [0; 3]),
    ("{}", &["neither `data`, `dm` nor `like`"], [0; 3]),
    ("{", &["not JSON: EOF while parsing an object at column 1"], [0; 3]),
    (r#"{"data":"x"}"#, &["`data` is a text: a post, a message, or a list of them is needed"], [0; 3]),
    (
        r#"{"data":[{"id":"1990000000000000002","text":"a","author_id":"500"},{"id":"1990000000000000003","author_id":"500"},{"id":"1990000000000000004","text":"c","author_id":"500"}]}"#,
        &["2 of 3 in `data`: the post has no `text`"],
        [2, 0, 0],
    ),
    (r#"{"data":[7]}"#, &["the post is a number, not an object"], [0; 3]),
    (r#"{"data":[]}"#, &[], [0; 3]),
    (
        r#"{"data":{"id":"1990000000000000005","text":"a","author_id":"500","created_at":"yesterday"}}"#,
        &["the `created_at` of the post is no time: \"yesterday\""],
        [0; 3],
    ),
    (
        r#"{"data":{"id":"1990000000000000005","text":7,"author_id":"500"}}"#,
        &["the `text` of the post is a number"],
        [0; 3],
    ),
    (
        r#"{"data":{"id":"1990000000000000005","text":"a","author_id":""}}"#,
        &["the `author_id` of the post is no id, which has 1 to 19 digits: ``"],
        [0; 3],
    ),
    (
        r#"{"data":{"id":"1990000000000000006","text":"a","author_id":"500"},"includes":{"users":[{"username":"x"},{"id":"501","created_at":5}]}}"#,
        &["a user has no `id`", "the `created_at` of a user is no time: 5"],
        [1, 0, 0],
    ),
    (
        r#"{"data":{"id":"1990000000000000007","text":"a","author_id":"500"},"dm":{}}"#,
        &["`data` and `dm` in one line, which holds one of them"],
        [0; 3],
    ),
    (
        r#"{"data":{"id":"1990000000000000008","event_type":"ParticipantsJoin"}}"#,
        &["a `ParticipantsJoin` event is no message"],
        [0; 3],
    ),
    (
        r#"{"data":{"id":"1990000000000000008","event_type":"MessageCreate","text":"a","sender_id":"500","dm_conversation_id":"500-600"}}"#,
        &[],
        [0, 1, 0],
    ),
    (
        r#"{"dm":{"id":"1990000000000000009","text":"a","sender_id":"500","participant_ids":["500","600","700"]}}"#,
        &["the message goes to a group of 3, which needs a `dm_conversation_id`"],
        [0; 3],
    ),
    (
        r#"{"dm":{"id":"1990000000000000010","text":"a","sender_id":"500","dm_conversation_id":"1234567"}}"#,
        &["the conversation `1234567` is a group, and no `participant_ids` tell who is in it"],
        [0; 3],
    ),
    (
        r#"{"dm":{"id":"1990000000000000011","text":"a","sender_id":"500","dm_conversation_id":"1234567","participant_ids":["500","600","700"]}}"#,
        &[],
        [0, 1, 0],
    ),
    (
        r#"{"dm":{"id":"1990000000000000012","text":"a","sender_id":"700","dm_conversation_id":"500-600"}}"#,
        &["the conversation `500-600` is one of two, and the message names somebody else"],
        [0; 3],
    ),
    (
        r#"{"dm":{"id":"1990000000000000013","text":"a","from":"500"}}"#,
        &["the message does not tell whom it goes to: `to`, `participant_ids` or `dm_conversation_id`"],
        [0; 3],
    ),
    (r#"{"dm":{"id":"1990000000000000014","text":"a","from":"500","to":"500"}}"#, &[], [0, 1, 0]),
    (
        r#"{"dm":{"id":"1990000000000000015","text":"a","from":"500","to":"600","created_at":"12:00"}}"#,
        &["the `created_at` of the message is no time: \"12:00\""],
        [0; 3],
    ),
    (r#"{"dm":[]}"#, &["the message is a list, not an object"], [0; 3]),
    (r#"{"like":{"by":"500","post":"1990000000000000017"}}"#, &[], [0, 0, 1]),
    (r#"{"like":{"by":"500","post":"1"}}"#, &["there is no post `1` to like"], [0; 3]),
    (
        r#"{"like":{"by":"500","post":"1990000000000000001","created_at":"soon"}}"#,
        &["the `created_at` of the like is no time: \"soon\""],
        [0; 3],
    ),
    (r#"{"like":{"by":"500"}}"#, &["the like has no `post`"], [0; 3]),
    (r#"{"data":{"id":"1990000000000000017","text":"b","author_id":"500"}}"#, &[], [1, 0, 0]),
];

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_reads_files_takes_and_names_the_same() {
    let lines: Vec<&str> = LINES.iter().map(|(line, ..)| *line).collect();
    // With a byte order mark and CRLF, as on Windows.
    let text = format!("\u{feff}{}\r\n", lines.join("\r\n"));
    let named: Vec<(usize, &str)> = LINES
        .iter()
        .enumerate()
        .flat_map(|(at, (_, reasons, _))| reasons.iter().map(move |reason| (at + 1, *reason)))
        .collect();
    let count = |kind: usize| LINES.iter().map(|(.., counts)| counts[kind]).sum::<usize>();

    let world = World::new().await;
    let report = world.sim.load_lines(text.as_bytes()).unwrap();
    let found: Vec<(usize, &str)> = report.unreadable.iter().map(|left| (left.line, left.reason.as_str())).collect();
    assert_eq!(found, named);
    let counted = [report.lines, report.posts, report.dms, report.likes, report.skipped];
    assert_eq!(counted, [LINES.len(), count(0), count(1), count(2), named.len()]);
    assert_eq!(world.sim.release(usize::MAX, false).unwrap(), count(0) + count(1) + count(2));

    let other = World::new().await;
    let answer = other.client.post(format!("{}/sim/load", other.sim.url)).body(text.clone()).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["skipped"], named.len());
    assert_eq!(answer["unreadable"][0], json!({"line": named[0].0, "reason": named[0].1}));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lines.ndjson");
    std::fs::write(&file, &text).unwrap();
    let rules = directory.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("twite.toml"), "[[account]]\nhandle = \"acme\"\n").unwrap();
    std::fs::write(rules.join("a.twite"), "trigger \"A\" {\n  on created\n  then add tags a\n}\n").unwrap();
    let shown: Vec<String> =
        named.iter().map(|(line, reason)| format!("{}:{line}: skipped: {reason}", file.display())).collect();
    let demo = tokio::task::spawn_blocking(move || {
        let mut twite = assert_cmd::cargo::cargo_bin_cmd!("twite");
        twite.args(["demo", "--once", "--format", "json", "--rules"]).arg(rules).arg("--posts").arg(file);
        let ran = twite.output().unwrap();
        drop(directory);
        ran
    });
    let ran = demo.await.unwrap();
    let errors = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{errors}");
    let summary: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&summary["posts"], &summary["left_out"]), (&json!(LINES.len()), &json!(named.len())));
    assert_eq!(errors.lines().filter(|line| line.contains(": skipped: ")).collect::<Vec<_>>(), shown);
}
