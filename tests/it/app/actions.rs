//! What actions about the ticket itself leave behind, in the store and on the way out.

use std::sync::Arc;

use crate::support::{inside, simulator};
use jiff::{SignedDuration, Timestamp};
use twite::{
    app::{
        Notice,
        agent::{self, NotDone},
    },
    daemon::Daemon,
    desk::{Cause, Status, Ticket, TicketId},
    lang::rules::Action,
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

[mail]
directory = "MAIL"
from = "twite@acme.example"
"#;

struct Desk {
    daemon: Arc<Daemon>,
    directory: tempfile::TempDir,
}

impl Desk {
    async fn new(rules: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sim = simulator().await;
        let desk = DESK.replace("MAIL", directory.path().join("mail").to_str().unwrap());
        std::fs::create_dir_all(directory.path().join("mail")).unwrap();
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, &desk).await;
        Self { daemon, directory }
    }

    /// A post by somebody that mentions the account, in a conversation of its own unless told.
    async fn post(&self, id: u64, person: u64, conversation: u64, at: &str) {
        let line = format!(
            r#"{{"data":{{"id":"{id}","author_id":"{person}","conversation_id":"{conversation}","text":"@acme post {id}",
               "created_at":"{at}","entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},
               "includes":{{"users":[{{"id":"{person}","username":"p{person}","name":"P"}}]}}}}"#
        );
        let account = self.daemon.store().accounts().await.unwrap()[0].id.clone();
        self.daemon.feed(&account, vec![decode_line(&line.replace('\n', " ")).unwrap()]).await.unwrap();
        while self.daemon.take_next().await.unwrap() {}
    }

    async fn ticket(&self, id: i64) -> Ticket {
        self.daemon.store().ticket(TicketId(id)).await.unwrap().unwrap()
    }

    async fn assignee(&self, id: i64) -> String {
        self.ticket(id).await.assignee.unwrap_or_default()
    }

    /// Time passes up to a moment: what is due is looked at, and what is due to leave leaves.
    async fn until(&self, at: &str) {
        self.daemon.clock().reached(at.parse().unwrap());
        while self.daemon.evaluate_next().await.unwrap() {}
        while self.daemon.send_next().await.unwrap() {}
    }

    fn mails(&self) -> Vec<String> {
        let mails = std::fs::read_dir(self.directory.path().join("mail")).unwrap();
        mails.map(|mail| std::fs::read_to_string(mail.unwrap().path()).unwrap()).collect()
    }

    /// Applies the macro of this title.
    async fn apply(&self, title: &str, id: i64) -> Result<(), NotDone> {
        let rules = self.daemon.rules();
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        let actions: &[Action] = &found.then;
        let cause = Cause::Macro(title.to_owned());
        agent::update(self.daemon.app(), TicketId(id), actions, cause).await.map(|_| ())
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
    assert_eq!(left[0].reason.as_deref(), Some("the ticket is solved by now"));
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
    // Its requester writes: nobody has put that off.
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
    assert_eq!(desk.daemon.store().links(TicketId(2)).await.unwrap(), [(TicketId(1), "merged".to_owned())]);
    // What the person still says in the other conversation belongs there too.
    desk.post(21, 1, 20, "2026-01-05T10:00:00Z").await;
    assert_eq!(said(1).await, ["10", "20", "21"]);
    assert_eq!(desk.daemon.store().counts().await.unwrap().tickets, 3);
    assert!(matches!(desk.apply("Merge", 2).await, Err(NotDone::Closed(_))));
    // Nobody else's ticket is touched, and where there is no earlier one nothing happens.
    desk.apply("Merge", 3).await.unwrap();
    assert_eq!(desk.ticket(3).await.status, Status::New);
    assert_eq!(said(3).await, ["30"]);
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
    // Back by three quarters of an hour, and something happens: as of then, the hour is not over.
    desk.daemon.clock().reached("2026-01-05T09:20:00Z".parse().unwrap());
    desk.apply("Tag", 1).await.unwrap();
    desk.until("2026-01-05T09:30:00Z").await;
    desk.until("2026-01-05T10:30:00Z").await;
    assert_eq!(notes().await, 2, "the same hour passes a second time");
}
