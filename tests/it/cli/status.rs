//! The live rules and the files on disk may differ: commands on tickets and a restart use the live rules, and `twite
//! status` shows the difference.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use crate::support::{TestDesk, key};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::time::Instant;
use twite::{
    clock::Clock,
    sim::{Fault, NewPerson, NewPost},
    store::{Holder, Watch},
};

fn rule(tag: &str) -> String {
    format!(
        "trigger \"Add {tag}\" {{\n  on created\n  then add tags {tag}\n}}\nview \"All\" {{\n  columns id, subject\n  where status < closed\n}}\n"
    )
}

async fn desk() -> TestDesk {
    let desk = TestDesk::new(&["acme"], &rule("one"), "").await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    desk
}

/// Runs a command on the desk.
fn twite(desk: &TestDesk, arguments: &[&str]) -> Output {
    desk.command().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The output of `twite status` as JSON, with its exit status.
fn status(desk: &TestDesk) -> (Option<i32>, Value) {
    let output = twite(desk, &["status", "--format", "json"]);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}")))
}

fn say(desk: &TestDesk, text: &str) {
    desk.sim.post(&NewPost { by: "ana".into(), text: text.into(), ..NewPost::default() }).unwrap();
}

const ON_TICKETS: &[&[&str]] = &[
    &["ticket", "list"],
    &["ticket", "show", "1"],
    &["view"],
    &["view", "All"],
    &["why", "1"],
    &["why", "1", "--now"],
    &["accounts", "list"],
];

