//! `twite incoming`: posts that made no ticket, listed and converted while a daemon runs, and after it was killed.

use serde_json::Value;
use twite::sim::{NewPerson, NewPost};

use crate::support::{TestDesk, owner::OwnerReads as _};

const DESK: &str = r#"
[[account]]
handle = "acme"
capture_mentions = false
[[account]]
handle = "auto"
[[agent]]
name = "Ana"
admin = true
[[agent]]
name = "Bo"
"#;

const RULES: &str = r#"trigger "Hello" { on created then reply "Hello." }"#;

/// Runs `twite incoming`; returns the exit status and both outputs.
fn incoming(desk: &TestDesk, arguments: &[&str]) -> (i32, String, String) {
    let ran = desk.command().arg("incoming").args(arguments).arg("--rules").arg(desk.rules()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

fn listed(desk: &TestDesk) -> Value {
    serde_json::from_str(&incoming(desk, &["list", "--format", "json"]).1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_listed_and_converted_with_a_daemon_and_without() {
    let desk = TestDesk::new(&["acme", "auto"], RULES, DESK).await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    let says =
        |text: &str| desk.sim.post(&NewPost { by: "mira".into(), text: text.into(), ..NewPost::default() }).unwrap();
    let first = says("@acme \u{1b}[31mred\nand \u{202e}hidden");
    let second = says("@acme my refund");
    let third = says("@acme another refund");
    let captured = says("@auto hello");
    let mut served = desk.serve();
    desk.until("the one is answered", |counts, _| counts.tickets == 1 && counts.sent == 1).await;
    desk.quiet().await;

    let (status, out, errors) = incoming(&desk, &["list"]);
    assert!(status == 0 && errors.is_empty(), "{errors}");
    for text in [&*first, "@acme", "@mira", "mentions_off", "\\u{1b}[31mred and", "\\u{202e}hidden"] {
        assert!(out.contains(text), "{text}: {out}");
    }
    assert!(!out.contains(['\u{1b}', '\u{202e}']) && !out.contains(&captured), "{out}");
    let (_, out, _) = incoming(&desk, &["list", "--limit", "1", "--text", "refund"]);
    assert!(out.contains("and 1 more; `--limit` shows them"), "{out}");
    let (_, out, _) = incoming(&desk, &["show", &first]);
    assert!(out.contains("@acme did not capture mentions (`capture_mentions = false`)"), "{out}");
    assert!(out.contains("\\u{1b}[31mred\nand \\u{202e}hidden"), "{out}");
    let json = listed(&desk);
    let post = json["posts"].as_array().unwrap().iter().find(|post| post["id"] == *first).unwrap();
    assert_eq!((&post["reason"], &post["kind"]), (&"mentions_off".into(), &"post".into()));
    assert_eq!(post["text"], "@acme \u{1b}[31mred\nand \u{202e}hidden");
    assert_eq!(json["more"], 0);

    // What is converted is answered by the daemon.
    let (status, out, errors) = incoming(&desk, &["convert", &first, "--as", "Ana"]);
    assert_eq!((status, &*out), (0, &*format!("{first} to @acme is ticket 2 now\n")), "{errors}");
    desk.until("it is answered", |counts, _| counts.tickets == 2 && counts.sent == 2).await;
    let (status, out, _) = incoming(&desk, &["convert", &first]);
    assert_eq!((status, &*out), (0, &*format!("{first} to @acme is on ticket 2 already\n")));
    let why = desk.command().args(["why", "2", "--rules"]).arg(desk.rules()).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.contains("Ana"), "{why}");

    // Without a daemon, too: it sends the answers later.
    served.kill();
    let (status, out, errors) = incoming(&desk, &["convert", "--text", "REFUND", "--format", "json"]);
    assert_eq!(status, 0, "{errors}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let wanted = serde_json::json!([
        { "id": second, "account": "acme", "ticket": 3, "outcome": "opened" },
        { "id": third, "account": "acme", "ticket": 4, "outcome": "opened" },
    ]);
    assert_eq!(json, wanted);
    assert!(listed(&desk)["posts"].as_array().unwrap().is_empty());
    assert_eq!(incoming(&desk, &["list"]).1, "no posts that were not captured\n");
    let _served = desk.serve();
    desk.until("all are answered", |counts, _| counts.tickets == 4 && counts.sent == 4).await;
    let store = desk.store().await;
    assert_eq!(store.counts().await.unwrap().tickets, 4);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_with_its_reason() {
    let desk = TestDesk::new(&["acme", "auto"], RULES, DESK).await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    let post = NewPost { by: "mira".into(), text: "@acme hello".into(), ..NewPost::default() };
    let id = desk.sim.post(&post).unwrap();
    let mut served = desk.serve();
    let waits = async |text: &str, arguments: &[&str]| {
        for _ in 0..600 {
            if incoming(&desk, arguments).1.contains(text) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{text:?} is not in {arguments:?}");
    };
    waits(&id, &["list"]).await;
    served.kill();
    for (arguments, status, says) in [
        (["list", "--as", "Bo"].as_slice(), 2, "only an admin sees posts that were not captured, and `Bo` is none"),
        (&["show", &id, "--as", "Bo"], 2, "only an admin sees"),
        (&["convert", &id, "--as", "Bo"], 2, "only an admin sees"),
        (&["convert"], 2, "nothing is to be converted: give ids"),
        (&["convert", "--account", "acme"], 2, "nothing is to be converted: give ids"),
        (&["convert", "--text", " "], 2, "`--text` is empty"),
        (&["convert", &id, "--all"], 2, "cannot be used with"),
        (&["convert", "x"], 2, "`x` is not an X id"),
        (&["convert", "99"], 1, "99 not converted: no such post is kept"),
        (&["show", "99"], 2, "no post 99 that was not captured"),
        (&["list", "--account", "nobody"], 2, "no account `nobody` is connected"),
        (&["list", "--since", "yesterday"], 2, "`yesterday` is no date"),
        (&["list", "--until", "2026-01-05T09:00:00"], 2, "is no date"),
    ] {
        let (ended, _, errors) = incoming(&desk, arguments);
        assert!(ended == status && errors.contains(says), "{arguments:?}: {ended}: {errors}");
    }
    // The account captures from now on.
    let path = desk.rules().join("twite.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("capture_mentions = false", "capture_mentions = true")).unwrap();
    let mut served = desk.serve();
    let automatic = "@acme captures by itself; set `capture_mentions = false` first";
    waits(automatic, &["show", &id]).await;
    served.kill();
    let (status, _, errors) = incoming(&desk, &["convert", &id]);
    assert!(status == 1 && errors.contains(automatic), "{status}: {errors}");
    let store = desk.store().await;
    assert_eq!(store.counts().await.unwrap().tickets, 0);
    store.close().await;
}
