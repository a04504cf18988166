//! Problems and incidents: the tickets of a problem know when it is solved.

use std::sync::Arc;

use super::actions::Desk;
use crate::support::owner::OwnerReads as _;
use twite::{
    app::{
        agent::{self, AgentUpdate, NotDone},
        replay::{By, replay},
        ticket::sheet,
    },
    desk::{Actor, Effect, Status, TicketId, TicketType, Via, Viewer},
};

const RULES: &str = r#"
macro "It is one" { then set type to problem }
macro "It is none" { then set type to question }
macro "Of the first" { then set problem to 1 }
macro "Of the second" { then set problem to 2 }
macro "Of the third" { then set problem to 3 }
macro "Of none" { then clear problem }
macro "Solve" { then set status to solved }
macro "Open" { then set status to open }
macro "For Ben" { then assign to agent "Ben" }
view "Incidents" { where type is empty and status < closed  columns id, problem }
macro "Merge" { then merge into earlier ticket }
trigger "At once" { on updated when problem changed and problem_solved is set then add tags known }
automation "Tell" {
  when problem_solved is set and status < solved
  then
    note "it works again"
    set status to solved
}
"#;

const MORNING: &str = "2026-01-05T09:00:00Z";

async fn desk(tickets: u64) -> Desk {
    let desk =
        Desk::declared("[[agent]]\nname = \"Ana\"\n[[agent]]\nname = \"Ben\"\nsees = \"assigned\"\n", RULES).await;
    for n in 1..=tickets {
        desk.post(n * 10, n, n * 10, MORNING).await;
    }
    desk
}

