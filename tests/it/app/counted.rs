//! An agent's reply counts from the moment it is written, until it is known not to arrive.

use jiff::SignedDuration;
use twite::{
    app::agent::{self, AgentUpdate},
    desk::{Act, Actor, Reason, ReasonKind, Status, Ticket, TicketId, Via, Viewer, XId, invariant},
    sim::SimHandle,
    store::{Next, Receiver, Store},
    x::wire::decode_line,
};

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};

const RULES: &str = r#"
macro "Answer" { then reply "Look here." }
macro "Both" { then note "called" reply "Look here." }
macro "Parts" { then reply "Look here." reply "And there." }
automation "Unanswered" { when replies is 0 and time since created >= 1 minutes then add tags unanswered }
"#;

/// What happens to the only item in the outbox.
#[derive(Debug, Clone, Copy)]
enum Step {
    Refused,
    Lost,
    Unknown,
    Withdrawn,
    Resent,
    Sent,
    /// The poll of own posts finds the reply.
    Echoed,
}

async fn step(sim: &SimHandle, daemon: &twite::daemon::Daemon, account: &XId, step: Step) {
    let (store, now) = (daemon.store(), sim.now());
    let claim = async || store.claim(&"posts/acme".parse().unwrap(), now).await.unwrap().unwrap();
    let reason = Reason::new(ReasonKind::Gone, "no");
    let next = match step {
        Step::Refused => Next::Refused,
        Step::Lost => Next::LookUp(now),
        Step::Unknown => Next::Unknown,
        Step::Withdrawn | Step::Resent => {
            let act = if matches!(step, Step::Withdrawn) { Act::Withdraw } else { Act::Resend };
            store.intervene(Viewer::Owner, 1, act, "ana", None, now).await.unwrap();
            return;
        }
        Step::Sent => {
            store.sent(&claim().await, Some(&"77".parse().unwrap()), "", None, now).await.unwrap();
            return;
        }
        Step::Echoed => {
            let line = format!(
                r#"{{"data":{{"id":"78","author_id":"{account}","conversation_id":"10","text":"@p1 Look here.","created_at":"{now}",
                   "referenced_tweets":[{{"type":"replied_to","id":"10"}}]}}}}"#
            );
            daemon.feed(account, vec![decode_line(&line.replace('\n', " ")).unwrap()]).await.unwrap();
            while daemon.take_next().await.unwrap() {}
            return;
        }
    };
    store.not_sent(&claim().await, next, &reason, &Receiver::Untried, now).await.unwrap();
}

