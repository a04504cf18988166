//! What is done at X besides answering: likes, hides, mutes, blocks.

use std::sync::Arc;

use twite::{
    app::agent::{self, AgentUpdate},
    daemon::Daemon,
    desk::{Actor, ReasonKind, TicketId, Via},
    sim::{Fault, NewPerson, NewPost, SentKind, SimHandle},
};

use crate::support::{inside, owner::OwnerReads as _, simulator};

const ACCOUNT: &str = "edition = \"suite\"\n[[account]]\nhandle = \"acme\"\nallow_actions = true\n";

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new(rules: &str) -> Self {
        Self::declared(rules, ACCOUNT).await
    }

    async fn declared(rules: &str, declared: &str) -> Self {
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        sim.make_user(&NewPerson::named("mira")).unwrap();
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, declared).await;
        Self { sim, daemon, _directory: directory }
    }

    fn mention(&self, text: &str) -> String {
        self.sim.post(&NewPost { by: "mira".into(), text: format!("@acme {text}"), ..NewPost::default() }).unwrap()
    }

    async fn outgoing(&self, ticket: i64) -> Vec<(String, Option<ReasonKind>)> {
        self.daemon.run_until_idle().await.unwrap();
        let left = self.daemon.store().outgoing(TicketId(ticket)).await.unwrap();
        left.into_iter().map(|left| (left.state, left.reason_kind)).collect()
    }

    /// The posts that were liked or hidden.
    fn done(&self, kind: SentKind) -> Vec<String> {
        self.sim.sent().into_iter().filter(|sent| sent.kind == kind).map(|sent| sent.id).collect()
    }
}

fn sent(times: usize) -> Vec<(String, Option<ReasonKind>)> {
    vec![("sent".to_owned(), None); times]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_acts_about_the_post_and_its_author() {
    let desk = Desk::new(
        r#"
trigger "Praise" { on created when description contains "love" then like the post }
trigger "Spam" { on created when description contains "crypto" then mute requester block requester }
trigger "Again" { on created when description contains "sorry" then unmute requester unblock requester }
"#,
    )
    .await;
    let post = desk.mention("I love it");
    assert_eq!(desk.outgoing(1).await, sent(1));
    assert_eq!(desk.done(SentKind::Like), [post]);
    desk.mention("free crypto");
    assert_eq!(desk.outgoing(2).await, sent(2));
    desk.mention("sorry");
    assert_eq!(desk.outgoing(3).await, sent(2));
    let comments = desk.daemon.store().comments(TicketId(2)).await.unwrap();
    assert_eq!(comments.len(), 1, "an action is no comment");
}

/// What X does for an answer that is lost is done again, which changes nothing; what it refuses is told once, and
/// does not keep replies from being sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_x_refuses_is_no_obstacle_to_replies() {
    let desk = Desk::new(
        r#"
trigger "Praise" { on created when description contains "love" then like the post }
trigger "Rude" { on created when description contains "rude" then hide the post }
trigger "Answer" { on created then reply "Thank you" }
"#,
    )
    .await;
    desk.sim.fault(Fault::on("POST /2/users/:id/likes").times(3).answer(502, "")).unwrap();
    desk.mention("I love it");
    assert_eq!(desk.outgoing(1).await, sent(2));
    assert_eq!(desk.done(SentKind::Like).len(), 1);
    // A post that opens a conversation of its own can be hidden by nobody but its author.
    desk.mention("rude words");
    let outgoing = desk.outgoing(2).await;
    assert_eq!(outgoing.iter().map(|(state, _)| &**state).collect::<Vec<_>>(), ["refused", "sent"], "{outgoing:?}");
    desk.sim.fault(Fault::on("POST /2/users/:id/likes").times(1).answer(403, "{\"title\": \"Forbidden\"}")).unwrap();
    desk.mention("love, again");
    let outgoing = desk.outgoing(3).await;
    assert_eq!(outgoing.iter().map(|(state, _)| &**state).collect::<Vec<_>>(), ["refused", "sent"], "{outgoing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_is_no_post_to_like() {
    let desk = Desk::new(r#"trigger "Like" { on created then like the post }"#).await;
    desk.sim.dm("mira", "acme", "hello").unwrap();
    assert_eq!(desk.outgoing(1).await, [("refused".to_owned(), Some(ReasonKind::NoTarget))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_do_no_more_in_an_hour_than_the_settings_allow() {
    let limits = format!("{ACCOUNT}[limits]\nactions_per_account_per_hour = 2\n");
    let rules = r#"
trigger "Praise" { on created when description contains "love" then like the post }
trigger "Answer" { on created then reply "Thank you" }
macro "Like" { then like the post }
"#;
    let desk = Desk::declared(rules, &limits).await;
    for n in 1..=3 {
        desk.mention("I love it");
        let outgoing = desk.outgoing(n).await;
        let like = outgoing.first().unwrap();
        match n {
            3 => assert_eq!(*like, ("refused".to_owned(), Some(ReasonKind::Capped))),
            _ => assert_eq!(*like, sent(1)[0], "{n}"),
        }
        assert_eq!(outgoing[1].0, "sent", "replies have a limit of their own");
    }
    let reason = desk.daemon.store().outgoing(TicketId(3)).await.unwrap()[0].reason.clone();
    let says = "rules already did 2 actions from this account in the last hour (`limits.actions_per_account_per_hour` in twite.toml)";
    assert_eq!(reason.as_deref(), Some(says));
    // An agent is not limited.
    let rules = desk.daemon.rules();
    let update = AgentUpdate::of_macro(Actor::Owner, Via::Cli, &rules.macros[0]);
    agent::update(desk.daemon.app(), TicketId(3), &update).await.unwrap();
    assert_eq!(desk.outgoing(3).await[2], sent(1)[0]);
    assert_eq!(desk.done(SentKind::Like).len(), 3);
}
