//! `twite accounts`: messages about tokens and keys, switches, and what becomes of accounts.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::Instant;
use twite::{
    clock::Clock,
    desk::{AccountState, ConnectedAccount},
    sim::{Fault, NewPerson, NewPost},
    store::{Gap, Holder, Key, Stall, Watch},
};

use crate::support::{TestDesk, key};

const RULES: &str = "trigger \"A\" {\n  on created\n  then add tags a\n}\n";

/// Connects an account, again if it is connected, with tokens on standard input; returns the exit status and both outputs.
async fn connect(desk: &TestDesk, handle: &str, tokens: &str, key: &str, options: &[&str]) -> (i32, String) {
    let store = desk.store().await;
    let again = store.stored_accounts().await.unwrap().linked(handle).is_some();
    store.close().await;
    let what = if again { "reauthorise" } else { "add" };
    let mut twite = assert_cmd::Command::from_std(desk.command());
    twite.args(["accounts", what, handle, "--tokens-from-stdin", "--rules"]).arg(desk.rules()).args(options);
    twite.env("TWITE_KEY", key).write_stdin(tokens.to_owned());
    let ran = tokio::task::spawn_blocking(move || twite.output().unwrap()).await.unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tokens_cannot_do_of_what_is_declared_is_said() {
    const NO_REFRESH: &str = "no refresh token (scope `offline.access`)";
    let declared = "[[account]]\nhandle = \"all\"\ntrack_likes = true\n\
                    [[account]]\nhandle = \"few\"\ncapture_direct_messages = false\nallow_replies = false\n";
    let desk = TestDesk::new(&["acme"], RULES, declared).await;
    let whole =
        ["tweet.read", "tweet.write", "users.read", "dm.read", "dm.write", "like.read", "offline.access"].as_slice();
    for handle in ["all", "few"] {
        desk.sim.make_user(&NewPerson::named(handle)).unwrap();
    }
    for (handle, scopes, says) in [
        ("all", whole, [].as_slice()),
        ("few", whole, &[]),
        ("few", &["tweet.read", "users.read", "offline.access"], &[]),
        ("few", &["tweet.read", "users.read"], &[NO_REFRESH]),
        (
            "all",
            &["tweet.read", "users.read"],
            &[
                "scope `dm.read` was not granted; `capture_direct_messages = true` needs it",
                "scope `like.read` was not granted; `track_likes = true` needs it",
                "scope `tweet.write` was not granted; `allow_replies = true` needs it",
                "scope `dm.write` was not granted; `allow_replies = true` needs it",
                NO_REFRESH,
            ],
        ),
        (
            "acme",
            &["tweet.read", "users.read", "tweet.write", "dm.read", "like.read", "offline.access"],
            &["scope `dm.write` was not granted; `allow_replies = true` needs it"],
        ),
    ] {
        let tokens = serde_json::to_string(&desk.sim.connect_with(handle, scopes).unwrap()).unwrap();
        let (status, said) = connect(&desk, handle, &tokens, &key(), &[]).await;
        let warnings: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("warning: ")).collect();
        assert_eq!((status, warnings.len()), (i32::from(!says.is_empty()), says.len()), "{handle} {scopes:?}: {said}");
        for (warning, says) in warnings.iter().zip(says) {
            assert!(warning.starts_with(says), "{warning}");
        }
        assert!(said.contains("is connected"), "{said}");
    }

    // Tokens without a list of scopes.
    let mut tokens: Value = serde_json::to_value(desk.sim.connect("all").unwrap()).unwrap();
    tokens.as_object_mut().unwrap().remove("scope");
    assert_eq!(connect(&desk, "all", &tokens.to_string(), &key(), &[]).await.0, 0);
    let alone = json!({"access_token": tokens["access_token"]}).to_string();
    let (status, said) = connect(&desk, "all", &alone, &key(), &[]).await;
    assert!(status == 1 && said.contains(NO_REFRESH), "{said}");
    let (status, said) = connect(&desk, "all", r#"{"access_token": "x"}"#, &key(), &[]).await;
    assert!(status == 2 && said.contains("X refuses these tokens"), "{status}: {said}");
    let (status, said) = connect(&desk, "all", "[]", &key(), &[]).await;
    assert!(status == 2 && said.contains("invalid tokens on standard input: found a list"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_uses_new_tokens_at_once() {
    let desk = TestDesk::new(&["acme"], RULES, "").await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    let tokens = |scopes: &[&str]| serde_json::to_string(&desk.sim.connect_with("acme", scopes).unwrap()).unwrap();
    let few = tokens(&["tweet.read", "users.read", "offline.access"]);
    assert_eq!(connect(&desk, "acme", &few, &key(), &[]).await.0, 1);
    // X asks to wait for the rest of the test.
    let limited = Fault::on("GET /2/users/:id/mentions").answer(429, "{}").header("retry-after", "3600");
    desk.sim.fault(limited).unwrap();
    let served = desk.serve();
    desk.logged("scope `tweet.write` was not granted; `allow_replies = true` needs it; run `twite").await;
    let log = desk.logged("rate limit reached").await;
    // It passes by itself.
    let limited: Vec<_> = log.lines().filter(|line| line.contains("rate limit reached")).collect();
    assert!(limited.iter().all(|line| line.contains(" WARN ")), "{limited:?}");
    desk.sim.post(&NewPost { by: "mira".into(), text: "@acme hello".into(), ..NewPost::default() }).unwrap();
    let all = serde_json::to_string(&desk.sim.connect("acme").unwrap()).unwrap();
    assert_eq!(connect(&desk, "acme", &all, &key(), &[]).await.0, 0);
    desk.until("the mention is read", |counts, _| counts.tickets == 1).await;
    drop(served);

    let store = desk.store().await;
    let account = store.accounts().await.unwrap().remove(0);
    store.connect(&ConnectedAccount { state: AccountState::Unauthorised, ..account }).await.unwrap();
    store.close().await;
    let _served = desk.serve();
    desk.logged("@acme is no longer authorized, and receives and sends nothing; run `twite accounts reauthorise").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_open_the_other_tokens_is_refused() {
    let desk = TestDesk::new(&["acme", "bikes"], RULES, "").await;
    let other = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let tokens = |handle: &str| serde_json::to_string(&desk.sim.connect(handle).unwrap()).unwrap();
    let (status, said) = connect(&desk, "acme", &tokens("acme"), other, &[]).await;
    assert!(status == 2 && said.contains("the key in `TWITE_KEY` cannot decrypt the tokens of @bikes"), "{said}");
    assert_eq!(connect(&desk, "acme", &tokens("acme"), &key(), &[]).await.0, 0);

    // The old key is lost.
    let (status, said) = connect(&desk, "acme", &tokens("acme"), other, &["--new-key"]).await;
    assert!(status == 0 && said.contains("connected again"), "{said}");
    let (status, said) = connect(&desk, "bikes", &tokens("bikes"), other, &[]).await;
    assert!(status == 0 && said.contains("connected again"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_missing_is_listed_until_somebody_acknowledges_it() {
    let desk = TestDesk::new(&["acme"], RULES, "").await;
    let twite = |arguments: &[&str]| {
        let mut twite = assert_cmd::cargo::cargo_bin_cmd!("twite");
        twite.arg("accounts").args(arguments).arg("--rules").arg(desk.rules()).env("TWITE_KEY", key());
        let ran = twite.output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let store = desk.store().await;
    let account = store.accounts().await.unwrap().remove(0).id;
    let gap = |known: u64, lowest: u64| Gap {
        account: account.clone(),
        endpoint: "mentions".to_owned(),
        known: known.to_string().parse().unwrap(),
        lowest: lowest.to_string().parse().unwrap(),
        acknowledged: None,
    };
    for gap in [gap(10, 20), gap(30, 40)] {
        store.missed(&gap).await.unwrap();
    }
    let listed = || twite(&["list"]).matches("may be missing").count();
    assert_eq!(listed(), 2);
    let said = twite(&["acknowledge", "acme", "--by", "Ana"]);
    assert_eq!(said.matches("acknowledged by Ana").count(), 2, "{said}");
    assert_eq!(listed(), 0);
    assert!(twite(&["acknowledge", "acme"]).contains("nothing to acknowledge"));
    let kept: Value = serde_json::from_str(&twite(&["list", "--format", "json"])).unwrap();
    let kept = kept[0]["acknowledged"].as_array().unwrap();
    assert!(kept.len() == 2 && kept.iter().all(|gap| gap["by"] == "Ana" && gap["at"].is_string()), "{kept:?}");
    // One that is found again is known; one that turns out to be larger is not.
    store.missed(&gap(10, 20)).await.unwrap();
    assert_eq!(listed(), 0);
    store.missed(&gap(30, 50)).await.unwrap();
    assert_eq!(listed(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_try_is_told_only_while_a_daemon_runs() {
    let desk = TestDesk::new(&["acme"], RULES, "").await;
    let store = desk.store().await;
    let now = Clock::Wall.now();
    let next = now.checked_add(SignedDuration::from_hours(1)).unwrap();
    let stall = Stall { why: "X is down", next, throttled: false };
    store.stalled(&desk.accounts[0], "mentions", Some(stall), now).await.unwrap();
    let told = || {
        let ran = desk.command().args(["accounts", "list", "--format", "json"]).output().unwrap();
        let listed: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let hindrance = &listed[0]["hindrances"][0];
        assert_eq!(hindrance["reason"], "X is down", "{listed}");
        hindrance["next"].is_string()
    };
    assert!(!told(), "no daemon ever ran");
    store.ask_for_lease(&Holder::this_process(), &mut Watch::default(), now, Instant::now()).await.unwrap();
    assert!(told(), "a daemon runs");
    store.release_lease(now).await.unwrap();
    assert!(!told(), "it has ended");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_changed_for_all_accounts_or_for_none() {
    const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let desk = TestDesk::new(&["acme", "bikes"], RULES, "").await;
    let rotate = |new: &str| {
        let mut twite = desk.command();
        twite.args(["store", "rotate-key", "--new-key-env", "TWITE_NEW_KEY", "--rules"]).arg(desk.rules());
        let ran = twite.env("TWITE_NEW_KEY", new).output().unwrap();
        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert!(!said.contains(NEW) && !said.contains(&key()), "{said}");
        (ran.status.code().unwrap(), said)
    };
    let store = desk.store().await;
    let opens = async |key: &str| {
        let key = Key::from_base64(key).unwrap();
        let mut opens = vec![];
        for account in &desk.accounts {
            opens.push(store.tokens(&key, account).await.is_ok());
        }
        opens
    };
    let (status, said) = rotate(&key());
    assert!(status == 2 && said.contains("the new key is the one in use"), "{said}");
    let (status, said) = rotate("short");
    assert!(status == 2 && said.contains("`TWITE_NEW_KEY`: the key must be 32 bytes in base64"), "{said}");

    let now = Clock::Wall.now();
    store.ask_for_lease(&Holder::this_process(), &mut Watch::default(), now, Instant::now()).await.unwrap();
    let (status, said) = rotate(NEW);
    assert!(status == 2 && said.contains("a daemon works on this database with the old key"), "{said}");
    store.release_lease(now).await.unwrap();

    // Neither key decrypts those of the second account.
    let tokens = store.tokens(&Key::from_base64(&key()).unwrap(), &desk.accounts[1]).await.unwrap().unwrap();
    store.save_tokens(&Key::random().unwrap(), &desk.accounts[1], &tokens).await.unwrap();
    let (status, said) = rotate(NEW);
    assert!(status == 2 && said.contains("neither key decrypts the tokens of @bikes: nothing is changed"), "{said}");
    assert_eq!((opens(&key()).await, opens(NEW).await), (vec![true, false], vec![false, false]));

    store.save_tokens(&Key::from_base64(&key()).unwrap(), &desk.accounts[1], &tokens).await.unwrap();
    let (status, said) = rotate(NEW);
    assert!(status == 0 && said.contains("the tokens of 2 accounts are encrypted with the new key now"), "{said}");
    assert!(said.contains("set `TWITE_KEY` to the key in `TWITE_NEW_KEY`"), "{said}");
    assert_eq!((opens(&key()).await, opens(NEW).await), (vec![false, false], vec![true, true]));
    let (status, said) = rotate(NEW);
    assert!(status == 0 && said.contains("those of 2 accounts were already"), "{said}");
    store.close().await;
}
