//! What comes from X in all its forms, over HTTP.

use std::sync::Arc;

use crate::support::{inside, owner::OwnerReads as _, simulator};
use twite::{
    daemon::Daemon,
    desk::{Comment, TicketId},
    sim::{NewPerson, NewPost, SimHandle},
    store::Counts,
};

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new(accounts: &[&str], rules: &str, extra: &str) -> Self {
        let sim = simulator().await;
        for person in ["ana", "bob"] {
            sim.make_user(&NewPerson::named(person)).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let (daemon, _) = inside::daemon(directory.path(), &sim, accounts, rules, extra).await;
        Self { sim, daemon, _directory: directory }
    }

    fn say(&self, by: &str, text: &str) -> String {
        self.sim.post(&NewPost { by: by.into(), text: text.into(), ..NewPost::default() }).unwrap()
    }

    fn answer(&self, by: &str, text: &str, to: &str) -> String {
        let post = NewPost { by: by.into(), text: text.into(), in_reply_to: Some(to.into()), ..NewPost::default() };
        self.sim.post(&post).unwrap()
    }

    async fn counts(&self) -> Counts {
        self.daemon.run_until_idle().await.unwrap();
        self.daemon.store().counts().await.unwrap()
    }

    async fn comments(&self, ticket: i64) -> Vec<Comment> {
        self.daemon.store().comments(TicketId(ticket)).await.unwrap()
    }
}

const TAG: &str = "trigger \"Late\" { on created when comment.text contains \"lastword\" then add tags late }\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_of_a_long_post_is_read() {
    let desk = Desk::new(&["acme"], TAG, "").await;
    desk.sim.allow_long_posts("ana", true).unwrap();
    desk.say("ana", &format!("@acme {} lastword", "word ".repeat(400)));
    assert_eq!(desk.counts().await.fired.get("Late"), Some(&1));
    assert!(desk.comments(1).await[0].text.ends_with("lastword"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_direct_message_is_whole() {
    let desk = Desk::new(&["acme"], TAG, "").await;
    let text = format!("{} lastword", "word ".repeat(1_900));
    desk.sim.dm("ana", "acme", &text).unwrap();
    assert_eq!(desk.counts().await.fired.get("Late"), Some(&1));
    assert_eq!(desk.comments(1).await[0].text, text);
}

#[tokio::test(flavor = "multi_thread")]
async fn escapes_are_decoded_once() {
    let desk = Desk::new(&["acme"], TAG, "").await;
    let text = "@acme 1 < 2 && 3 > 2, &amp;lt; is an escape, and so is &lt;";
    desk.say("ana", text);
    desk.sim.dm("bob", "acme", text).unwrap();
    assert_eq!(desk.counts().await.tickets, 2);
    for ticket in [1, 2] {
        assert_eq!(desk.comments(ticket).await[0].text, text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_to_two_accounts_is_a_ticket_of_each_and_these_are_linked() {
    let desk = Desk::new(&["acme", "bikes"], TAG, "").await;
    let asked = desk.say("ana", "@acme @bikes which of you is it?");
    let counts = desk.counts().await;
    assert_eq!((counts.tickets, counts.comments, counts.linked), (2, 2, 2));
    // The answer of one of them is a comment on its own ticket.
    desk.answer("bikes", "@ana it is us", &asked);
    assert_eq!(desk.counts().await.comments, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn reposts_make_no_tickets_and_quotes_do() {
    let desk = Desk::new(&["acme"], TAG, "").await;
    let asked = desk.say("ana", "@acme where is my parcel?");
    assert_eq!(desk.counts().await.tickets, 1);
    desk.sim.repost("bob", &asked).unwrap();
    assert_eq!(desk.counts().await.tickets, 1);
    let quote =
        NewPost { by: "bob".into(), text: "@acme answer her!".into(), quotes: Some(asked), ..NewPost::default() };
    desk.sim.post(&quote).unwrap();
    assert_eq!(desk.counts().await.tickets, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_in_a_thread_has_one_ticket() {
    let desk = Desk::new(&["acme"], TAG, "").await;
    // To each answer in this thread, X adds a mention of the account.
    let root = desk.say("acme", "We are open on Sunday.");
    let first = desk.answer("ana", "@acme really?", &root);
    let second = desk.answer("bob", "@ana @acme yes, really", &first);
    desk.answer("ana", "@bob @acme how nice", &second);
    desk.answer("ana", "@acme and on Monday?", &root);
    let counts = desk.counts().await;
    assert_eq!((counts.tickets, counts.linked), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_several_code_points_are_cut_whole() {
    let desk = Desk::new(&["acme"], TAG, "").await;
    let family = "👩‍👩‍👧‍👦".repeat(30);
    desk.say("ana", &format!("@acme {family}"));
    assert_eq!(desk.counts().await.tickets, 1);
    let subject = desk.daemon.store().ticket(TicketId(1)).await.unwrap().unwrap().subject;
    let rest = subject.trim_start_matches("@acme ").trim_end_matches('…').trim();
    assert!(rest.is_empty() || rest.replace("👩‍👩‍👧‍👦", "").is_empty(), "{subject}");
}
