//! The switches of accounts: who owns them, limits on the sum of `twite.toml` and the store, and what becomes of accounts.

use serde_json::Value;
use twite::{
    desk::{AccountState, ConnectedAccount, Person, SourceId},
    sim::{NewPerson, NewPost},
};

use crate::support::{TestDesk, key};

const RULES: &str = "trigger \"A\" {\n  on created\n  then add tags a\n}\n";

/// Runs `twite accounts`; returns the exit status and both outputs.
fn accounts(desk: &TestDesk, arguments: &[&str]) -> (i32, String) {
    with_input(desk, arguments, "")
}

fn with_input(desk: &TestDesk, arguments: &[&str], input: &str) -> (i32, String) {
    let mut twite = assert_cmd::Command::from_std(desk.command());
    twite.arg("accounts").args(arguments).arg("--rules").arg(desk.rules()).write_stdin(input.to_owned());
    let ran = twite.output().unwrap();
    (ran.status.code().unwrap(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
}

fn add(desk: &TestDesk, handle: &str) -> (i32, String) {
    let tokens = serde_json::to_string(&desk.sim.connect(handle).unwrap()).unwrap();
    with_input(desk, &["add", handle, "--tokens-from-stdin"], &tokens)
}

fn show(desk: &TestDesk, handle: &str) -> Value {
    serde_json::from_str(&accounts(desk, &["show", handle, "--format", "json"]).1).unwrap()
}

/// A switch of an account: its value, and who owns it.
fn switch(desk: &TestDesk, handle: &str, key: &str) -> (bool, String) {
    let shown = show(desk, handle);
    let switch = shown["switches"].as_array().unwrap().iter().find(|switch| switch["key"] == key).unwrap();
    (switch["value"].as_bool().unwrap(), switch["owner"].as_str().unwrap().to_owned())
}

fn rewrite(desk: &TestDesk, change: impl FnOnce(String) -> String) {
    let path = desk.rules().join("twite.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_switch_has_one_owner_and_at_most_one_account_is_the_default() {
    let admins = "[[agent]]\nname = \"Ana\"\nadmin = true\n[[agent]]\nname = \"Bo\"\n";
    let desk = TestDesk::new(&["acme", "bikes"], RULES, admins).await;
    assert_eq!(switch(&desk, "acme", "track_likes"), (true, "file".to_owned()));
    assert_eq!(switch(&desk, "acme", "capture_mentions"), (true, "default".to_owned()));
    for (arguments, status, says) in [
        (["acme", "track_likes=false"].as_slice(), 2, "`track_likes` of @acme is set in twite.toml:"),
        (&["@acme", "allow_actions=true", "--as", "Bo"], 2, "only an admin changes accounts, and `Bo` is none"),
        (&["acme", "allow_actions=true", "--as", "Ana"], 0, "@acme: allow_actions = true\n"),
        (&["acme", "allow_actions=true"], 0, "@acme: nothing to change\n"),
        (&["acme", "brand=true"], 2, "`brand` is not one of capture_mentions"),
        (&["acme", "default=yes"], 2, "`default` is `true` or `false`, not `yes`"),
        (&["acme", "default=true", "allow_replies=false"], 2, "@acme is the default account, which must allow replies"),
        (&["acme", "default=true"], 0, "@acme: default = true\n"),
        (&["acme", "allow_replies=false"], 2, "@acme is the default account, which must allow replies"),
        (&["bikes", "default=true"], 0, "@acme: default = false\n@bikes: default = true\n"),
        (&["acme", "allow_replies=false"], 0, "@acme: allow_replies = false\n"),
        (&["nobody", "default=true"], 2, "no account `nobody`; accounts: `acme`, `bikes`"),
    ] {
        let (ended, said) = accounts(&desk, &[&["set"], arguments].concat());
        assert!(ended == status && said.contains(says), "{arguments:?}: {ended}: {said}");
    }
    let shown = show(&desk, "acme");
    let actions = &shown["switches"].as_array().unwrap()[4];
    assert_eq!((&actions["key"], &actions["by"]), (&"allow_actions".into(), &serde_json::json!({"agent": "Ana"})));
    assert!(accounts(&desk, &["show", "acme"]).1.contains("allow_actions            true   set by agent:Ana, "));

    // The file takes the default over.
    rewrite(&desk, |text| {
        text.replace("handle = \"acme\"\n", "handle = \"acme\"\nallow_replies = true\ndefault = true\n")
    });
    let (status, said) = accounts(&desk, &["list"]);
    assert!(status == 0 && said.contains("`default = true` in the store has no effect: at most one account"), "{said}");
    assert_eq!(switch(&desk, "bikes", "default"), (false, "default".to_owned()));
    let (status, said) = accounts(&desk, &["set", "bikes", "default=true"]);
    assert!(status == 2 && said.contains("at most one account is the default: @acme (twite.toml:"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_follows_switches_and_deactivation() {
    const ANSWER: &str = "trigger \"A\" {\n  on created\n  then reply \"Hi\"\n}\n";
    let desk = TestDesk::new(&["acme"], ANSWER, "").await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    let _served = desk.serve();
    let says = |text: &str| {
        desk.sim.post(&NewPost { by: "mira".into(), text: text.into(), ..NewPost::default() }).unwrap();
    };
    says("@acme one");
    desk.until("the first is answered", |counts, _| counts.tickets == 1 && counts.sent == 1).await;
    assert_eq!(accounts(&desk, &["set", "acme", "capture_mentions=false"]).0, 0);
    desk.logged("@acme: capture_mentions = false from now on").await;
    says("@acme two");
    assert_eq!(desk.quiet().await.tickets, 1, "it is no ticket");
    assert_eq!(accounts(&desk, &["set", "acme", "capture_mentions=true"]).0, 0);
    desk.logged("@acme: capture_mentions = true from now on").await;

    // What waits while the account is deactivated is sent afterwards.
    assert!(accounts(&desk, &["deactivate", "acme"]).1.contains("@acme is deactivated"));
    assert!(accounts(&desk, &["deactivate", "acme"]).1.contains("was deactivated already"));
    desk.logged("@acme: deactivated from now on").await;
    let reply = desk.command().args(["ticket", "reply", "1", "More", "--rules"]).arg(desk.rules()).output().unwrap();
    assert!(reply.status.success(), "{reply:?}");
    let outbox = desk.command().args(["outbox", "--rules"]).arg(desk.rules()).output().unwrap();
    let outbox = String::from_utf8(outbox.stdout).unwrap();
    assert!(outbox.contains("run `twite accounts activate acme`"), "{outbox}");
    says("@acme three");
    assert_eq!(accounts(&desk, &["activate", "acme"]), (0, "@acme is active again\n".to_owned()));
    assert_eq!(accounts(&desk, &["activate", "acme"]), (0, "@acme was active already\n".to_owned()));
    desk.until("what waited is done", |counts, _| counts.tickets == 2 && counts.sent == 3).await;

    // Once it is unlinked, X knows its tokens no more, and its tickets stay.
    let (status, said) = accounts(&desk, &["unlink", "acme"]);
    assert!(status == 2 && said.contains("`--yes` unlinks it"), "{said}");
    let (status, said) = accounts(&desk, &["unlink", "acme", "--yes"]);
    assert!(status == 0 && said.contains("@acme is unlinked; its tickets stay") && !said.contains("warning"), "{said}");
    assert!(said.contains("twite.toml still declares it"), "{said}");
    assert!(accounts(&desk, &["unlink", "acme", "--yes"]).1.contains("was unlinked already"));
    let store = desk.store().await;
    let tokens = store.tokens(&twite::store::Key::from_base64(&key()).unwrap(), &desk.accounts[0]).await.unwrap();
    assert!(tokens.is_none());
    assert_eq!(store.accounts().await.unwrap()[0].state, AccountState::Unlinked);
    store.close().await;
    assert_eq!(desk.quiet().await.tickets, 2);
    // What was written meanwhile opens no ticket.
    says("@acme four");
    // X tells its time in whole seconds.
    desk.sim.advance(std::time::Duration::from_secs(2));
    let (status, said) = add(&desk, "acme");
    assert!(status == 0 && said.contains("@acme is connected again"), "{said}");
    assert_eq!(add(&desk, "acme").0, 0, "and it is connected already");
    says("@acme five");
    desk.until("the fifth is answered", |counts, _| counts.tickets == 3 && counts.sent == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_declared_is_used_as_far_as_the_edition_allows() {
    let desk = TestDesk::new(&["acme"], RULES, "").await;
    for handle in ["mira", "spare"] {
        desk.sim.make_user(&NewPerson::named(handle)).unwrap();
    }
    let _served = desk.serve();
    let (status, said) = add(&desk, "spare");
    assert!(status == 0 && said.contains("rules cannot name it until twite.toml declares it"), "{said}");
    desk.sim.post(&NewPost { by: "mira".into(), text: "@spare hello".into(), ..NewPost::default() }).unwrap();
    desk.until("it receives", |counts, _| counts.tickets == 1).await;

    rewrite(&desk, |text| {
        format!("edition = \"support\"\n{text}")
            .replace("handle = \"acme\"\n", "handle = \"acme\"\ncapture_direct_messages = false\n")
    });
    let unused = "@spare was added by a command and is not used: the edition `support` allows one account";
    desk.logged(unused).await;
    let (_, said) = accounts(&desk, &["list"]);
    assert!(said.contains(unused), "{said}");
    desk.sim.make_user(&NewPerson::named("more")).unwrap();
    let (status, said) = add(&desk, "more");
    assert!(status == 2 && said.contains("@more cannot be added: the edition `support` allows one account"), "{said}");
    // It is removed all the same.
    assert_eq!(accounts(&desk, &["unlink", "spare", "--yes"]).0, 0);
    assert!(!accounts(&desk, &["list"]).1.contains("spare"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_account_keeps_its_history_and_who_takes_its_handle_does_not_get_it() {
    let desk = TestDesk::new(&["acme"], RULES, "").await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    desk.sim.make_user(&NewPerson::named("acme_new")).unwrap();
    desk.sim.post(&NewPost { by: "mira".into(), text: "@acme hello".into(), ..NewPost::default() }).unwrap();
    let mut served = desk.serve();
    desk.until("there is a ticket", |counts, _| counts.tickets == 1).await;
    served.kill();
    let store = desk.store().await;
    let profile = |handle: &str| Person {
        id: Some(SourceId::X(desk.accounts[0].clone())),
        handle: Some(handle.to_owned()),
        ..Person::default()
    };
    let mut tx = store.begin().await.unwrap();
    tx.see(&profile("acme_new"), twite::clock::Clock::Wall.now()).await.unwrap();
    tx.commit().await.unwrap();
    let (status, said) = accounts(&desk, &["list"]);
    assert!(status == 0 && said.contains("X calls it @acme_new now; write that instead of `acme`"), "{said}");
    assert_eq!(show(&desk, "acme_new")["handle"], "acme");

    // `twite.toml` follows, and so do the tickets.
    rewrite(&desk, |text| text.replace("\"acme\"", "\"acme_new\""));
    let mut served = desk.serve();
    let ticket = || {
        let shown =
            desk.command().args(["ticket", "show", "1", "--format", "json", "--rules"]).arg(desk.rules()).output();
        let shown: Value = serde_json::from_slice(&shown.unwrap().stdout).unwrap();
        shown["ticket"]["account"].clone()
    };
    while store.accounts().await.unwrap()[0].handle != "acme_new" {
        assert!(served.runs());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(ticket(), "acme_new");
    assert_eq!(accounts(&desk, &["list"]).1.matches("acme").count(), 1, "there is nothing to say");
    served.kill();

    // Somebody else has the handle.
    let (status, said) = add(&desk, "acme_new");
    assert!(status == 0 && said.contains("@acme_new is connected already"), "{said}");
    let tokens = serde_json::to_string(&desk.sim.connect("acme_new").unwrap()).unwrap();
    let (status, said) = with_input(&desk, &["reauthorise", "acme_new", "--tokens-from-stdin"], &tokens);
    assert!(status == 2 && said.contains("@acme_new belongs to another X user now"), "{said}");
    assert_eq!(accounts(&desk, &["unlink", "acme_new", "--yes"]).0, 0);
    let (status, said) = add(&desk, "acme_new");
    assert!(status == 0 && said.ends_with("@acme_new is connected\n"), "{said}");
    assert_eq!(ticket(), desk.accounts[0].as_str());
    let known: Vec<ConnectedAccount> = store.accounts().await.unwrap();
    let known: Vec<_> = known.iter().map(|account| (&*account.handle, account.state)).collect();
    let old = desk.accounts[0].as_str();
    assert_eq!(known, [(old, AccountState::Unlinked), ("acme_new", AccountState::Connected)]);
    store.close().await;
}
