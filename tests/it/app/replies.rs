//! From which account a reply leaves: the one that an agent names, else the one that was addressed, else the default.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use twite::{
    app::agent::{self, AgentUpdate, Description, NotDone},
    daemon::Daemon,
    desk::{Actor, TicketId, Via, XId},
    sim::{Cut, Fault, NewPerson, NewPost, SentKind, SimHandle},
    store::{Pause, SEND_POSTS},
};

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};

/// `acme` and `help` reply, `help` for others too; `quiet` does not; `far` is not connected.
const DESK: &str = r#"
edition = "suite"

[[agent]]
name = "Ana"

[[account]]
handle = "help"
capture_mentions = false
default = true

[[account]]
handle = "quiet"
allow_replies = false

[[account]]
handle = "far"
"#;

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    accounts: Vec<XId>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new(rules: &str) -> Self {
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        sim.make_user(&NewPerson::named("mira")).unwrap();
        let (daemon, accounts) = inside::daemon(directory.path(), &sim, &["acme", "help", "quiet"], rules, DESK).await;
        Self { sim, daemon, accounts, _directory: directory }
    }

    /// The ticket of a post that mentions an account, and `help`: X lets only those reply who are mentioned.
    async fn mention(&self, account: &str) -> TicketId {
        let text = format!("@{account} @help hello");
        self.sim.post(&NewPost { by: "mira".into(), text, ..NewPost::default() }).unwrap();
        self.latest().await
    }

    /// The ticket of a direct message to an account.
    async fn direct(&self, account: &str) -> TicketId {
        self.sim.dm("mira", account, "psst").unwrap();
        self.latest().await
    }

    async fn latest(&self) -> TicketId {
        self.daemon.run_until_idle().await.unwrap();
        TicketId(self.daemon.store().counts().await.unwrap().tickets)
    }

    fn reply(&self, from: Option<&str>, text: &str) -> AgentUpdate {
        let said = Description { reply: Some(text), ..Default::default() };
        let actions = said.actions("test", &self.daemon.rules().desk).map_err(|(found, _)| found).unwrap();
        let account = from.map(str::to_owned);
        AgentUpdate { account, ..AgentUpdate::new(Actor::Agent("Ana".into()), Via::Web, actions) }
    }

    async fn update(&self, ticket: TicketId, from: Option<&str>, text: &str) -> Result<(), String> {
        let (app, update) = (self.daemon.app(), self.reply(from, text));
        let done = |done: Result<agent::Applied, NotDone>| done.map(drop).map_err(|error| error.to_string());
        let previewed = done(agent::preview(app, ticket, &update).await);
        let updated = done(agent::update(app, ticket, &update).await);
        assert_eq!(previewed, updated, "a preview says what the update does");
        updated
    }

    /// Who sent what.
    fn sent(&self) -> Vec<(String, SentKind, String)> {
        let sent = self.sim.sent().into_iter().filter(|sent| matches!(sent.kind, SentKind::Post | SentKind::Dm));
        sent.map(|sent| (sent.author, sent.kind, sent.text.unwrap())).collect()
    }
}

fn post(by: &str, text: &str) -> (String, SentKind, String) {
    (by.to_owned(), SentKind::Post, text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_leaves_from_the_account_that_is_named() {
    let desk = Desk::new("").await;
    let ticket = desk.mention("acme").await;
    desk.update(ticket, None, "one").await.unwrap();
    desk.update(ticket, Some("HELP"), "two").await.unwrap();
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent(), [post("acme", "one"), post("help", "two")], "two updates at one time are two");
    let comments = desk.daemon.store().comments(ticket).await.unwrap();
    let by: Vec<_> = comments.iter().skip(1).map(|c| (c.author_id.as_ref().unwrap().x().unwrap(), &*c.text)).collect();
    assert_eq!(by, [(&desk.accounts[0], "one"), (&desk.accounts[1], "two")], "and each is one comment");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_reply_is_refused_by_name() {
    let desk = Desk::new("").await;
    let (public, direct, quiet) = (desk.mention("acme").await, desk.direct("acme").await, desk.direct("quiet").await);
    for (ticket, from, why) in [
        (public, Some("quiet"), "@quiet has `allow_replies = false`"),
        (public, Some("far"), "@far is not connected"),
        (public, Some("nobody"), "@nobody is not declared in twite.toml"),
        (direct, Some("help"), "a direct message is answered from the account that received it, @acme"),
        (quiet, None, "@quiet has `allow_replies = false`"),
        (quiet, Some("help"), "a direct message is answered from the account that received it, @quiet"),
    ] {
        let refused = desk.update(ticket, from, "hello").await.unwrap_err();
        assert_eq!(refused, format!("ticket {ticket}: the reply cannot be sent: {why}"));
    }
    desk.update(direct, Some("acme"), "hello").await.unwrap();
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent(), [("acme".to_owned(), SentKind::Dm, "hello".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_account_replies_for_one_that_may_not_and_is_recognised() {
    let rules = "trigger \"Answer\" { on created then reply \"Ref {{ticket.id}}\" }";
    for cut in [None, Some(Cut::After)] {
        let desk = Desk::new(rules).await;
        if let Some(cut) = cut {
            desk.sim.fault(Fault::on("POST /2/tweets").cut(cut)).unwrap();
        }
        let ticket = desk.mention("quiet").await;
        assert_eq!(desk.sent(), [post("help", "Ref 1")]);
        let comments = desk.daemon.store().comments(ticket).await.unwrap();
        assert_eq!(comments.len(), 2, "{comments:?}");
        assert_eq!(comments[1].author_id, Some(desk.accounts[1].clone().into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_of_one_account_holds_no_reply_of_another() {
    let desk = Desk::new("").await;
    let tickets = [desk.mention("acme").await, desk.mention("acme").await];
    let now = desk.daemon.clock().now();
    let pause = Pause {
        account: desk.accounts[0].clone(),
        what: SEND_POSTS.to_owned(),
        reason: "no credit".to_owned(),
        since: now,
        failures: 1,
        retry_at: now.checked_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX),
        told: true,
    };
    let mut tx = desk.daemon.store().begin().await.unwrap();
    tx.pause(&pause).await.unwrap();
    tx.commit().await.unwrap();
    desk.update(tickets[0], None, "held").await.unwrap();
    desk.update(tickets[1], Some("help"), "sent").await.unwrap();
    while desk.daemon.send_next().await.unwrap() {}
    assert_eq!(desk.sent(), [post("help", "sent")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_reply_waits_for_its_time() {
    let rules = r#"
        trigger "Tell" { on updated then notify requester { subject "seen" body "seen" } }
        macro "Answer and tell" { then reply "later" notify requester { subject "now" body "now" } }
    "#;
    let desk = Desk::new(rules).await;
    let ticket = desk.mention("acme").await;
    let (app, rules) = (desk.daemon.app(), desk.daemon.rules());
    let later = app.clock().now().checked_add(SignedDuration::from_mins(5)).unwrap();
    let update = AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Web, &rules.macros[0]);
    agent::update(app, ticket, &AgentUpdate { not_before: Some(later), ..update }).await.unwrap();
    let queued = app.store().queued().await.unwrap();
    let waits: Vec<_> = queued.iter().map(|item| (item.destination.to_string(), item.due >= later)).collect();
    assert_eq!(waits, [("posts/acme".to_owned(), true), ("mail".to_owned(), false), ("mail".to_owned(), false)]);
}
