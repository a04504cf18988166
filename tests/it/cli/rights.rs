//! What an agent does not see looks like what does not exist, in every command with `--as`.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use twite::{
    desk::{
        Viewer,
        declarations::{Agent, Sees},
    },
    settings::Address,
    store::{Counts, Store},
    x::wire::decode_line,
};

use crate::support::{command::twite, inside, simulator};

const DESK: &str = r#"
[[group]]
name = "Social"
[[group]]
name = "Billing"
[[agent]]
name = "Ana"
groups = ["Social"]
sees = "groups"
[[agent]]
name = "Ben"
groups = ["Social"]
sees = "assigned"
[[agent]]
name = "Cleo"
"#;

const RULES: &str = r#"
trigger "Hello" {
  on created
  when description contains "hello"
  then
    assign to group "Social"
    reply "Hello."
}
trigger "Bill" {
  on created
  when description contains "bill"
  then
    assign to group "Billing"
    reply "Your bill."
}
macro "Solve" { then set status to solved }
macro "Take" {
  then
    assign to me
    note "{{agent.name}} has it"
}
view "Mine" { where assignee is me columns id }
report "Mine" { where group in my groups measure count }
trigger "Taken" {
  on updated
  when assignee changed to me
  then add tags taken
}
view "Open" {
  where status < solved
  columns id, subject, group
  group by group
}
report "All" {
  measure count, distinct requesters
  by group
}
"#;

/// Somebody's post on a ticket of its own: conversation, text.
const SEEN: &[(u64, &str)] = &[(10, "hello"), (20, "hello again")];
/// As [`SEEN`], on tickets that Ana does not see; the first is linked to a ticket that she sees.
const HIDDEN: &[(u64, &str)] = &[(10, "my bill"), (30, "neither")];

/// A desk with a ticket for each of these posts, numbered from 1. What the rules answered waits in the outbox, under the same number.
async fn desk(posts: &[&[(u64, &str)]]) -> TempDir {
    let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
    let database = Address::File(directory.path().join("rules/twite.db"));
    std::fs::create_dir(directory.path().join("rules")).unwrap();
    let (daemon, accounts) = inside::daemon_on(database, directory.path(), &sim, &["acme"], RULES, DESK).await;
    for (n, (conversation, text)) in posts.concat().into_iter().enumerate() {
        let (id, person) = (100 + n, 500 + n);
        let post = format!(
            r#"{{"data":{{"id":"{id}","author_id":"{person}","conversation_id":"{conversation}","text":"@acme {text}","created_at":"2026-01-05T09:00:00Z","entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},"includes":{{"users":[{{"id":"{person}","username":"p{person}","name":"P"}}]}}}}"#
        );
        daemon.feed(&accounts[0], vec![decode_line(&post).unwrap()]).await.unwrap();
        while daemon.take_next().await.unwrap() {}
    }
    daemon.store().clone().close().await;
    directory
}

