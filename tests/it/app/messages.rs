//! Direct messages to people who wrote in public, and replies from a named account.

use std::sync::Arc;

use crate::support::{inside, owner::OwnerReads as _, simulator};
use twite::{
    app::agent::{self, AgentUpdate},
    daemon::Daemon,
    desk::{Actor, Author, ReasonKind, Ticket, TicketId, Via},
    sim::{Cut, Fault, NewPerson, NewPost, SentKind, SimHandle},
};

const ACCOUNTS: &str = r#"
[[account]]
handle = "acme"

[[account]]
handle = "help"

[[agent]]
name = "Ana"
"#;

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new(rules: &str, declared: &str) -> Self {
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        sim.make_user(&NewPerson::named("mira")).unwrap();
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme", "help"], rules, declared).await;
        Self { sim, daemon, _directory: directory }
    }

    async fn run(&self) {
        self.daemon.run_until_idle().await.unwrap();
    }

    async fn mention(&self, text: &str) {
        self.sim.post(&NewPost { by: "mira".into(), text: text.into(), ..NewPost::default() }).unwrap();
        self.run().await;
    }

    async fn dm(&self, text: &str) {
        self.sim.dm("mira", "acme", text).unwrap();
        self.run().await;
    }

    async fn apply(&self, title: &str, ticket: i64) -> Result<(), agent::NotDone> {
        let rules = self.daemon.rules();
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        let update = AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Cli, found);
        agent::update(self.daemon.app(), TicketId(ticket), &update).await.map(drop)
    }

    async fn ticket(&self, id: i64) -> Ticket {
        self.daemon.store().ticket(TicketId(id)).await.unwrap().unwrap()
    }

    /// The author and the text of each comment.
    async fn said(&self, id: i64) -> Vec<(Author, String)> {
        let comments = self.daemon.store().comments(TicketId(id)).await.unwrap();
        comments.into_iter().map(|comment| (comment.author, comment.text)).collect()
    }

    async fn outgoing(&self, id: i64) -> Vec<(String, Option<ReasonKind>)> {
        let outgoing = self.daemon.store().outgoing(TicketId(id)).await.unwrap();
        outgoing.into_iter().map(|out| (out.state, out.reason_kind)).collect()
    }

    fn sent(&self) -> Vec<(String, SentKind)> {
        let sent = self.sim.sent().into_iter().filter(|sent| matches!(sent.kind, SentKind::Post | SentKind::Dm));
        sent.map(|sent| (sent.author, sent.kind)).collect()
    }
}