async fn ticket(store: &Store) -> Ticket {
    store.ticket(TicketId(1)).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_counts_unless_it_is_known_not_to_have_arrived() {
    use Step::{Echoed, Lost, Refused, Resent, Sent, Unknown, Withdrawn};
    // Macro, what happens to its first reply, and whether that reply counts afterwards.
    let cases: &[(&str, &[Step], bool)] = &[
        ("Answer", &[], true),
        ("Answer", &[Refused], false),
        ("Answer", &[Withdrawn], false),
        ("Answer", &[Lost], true),
        ("Answer", &[Lost, Unknown], true),
        ("Answer", &[Lost, Refused], false),
        ("Answer", &[Lost, Unknown, Withdrawn], false),
        ("Answer", &[Refused, Resent], true),
        ("Answer", &[Refused, Resent, Sent], true),
        ("Answer", &[Withdrawn, Resent, Refused], false),
        ("Answer", &[Sent], true),
        ("Answer", &[Lost, Echoed], true),
        ("Answer", &[Lost, Withdrawn, Echoed], true),
        ("Both", &[], true),
        ("Both", &[Refused], false),
        ("Both", &[Sent], true),
        ("Parts", &[], true),
        ("Parts", &[Refused], false),
        ("Parts", &[Sent], true),
    ];
    for (title, steps, counts) in cases {
        let what = format!("{title}: {steps:?}");
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        let (daemon, accounts) =
            inside::daemon(directory.path(), &sim, &["acme"], RULES, "[[agent]]\nname = \"Ana\"\n").await;
        let now = sim.now();
        let line = format!(
            r#"{{"data":{{"id":"10","author_id":"1","conversation_id":"10","text":"@acme help","created_at":"{now}"}},
               "includes":{{"users":[{{"id":"1","username":"p1","name":"P"}}]}}}}"#
        );
        daemon.feed(&accounts[0], vec![decode_line(&line.replace('\n', " ")).unwrap()]).await.unwrap();
        while daemon.take_next().await.unwrap() {}
        let (store, rules) = (daemon.store(), daemon.rules());
        let found = rules.macros.iter().find(|m| m.title == *title).unwrap();
        let update = AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Cli, found);
        agent::update(daemon.app(), TicketId(1), &update).await.unwrap();
        let said = ticket(store).await;
        for one in *steps {
            step(&sim, &daemon, &accounts[0], *one).await;
        }
        let left = ticket(store).await;
        let (notes, parts) = (i64::from(*title == "Both"), i64::from(*title == "Parts"));
        let replies = i64::from(*counts) + parts;
        assert_eq!((left.replies, left.comments), (replies, 1 + notes + replies), "{what}");
        assert_eq!(left.first_reply, said.first_reply.filter(|_| replies > 0), "{what}");
        assert_eq!(left.waiting_since.is_some(), replies == 0, "{what}");
        assert_eq!((said.last_replier.as_deref(), left.last_replier.is_some()), (Some("Ana"), replies > 0), "{what}");
        let public = match (*title, *counts) {
            ("Parts", _) if !steps.iter().any(|step| matches!(step, Sent)) => "And there.",
            (_, true) => "Look here.",
            _ => "@acme help",
        };
        let heard = left.latest_public_comment.as_deref().unwrap().trim_start_matches("@p1 ");
        assert_eq!(heard, public, "{what}");
        assert_eq!((left.agent_touches, left.status), (said.agent_touches, Status::Open), "{what}");
        assert_eq!(invariant::broken(&left), [], "{what}");
        // The automation for tickets without a reply sees the same count.
        daemon.clock().reached(now.checked_add(SignedDuration::from_mins(5)).unwrap());
        while daemon.evaluate_next().await.unwrap() {}
        assert_eq!(ticket(store).await.tags.contains("unanswered"), replies == 0, "{what}");
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_refused_after_a_merge_changes_nothing_on_the_other_ticket() {
    let merge = "macro \"Merge\" { then merge into earlier ticket }\nmacro \"Note\" { then note \"called\" }";
    let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
    let (daemon, accounts) = inside::daemon(directory.path(), &sim, &["acme"], &format!("{RULES}{merge}"), "").await;
    let (store, rules, now) = (daemon.store(), daemon.rules(), sim.now());
    for post in [10, 20] {
        let line = format!(
            r#"{{"data":{{"id":"{post}","author_id":"1","conversation_id":"{post}","text":"@acme help","created_at":"{now}"}},
               "includes":{{"users":[{{"id":"1","username":"p1","name":"P"}}]}}}}"#
        );
        daemon.feed(&accounts[0], vec![decode_line(&line.replace('\n', " ")).unwrap()]).await.unwrap();
        while daemon.take_next().await.unwrap() {}
    }
    let later = |seconds| now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    for title in ["Note", "Answer", "Merge"] {
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        let update = AgentUpdate::of_macro(Actor::Owner, Via::Cli, found);
        agent::update(daemon.app(), TicketId(2), &update).await.unwrap();
    }
    let before = ticket(store).await;
    let now = later(10);
    let item = store.claim(&"posts/acme".parse().unwrap(), now).await.unwrap().unwrap();
    store.not_sent(&item, Next::Refused, &Reason::new(ReasonKind::Gone, "no"), &Receiver::Works, now).await.unwrap();
    assert_eq!(ticket(store).await, before);
    let merged = store.ticket(TicketId(2)).await.unwrap().unwrap();
    assert_eq!((merged.replies, merged.first_reply, merged.comments), (0, None, 1), "the note stays");
}
