//! Satisfaction from the question to the report: asked once, answered by a message, and told from other messages.

use std::sync::Arc;

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::Timestamp;
use twite::{
    app::{
        agent::{self, AgentUpdate},
        replay::{self, By},
        reports,
    },
    daemon::Daemon,
    desk::{Actor, RatedBy, Rating, Satisfaction, Status, Ticket, TicketId, Via, Viewer, XId, invariant},
    sim::{Cut, Fault, NewPerson, NewPost, SentKind, SimHandle},
    store::Store,
    x::wire::decode_line,
};

const DESK: &str = r#"
[satisfaction]
good = ["gut"]
bad = ["schlecht"]

[[agent]]
name = "Ana"
"#;

const RULES: &str = r#"
macro "Solve" { then set status to solved }
macro "Say so" { then set satisfaction to bad }
macro "Ask again" { then clear satisfaction }
macro "Ask" { then ask for satisfaction "How did we do?" }
trigger "Ask" {
  on updated
  when status changed to solved and satisfaction is empty
  then ask for satisfaction "How did we do? Answer good or bad."
}
trigger "Unhappy" { on updated when satisfaction changed to bad then add tags unhappy }
trigger "Was unhappy" { on created when requester.satisfaction is bad then set priority to high }
trigger "Opened again" { on updated when status changed from solved then add tags again }
report "How satisfied" { measure count, satisfaction score, satisfaction response }
"#;

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        Self::with(RULES).await
    }

    async fn with(rules: &str) -> Self {
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        for person in ["mira", "sven"] {
            sim.make_user(&NewPerson::named(person)).unwrap();
        }
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, DESK).await;
        Self { sim, daemon, _directory: directory }
    }

    async fn run(&self) {
        self.daemon.run_until_idle().await.unwrap();
    }

    async fn post(&self, by: &str, text: &str, answers: Option<&str>) -> String {
        let post = NewPost {
            by: by.into(),
            text: format!("@acme {text}"),
            in_reply_to: answers.map(str::to_owned),
            ..NewPost::default()
        };
        let id = self.sim.post(&post).unwrap();
        self.run().await;
        id
    }

    async fn apply(&self, title: &str, ticket: i64) {
        let rules = self.daemon.rules();
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        let update = AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Cli, found);
        agent::update(self.daemon.app(), TicketId(ticket), &update).await.unwrap();
        self.run().await;
    }

    async fn rate(&self, ticket: i64, by: Actor, rating: Rating, comment: Option<&str>) {
        let update = AgentUpdate::of_rating(by, Via::Cli, rating, comment);
        agent::update(self.daemon.app(), TicketId(ticket), &update).await.unwrap();
        self.run().await;
    }

    async fn ticket(&self, id: i64) -> Ticket {
        self.store().ticket(TicketId(id)).await.unwrap().unwrap()
    }

    fn store(&self) -> &Store {
        self.daemon.store()
    }

    fn sent(&self) -> usize {
        self.sim.sent().iter().filter(|sent| matches!(sent.kind, SentKind::Post | SentKind::Dm)).count()
    }

    async fn assert_replays(&self, ticket: i64) {
        let rules = Arc::new((**self.daemon.rules()).clone());
        let replay =
            replay::replay(self.store(), Viewer::Owner, &rules, TicketId(ticket), None, By::Then).await.unwrap();
        assert!(!replay.runs.is_empty() && replay.runs.iter().all(|run| run.agrees), "ticket {ticket}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_a_rating_and_opens_nothing() {
    let desk = Desk::new().await;
    let first = desk.post("mira", "where is my parcel", None).await;
    desk.apply("Solve", 1).await;
    let asked = desk.ticket(1).await;
    assert_eq!((asked.satisfaction, desk.sent()), (Some(Satisfaction::Offered), 1));
    assert!(asked.satisfaction_offered.is_some() && asked.satisfaction_rated.is_none());

    desk.post("mira", "Gut!", Some(&first)).await;
    let rated = desk.ticket(1).await;
    assert_eq!((rated.satisfaction, rated.satisfaction_by), (Some(Satisfaction::Good), Some(RatedBy::Requester)));
    assert_eq!((rated.status, rated.reopens, rated.waiting_since), (Status::Solved, 0, asked.waiting_since));
    assert_eq!(rated.comments, asked.comments + 1, "it is in the conversation");
    assert_eq!(rated.requester.satisfaction, Some(Rating::Good));
    let comments = desk.store().comments(TicketId(1)).await.unwrap();
    assert_eq!(comments.last().unwrap().rating, Some(Rating::Good));

    // Answered once: the next is a message like any other.
    desk.post("mira", "bad", Some(&first)).await;
    let reopened = desk.ticket(1).await;
    assert_eq!((reopened.satisfaction, reopened.status), (Some(Satisfaction::Good), Status::Open));
    assert!(reopened.tags.contains("again") && !reopened.tags.contains("unhappy"));
    // And asked once.
    desk.apply("Solve", 1).await;
    assert_eq!((desk.ticket(1).await.satisfaction, desk.sent()), (Some(Satisfaction::Good), 1));
    desk.apply("Ask again", 1).await;
    let cleared = desk.ticket(1).await;
    assert_eq!((cleared.satisfaction, cleared.satisfaction_rated, cleared.satisfaction_by), (None, None, None));
    assert_eq!(cleared.requester.satisfaction, Some(Rating::Good), "the person has said so");
    desk.assert_replays(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_else_is_an_ordinary_message() {
    let desk = Desk::new().await;
    let first = desk.post("mira", "where is my parcel", None).await;
    desk.apply("Solve", 1).await;
    desk.post("mira", "good, but it is still not here", Some(&first)).await;
    let ticket = desk.ticket(1).await;
    assert_eq!((ticket.satisfaction, ticket.status), (Some(Satisfaction::Offered), Status::Open));
    // It is still asked for, so the answer counts; it closes no wait for an answer.
    desk.post("mira", "schlecht", Some(&first)).await;
    let rated = desk.ticket(1).await;
    assert_eq!((rated.satisfaction, rated.waiting_since), (Some(Satisfaction::Bad), ticket.waiting_since));
    assert!(rated.tags.contains("unhappy"), "rules see the change");
    // The next ticket knows how the last one ended.
    desk.post("mira", "another thing", None).await;
    assert!(desk.ticket(2).await.priority.is_some());
    desk.post("sven", "hello", None).await;
    assert!(desk.ticket(3).await.priority.is_none(), "somebody else");
    for ticket in 1..=3 {
        desk.assert_replays(ticket).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_not_delivered_was_not_asked() {
    let desk = Desk::new().await;
    let first = desk.post("mira", "where is my parcel", None).await;
    let update = |title: &str| {
        let rules = desk.daemon.rules();
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Cli, found)
    };
    // Withdrawn before it is sent, and sent after all.
    agent::update(desk.daemon.app(), TicketId(1), &update("Solve")).await.unwrap();
    let asking = desk.ticket(1).await;
    assert_eq!((asking.satisfaction, asking.satisfaction_offered), (Some(Satisfaction::Asking), None));
    let item = desk.store().outgoing(TicketId(1)).await.unwrap()[0].id;
    let act = |act| desk.store().intervene(Viewer::Owner, item, act, "owner", None, desk.daemon.clock().now());
    act(twite::desk::Act::Withdraw).await.unwrap();
    let withdrawn = desk.ticket(1).await;
    assert_eq!((withdrawn.satisfaction, withdrawn.satisfaction_offered), (Some(Satisfaction::Undelivered), None));
    act(twite::desk::Act::Resend).await.unwrap();
    assert_eq!(desk.ticket(1).await.satisfaction, Some(Satisfaction::Asking));
    act(twite::desk::Act::Withdraw).await.unwrap();
    desk.post("mira", "good", Some(&first)).await;
    let ticket = desk.ticket(1).await;
    assert_eq!((ticket.satisfaction, ticket.status), (Some(Satisfaction::Undelivered), Status::Open), "nobody asked");
    assert_eq!(desk.sent(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_x_refuses_is_asked_again_only_when_somebody_says_so() {
    let desk = Desk::with(&RULES.replace("status changed to solved and", "status is solved and")).await;
    let first = desk.post("mira", "where is my parcel", None).await;
    let forbidden =
        r#"{"title": "Forbidden", "status": 403, "detail": "You are not permitted to perform this action."}"#;
    desk.sim.fault(Fault::on("POST /2/tweets").times(1).answer(403, forbidden)).unwrap();
    desk.apply("Solve", 1).await;
    let refused = desk.ticket(1).await;
    assert_eq!((refused.satisfaction, refused.satisfaction_offered), (Some(Satisfaction::Undelivered), None));
    // What happens next asks nobody.
    desk.apply("Solve", 1).await;
    desk.apply("Ask", 1).await;
    assert_eq!(desk.sent(), 0);
    assert_eq!(desk.store().outgoing(TicketId(1)).await.unwrap().len(), 1, "one question");
    desk.apply("Ask again", 1).await;
    let asked = desk.ticket(1).await;
    assert_eq!((asked.satisfaction, desk.sent()), (Some(Satisfaction::Offered), 1));
    desk.post("mira", "good", Some(&first)).await;
    assert_eq!(desk.ticket(1).await.satisfaction, Some(Satisfaction::Good));
    desk.assert_replays(1).await;
}

/// X publishes the question, but its answer is lost, and nothing is looked up yet.
async fn lost(desk: &Desk) {
    desk.post("mira", "where is my parcel", None).await;
    desk.sim.fault(Fault::on("POST /2/tweets").cut(Cut::After)).unwrap();
    let rules = desk.daemon.rules();
    let solve = rules.macros.iter().find(|m| m.title == "Solve").unwrap();
    let update = AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Cli, solve);
    agent::update(desk.daemon.app(), TicketId(1), &update).await.unwrap();
    assert!(desk.daemon.send_next().await.unwrap());
    let asking = desk.ticket(1).await;
    assert_eq!((asking.satisfaction, asking.satisfaction_offered, desk.sent()), (Some(Satisfaction::Asking), None, 1));
}

/// Takes in what the requester of the first ticket writes some minutes after the question, before anything else happens.
async fn answer(desk: &Desk, text: &str, minutes: u64) {
    let store = desk.store();
    let first = store.comments(TicketId(1)).await.unwrap()[0].source.x_id().unwrap().to_string();
    let (account, author) = (store.accounts().await.unwrap()[0].id.clone(), desk.ticket(1).await.requester.id.unwrap());
    let id = desk.sim.sent().last().unwrap().id.parse::<u64>().unwrap() + ((minutes * 60_000) << 22);
    let made = id.to_string().parse::<XId>().unwrap().made_at_millis().unwrap();
    let made = Timestamp::from_millisecond(made).unwrap();
    let line = format!(
        r#"{{"data":{{"id":"{id}","author_id":"{author}","conversation_id":"{first}","text":"@acme {text}","created_at":"{made}","referenced_tweets":[{{"type":"replied_to","id":"{first}"}}],"entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},"includes":{{"users":[{{"id":"{author}","username":"mira","name":"Mira"}}]}}}}"#
    );
    desk.daemon.feed(&account, vec![decode_line(&line).unwrap()]).await.unwrap();
    while desk.daemon.take_next().await.unwrap() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_may_have_arrived_is_answered() {
    let desk = Desk::new().await;
    lost(&desk).await;
    answer(&desk, "Gut!", 1).await;
    let rated = desk.ticket(1).await;
    assert_eq!((rated.satisfaction, rated.status), (Some(Satisfaction::Good), Status::Solved));
    assert!(rated.satisfaction_offered.is_some() && rated.satisfaction_offered <= rated.satisfaction_rated);
    assert_eq!(invariant::broken(&rated), []);
    // It is found later, which changes nothing.
    desk.run().await;
    let found = desk.ticket(1).await;
    assert_eq!((found.satisfaction, found.satisfaction_offered), (rated.satisfaction, rated.satisfaction_offered));
    assert_eq!(found.comments, 3, "question and answer");
    assert_eq!(desk.store().outgoing(TicketId(1)).await.unwrap()[0].state, "sent");
    desk.assert_replays(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_withdrawn_too_late_is_answered() {
    let desk = Desk::new().await;
    lost(&desk).await;
    let item = desk.store().outgoing(TicketId(1)).await.unwrap()[0].id;
    let now = desk.daemon.clock().now();
    desk.store().intervene(Viewer::Owner, item, twite::desk::Act::Withdraw, "owner", None, now).await.unwrap();
    assert_eq!(desk.ticket(1).await.satisfaction, Some(Satisfaction::Undelivered));
    answer(&desk, "not good", 1).await;
    let ticket = desk.ticket(1).await;
    assert_eq!((ticket.satisfaction, ticket.status), (Some(Satisfaction::Undelivered), Status::Open), "no rating");
    answer(&desk, "bad", 2).await;
    let rated = desk.ticket(1).await;
    assert_eq!((rated.satisfaction, rated.waiting_since), (Some(Satisfaction::Bad), ticket.waiting_since));
    desk.assert_replays(1).await;
}

/// It waits for X, and other things happen meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_counts_from_its_delivery() {
    let desk = Desk::with(&RULES.replace("status changed to solved and", "status is solved and")).await;
    let first = desk.post("mira", "where is my parcel", None).await;
    let update = |title: &str| {
        let rules = desk.daemon.rules();
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Cli, found)
    };
    for _ in 0..2 {
        agent::update(desk.daemon.app(), TicketId(1), &update("Solve")).await.unwrap();
    }
    let asking = desk.ticket(1).await;
    assert_eq!((asking.satisfaction, asking.satisfaction_offered), (Some(Satisfaction::Asking), None));
    assert_eq!(desk.store().outgoing(TicketId(1)).await.unwrap().len(), 1, "asked once");
    // Written after it was decided, and before it is delivered.
    let early = NewPost {
        by: "mira".into(),
        text: "@acme good".into(),
        in_reply_to: Some(first.clone()),
        ..NewPost::default()
    };
    desk.sim.post(&early).unwrap();
    desk.run().await;
    let asked = desk.ticket(1).await;
    let delivered = desk.sim.sent().last().unwrap().id.parse::<XId>().unwrap().made_at_millis();
    assert_eq!(asked.satisfaction_offered.map(|at| at.as_millisecond()), delivered, "by X's clock");
    assert_eq!(invariant::broken(&asked), []);
    desk.post("mira", "good", Some(&first)).await;
    assert_eq!(desk.ticket(1).await.satisfaction, Some(Satisfaction::Good));
    desk.assert_replays(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rating_says_whose_it_is() {
    let desk = Desk::new().await;
    for text in ["one", "two", "three"] {
        desk.post("mira", text, None).await;
    }
    desk.rate(1, Actor::Owner, Rating::Bad, Some("It took {{ticket.id}} days")).await;
    let ticket = desk.ticket(1).await;
    assert_eq!(ticket.satisfaction_by, Some(RatedBy::Requester), "it came another way");
    assert_eq!(ticket.satisfaction_comment.as_deref(), Some("It took {{ticket.id}} days"), "as it was written");
    assert!(ticket.tags.contains("unhappy"));
    desk.rate(2, Actor::Agent("Ana".into()), Rating::Good, None).await;
    assert_eq!(desk.ticket(2).await.satisfaction_by, Some(RatedBy::Agent));
    desk.apply("Say so", 2).await;
    let ticket = desk.ticket(2).await;
    assert_eq!((ticket.satisfaction, ticket.satisfaction_by), (Some(Satisfaction::Bad), Some(RatedBy::Agent)));
    desk.apply("Solve", 3).await;

    let rules = desk.daemon.rules();
    let now = desk.daemon.clock().now();
    let table = reports::run(desk.store(), Viewer::Owner, &rules.reports[0], &rules.desk, now).await.unwrap();
    assert_eq!(table.total.values, [Some(3.0), Some(0.0), Some(0.0)], "of two, none good; of one, none answered");
    desk.post("mira", "gut", None).await;
    for ticket in 1..=3 {
        desk.assert_replays(ticket).await;
    }
}