#[tokio::test(flavor = "multi_thread")]
async fn broken_files_close_neither_the_command_line_nor_the_next_start() {
    let desk = desk().await;
    let mut served = desk.serve();
    say(&desk, "@acme one");
    desk.until("a ticket", |counts, _| counts.tickets == 1).await;
    let (code, good) = status(&desk);
    assert_eq!((code, &good["files"], &good["daemon"]["running"]), (Some(0), &"same".into(), &true.into()), "{good}");
    assert_eq!((&good["daemon"]["pid"], &good["accounts"][0]["state"]), (&served.pid().into(), &"connected".into()));
    for arguments in ON_TICKETS {
        let output = twite(&desk, arguments);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
    let (rules, toml) = (desk.rules().join("rules.twite"), desk.rules().join("twite.toml"));
    let declared = fs::read_to_string(&toml).unwrap();
    let breaks: &[(&str, &dyn Fn())] = &[
        ("add tagz", &|| fs::write(&rules, rule("two").replace("add tags", "add tagz")).unwrap()),
        ("empty", &|| fs::write(&rules, "").unwrap()),
        ("this is no TOML", &|| fs::write(&toml, format!("{declared}[[\n")).unwrap()),
        ("no twite.toml", &|| fs::remove_file(&toml).unwrap()),
        ("no rule file", &|| fs::remove_file(&rules).unwrap()),
    ];
    for (n, (what, breaks)) in breaks.iter().enumerate() {
        breaks();
        desk.logged_times("stay live", n + 1).await;
        // It is stored after it is logged.
        let broken = loop {
            let (code, status) = status(&desk);
            assert_eq!(code, Some(1), "{what}: {status}");
            if !status["broken"]["since"].is_null() {
                break status;
            }
        };
        assert_eq!(broken["rules"], good["rules"], "{what}");
        for arguments in ON_TICKETS {
            let output = twite(&desk, arguments);
            let noted = text(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{what}: {arguments:?}: {noted}");
            assert!(
                noted.starts_with("note: the files at rules have errors: ") && noted.lines().count() == 1,
                "{noted}"
            );
        }
        // A restart meanwhile continues with the rules that were live.
        served.kill();
        let log = desk.logged("are live").await.len();
        served = desk.serve();
        say(&desk, &format!("@acme {n}"));
        desk.until("a ticket by the last good rules", |c, _| c.fired.get("Add one") == Some(&(n as i64 + 2))).await;
        let log = fs::read_to_string(desk.log()).unwrap().split_off(log);
        assert!(log.contains("ERROR") && log.contains("the last good rules stay live"), "{what}: {log}");
        fs::write(&toml, &declared).unwrap();
        fs::write(&rules, rule("one")).unwrap();
        while status(&desk).0 != Some(0) {}
    }
    // When the files are valid and different again, they go live, and a setting that needs a restart is reported.
    let other = "[store]\nkey_env = \"OTHER\"\n";
    let other = match declared.contains("[store]\n") {
        true => declared.replace("[store]\n", other),
        false => declared.clone() + other,
    };
    fs::write(&toml, other).unwrap();
    fs::write(&rules, rule("two")).unwrap();
    desk.logged("`[store] key_env` changed").await;
    say(&desk, "@acme and now");
    desk.until("the new rules", |counts, _| counts.fired.get("Add two") == Some(&1)).await;
    let restart = loop {
        let (_, status) = status(&desk);
        if status["files"] == "same" {
            break status["restart"].clone();
        }
    };
    assert_eq!(restart, serde_json::json!(["[store] key_env"]));
    served.kill();
    let (code, ended) = status(&desk);
    assert_eq!((code, &ended["daemon"]["running"]), (Some(0), &false.into()));
    assert_eq!(twite(&desk, &["status", "--health"]).status.code(), Some(1));
    // Files that change while no daemon runs are shown as newer.
    fs::write(&rules, rule("three")).unwrap();
    assert_eq!(status(&desk).1["files"], "newer");
    let listed = twite(&desk, &["rules"]);
    assert!(text(&listed.stdout).contains("Add three"), "{listed:?}");
    assert!(text(&listed.stderr).contains("this uses the files at rules; the live rules are"), "{listed:?}");
    // The database that is named, or that the environment names.
    let elsewhere = twite(&desk, &["rules", "--database", "elsewhere.db"]);
    assert_eq!((elsewhere.status.code(), text(&elsewhere.stderr)), (Some(0), String::new()));
    let noted = text(&twite(&desk, &["ticket", "list"]).stderr);
    assert!(noted.contains("differ from the live rules"), "{noted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_nothing_is_refused_unless_it_is_meant() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("rules")).unwrap();
    let serve = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twite"));
        command.args(["serve", "rules"]).args(more).current_dir(directory.path()).env("TWITE_KEY", key());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let (one, account) = (rule("a"), "[[account]]\nhandle = \"acme\"\n");
    for (files, says) in [
        (&[][..], "no rule files found"),
        (&[("rules/a.twite", "")], "the files contain no rules"),
        (&[("rules/a.twite", "# a comment\n")], "the files contain no rules"),
        (&[("rules/twite.toml", account)], "the files contain no rules"),
        (&[("rules/a.twite", one.as_str()), ("rules/twite.toml", "# none\n")], "declares no account"),
        (&[("rules/twite.toml", "# [[account]]\n")], "declares no account"),
    ] {
        for (file, text) in files {
            fs::write(at(file), text).unwrap();
        }
        let status = Command::new(env!("CARGO_BIN_EXE_twite")).arg("status").current_dir(directory.path()).output();
        let status = status.unwrap();
        assert!(status.status.code() == Some(1) && text(&status.stdout).contains(says), "{status:?}");
        let output = serve(&[]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains(says) && text(&output.stderr).contains("--allow-empty"), "{output:?}");
        assert!(!at("twite.db").exists() && !at("rules/twite.db").exists(), "no database is made in passing");
    }
    fs::remove_file(at("rules/twite.toml")).unwrap();
    assert!(text(&serve(&[]).output().unwrap().stderr).contains("found no twite.toml"));
    let mut child = serve(&["--allow-empty"]).spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut log, &mut line).unwrap();
    assert!(line.contains("are live"), "{line}");
    // SIGHUP reloads the files and does not end the daemon.
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    line.clear();
    while !line.contains("are live") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut log, &mut line).unwrap() > 0, "it ended");
    }
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Errors of X and tickets on which automations formed a loop are shown without reading the log.
#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_accounts_from_working_is_shown() {
    let desk = TestDesk::new(
        &["acme"],
        "trigger \"Thank\" {\n  on created\n  then reply \"Thank you\"\n}\n",
        "[[account]]\nhandle = \"other\"\n",
    )
    .await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    desk.sim.fault(Fault::on("POST /2/tweets").times(1000).answer(402, "")).unwrap();
    desk.sim.fault(Fault::on("GET /2/users/:id/liked_tweets").times(1000).answer(503, "")).unwrap();
    let served = desk.serve();
    say(&desk, "@acme one");
    let seen = loop {
        let (code, status) = status(&desk);
        assert_eq!(code, Some(0), "{status}");
        let acme = status["accounts"].as_array().unwrap().iter().find(|a| a["handle"] == "acme").unwrap().clone();
        if acme["hindrances"].as_array().unwrap().len() == 2 {
            break acme;
        }
    };
    let whats: Vec<_> = seen["hindrances"].as_array().unwrap().iter().map(|h| h["what"].as_str().unwrap()).collect();
    assert_eq!(whats, ["sending posts", "likes"], "{seen}");
    assert_eq!(twite(&desk, &["status", "--health"]).status.code(), Some(1));
    let shown = text(&twite(&desk, &["status"]).stdout);
    assert!(shown.contains("sending posts stopped at") && shown.contains("likes stopped at"), "{shown}");
    assert!(shown.contains("@other: not connected"), "{shown}");
    let listed = text(&twite(&desk, &["accounts", "list"]).stdout);
    assert!(listed.contains("sending posts stopped at"), "{listed}");
    drop(served);
}

