//! `serve --verify` covers every kind of decision: a wrong matcher is reported, and the plain evaluator's result is
//! used.

use std::{path::Path, sync::Arc};

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::SignedDuration;
use twite::{
    app::{
        Notice,
        agent::{self, AgentUpdate},
    },
    daemon::Daemon,
    desk::{Actor, Facts, TicketId, Via},
    engine::{Decider, Matcher, Open, next_minute},
    sim::SimHandle,
    x::wire::decode_line,
};

/// One trigger for each kind of decision; it adds a tag.
const RULES: &str = r#"
trigger "new" { on created then add tags new }
trigger "update" { on updated when comment.text contains "more" then add tags update }
trigger "edit" { on updated when comment.text contains "edited" then add tags edit }
trigger "macro" { on updated when status changed to hold then add tags macro }
trigger "automation" { on updated when priority changed to urgent then add tags automation }
trigger "wake" { on updated when status changed from hold then add tags wake }

macro "Wait" { then snooze for 30 minutes }

automation "Old" {
  when time since created >= 2 hours
  runs triggers
  then set priority to urgent
}
"#;

/// A matcher that finds nothing.
struct Blind;

impl Matcher for Blind {
    fn next(&mut self, _: usize, _: &Open<'_>, _: Facts<'_>) -> Option<usize> {
        None
    }
}

async fn daemon(directory: &Path, sim: &SimHandle, decider: Decider) -> Daemon {
    let (daemon, _) = inside::daemon(directory, sim, &["acme"], RULES, "").await;
    Arc::into_inner(daemon).unwrap().deciding(decider)
}

/// Takes in a post of Kim's, posted this many minutes after midnight.
async fn post(daemon: &Daemon, version: u32, text: &str, minute: u32) {
    // Versions from the second on are edits of the second post.
    let history = match version {
        0..=1 => format!("[\"{version}\"]"),
        _ => format!("[\"2\",\"{version}\"]"),
    };
    let line = format!(
        r#"{{"data":{{"id":"{version}","author_id":"17","conversation_id":"1","text":"@acme {text}","created_at":"2026-03-06T00:{minute:02}:00Z","edit_history_tweet_ids":{history},"entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},"includes":{{"users":[{{"id":"17","username":"kim","name":"Kim"}}]}}}}"#
    );
    let account = daemon.store().accounts().await.unwrap()[0].id.clone();
    daemon.feed(&account, vec![decode_line(&line).unwrap()]).await.unwrap();
    while daemon.take_next().await.unwrap() {}
}

/// Advances the clock minute by minute and evaluates automations.
async fn pass(daemon: &Daemon, minutes: i64) {
    let until = daemon.clock().furthest() + SignedDuration::from_mins(minutes);
    while daemon.clock().furthest() < until {
        daemon.clock().reached(next_minute(daemon.clock().furthest()));
        while daemon.evaluate_next().await.unwrap() {}
    }
}

fn disagreements(notices: impl IntoIterator<Item = Notice>) -> usize {
    notices.into_iter().filter(|notice| matches!(notice, Notice::Disagree { .. })).count()
}

#[tokio::test]
async fn every_kind_of_decision_is_verified() {
    let index = Decider::default();
    let blind = index.by(|_| Box::new(Blind));
    // Decider, whether it reports disagreements, and whether triggers fire.
    for (decider, tells, fires) in
        [(blind.verifying(1), true, true), (blind, false, false), (index.verifying(1), false, true)]
    {
        let directory = tempfile::tempdir().unwrap();
        let sim = simulator().await;
        let daemon = daemon(directory.path(), &sim, decider).await;
        let mut notices = daemon.notices().listen();
        let mut tags: Vec<String> = vec![];
        for what in ["new", "update", "edit", "macro", "wake", "automation"] {
            match what {
                "new" => post(&daemon, 1, "hello", 0).await,
                "update" => post(&daemon, 2, "more", 1).await,
                "edit" => post(&daemon, 3, "edited", 2).await,
                "macro" => {
                    let rules = daemon.rules();
                    let (id, update) = (TicketId(1), AgentUpdate::of_macro(Actor::Owner, Via::Cli, &rules.macros[0]));
                    let mut own = daemon.notices().listen();
                    agent::preview(daemon.app(), id, &update).await.unwrap();
                    let previewed = disagreements(std::iter::from_fn(|| own.try_recv().ok()));
                    agent::update(daemon.app(), id, &update).await.unwrap();
                    let done = disagreements(std::iter::from_fn(|| own.try_recv().ok()));
                    assert_eq!((previewed > 0, done > 0), (tells, tells));
                    assert_eq!(previewed, done);
                }
                "wake" => pass(&daemon, 40).await,
                _ => pass(&daemon, 120).await,
            }
            let told = std::iter::from_fn(|| notices.try_recv().ok());
            assert_eq!(disagreements(told) > 0, tells, "{what}");
            let ticket = daemon.store().ticket(TicketId(1)).await.unwrap().unwrap();
            if fires {
                tags.push(what.to_owned());
                tags.sort();
            }
            assert_eq!(ticket.tags.into_iter().collect::<Vec<_>>(), tags, "{what}");
        }
        daemon.store().close().await;
    }
}
