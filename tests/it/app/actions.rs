//! Actions on the ticket itself: what they leave in the store and in the outbox.

use std::sync::Arc;

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::{SignedDuration, Timestamp};
use twite::{
    app::{
        Notice,
        agent::{self, AgentUpdate, Description, NotDone},
    },
    daemon::Daemon,
    desk::{Actor, Author, Rating, Status, Ticket, TicketId, Via},
    lang::rules::{Action, ActionKind, Part, Span, Template},
    x::wire::decode_line,
};

const DESK: &str = r#"
[[group]]
name = "Social"

[[agent]]
name = "Ana"
email = "ana@acme.example"
groups = ["Social"]

[[agent]]
name = "Ben"
email = "ben@acme.example"
groups = ["Social"]

[[agent]]
name = "Cleo"
sees = "assigned"

[mail]
directory = "MAIL"
from = "twite@acme.example"
"#;

pub(super) struct Desk {
    pub(super) daemon: Arc<Daemon>,
    directory: tempfile::TempDir,
}

impl Desk {
    async fn new(rules: &str) -> Self {
        Self::declared(DESK, rules).await
    }

    /// A desk with these declarations, in which `MAIL` is the directory of mails.
    pub(super) async fn declared(declarations: &str, rules: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sim = simulator().await;
        let desk = declarations.replace("MAIL", directory.path().join("mail").to_str().unwrap());
        std::fs::create_dir_all(directory.path().join("mail")).unwrap();
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, &desk).await;
        Self { daemon, directory }
    }

    /// Takes in a post by this person that mentions the account, in this conversation.
    pub(super) async fn post(&self, id: u64, person: u64, conversation: u64, at: &str) {
        let line = format!(
            r#"{{"data":{{"id":"{id}","author_id":"{person}","conversation_id":"{conversation}","text":"@acme post {id}",
               "created_at":"{at}","entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},
               "includes":{{"users":[{{"id":"{person}","username":"p{person}","name":"P"}}]}}}}"#
        );
        let account = self.daemon.store().accounts().await.unwrap()[0].id.clone();
        self.daemon.feed(&account, vec![decode_line(&line.replace('\n', " ")).unwrap()]).await.unwrap();
        while self.daemon.take_next().await.unwrap() {}
    }

    pub(super) async fn ticket(&self, id: i64) -> Ticket {
        self.daemon.store().ticket(TicketId(id)).await.unwrap().unwrap()
    }

    async fn assignee(&self, id: i64) -> String {
        self.ticket(id).await.assignee.unwrap_or_default()
    }

    /// Advances the clock: evaluates automations that are due and sends what is due.
    pub(super) async fn until(&self, at: &str) {
        self.daemon.clock().reached(at.parse().unwrap());
        while self.daemon.evaluate_next().await.unwrap() {}
        while self.daemon.send_next().await.unwrap() {}
    }

    fn mails(&self) -> Vec<String> {
        let mails = std::fs::read_dir(self.directory.path().join("mail")).unwrap();
        mails.map(|mail| std::fs::read_to_string(mail.unwrap().path()).unwrap()).collect()
    }

    /// Applies the macro with this title.
    pub(super) async fn apply(&self, title: &str, id: i64) -> Result<(), NotDone> {
        let rules = self.daemon.rules();
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        let update = AgentUpdate::of_macro(Actor::Owner, Via::Cli, found);
        agent::update(self.daemon.app(), TicketId(id), &update).await.map(|_| ())
    }
}

