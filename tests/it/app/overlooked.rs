//! A message that was written before somebody set the ticket aside, and read after it, is not overlooked.

use super::actions::Desk;
use twite::desk::Status;

const RULES: &str = r#"
macro "Solve" { then set status to solved }
macro "Wait" { then set status to pending }
macro "Open" { then set status to open }
trigger "Done" {
  on updated
  when comment.text contains "post 30"
  then set status to solved
}
automation "Silent" {
  when status is open and time since status_changed >= 10 minutes
  then set status to solved
}
"#;

/// A desk with one ticket, opened at 9:00.
async fn desk() -> Desk {
    let desk = Desk::declared("", RULES).await;
    desk.post(10, 1, 10, "2026-01-05T09:00:00Z").await;
    desk.until("2026-01-05T09:01:00Z").await;
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_could_not_know_opens_the_ticket_again() {
    for (done, reopens) in [("Solve", 1), ("Wait", 0)] {
        let desk = desk().await;
        desk.apply(done, 1).await.unwrap();
        // It was written half a minute before, and is read now.
        desk.post(20, 1, 10, "2026-01-05T09:00:30Z").await;
        let ticket = desk.ticket(1).await;
        assert_eq!((ticket.status, ticket.reopens, ticket.comments), (Status::Open, reopens, 2), "{done}");
        assert!(ticket.waiting_since.is_some() && ticket.solved.is_none(), "{ticket:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_automation_could_not_know_opens_the_ticket_again() {
    let desk = desk().await;
    desk.apply("Open", 1).await.unwrap();
    desk.until("2026-01-05T09:12:00Z").await;
    assert_eq!(desk.ticket(1).await.status, Status::Solved);
    desk.post(20, 1, 10, "2026-01-05T09:05:00Z").await;
    assert_eq!(desk.ticket(1).await.status, Status::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_made_of_a_message_does_not_depend_on_what_is_read_first() {
    let desk = desk().await;
    desk.post(30, 1, 10, "2026-01-05T09:00:50Z").await;
    assert_eq!(desk.ticket(1).await.status, Status::Solved);
    desk.post(20, 1, 10, "2026-01-05T09:00:30Z").await;
    assert_eq!(desk.ticket(1).await.status, Status::Solved, "as if it had been read first");
}