const RULES: &str = r#"
trigger "In private" {
  on created
  when channel is twitter
  then message requester "Please send us your order number"
}
macro "Write" { then message requester "Thank you, {{ticket.requester.handle}}" }
macro "Say" { then reply "{{ticket.latest_public_comment}}" }
trigger "Every update" { on updated then add tags updated }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_in_public_is_answered_in_private() {
    let desk = Desk::new(RULES, ACCOUNTS).await;
    desk.mention("@acme where is my parcel").await;
    desk.run().await;
    assert_eq!(desk.sent(), [("acme".to_owned(), SentKind::Dm)]);
    assert_eq!(desk.outgoing(1).await, [("sent".to_owned(), None)]);
    let public = [(Author::Requester, "@acme where is my parcel".to_owned())];
    assert_eq!(desk.said(1).await, public, "it is nothing public");
    let ticket = desk.ticket(1).await;
    assert_eq!((ticket.comments, ticket.replies, ticket.first_reply), (1, 0, None));

    // The answer opens the ticket of their direct messages, which has both, and knows the other.
    desk.dm("it is 4711").await;
    let asked = (Author::Rule, "Please send us your order number".to_owned());
    assert_eq!(desk.said(2).await, [asked.clone(), (Author::Requester, "it is 4711".to_owned())]);
    let links = desk.daemon.store().links(TicketId(1)).await.unwrap();
    assert_eq!(links, [(TicketId(2), "message".to_owned())]);
    let private = desk.ticket(2).await;
    assert_eq!((private.replies, private.tags.len()), (0, 0), "a rule's message is no update: {private:?}");

    // Another one joins it, and runs no rules.
    desk.apply("Write", 1).await.unwrap();
    desk.run().await;
    assert_eq!(desk.said(2).await.last(), Some(&(Author::Agent, "Thank you, mira".to_owned())));
    assert!(desk.ticket(2).await.tags.is_empty());
    assert_eq!(desk.said(1).await, public);
    // What is said in private is in no placeholder of the public ticket.
    desk.apply("Say", 1).await.unwrap();
    desk.run().await;
    let last = desk.said(1).await.last().unwrap().1.clone();
    assert!(last.contains("where is my parcel") && !last.contains("Thank you"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_no_messages_is_left_alone_and_that_is_told() {
    let desk = Desk::new(RULES, ACCOUNTS).await;
    desk.sim.close_dms("mira", true).unwrap();
    desk.mention("@acme where is my parcel").await;
    desk.run().await;
    assert_eq!(desk.outgoing(1).await, [("refused".to_owned(), Some(ReasonKind::DirectClosed))]);
    assert_eq!(desk.sent(), [], "nothing is said in public instead");
}

/// The answer of X is lost: the message is looked up, and not sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_is_lost_is_not_sent_twice() {
    let desk = Desk::new(RULES, ACCOUNTS).await;
    let endpoint = "POST /2/dm_conversations/with/:participant_id/messages";
    desk.sim.fault(Fault::on(endpoint).times(1).cut(Cut::After)).unwrap();
    desk.mention("@acme where is my parcel").await;
    desk.run().await;
    assert_eq!(desk.outgoing(1).await, [("sent".to_owned(), None)]);
    assert_eq!(desk.sent().len(), 1);
    desk.dm("it is 4711").await;
    assert_eq!(desk.said(2).await.first().unwrap().0, Author::Rule);
    assert_eq!(desk.said(2).await.len(), 2, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_counts_for_the_limits_of_replies() {
    let limits = format!("{ACCOUNTS}[limits]\nreplies_per_person_per_hour = 1\n");
    let desk = Desk::new(RULES, &limits).await;
    desk.mention("@acme one").await;
    desk.mention("@acme two").await;
    desk.run().await;
    assert_eq!(desk.outgoing(1).await, [("sent".to_owned(), None)]);
    assert_eq!(desk.outgoing(2).await, [("refused".to_owned(), Some(ReasonKind::Capped))]);
    let reason = desk.daemon.store().outgoing(TicketId(2)).await.unwrap()[0].reason.clone();
    let says = "rules already wrote to this person 1 time in the last hour (`limits.replies_per_person_per_hour` in twite.toml)";
    assert_eq!(reason.as_deref(), Some(says));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_leaves_from_the_account_that_a_rule_names() {
    let rules = r#"
trigger "Help" { on created then reply from "help" "We look after this" }
macro "Help" { then reply from "help" "Hello" }
"#;
    let desk = Desk::new(rules, ACCOUNTS).await;
    desk.mention("@acme @help where is my parcel").await;
    desk.run().await;
    // One ticket for each account; X refuses the second of the same text to the same post.
    assert!(desk.sent().iter().all(|sent| *sent == ("help".to_owned(), SentKind::Post)), "{:?}", desk.sent());
    assert!(!desk.sent().is_empty());
    // A direct message is answered from the account that received it: refused, and never sent from another.
    let sent = desk.sent().len();
    desk.dm("in private").await;
    desk.run().await;
    let ticket = 3;
    assert_eq!(desk.outgoing(ticket).await, [("refused".to_owned(), Some(ReasonKind::NoAccount))]);
    let reason = desk.daemon.store().outgoing(TicketId(ticket)).await.unwrap()[0].reason.clone();
    let why = "a direct message is answered from the account that received it, @acme";
    assert_eq!(reason.as_deref(), Some(why));
    let refused = desk.apply("Help", ticket).await.unwrap_err().to_string();
    assert!(refused.contains(why), "{refused}");
    assert_eq!(desk.sent().len(), sent);
}