/// A full disk, and a process that is suspended: the lease is not renewed, and yet its holder lives.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_cannot_write_is_not_said_to_be_gone() {
    let desk = desk().await;
    let store = desk.store().await;
    let an_hour_ago = Clock::Wall.now().checked_sub(SignedDuration::from_hours(1)).unwrap();
    let (holder, mut watch) = (Holder::this_process(), Watch::default());
    store.ask_for_lease(&holder, &mut watch, an_hour_ago, Instant::now()).await.unwrap();
    let daemon = status(&desk).1["daemon"].clone();
    assert_eq!((&daemon["running"], &daemon["stuck"]), (&true.into(), &true.into()), "{daemon}");
    let output = twite(&desk, &["status", "--health"]);
    let shown = text(&output.stdout);
    assert!(output.status.code() == Some(1) && shown.contains("has written nothing since"), "{shown}");
    store.renew_lease(Clock::Wall.now()).await.unwrap();
    let daemon = status(&desk).1["daemon"].clone();
    assert_eq!((&daemon["running"], &daemon["stuck"]), (&true.into(), &false.into()), "{daemon}");
    assert_eq!(twite(&desk, &["status", "--health"]).status.code(), Some(0));
    store.release_lease(Clock::Wall.now()).await.unwrap();
    assert_eq!(status(&desk).1["daemon"]["running"], false);
    store.close().await;
}

/// The reader of the log is gone, as with `twite serve 2>&1 | head`.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_log_nobody_reads_works_on_and_ends_when_asked() {
    let desk = desk().await;
    let mut served =
        desk.command().arg("serve").arg(desk.rules()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(served.stderr.take());
    say(&desk, "@acme one");
    desk.until("a ticket", |counts, _| counts.tickets == 1).await;
    let asked = Command::new("kill").arg(served.id().to_string()).status().unwrap();
    assert!(asked.success());
    assert_eq!(tokio::task::spawn_blocking(move || served.wait()).await.unwrap().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_cannot_be_sent_is_reported_at_the_start_and_listed() {
    let rules = "trigger \"A\" { on created then notify agent \"Ana\" { subject \"S\" body \"B\" } }\n";
    let extra = "[[agent]]\nname = \"Ana\"\nemail = \"ana@acme.example\"\n[mail]\nserver = \"127.0.0.1:9\"\n\
                 from = \"desk@acme.example\"\nuser = \"desk\"\npassword_env = \"NO_SUCH_PASSWORD\"\n";
    let desk = TestDesk::new(&["acme"], rules, extra).await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    desk.sim.fault(Fault::on("GET /2/users/:id/mentions").answer(503, "")).unwrap();
    let served = desk.serve();
    let why = "environment variable `NO_SUCH_PASSWORD` is not set; it must contain the mail password";
    let log = desk.logged(why).await;
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains(why)), "{log}");
    let log = desk.logged("@acme mentions: works again after 1 failure").await;
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("503")), "{log}");
    say(&desk, "@acme one");
    let failing = loop {
        let (_, status) = status(&desk);
        if let Some(failing) = status["failing"].as_array().unwrap().first() {
            break failing.clone();
        }
    };
    assert_eq!((failing["destination"].as_str(), failing["waiting"].as_u64()), (Some("mail"), Some(1)));
    assert!(failing["reason"].as_str().unwrap().contains(why), "{failing}");
    let shown = text(&twite(&desk, &["status"]).stdout);
    assert!(shown.contains("failing   mail: "), "{shown}");
    drop(served);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_groups_and_agents_that_are_not_declared_any_more_are_counted() {
    let rules = |group: &str, agent: &str| {
        format!(
            "trigger \"A\" {{\n  on created\n  then\n    set group to \"{group}\"\n    assign to agent \"{agent}\"\n}}\n"
        )
    };
    let declared = |group: &str, agent: &str| {
        format!("[[group]]\nname = \"{group}\"\n[[agent]]\nname = \"{agent}\"\ngroups = [\"{group}\"]\n")
    };
    let desk = TestDesk::new(&["acme"], &rules("Billing", "Bob"), &declared("Billing", "Bob")).await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    let served = desk.serve();
    say(&desk, "@acme one");
    say(&desk, "@acme two");
    desk.logged_times("rule \"A\" fired", 2).await;
    assert_eq!(status(&desk).1["undeclared"], serde_json::json!([]));

    fs::write(desk.rules().join("rules.twite"), rules("Money", "Robert")).unwrap();
    let toml = desk.rules().join("twite.toml");
    let text_of = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, text_of.replace(&declared("Billing", "Bob"), &declared("Money", "Robert"))).unwrap();
    let line = "`Billing` is not declared, but has 2 open tickets (the first is ticket 1): declare the group again, or";
    let log = desk.logged(line).await;
    assert!(
        log.lines().any(|logged| logged.contains("WARN") && logged.contains("agent `Bob` is not declared")),
        "{log}"
    );
    let seen = status(&desk).1["undeclared"].clone();
    assert_eq!(seen[0], serde_json::json!({"kind": "group", "name": "Billing", "tickets": 2, "first": 1}));
    assert_eq!((seen[1]["name"].as_str(), seen.as_array().unwrap().len()), (Some("Bob"), 2));
    let shown = text(&twite(&desk, &["status"]).stdout);
    assert!(shown.contains(&format!("group     {line}")) && shown.contains("agent     `Bob`"), "{shown}");

    // Closed tickets are no concern.
    for ticket in ["1", "2"] {
        let closed = twite(&desk, &["ticket", "update", ticket, "--set", "status=closed"]);
        assert!(closed.status.success(), "{closed:?}");
    }
    assert_eq!(status(&desk).1["undeclared"], serde_json::json!([]));
    drop(served);
}
