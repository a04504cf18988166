//! `twite outbox`: agents withdraw or resend effects that wait or whose delivery is unknown.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;
use twite::{
    clock::Clock,
    daemon::Daemon,
    desk::{Act, Destination, Incoming, IncomingKind, Reason, ReasonKind, TicketId, Transport, Viewer, XId},
    sim::{Fault, NewPerson, NewPost, SentKind, SimHandle},
    store::{Asked, Holder, Next, OutboxItem, Receiver, Store, Watch},
};

use crate::support::owner::OwnerReads as _;
use crate::support::{TestDesk, inside, simulator};

const ANSWER: &str = r#"trigger "Answer" { on created then reply "Thanks. Ref {{ticket.id}}" }"#;

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    _directory: tempfile::TempDir,
}

impl Desk {
    /// A desk with one ticket, whose reply waits and was never tried.
    async fn new() -> Self {
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        sim.make_user(&NewPerson::named("mira")).unwrap();
        let (daemon, accounts) = inside::daemon(directory.path(), &sim, &["acme"], ANSWER, "").await;
        let post = NewPost { by: "mira".into(), text: "@acme hello".into(), ..NewPost::default() };
        let id: XId = sim.post(&post).unwrap().parse().unwrap();
        let payload = serde_json::json!({"data": {
            "id": id, "author_id": "501", "conversation_id": id, "text": "@acme hello", "created_at": sim.now(),
        }});
        let item = Incoming { kind: IncomingKind::Post, version: id.clone(), x_id: id, payload: payload.to_string() };
        daemon.store().accept(&accounts[0], Transport::Poll, &[item], None, sim.now()).await.unwrap();
        while daemon.take_next().await.unwrap() {}
        Self { sim, daemon, _directory: directory }
    }

    fn store(&self) -> &Store {
        self.daemon.store()
    }

    /// Claims the reply, and records this outcome if there is one.
    async fn claim(&self, then: Option<Next>) -> OutboxItem {
        let to: Destination = "posts/acme".parse().unwrap();
        let item = self.store().claim(&to, self.daemon.clock().now()).await.unwrap().unwrap();
        if let Some(next) = then {
            let (reason, now) = (Reason::new(ReasonKind::AnswerLost, "lost"), self.daemon.clock().now());
            self.store().not_sent(&item, next, &reason, &Receiver::Untried, now).await.unwrap();
        }
        item
    }

    async fn bring_to(&self, state: &str) {
        let now = self.daemon.clock().now();
        match state {
            "waiting" => {}
            "in doubt" => drop(self.claim(Some(Next::LookUp(now))).await),
            "being sent" | "interrupted" => drop(self.claim(None).await),
            "unknown" => {
                self.claim(Some(Next::LookUp(now))).await;
                self.claim(Some(Next::Unknown)).await;
            }
            "refused" => drop(self.claim(Some(Next::Refused)).await),
            "sent" => {
                let item = self.claim(None).await;
                self.store().sent(&item, None, "", None, now).await.unwrap();
            }
            "withdrawn" => {
                self.store().intervene(Viewer::Owner, 1, Act::Withdraw, "ana", None, now).await.unwrap();
            }
            other => panic!("{other}"),
        }
        if state == "being sent" {
            let (holder, mut watch) = (Holder::this_process(), Watch::default());
            let asked = self.store().ask_for_lease(&holder, &mut watch, Clock::Wall.now(), Instant::now()).await;
            assert!(matches!(asked.unwrap(), Asked::Taken(_)));
        }
    }

    async fn state(&self) -> String {
        self.store().outgoing(TicketId(1)).await.unwrap().remove(0).state
    }

