//! No rules, messages or agents lead to an impossible ticket, and a described ticket that is impossible is an error.

use std::{collections::BTreeMap, fs};

use crate::support::owner::OwnerReads as _;
use crate::support::{
    generate::{self, now, rules, ticket},
    inside, simulator,
};
use assert_cmd::Command;
use proptest::prelude::*;
use twite::{
    desk::{Channel, Satisfaction, Status, Ticket, TicketId, given::Given, invariant::broken},
    engine::{changes, decide_plainly},
    sim::NewPerson,
    x::wire::decode_line,
};

/// The ticket, with contradictions removed.
fn possible(mut ticket: Ticket) -> Ticket {
    ticket.normalize(&generate::desk());
    for count in [&mut ticket.replies, &mut ticket.reopens, &mut ticket.agent_touches, &mut ticket.comments] {
        *count = (*count).clamp(0, 1 << 40);
    }
    let (person, post) = (&mut ticket.requester, &mut ticket.post);
    for count in [&mut person.tickets, &mut person.unsolved_tickets] {
        *count = (*count).clamp(0, 1 << 40);
    }
    let known = [&mut person.followers, &mut person.following, &mut person.tweets, &mut person.listed];
    let of_post =
        [&mut post.likes, &mut post.reposts, &mut post.replies, &mut post.links, &mut post.mentions, &mut post.length];
    for number in known.into_iter().chain(of_post) {
        number.take_if(|n| *n < 0);
    }
    if !matches!(ticket.channel, Channel::Twitter | Channel::TwitterLike) {
        ticket.post = Default::default();
    }
    ticket.requester.handle.get_or_insert("ana".into());
    ticket.solved.take_if(|_| ticket.status < Status::Solved);
    ticket.snoozed.take_if(|_| ticket.status != Status::Hold);
    ticket.assigned.take_if(|_| ticket.assignee.is_none());
    ticket.past_statuses.clear();
    // Something has just happened to it.
    ticket.created = ticket.created.min(now());
    ticket.previous_ticket.take_if(|previous| *previous >= ticket.created);
    ticket.updated = ticket.updated.max(ticket.created).max(now());
    ticket.status_changed = ticket.status_changed.clamp(ticket.created, ticket.updated);
    let replies = [&mut ticket.first_reply, &mut ticket.last_reply];
    let times = [&mut ticket.solved, &mut ticket.assigned, &mut ticket.requester_updated, &mut ticket.waiting_since];
    for time in times.into_iter().chain(replies) {
        *time = time.map(|time| time.clamp(ticket.created, ticket.updated));
    }
    let person = &mut ticket.requester;
    let mut opened: Vec<_> =
        [person.third_last_ticket, person.fifth_last_ticket, person.tenth_last_ticket].into_iter().flatten().collect();
    opened.sort_unstable_by(|one, other| other.cmp(one));
    let at_least = |n: i64, index: usize| opened.get(index).copied().filter(|_| person.tickets >= n);
    (person.third_last_ticket, person.fifth_last_ticket, person.tenth_last_ticket) =
        (at_least(3, 0), at_least(5, 1), at_least(10, 2));
    // A rating answers a question, if there was one.
    let is_asked = ticket.satisfaction.is_some_and(|satisfaction| !satisfaction.is_of_delivery());
    let rating = ticket.satisfaction.and_then(Satisfaction::rating);
    ticket.satisfaction_offered.take_if(|_| !is_asked);
    ticket.satisfaction_rated.take_if(|_| rating.is_none());
    ticket.satisfaction_by.take_if(|_| rating.is_none());
    ticket.satisfaction_comment.take_if(|_| rating.is_none());
    ticket.requester.satisfaction_rated.take_if(|_| ticket.requester.satisfaction.is_none());
    for time in [&mut ticket.satisfaction_offered, &mut ticket.satisfaction_rated] {
        *time = time.map(|time| time.clamp(ticket.created, now()));
    }
    ticket.satisfaction_rated =
        rating.map(|_| ticket.satisfaction_rated.max(ticket.satisfaction_offered).unwrap_or(now()));
    ticket.last_reply = ticket.last_reply.max(ticket.first_reply);
    if ticket.replies > 0 {
        ticket.last_reply.get_or_insert(ticket.updated);
    }
    if ticket.last_reply.is_none() {
        ticket.last_replier = None;
    }
    ticket.waiting_since.take_if(|since| Some(*since) <= ticket.last_reply);
    ticket.requester_updated = ticket.requester_updated.max(ticket.waiting_since);
    ticket.complete(Given::new(|name| ["created", "updated", "status_changed"].contains(&name)), now());
    ticket
}

