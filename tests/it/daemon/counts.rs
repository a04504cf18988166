//! Likes, reposts and replies of a post grow: they are read again while rules ask for them.

use std::sync::Arc;

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::SignedDuration;
use twite::{
    daemon::{Daemon, LookupOutcome},
    desk::{Status, Ticket, TicketId},
    sim::{NewPerson, NewPost, SimHandle},
};

const MUCH_LIKED: &str =
    "automation \"Much liked\" {\n  when post.likes >= 2 and status < solved\n  then add tags much_liked\n}\n";
/// Asks once, when the ticket is opened.
const AT_FIRST: &str =
    "trigger \"Much liked\" {\n  on created\n  when post.likes >= 2\n  then add tags much_liked\n}\n";

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    post: String,
    _directory: tempfile::TempDir,
}

impl Desk {
    /// A desk with one ticket, of a post that nobody likes yet.
    async fn new(rules: &str) -> Self {
        let sim = simulator().await;
        for name in ["ana", "ben", "cleo"] {
            sim.make_user(&NewPerson::named(name)).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, "").await;
        let post =
            sim.post(&NewPost { by: "ana".into(), text: "@acme it is late".into(), ..NewPost::default() }).unwrap();
        daemon.run_until_idle().await.unwrap();
        Self { sim, daemon, post, _directory: directory }
    }

    fn later(&self, minutes: i64) {
        let clock = self.daemon.clock();
        clock.reached(clock.now().checked_add(SignedDuration::from_mins(minutes)).unwrap());
    }

    async fn counts(&self) -> LookupOutcome {
        self.daemon.lookup().counts().await.unwrap()
    }

    async fn ticket(&self) -> Ticket {
        while self.daemon.evaluate_next().await.unwrap() {}
        self.daemon.store().ticket(TicketId(1)).await.unwrap().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn likes_are_read_again_while_a_rule_asks_for_them() {
    let desk = Desk::new(MUCH_LIKED).await;
    assert_eq!(desk.ticket().await.post.likes, Some(0));
    desk.later(30);
    assert_eq!(desk.counts().await, LookupOutcome::Nothing, "read half an hour ago");

    desk.sim.like("ben", &desk.post).unwrap();
    desk.sim.like("cleo", &desk.post).unwrap();
    desk.later(31);
    assert_eq!(desk.counts().await, LookupOutcome::Answered);
    assert_eq!(desk.counts().await, LookupOutcome::Nothing, "once an hour");
    desk.later(1);
    let ticket = desk.ticket().await;
    assert_eq!(ticket.post.likes, Some(2));
    assert!(ticket.tags.contains("much_liked"), "{:?}", ticket.tags);

    // Fewer likes are a change as well.
    desk.sim.unlike("ben", &desk.post).unwrap();
    desk.later(61);
    assert_eq!(desk.counts().await, LookupOutcome::Answered);
    assert_eq!(desk.ticket().await.post.likes, Some(1));

    // A post is old after a week.
    desk.later(7 * 24 * 60);
    assert_eq!(desk.counts().await, LookupOutcome::Nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_rule_asks_later_likes_are_read_with_what_else_is_checked() {
    let desk = Desk::new(AT_FIRST).await;
    desk.sim.like("ben", &desk.post).unwrap();
    desk.later(61);
    assert_eq!(desk.counts().await, LookupOutcome::Nothing);
    desk.later(12 * 60);
    assert_eq!(desk.daemon.lookup().recheck().await.unwrap(), LookupOutcome::Answered);
    assert_eq!(desk.ticket().await.post.likes, Some(1));
    assert_eq!(desk.ticket().await.status, Status::New);
}