    fn posts(&self) -> usize {
        self.sim.sent().iter().filter(|sent| sent.kind == SentKind::Post).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_or_is_unknown_has_two_ways_out_and_what_is_being_sent_has_none() {
    // The state, what an agent does, the resulting state or error, whether delivery may have happened, and the number
    // of posts after the daemon has continued.
    for (state, act, becomes, doubtful, posts) in [
        ("waiting", Act::Withdraw, Ok("withdrawn"), false, 0),
        ("waiting", Act::Resend, Ok("waiting"), false, 1),
        ("in doubt", Act::Withdraw, Ok("withdrawn"), true, 0),
        ("in doubt", Act::Resend, Ok("waiting"), true, 1),
        ("being sent", Act::Withdraw, Err("1 is being sent now"), false, 1),
        ("being sent", Act::Resend, Err("1 is being sent now"), false, 1),
        ("interrupted", Act::Withdraw, Ok("withdrawn"), true, 0),
        ("interrupted", Act::Resend, Err("1 was being sent when the daemon ended"), false, 1),
        ("unknown", Act::Withdraw, Ok("withdrawn"), true, 0),
        ("unknown", Act::Resend, Ok("waiting"), true, 1),
        ("refused", Act::Withdraw, Err("1 was already refused"), false, 0),
        ("refused", Act::Resend, Ok("waiting"), false, 1),
        ("sent", Act::Withdraw, Err("1 was already sent"), false, 0),
        ("sent", Act::Resend, Err("1 was already sent"), false, 0),
        ("withdrawn", Act::Withdraw, Err("1 was already withdrawn"), false, 0),
        ("withdrawn", Act::Resend, Ok("waiting"), false, 1),
    ] {
        let what = format!("{state}: {act:?}");
        let desk = Desk::new().await;
        desk.bring_to(state).await;
        let before = desk.store().interventions(TicketId(1)).await.unwrap().len();
        let done = desk.store().intervene(Viewer::Owner, 1, act, "ana", Some("she called"), Clock::Wall.now()).await;
        match (done, becomes) {
            (Ok(done), Ok(becomes)) => {
                assert_eq!((desk.state().await.as_str(), done.possibly_sent), (becomes, doubtful), "{what}");
                let kept = desk.store().interventions(TicketId(1)).await.unwrap();
                assert_eq!((kept.len(), kept.last().unwrap().line()), (before + 1, done.line()), "{what}");
                assert!(done.line().contains("by ana: she called"), "{what}: {}", done.line());
            }
            (Err(error), Err(why)) => {
                assert!(error.to_string().starts_with(why), "{what}: {error}");
                assert_eq!(desk.store().interventions(TicketId(1)).await.unwrap().len(), before, "{what}");
            }
            (done, _) => panic!("{what}: {done:?}"),
        }
        desk.daemon.run_until_idle().await.unwrap();
        assert_eq!(desk.posts(), posts, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_again_and_had_arrived_is_found_where_x_calls_it_a_duplicate() {
    let desk = Desk::new().await;
    // X takes the post, but does not show it for longer than the lookups last.
    desk.sim.fault(Fault::on("POST /2/tweets").cut(twite::sim::Cut::After)).unwrap();
    let empty = r#"{"meta":{"result_count":0}}"#;
    desk.sim.fault(Fault::on("GET /2/users/:id/tweets").times(200).answer(200, empty)).unwrap();
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!((desk.state().await.as_str(), desk.posts()), ("unknown", 1));
    desk.sim.clear_faults();
    desk.store().intervene(Viewer::Owner, 1, Act::Resend, "ana", None, desk.daemon.clock().now()).await.unwrap();
    while desk.daemon.send_next().await.unwrap() {}
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!((desk.state().await.as_str(), desk.posts()), ("sent", 1));
}

/// Runs a command on the desk; returns its exit status and both outputs.
fn twite(desk: &TestDesk, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = desk.command().args(arguments).env("USER", "ben").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sees_what_waits_and_why_and_decides_and_the_ticket_tells_of_it() {
    let desk = TestDesk::new(&["acme"], ANSWER, "").await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    desk.sim.fault(Fault::on("POST /2/tweets").times(1000).answer(402, "")).unwrap();
    let say = |text: &str| {
        desk.sim.post(&NewPost { by: "mira".into(), text: text.into(), ..NewPost::default() }).unwrap();
    };
    let mut served = desk.serve();
    say("@acme one");
    desk.logged("X refused").await;
    served.kill();
    let (code, shown, _) = twite(&desk, &["outbox"]);
    assert_eq!(code, Some(0));
    for said in
        ["    1  waiting", "on ticket 1", "to posts/acme", "held: sending posts is paused for @acme", "withdraw ID"]
    {
        assert!(shown.contains(said), "{said}:\n{shown}");
    }
    let (_, listed, _) = twite(&desk, &["outbox", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["id"], &listed[0]["destination"]), (&1.into(), &"posts/acme".into()), "{listed}");
    assert!(!listed[0]["held"]["until"].is_null(), "{listed}");
    let status = twite(&desk, &["status"]).1;
    assert!(status.contains("`twite outbox` lists them"), "{status}");

    let (code, done, _) = twite(&desk, &["outbox", "withdraw", "1", "--reason", "she called"]);
    assert_eq!((code, done.as_str()), (Some(0), "1 is withdrawn: reply \"Thanks. Ref 1\"\n"));
    let (code, _, said) = twite(&desk, &["outbox", "withdraw", "1", "7"]);
    assert_eq!((code, said.as_str()), (Some(1), "1 was already withdrawn\nno effect 7 in the outbox\n"));
    assert_eq!(twite(&desk, &["outbox"]).1, "the outbox is empty\n");
    let (code, _, said) = twite(&desk, &["outbox", "resend", "1", "--by", "cas"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("is paused") && said.contains("no daemon runs on"), "{said}");
    for command in [["why", "1"], ["ticket", "show"]] {
        let shown = twite(&desk, &[&command[..], &["1"][..usize::from(command[0] == "ticket")]].concat()).1;
        for line in ["withdrawn by ben: she called; it was waiting", "sent again by cas; it was withdrawn"] {
            assert!(shown.contains(line), "{command:?} {line}:\n{shown}");
        }
    }
    let why: Value = serde_json::from_str(&twite(&desk, &["why", "1", "--format", "json"]).1).unwrap();
    assert_eq!(why[0]["interventions"][1]["actor"], "cas", "{why}");
    desk.sim.clear_faults();
}