const MORNING: &str = "2026-01-05T09:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn each_has_a_turn() {
    let desk =
        Desk::new("trigger \"Next\" { on created when group is empty then assign to next agent of group \"Social\" }")
            .await;
    for n in 1..=4 {
        desk.post(n * 10, n, n * 10, MORNING).await;
    }
    let mut turns = vec![];
    for n in 1..=4 {
        assert_eq!(desk.ticket(n).await.group.as_deref(), Some("Social"));
        turns.push(desk.assignee(n).await);
    }
    assert_eq!(turns, ["Ana", "Ben", "Ana", "Ben"]);
    let left = desk.daemon.store().outgoing(TicketId(1)).await.unwrap();
    let told: Vec<_> = left.iter().map(|l| (l.state.as_str(), l.reason.as_deref())).collect();
    assert_eq!(told, [("sent", Some("Ana"))], "the ticket says who was chosen");
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_of_one_instant_all_leave() {
    let desk = Desk::new("macro \"Ask\" { then reply \"Which order?\" }").await;
    desk.post(10, 1, 10, MORNING).await;
    for _ in 0..3 {
        desk.apply("Ask", 1).await.unwrap();
    }
    assert_eq!(desk.daemon.store().outgoing(TicketId(1)).await.unwrap().len(), 3);
    let ticket = desk.ticket(1).await;
    assert_eq!((ticket.replies, ticket.comments), (3, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_least_to_do() {
    let desk = Desk::new(
        "trigger \"Least\" { on created then assign to least busy agent of group \"Social\" }\n\
         macro \"Solve\" { then set status to solved }",
    )
    .await;
    for n in 1..=3 {
        desk.post(n * 10, n, n * 10, MORNING).await;
    }
    let first = [desk.assignee(1).await, desk.assignee(2).await, desk.assignee(3).await];
    assert_eq!(first, ["Ana", "Ben", "Ana"]);
    for n in [1, 3] {
        desk.apply("Solve", n).await.unwrap();
    }
    desk.post(50, 5, 50, MORNING).await;
    assert_eq!(desk.assignee(4).await, "Ana", "what is solved is nothing to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_come_later_unless_the_ticket_is_solved() {
    let desk = Desk::new(
        "trigger \"Remind\" { on created then remind group \"Social\" in 2 hours { subject \"look at {{ticket.id}}\" } }\n\
         macro \"Solve\" { then set status to solved }",
    )
    .await;
    desk.post(10, 1, 10, MORNING).await;
    desk.post(20, 2, 20, MORNING).await;
    desk.until("2026-01-05T10:59:00Z").await;
    assert!(desk.mails().is_empty(), "two hours are not over");
    desk.apply("Solve", 2).await.unwrap();
    desk.until("2026-01-05T11:00:00Z").await;
    let mails = desk.mails();
    assert!(mails.iter().all(|mail| mail.contains("look at 1")), "{mails:?}");
    assert_eq!(mails.len(), 1, "one mail to the group's members");
    let left = desk.daemon.store().outgoing(TicketId(2)).await.unwrap();
    assert_eq!(left[0].state, "refused");
    assert_eq!(left[0].reason.as_deref(), Some("the ticket is solved now"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_comes_back() {
    let desk = Desk::new(
        "trigger \"Awake\" { on updated when status changed from hold to open then add tags awake }\n\
         macro \"Later\" { then snooze for 3 hours }",
    )
    .await;
    desk.post(10, 1, 10, MORNING).await;
    desk.post(20, 2, 20, MORNING).await;
    for n in [1, 2] {
        desk.apply("Later", n).await.unwrap();
        assert_eq!(desk.ticket(n).await.status, Status::Hold);
    }
    desk.until("2026-01-05T11:59:00Z").await;
    assert_eq!(desk.ticket(1).await.status, Status::Hold);
    // A message of the requester ends the snooze.
    desk.post(21, 2, 20, "2026-01-05T11:59:30Z").await;
    assert_eq!((desk.ticket(2).await.status, desk.ticket(2).await.snoozed), (Status::Open, None));
    desk.until("2026-01-05T12:00:00Z").await;
    let ticket = desk.ticket(1).await;
    assert_eq!((ticket.status, ticket.snoozed), (Status::Open, None));
    assert!(ticket.tags.contains("awake"), "triggers run on it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_merged_goes_on_in_one_place() {
    let desk = Desk::new("macro \"Merge\" { then merge into earlier ticket }").await;
    desk.post(10, 1, 10, MORNING).await;
    desk.post(20, 1, 20, "2026-01-05T09:30:00Z").await;
    desk.post(30, 2, 30, "2026-01-05T09:40:00Z").await;
    desk.apply("Merge", 2).await.unwrap();
    assert_eq!(desk.ticket(2).await.status, Status::Closed);
    let said = |id: i64| {
        let store = desk.daemon.store().clone();
        async move {
            let comments = store.comments(TicketId(id)).await.unwrap();
            comments.iter().filter_map(|c| c.source.x_id().map(ToString::to_string)).collect::<Vec<_>>()
        }
    };
    assert_eq!(said(1).await, ["10", "20"]);
    assert_eq!(desk.ticket(1).await.comments, 2);
    // Only the link names the other ticket: an agent may not see that one.
    assert_eq!(desk.daemon.store().links(TicketId(2)).await.unwrap(), [(TicketId(1), "merged".to_owned())]);
    let outgoing = desk.daemon.store().outgoing(TicketId(2)).await.unwrap();
    assert_eq!(outgoing[0].reason.as_deref(), Some("into an earlier ticket"));
    // Later posts in the merged ticket's conversation join the earlier ticket.
    desk.post(21, 1, 20, "2026-01-05T10:00:00Z").await;
    assert_eq!(said(1).await, ["10", "20", "21"]);
    assert_eq!(desk.daemon.store().counts().await.unwrap().tickets, 3);
    assert!(matches!(desk.apply("Merge", 2).await, Err(NotDone::Closed(_))));
    // Tickets of other people stay unchanged, and without an earlier ticket nothing happens.
    assert!(matches!(desk.apply("Merge", 3).await, Err(NotDone::NothingEarlier(_))));
    assert_eq!(desk.ticket(3).await.status, Status::New);
    assert_eq!(said(3).await, ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_merges_only_into_what_the_agent_sees() {
    let rules = "macro \"Merge\" { then merge into earlier ticket }
        trigger \"Cleo's\" { on created when description contains \"post 2\" then assign to agent \"Cleo\" }";
    let desk = Desk::new(rules).await;
    let by_cleo = |id: i64| {
        let macros = &desk.daemon.rules().macros;
        let update = AgentUpdate::of_macro(Actor::Agent("Cleo".into()), Via::Cli, &macros[0]);
        let app = desk.daemon.app();
        async move { agent::update(app, TicketId(id), &update).await }
    };
    desk.post(10, 1, 10, MORNING).await;
    desk.post(20, 1, 20, "2026-01-05T09:10:00Z").await;
    assert!(matches!(by_cleo(2).await, Err(NotDone::NothingEarlier(_))));
    assert_ne!(desk.ticket(2).await.status, Status::Closed, "ticket 1 is not Cleo's");
    assert_eq!((desk.ticket(1).await.comments, desk.ticket(2).await.comments), (1, 1));

    // One that Cleo does not see is passed over.
    desk.post(30, 1, 30, "2026-01-05T09:20:00Z").await;
    desk.post(21, 1, 21, "2026-01-05T09:30:00Z").await;
    by_cleo(4).await.unwrap();
    assert_eq!(desk.ticket(4).await.status, Status::Closed);
    assert_eq!((desk.ticket(2).await.comments, desk.ticket(3).await.comments), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_before_time_can_change_anything() {
    let rules = "automation \"Old\" { when time since created >= 1 hour then add tags old }";
    let desk = Desk::new(rules).await;
    for n in 1..=5 {
        desk.post(n * 10, n, n * 10, MORNING).await;
    }
    desk.until("2026-01-05T09:59:00Z").await;
    assert!(!desk.ticket(1).await.tags.contains("old"));
    let next = desk.daemon.store().next_check().await.unwrap();
    assert_eq!(next, Some("2026-01-05T10:00:00Z".parse::<Timestamp>().unwrap()), "nobody looks any sooner");
    desk.until("2026-01-05T10:00:00Z").await;
    for n in 1..=5 {
        assert!(desk.ticket(n).await.tags.contains("old"));
    }
    let next = desk.daemon.store().next_check().await.unwrap().unwrap();
    assert_eq!(next, "2026-01-05T10:01:00Z".parse::<Timestamp>().unwrap(), "what it did may matter to others");
    desk.until("2026-01-05T10:01:00Z").await;
    assert_eq!(desk.daemon.store().next_check().await.unwrap(), None, "time can change nothing any more");
    desk.daemon.clock().reached(next + SignedDuration::from_hours(24 * 365));
    assert!(!desk.daemon.evaluate_next().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn automations_keep_their_pace_and_say_so() {
    let rules = "automation \"Old\" { when time since created >= 1 hour then add tags old }";
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let limits = "[limits]\nautomations_per_minute = 2\n";
    let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, limits).await;
    let desk = Desk { daemon, directory };
    for n in 1..=5 {
        desk.post(n * 10, n, n * 10, MORNING).await;
    }
    let mut notices = desk.daemon.notices().listen();
    let mut old = vec![];
    for at in ["2026-01-05T10:00:00Z", "2026-01-05T10:01:00Z", "2026-01-05T10:02:00Z"] {
        desk.until(at).await;
        let mut count = 0;
        for n in 1..=5 {
            count += usize::from(desk.ticket(n).await.tags.contains("old"));
        }
        old.push(count);
    }
    assert_eq!(old, [2, 4, 5], "nothing is lost, and nothing hurries");
    let mut behind = vec![];
    while let Ok(notice) = notices.try_recv() {
        if let Notice::Behind { waiting, most } = notice {
            behind.push((waiting, most));
        }
    }
    assert_eq!(behind.first(), Some(&(3, 2)), "{behind:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_makes_nothing_fire_twice() {
    let desk = Desk::new(
        "automation \"Old\" { when time since created >= 1 hour then note \"old\" }\n\
         macro \"Tag\" { then add tags seen }",
    )
    .await;
    desk.post(10, 1, 10, MORNING).await;
    desk.until("2026-01-05T10:05:00Z").await;
    let notes = || async { desk.ticket(1).await.comments };
    assert_eq!(notes().await, 2);
    // The clock goes back 40 minutes and an agent updates the ticket: at that time it is not yet an hour old.
    desk.daemon.clock().reached("2026-01-05T09:20:00Z".parse().unwrap());
    desk.apply("Tag", 1).await.unwrap();
    desk.until("2026-01-05T09:30:00Z").await;
    desk.until("2026-01-05T10:30:00Z").await;
    assert_eq!(notes().await, 2, "the same hour passes a second time");
}

/// The update that a description stands for.
fn described(desk: &Desk, by: &str, description: &Description<'_>) -> AgentUpdate {
    let actions = description.actions("test", &desk.daemon.rules().desk).map_err(|(found, _)| found).unwrap();
    AgentUpdate::new(Actor::Agent(by.to_owned()), Via::Web, actions)
}

fn set(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn an_update_keeps_what_others_changed_and_tells_where_both_changed_the_same() {
    let desk = Desk::new("").await;
    desk.post(1, 1, 1, MORNING).await;
    let (app, id) = (desk.daemon.app(), TicketId(1));
    let seen = app.store().ticket_version(id).await.unwrap();
    let (priority, tag) = (set(&[("priority", "high")]), ["urgent".to_owned()]);
    let first = described(&desk, "Ana", &Description { set: &priority, add_tags: &tag, ..Default::default() });
    let done = agent::update(app, id, &AgentUpdate { expected_version: Some(seen), ..first }).await.unwrap();
    assert!(done.version > seen);
    assert_eq!(app.store().ticket_version(id).await.unwrap(), done.version);

    // An update based on the old version succeeds if it changes other fields or tags, or sets the same value.
    for fields in [&[("type", "problem")][..], &[("priority", "high")]] {
        let (fields, tag) = (set(fields), ["later".to_owned()]);
        let other = described(&desk, "Ben", &Description { set: &fields, add_tags: &tag, ..Default::default() });
        agent::update(app, id, &AgentUpdate { expected_version: Some(seen), ..other }).await.unwrap();
    }
    let ticket = desk.ticket(1).await;
    assert_eq!(ticket.tags.iter().collect::<Vec<_>>(), ["later", "urgent"]);

    // A change of the same field is a conflict, in a preview too, and changes nothing.
    let (fields, tag) = (set(&[("priority", "low"), ("status", "solved")]), ["lost".to_owned()]);
    let conflict = described(&desk, "Ben", &Description { set: &fields, add_tags: &tag, ..Default::default() });
    let conflict = AgentUpdate { expected_version: Some(seen), ..conflict };
    let version = app.store().ticket_version(id).await.unwrap();
    let expected =
        format!("ticket 1 has changed since version {seen}: `priority` is now high; it is at version {version} now");
    assert_eq!(agent::preview(app, id, &conflict).await.unwrap_err().to_string(), expected);
    assert_eq!(agent::update(app, id, &conflict).await.unwrap_err().to_string(), expected);
    assert_eq!((desk.ticket(1).await, app.store().ticket_version(id).await.unwrap()), (ticket, version));
    for unknown in [0, version + 1] {
        let update = AgentUpdate { expected_version: Some(unknown), ..conflict.clone() };
        assert!(matches!(agent::update(app, id, &update).await, Err(NotDone::NoSuchVersion(..))), "{unknown}");
    }
}

#[tokio::test]
async fn a_delivery_is_no_conflict_and_a_change_without_a_run_is_one() {
    let rules = "macro \"Merge\" {\n  then merge into earlier ticket\n}\n";
    let desk = Desk::new(rules).await;
    desk.post(1, 1, 1, MORNING).await;
    let (app, id) = (desk.daemon.app(), TicketId(1));
    let version = || async { app.store().ticket_version(id).await.unwrap() };
    let solve = |seen| {
        let fields = set(&[("status", "solved")]);
        let update = described(&desk, "Ben", &Description { set: &fields, ..Default::default() });
        AgentUpdate { expected_version: Some(seen), ..update }
    };
    let pending = set(&[("status", "pending")]);
    let said = Description { set: &pending, reply: Some("On its way."), ..Default::default() };
    agent::update(app, id, &described(&desk, "Ana", &said)).await.unwrap();
    let seen = version().await;
    let now = app.clock().now();
    let item = app.store().claim(&"posts/acme".parse().unwrap(), now).await.unwrap().unwrap();
    app.store().sent(&item, Some(&"900".parse().unwrap()), "", None, now).await.unwrap();
    assert!(version().await > seen, "a delivery is a change");
    agent::preview(app, id, &solve(seen)).await.unwrap();

    // Another ticket of the requester is merged into it, which opens it again: no rule runs on it.
    desk.post(2, 1, 2, "2026-01-05T09:30:00Z").await;
    desk.apply("Merge", 2).await.unwrap();
    assert_eq!(desk.ticket(1).await.status, Status::Open);
    let refused = agent::update(app, id, &solve(seen)).await.unwrap_err().to_string();
    assert!(refused.contains("`status` is now open"), "{refused}");
    agent::update(app, id, &solve(version().await)).await.unwrap();
}

#[tokio::test]
async fn everything_says_who_did_it() {
    let desk = Desk::new("trigger \"Tag\" {\n  on updated\n  then note \"seen\"\n}\n").await;
    desk.post(1, 1, 1, MORNING).await;
    let (app, id) = (desk.daemon.app(), TicketId(1));
    let said = Description { reply: Some("Try {{this}}."), note: None, ..Default::default() };
    let later = app.clock().now().checked_add(SignedDuration::from_secs(30)).unwrap();
    let update = AgentUpdate { not_before: Some(later), ..described(&desk, "Ana", &said) };
    agent::update(app, id, &update).await.unwrap();
    let ana = Actor::Agent("Ana".to_owned());
    let outgoing = app.store().outgoing(id).await.unwrap();
    assert_eq!(outgoing.iter().map(|left| (&left.by, &*left.state)).collect::<Vec<_>>(), [(&ana, "waiting")]);
    // Not sent before it is due, so that it can be withdrawn.
    assert!(!desk.daemon.send_next().await.unwrap());
    let item = app.store().claim(&"posts/acme".parse().unwrap(), later).await.unwrap().unwrap();
    app.store().sent(&item, Some(&"2".parse().unwrap()), "", None, later).await.unwrap();
    let comments = app.store().comments(id).await.unwrap();
    let by: Vec<_> = comments.iter().map(|c| (c.author, c.actor.clone(), &*c.text)).collect();
    assert!(by.contains(&(Author::Requester, Actor::Person, "@acme post 1")), "{by:?}");
    assert!(by.contains(&(Author::Rule, Actor::Rule("Tag".to_owned()), "seen")), "{by:?}");
    assert!(by.contains(&(Author::Agent, ana.clone(), "Try {{this}}.")), "no placeholder in what agents say: {by:?}");
    let runs = app.store().decisions(id).await.unwrap();
    let actors: Vec<_> = runs.iter().map(|run| (&run.actor, &run.run.as_ref().unwrap().event.actor)).collect();
    assert_eq!(actors, [(&Actor::Person, &Actor::Person), (&ana, &ana)]);
    // Who it was stays when the text of a post goes.
    let mut tx = app.store().begin().await.unwrap();
    tx.delete_post(&"1".parse().unwrap(), later).await.unwrap();
    tx.commit().await.unwrap();
    let runs = app.store().decisions(id).await.unwrap();
    let left: Vec<_> = runs.iter().map(|run| (&run.actor, run.run.is_some())).collect();
    assert_eq!(left, [(&Actor::Person, false), (&ana, false)]);
}

#[tokio::test]
async fn a_description_is_of_what_it_says_alone() {
    let desk = Desk::new("").await;
    let rules = desk.daemon.rules();
    for value in ["solved\n    add tags x", "solved } macro \"b\" { then stop", "nonsense", ""] {
        let fields = set(&[("status", value)]);
        let description = Description { set: &fields, ..Default::default() };
        assert!(description.actions("test", &rules.desk).is_err(), "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_an_update_are_bounded() {
    let desk = Desk::new("macro \"Solve\" { then set status to solved }").await;
    desk.post(10, 1, 10, MORNING).await;
    let rules = desk.daemon.rules();
    for (length, fits) in [(65_536, true), (65_537, false)] {
        let text = "a".repeat(length);
        let note = Description { note: Some(&text), ..Description::default() };
        let note = AgentUpdate::new(Actor::Owner, Via::Cli, note.actions("update", &rules.desk).unwrap());
        for update in [note, AgentUpdate::of_rating(Actor::Owner, Via::Cli, Rating::Bad, Some(&text))] {
            let done = agent::update(desk.daemon.app(), TicketId(1), &update).await;
            assert_eq!(done.is_ok(), fits, "{length}");
            assert!(fits || matches!(done, Err(NotDone::TooLong(..))));
        }
    }
    // A message to the requester as well, which only macros send.
    let text = Template { parts: vec![Part::Text("a".repeat(65_537))] };
    let span = Span { file: "".into(), start: 0, end: 0, line: 1 };
    let message = Action { kind: ActionKind::Message(text.into()), span };
    let update = AgentUpdate::new(Actor::Owner, Via::Cli, vec![message]);
    let done = agent::update(desk.daemon.app(), TicketId(1), &update).await;
    assert!(matches!(done, Err(NotDone::TooLong(..))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_of_a_merged_ticket_shows_the_conversation_to_who_sees_it() {
    let declared = DESK.replace("sees = \"assigned\"", "sees = \"assigned\"\nemail = \"cleo@acme.example\"");
    let rules = r#"
        trigger "Tell" {
          on created
          when description contains "post 20"
          then
            assign to agent "Cleo"
            note "between us"
            notify agent "Ana", agent "Cleo" { subject "again" body "{{ticket.conversation}}" }
            merge into earlier ticket
        }
    "#;
    let desk = Desk::declared(&declared, rules).await;
    desk.post(10, 1, 10, MORNING).await;
    desk.post(20, 1, 20, "2026-01-05T09:01:00Z").await;
    desk.until("2026-01-05T09:02:00Z").await;
    assert_eq!(desk.ticket(2).await.status, Status::Closed);
    let mails = desk.mails();
    assert_eq!(mails.len(), 1);
    for said in ["To: ana@acme.example\r\n", "@acme post 10", "@acme post 20", "between us"] {
        assert!(mails[0].contains(said), "{said} in {}", mails[0]);
    }
    let left = desk.daemon.store().outgoing(TicketId(2)).await.unwrap();
    let told = left.iter().find_map(|left| left.reason.as_deref().filter(|why| why.contains("Cleo")));
    assert_eq!(told, Some("\"Cleo\" does not see the ticket"), "it would show a ticket of somebody else");
}
