//! Mails to recipients that depend on the ticket: whom they reach, and what is recorded about the others.

use twite::{
    app::{
        agent::{self, AgentUpdate, Description},
        replay::{By, replay},
    },
    desk::{Actor, TicketId, Via, Viewer},
    sim::{NewPerson, NewPost},
};

use crate::support::{inside, owner::OwnerReads as _, simulator};

const DESK: &str = r#"
edition = "suite"

[[group]]
name = "Social"
email = "social@acme.example"

[[group]]
name = "Night"

[[agent]]
name = "Ana"
email = "ana@acme.example"
groups = ["Social", "Night"]

[[agent]]
name = "Ben"
email = "ben@acme.example"
groups = ["Night"]

[[agent]]
name = "Cas"

[[agent]]
name = "Dan"
email = "dan@acme.example"
sees = "assigned"
"#;

const RULES: &str = r#"
trigger "New" {
  on created
  then
    notify assignee, group of ticket { subject "nobody" body "b" }
    notify assignee, agents of group "Night", address "ops@partner.example" { subject "some" body "b" }
    notify requester { subject "unknown" body "b" }
    assign to group "Social"
    notify group of ticket, agents of group of ticket, group "Night" { subject "all" body "b" }
}

trigger "Handed on" {
  on updated
  when assignee changed
  then notify previous assignee, assignee { subject "handed on" body "b" }
}

trigger "News" {
  on updated
  when watchers changed
  then notify watchers { subject "news" body "{{ticket.watchers}}: {{ticket.conversation}}" }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn everybody_with_an_address_is_told_and_the_others_are_named() {
    let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
    sim.make_user(&NewPerson::named("mira")).unwrap();
    let mail = directory.path().join("mail");
    let extra = format!("{DESK}[mail]\nfrom = \"desk@acme.example\"\ndirectory = {mail:?}\n");
    let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], RULES, &extra).await;
    sim.post(&NewPost { by: "mira".into(), text: "@acme hello".into(), ..NewPost::default() }).unwrap();
    daemon.run_until_idle().await.unwrap();
    for agent in ["Ana", "Cas", "Ben"] {
        let set = [("assignee".to_owned(), agent.to_owned())];
        let described = Description { set: &set, note: Some("handed on"), ..Description::default() };
        let actions = described.actions("test", &daemon.rules().desk).map_err(|(found, _)| found).unwrap();
        let update = AgentUpdate::new(Actor::Owner, Via::Cli, actions);
        agent::update(daemon.app(), TicketId(1), &update).await.unwrap();
        daemon.run_until_idle().await.unwrap();
    }
    let (watchers, nobody) = (["Ana", "Cas", "Dan"].map(str::to_owned), ["Ana".to_owned()]);
    for described in [
        Description { add_watchers: &watchers, note: Some("between us"), ..Description::default() },
        Description { remove_watchers: &nobody, ..Description::default() },
    ] {
        let actions = described.actions("test", &daemon.rules().desk).map_err(|(found, _)| found).unwrap();
        let update = AgentUpdate::new(Actor::Owner, Via::Cli, actions);
        agent::update(daemon.app(), TicketId(1), &update).await.unwrap();
        daemon.run_until_idle().await.unwrap();
    }

    // Who outside is told stands alone.
    let mails: Vec<_> = std::fs::read_dir(&mail)
        .unwrap()
        .map(|mail| std::fs::read_to_string(mail.unwrap().path()).unwrap().replace("\r\n ", " "))
        .collect();
    let mut told: Vec<_> = mails
        .iter()
        .map(|text| {
            let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
            format!("{}: {}", header("Subject: "), header("To: "))
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "all: social@acme.example, ana@acme.example, ben@acme.example",
            "handed on: ana@acme.example",
            "handed on: ana@acme.example",
            "handed on: ben@acme.example",
            "news: ana@acme.example",
            "nobody: social@acme.example",
            "some: ana@acme.example, ben@acme.example",
            "some: ops@partner.example",
        ]
    );
    let news = mails.iter().find(|mail| mail.contains("Subject: news")).unwrap();
    let (latest, earlier) = (news.find("between us").unwrap(), news.find("handed on").unwrap());
    assert!(news.contains("Ana, Cas, Dan: ") && news.contains("@acme hello") && latest < earlier, "{news}");
    let outgoing = daemon.store().outgoing(TicketId(1)).await.unwrap();
    let outgoing: Vec<_> = outgoing.iter().map(|item| (&*item.state, item.reason.as_deref())).collect();
    let expected = [
        // The group is the one that the ticket has when the mail is sent.
        ("sent", Some("the ticket has no assignee")),
        ("sent", Some("the ticket has no assignee")),
        ("sent", None),
        ("refused", Some("the requester has no known email address")),
        ("sent", None),
        ("sent", Some("the ticket had no other assignee before")),
        ("sent", Some("\"Cas\" has no email address")),
        ("sent", Some("\"Cas\" has no email address")),
        // Dan follows it, and does not see it.
        ("sent", Some("\"Cas\" has no email address; \"Dan\" does not see the ticket")),
        ("refused", Some("\"Cas\" has no email address; \"Dan\" does not see the ticket")),
    ];
    assert_eq!(outgoing, expected);

    // `why` has the same, run by run.
    let replayed =
        replay(daemon.store(), Viewer::Owner, daemon.rules().rules(), TicketId(1), None, By::Then).await.unwrap();
    let of_runs: Vec<_> = replayed.runs.iter().map(|run| (run.agrees, run.outgoing.len())).collect();
    assert_eq!(of_runs, [(true, 5), (true, 1), (true, 1), (true, 1), (true, 1), (true, 1)]);
}