fn run(desk: &Path, agent: Option<&str>, command: &str) -> (i32, String, String) {
    let options = agent.into_iter().flat_map(|agent| ["--as", agent]);
    let (status, out, errors) = twite(desk, &command.split(' ').chain(options).collect::<Vec<_>>(), "");
    (status, out.replace(desk.to_str().unwrap(), ""), errors)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_hidden_is_one_that_does_not_exist() {
    let desk = desk(&[SEEN, HIDDEN]).await;
    for command in [
        "ticket show N",
        "ticket show N --format json",
        "why N",
        "why N --run 9 --now",
        "why N --rule Bill --fired --format json",
        "ticket update N --set status=solved",
        "ticket update N --set status=solved --expect-version 1 --format json",
        "ticket update N --note seen --expect-version 9 --dry-run",
        "ticket reply N Hello",
        "ticket reply N Hello --answers 3 --dry-run --format json",
        "ticket rate N good",
        "ticket rate N bad --comment slow --dry-run --format json",
        "ticket apply Solve N",
        "ticket apply Solve N --dry-run --format json",
        "outbox withdraw N",
        "outbox withdraw N --format json",
        "outbox resend N --reason asked",
    ] {
        let as_shown = |agent: &str, number: &str| {
            let (status, out, errors) = run(desk.path(), Some(agent), &command.replace('N', number));
            let text = out + &errors;
            assert!(text.contains(number), "{command}: {text}");
            (status, text.replace(number, "N"))
        };
        let missing = as_shown("Ana", "9");
        assert_ne!(missing.0, 0, "{command}: {}", missing.1);
        assert_eq!(as_shown("Ana", "3"), missing, "{command}");
        assert_eq!(as_shown("Ben", "1"), missing, "{command}");
    }
    // The comment that is answered has to be on the ticket: comment 3 is the one of ticket 3.
    for dry_run in ["", " --dry-run"] {
        for comment in ["3", "9"] {
            let (status, _, errors) =
                run(desk.path(), Some("Ana"), &format!("ticket reply 1 Hello --answers {comment}{dry_run}"));
            assert_eq!((status, errors), (1, format!("ticket 1 has no comment {comment}\n")));
        }
    }
    // And nothing was done.
    let shown: Value = serde_json::from_str(&run(desk.path(), None, "ticket show 3 --format json").1).unwrap();
    assert_eq!((&shown["ticket"]["status"], &shown["ticket"]["group"]), (&"new".into(), &"Billing".into()));
    assert_eq!(shown["outgoing"][0]["state"], "waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_counts_and_numbers_are_those_of_a_desk_without_what_is_hidden() {
    let (whole, without) = (desk(&[SEEN, HIDDEN]).await, desk(&[SEEN]).await);
    for command in [
        "view",
        "view Open",
        "view Open --limit 1 --offset 1",
        "view Open --format json",
        "ticket list",
        "ticket list --format json",
        "ticket list --limit 1",
        "ticket show 1 --format json",
        "why 1 --format json",
        "report All --at 2026-01-06T00:00:00Z",
        "report All --at 2026-01-06T00:00:00Z --format json",
        "outbox --format json",
    ] {
        let shown = run(whole.path(), Some("Ana"), command);
        assert_eq!(shown.0, 0, "{command}: {shown:?}");
        assert_eq!(shown, run(without.path(), Some("Ana"), command), "{command}");
        let (all, cleo) = (run(whole.path(), None, command), run(whole.path(), Some("Cleo"), command));
        assert_eq!((all.0, &all.1), (cleo.0, &cleo.1), "{command}: Cleo sees all");
        if !command.starts_with("why") && !command.contains("--limit") {
            assert_ne!(shown.1, all.1, "{command}: there is something to hide");
        }
    }
    let (status, _, errors) = run(whole.path(), Some("Anna"), "view");
    assert_eq!((status, errors.as_str()), (2, "error: there is no agent `Anna`, did you mean `Ana`?\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_are_those_of_a_desk_without_what_is_hidden() {
    let counts = async |desk: &TempDir, agent: Agent| {
        let store = Store::open(Address::File(desk.path().join("rules/twite.db"))).await.unwrap();
        let mut all = vec![];
        for viewer in [Viewer::Owner, Viewer::Agent(&agent)] {
            let mut snapshot = store.snapshot(viewer).await.unwrap();
            all.push(snapshot.counts().await.unwrap());
            snapshot.close().await.unwrap();
        }
        store.close().await;
        <[Counts; 2]>::try_from(all).unwrap()
    };
    let ana = || Agent { name: "Ana".into(), groups: vec!["Social".into()], sees: Sees::Groups, ..Agent::default() };
    let [all, seen] = counts(&desk(&[SEEN, HIDDEN]).await, ana()).await;
    let without = counts(&desk(&[SEEN]).await, ana()).await;
    assert_eq!(without, [seen.clone(), seen.clone()]);
    assert_eq!((all.tickets, all.linked, all.fired.len()), (4, 2, 2));
    assert_eq!((seen.tickets, seen.linked, seen.fired.len()), (2, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_seen_from_when_it_is_assigned_until_it_is_handed_away() {
    let desk = desk(&[SEEN, HIDDEN]).await;
    let status = |agent: Option<&str>, command: &str| {
        let (status, out, errors) = run(desk.path(), agent, command);
        (status, out + &errors)
    };
    assert_eq!(status(None, "ticket update 3 --set assignee=Ben").0, 0);
    assert_eq!(status(Some("Ben"), "ticket show 3").0, 0);
    assert_eq!(status(Some("Ana"), "ticket show 3").0, 2, "the group is still another");
    let (handed, text) = status(Some("Ben"), "ticket update 3 --set group=Social --set assignee=Ana");
    assert_eq!(handed, 0, "whoever sees a ticket may hand it away: {text}");
    assert_eq!(status(Some("Ana"), "ticket show 3").0, 0);
    assert_eq!(status(Some("Ben"), "ticket show 3").0, 2);
    assert_eq!(status(Some("Ben"), "ticket update 3 --set status=solved"), status(Some("Ben"), "ticket show 3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn me_is_the_agent_who_reads_or_acts() {
    const NOTE: &str = "note: `me` and `my groups` are those of an agent, and you read as none: give `--as AGENT`\n";
    let desk = desk(&[SEEN, HIDDEN]).await;
    let (status, out, errors) = run(desk.path(), None, "ticket apply Take 1");
    let refused = "ticket 1: only an agent can do this, as it assigns to `me` or names the agent: give `--as AGENT`\n";
    assert_eq!((status, &*out, errors.ends_with(refused)), (1, "", true), "{errors}");
    assert_eq!(run(desk.path(), Some("Ana"), "ticket apply Take 1").0, 0);
    assert_eq!(run(desk.path(), Some("Cleo"), "ticket update 3 --set assignee=me").0, 0);
    let shown: Value = serde_json::from_str(&run(desk.path(), None, "ticket show 1 --format json").1).unwrap();
    assert_eq!((&shown["ticket"]["assignee"], &shown["ticket"]["tags"][0]), (&"Ana".into(), &"taken".into()));
    assert_eq!(shown["ticket"]["latest_comment"], "Ana has it");
    let why = run(desk.path(), None, "why 1 --rule Taken").1;
    assert!(why.contains("✓ assignee changed to me  (was empty, is Ana; me is Ana)"), "{why}");
    for (agent, mine, groups, note) in [
        (None, vec![], 0, NOTE),
        (Some("Ana"), vec![1], 2, ""),
        (Some("Ben"), vec![], 0, ""),
        (Some("Cleo"), vec![3], 0, ""),
    ] {
        let listed = |filter: &str| {
            let options = agent.into_iter().flat_map(|agent| ["--as", agent]);
            let command = ["ticket", "list", "--format", "json", "--where", filter].into_iter().chain(options);
            let (status, out, errors) = twite(desk.path(), &command.collect::<Vec<_>>(), "");
            let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
            assert_eq!(status, 0, "{errors}");
            let ids: Vec<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
            (
                ids,
                errors.lines().filter(|line| line.contains("`me`")).map(|line| format!("{line}\n")).collect::<String>(),
            )
        };
        assert_eq!(listed("assignee is me"), (mine, note.to_owned()), "{agent:?}");
        for command in ["view", "view Mine", "report Mine"] {
            let (status, _, errors) = run(desk.path(), agent, command);
            assert_eq!((status, errors.contains(NOTE)), (0, !note.is_empty()), "{agent:?}, {command}: {errors}");
        }
        let (ids, _) = listed("group in my groups");
        assert_eq!(ids.len(), groups, "{agent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_tickets_are_hidden_does_not_exist() {
    let desk = desk(&[SEEN, HIDDEN]).await;
    for command in ["person show N", "person show N --format json", "person update N --add-tag vip --dry-run"] {
        let as_shown = |agent: &str, person: &str| {
            let (status, out, errors) = run(desk.path(), Some(agent), &command.replace('N', person));
            (status, (out + &errors).replace(person, "N"))
        };
        let missing = as_shown("Ana", "599");
        assert_eq!(missing.0, 2, "{command}: {}", missing.1);
        assert_eq!(as_shown("Ana", "502"), missing, "{command}");
        assert_eq!(as_shown("Ana", "@p502").0, 2, "{command}");
        assert_eq!(as_shown("Ana", "500").0, 0, "{command}");
    }
    assert_eq!(run(desk.path(), Some("Ana"), "person update 502 --add-tag vip").0, 2);
    assert_eq!(run(desk.path(), Some("Ana"), "person update 500 --add-tag vip").0, 0);
    let person = |id: &str| run(desk.path(), None, &format!("person show {id}")).1;
    assert!(person("500").contains("vip") && person("500").contains("agent:Ana") && !person("502").contains("vip"));
}