proptest! {
    #[test]
    fn no_rules_lead_to_a_ticket_that_cannot_exist(
        rules in rules(6),
        (ticket, event) in ticket().prop_map(possible).prop_flat_map(|ticket| {
            generate::event(&ticket).prop_map(move |event| (ticket.clone(), event))
        }),
    ) {
        prop_assert_eq!(broken(&ticket), [], "before: {:#?}", ticket);
        let decision = decide_plainly(&rules, &ticket, &event, now());
        prop_assert_eq!(broken(&decision.ticket), [], "{:#?}", decision);
    }

    /// A decision compares only the fields that its actions can write: none may be missing among them.
    #[test]
    fn a_decision_tells_every_change(
        rules in rules(6),
        (ticket, event) in ticket().prop_map(possible).prop_flat_map(|ticket| {
            generate::event(&ticket).prop_map(move |event| (ticket.clone(), event))
        }),
    ) {
        let decision = decide_plainly(&rules, &ticket, &event, now());
        prop_assert_eq!(&decision.changes, &changes(&ticket, &decision.ticket, &rules.desk));
    }
}

/// The demo's conversations with typical rules, and the tickets before and after each decision.
#[tokio::test(flavor = "multi_thread")]
async fn no_message_leads_to_a_ticket_that_cannot_exist() {
    let sim = simulator().await;
    for (handle, id) in [("NorthwindHelp", "1480000000000007919"), ("NorthwindRail", "1480000000000015838")] {
        sim.make_user(&NewPerson { id: Some(id.to_owned()), ..NewPerson::named(handle) }).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let everything = r#"
trigger "Answer" {
  on created
  then
    reply "Thank you"
    add tags seen
    set status to pending
}
trigger "Solve" {
  on updated
  when comment.by_requester and replies >= 1
  then set status to solved
}
automation "Snooze" {
  when status is pending and time since status_changed >= 1 hour
  then snooze for 2 hours
}
automation "Close" {
  when status is solved and time since solved >= 1 day
  then set status to closed
}
"#;
    let handles = &["NorthwindHelp", "NorthwindRail"];
    let (daemon, ids) = inside::daemon(directory.path(), &sim, handles, everything, "").await;
    let lines = include_str!("../../../examples/conversations/northwind.ndjson").lines();
    for line in lines.filter(|line| line.starts_with("{\"data\"")) {
        daemon.feed(&ids[0], vec![decode_line(line).unwrap()]).await.unwrap();
        daemon.run_until_idle().await.unwrap();
    }
    let store = daemon.store();
    let (mut decisions, tickets) = (0, store.counts().await.unwrap().tickets);
    let mut counts: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for id in (1..=tickets).map(TicketId) {
        let ticket = store.ticket(id).await.unwrap().unwrap();
        let (all, unsolved) = counts.entry(ticket.requester.id).or_default();
        (*all, *unsolved) = (*all + 1, *unsolved + i64::from(ticket.status < Status::Solved));
    }
    for id in (1..=tickets).map(TicketId) {
        let ticket = store.ticket(id).await.unwrap().unwrap();
        assert_eq!(broken(&ticket), [], "{ticket:#?}");
        let requester = &ticket.requester;
        assert_eq!((requester.tickets, requester.unsolved_tickets), counts[&requester.id], "{requester:#?}");
        for recorded in store.decisions(id).await.unwrap() {
            let run = recorded.run.unwrap();
            assert_eq!(broken(&run.ticket), [], "before {}: {:#?}", recorded.id, run.ticket);
            decisions += 1;
        }
    }
    assert!(tickets >= 20 && decisions > tickets, "{decisions} decisions on {tickets} tickets");
    sim.stop().await;
}

/// Each line with its error message.
const LINES: &[(&str, &str)] = &[
    (r#"{"status": "open", "solved": "2026-01-01T00:00:00Z"}"#, "`solved` must be set"),
    (r#"{"status": "open", "assigned": "2026-01-01T00:00:00Z"}"#, "`assigned` must be set"),
    (r#"{"status": "open", "snoozed": "2026-01-01T00:00:00Z"}"#, "`snoozed` requires"),
    (r#"{"channel": "email", "requester": {"followers": 5}}"#, "X account"),
    (r#"{"channel": "web", "requester": {"verified": true}}"#, "X account"),
    (r#"{"channel": "api", "post": {"hashtags": ["fail"]}}"#, "can have a post"),
    (r#"{"channel": "twitter_dm", "post": {"likes": 2}}"#, "a direct message"),
    (r#"{"channel": "email", "requester": {"listed": 5}}"#, "(`/requester/listed`)"),
    // A number below its domain is reported at its own field, whatever else the ticket says.
    (r#"{"replies": -1}"#, "`replies` cannot be below 0 (`/replies`)"),
    (r#"{"replies": -1, "first_reply": "2026-01-01T00:00:00Z"}"#, "`replies` cannot be below 0 (`/replies`)"),
    (r#"{"reopens": -1}"#, "`reopens` cannot be below 0 (`/reopens`)"),
    (r#"{"agent_touches": -1}"#, "`agent_touches` cannot be below 0 (`/agent_touches`)"),
    (r#"{"comments": -1, "replies": 2}"#, "`comments` cannot be below 0 (`/comments`)"),
    (r#"{"requester": {"followers": -1}}"#, "(`/requester/followers`)"),
    (r#"{"requester": {"tweets": -1}}"#, "(`/requester/tweets`)"),
    (r#"{"post": {"likes": -1}}"#, "(`/post/likes`)"),
    (r#"{"requester": {"tickets": -1}}"#, "`requester.tickets` cannot be below 0 (`/requester/tickets`)"),
    (r#"{"requester": {"tickets": 1, "unsolved_tickets": 2}}"#, "must be one of the `requester.tickets`"),
    (r#"{"requester": {"tickets": 2, "unsolved_tickets": 0}}"#, "must be one of the `requester.tickets`"),
    (
        r#"{"status": "solved", "requester": {"tickets": 2, "unsolved_tickets": 2}}"#,
        "must be one of the `requester.tickets`",
    ),
    (r#"{"requester": {"tweets": -1}, "reopens": -1}"#, "(`/reopens`)"),
    (r#"{"requester": {"tweets": -1}, "reopens": -1}"#, "(`/requester/tweets`)"),
    (
        r#"{"created": "2026-01-02T00:00:00Z", "updated": "2026-01-01T00:00:00Z"}"#,
        "`created` cannot be after `updated`",
    ),
    (
        r#"{"created": "2026-01-02T00:00:00Z", "status_changed": "2026-01-01T00:00:00Z"}"#,
        "`status_changed` cannot be before `created`",
    ),
];

#[test]
fn whoever_describes_a_ticket_that_cannot_exist_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("twite.toml"), "[[account]]\nhandle = \"acme\"\n").unwrap();
    fs::write(at("a.twite"), "trigger \"x\" {\n  on created\n  then add tags b\n}\n").unwrap();
    for (line, said) in LINES {
        fs::write(at("tickets"), line).unwrap();
        let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
        twite.args(["eval", "--tickets", "tickets", "."]).current_dir(directory.path());
        let output = twite.output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && complaints.contains(said), "{line}: {complaints}");
        assert!(complaints.starts_with("tickets:1: impossible ticket: "), "{complaints}");
    }
}