async fn states(desk: &Desk) -> Vec<(Status, bool)> {
    let mut states = vec![];
    for id in 2..=4 {
        let ticket = desk.ticket(id).await;
        states.push((ticket.status, ticket.problem_solved.is_some()));
    }
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_know_when_their_problem_is_solved() {
    let desk = desk(4).await;
    desk.apply("It is one", 1).await.unwrap();
    desk.apply("Of the first", 2).await.unwrap();
    desk.apply("Of the first", 3).await.unwrap();
    desk.until("2026-01-05T09:10:00Z").await;
    assert_eq!(states(&desk).await, [(Status::New, false); 3], "nothing is solved");
    desk.apply("Solve", 1).await.unwrap();
    assert_eq!(desk.ticket(3).await.problem_solved, desk.ticket(1).await.solved);
    desk.until("2026-01-05T09:12:00Z").await;
    assert_eq!(states(&desk).await, [(Status::Solved, true), (Status::Solved, true), (Status::New, false)]);
    // A late one hears of it as well, and a problem that is open again is not solved.
    desk.apply("Of the first", 4).await.unwrap();
    assert!(desk.ticket(4).await.tags.contains("known"), "its triggers know at once");
    desk.apply("Open", 1).await.unwrap();
    assert_eq!(states(&desk).await, [(Status::Solved, false), (Status::Solved, false), (Status::New, false)]);
    desk.until("2026-01-05T09:14:00Z").await;
    assert_eq!(desk.ticket(4).await.status, Status::New);
    // Solved again, but 2 is of no problem, and 3 is told nothing twice.
    desk.apply("Of none", 2).await.unwrap();
    desk.apply("Solve", 1).await.unwrap();
    desk.until("2026-01-05T09:16:00Z").await;
    assert_eq!(states(&desk).await, [(Status::Solved, false), (Status::Solved, true), (Status::Solved, true)]);
    assert_eq!(desk.ticket(3).await.comments, 2, "the post and one note");
}

/// What came due on an incident in a downtime is evaluated after the update that the incident is told of.
#[tokio::test(flavor = "multi_thread")]
async fn incidents_are_not_evaluated_as_of_before_they_were_told() {
    let rules = format!(
        "{RULES}
automation \"Remind\" {{ when status is new and problem is set and time since created >= 1 hour  then note \"a day\" }}
"
    );
    let desk = Desk::declared("[[agent]]\nname = \"Ben\"\n", &rules).await;
    desk.post(10, 1, 10, MORNING).await;
    desk.post(20, 2, 20, MORNING).await;
    desk.apply("It is one", 1).await.unwrap();
    desk.apply("Of the first", 2).await.unwrap();
    desk.until("2026-01-05T09:10:00Z").await;
    // The daemon is down for three hours.
    desk.daemon.clock().reached("2026-01-05T12:10:00Z".parse().unwrap());
    desk.apply("Solve", 1).await.unwrap();
    desk.until("2026-01-05T12:11:00Z").await;
    let runs = desk.daemon.store().decisions(TicketId(2)).await.unwrap();
    let evaluated: Vec<_> = runs.iter().filter(|run| run.fired.contains(&"Tell".to_owned())).collect();
    assert_eq!(evaluated.iter().map(|run| run.now.to_string()).collect::<Vec<_>>(), ["2026-01-05T12:10:00Z"]);
    assert!(runs.iter().all(|run| run.fired != ["Remind"]), "not before it is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_problem_has_incidents() {
    let desk = desk(3).await;
    let refused = desk.apply("Of the second", 3).await.unwrap_err();
    assert!(matches!(refused, NotDone::NoProblem(TicketId(3), TicketId(2))), "{refused}");
    desk.apply("It is one", 2).await.unwrap();
    assert!(matches!(desk.apply("Of the second", 2).await.unwrap_err(), NotDone::NoProblem(..)), "not of itself");
    desk.apply("Of the second", 3).await.unwrap();
    desk.apply("Solve", 2).await.unwrap();
    assert!(desk.ticket(3).await.problem_solved.is_some());
    desk.apply("It is none", 2).await.unwrap();
    assert_eq!(desk.ticket(3).await.problem_solved, None, "what is no problem is none that is solved");
    // An agent cannot learn of tickets that they do not see.
    desk.apply("It is one", 2).await.unwrap();
    let rules = desk.daemon.rules();
    let found = rules.macros.iter().find(|m| m.title == "Of the second").unwrap();
    let update = AgentUpdate::of_macro(Actor::Agent("Ben".to_owned()), Via::Cli, found);
    let refused = agent::update(desk.daemon.app(), TicketId(1), &update).await.unwrap_err();
    assert!(matches!(refused, NotDone::Unknown(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_lists_its_incidents_and_takes_them_along() {
    let desk = desk(2).await;
    // Person 1 writes once more.
    desk.post(100, 1, 100, "2026-01-05T09:05:00Z").await;
    desk.post(110, 3, 110, "2026-01-05T09:06:00Z").await;
    desk.apply("It is one", 1).await.unwrap();
    desk.apply("It is one", 3).await.unwrap();
    desk.apply("Of the first", 2).await.unwrap();
    let sheet = sheet(desk.daemon.store(), Viewer::Owner, TicketId(1)).await.unwrap().unwrap();
    assert_eq!(sheet.links, [(TicketId(2), "incident".to_owned())]);
    // The requester's earlier problem takes over the incidents of the later one.
    desk.apply("Of the third", 4).await.unwrap();
    desk.apply("Merge", 3).await.unwrap();
    assert_eq!(desk.ticket(4).await.problem, Some(TicketId(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_over_a_problem_is_the_problem() {
    let desk = desk(2).await;
    desk.post(100, 1, 100, "2026-01-05T09:05:00Z").await;
    desk.post(110, 3, 110, "2026-01-05T09:06:00Z").await;
    desk.apply("It is one", 3).await.unwrap();
    for incident in [1, 4] {
        desk.apply("Of the third", incident).await.unwrap();
    }
    desk.apply("Merge", 3).await.unwrap();
    let target = desk.ticket(1).await;
    assert_eq!((target.kind, target.problem, target.problem_solved), (Some(TicketType::Problem), None, None));
    assert_eq!(desk.ticket(4).await.problem, Some(TicketId(1)));
    desk.apply("Solve", 1).await.unwrap();
    assert!(desk.ticket(4).await.problem_solved.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_make_incidents_of_problems_only() {
    let rules = format!(
        "{RULES}
trigger \"Known\" {{ on created when description contains \"post 2\"  then set problem to 1 }}
trigger \"Itself\" {{ on created when description contains \"post 30\"  then set type to problem set problem to 4 }}
automation \"Later\" {{ when status is open and problem is empty  then set problem to 100 }}
"
    );
    let desk = Desk::declared("[[agent]]\nname = \"Ben\"\n", &rules).await;
    for (id, person) in [(10, 1), (20, 2)] {
        desk.post(id, person, id, MORNING).await;
    }
    assert_eq!(desk.ticket(2).await.problem, None);
    desk.apply("It is one", 1).await.unwrap();
    for (id, person) in [(21, 3), (30, 4)] {
        desk.post(id, person, id, MORNING).await;
    }
    assert_eq!(desk.ticket(3).await.problem, Some(TicketId(1)));
    assert_eq!(desk.ticket(4).await.problem, None);
    desk.apply("Open", 2).await.unwrap();
    desk.until("2026-01-05T09:02:00Z").await;
    assert_eq!(desk.ticket(2).await.problem, None);
    // What became of each is kept with the rule, and told by `why`.
    let rules = Arc::new((**desk.daemon.rules()).clone());
    let mut told = vec![];
    for ticket in 1..=4 {
        let replay =
            replay(desk.daemon.store(), Viewer::Owner, &rules, TicketId(ticket), None, By::Then).await.unwrap();
        assert!(replay.runs.iter().all(|run| run.agrees));
        for item in replay.runs.into_iter().flat_map(|run| run.outgoing) {
            assert_eq!(item.reason.as_deref(), Some("no other ticket with that number has the type `problem`"));
            told.push((ticket, item.rule.unwrap(), item.effect, item.state));
        }
    }
    let told: Vec<_> = told.iter().map(|(ticket, rule, effect, state)| (*ticket, &**rule, effect, &**state)).collect();
    let of = |problem| Effect::Incident { problem: TicketId(problem) };
    assert_eq!(
        told,
        [(2, "Known", &of(1), "refused"), (2, "Later", &of(100), "refused"), (4, "Itself", &of(4), "refused"),]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_shown_to_who_sees_it() {
    let desk = desk(2).await;
    desk.apply("It is one", 1).await.unwrap();
    desk.apply("Solve", 1).await.unwrap();
    desk.apply("Of the first", 2).await.unwrap();
    desk.apply("For Ben", 2).await.unwrap();
    let rules = desk.daemon.rules();
    let now = desk.daemon.clock().now();
    for (name, expected) in [("Ana", Some(TicketId(1))), ("Ben", None)] {
        let viewer = Viewer::agent(&rules.desk, name).unwrap();
        let mut seen = vec![sheet(desk.daemon.store(), viewer, TicketId(2)).await.unwrap().unwrap().ticket];
        let mut snapshot = desk.daemon.store().snapshot(viewer).await.unwrap();
        seen.extend(snapshot.view(&rules.views[0], &rules.desk, now, 10, 0).await.unwrap());
        snapshot.close().await.unwrap();
        assert_eq!(seen.len(), 2);
        for ticket in seen {
            assert_eq!((ticket.problem, ticket.problem_solved.is_some()), (expected, expected.is_some()), "{name}");
        }
    }
}
