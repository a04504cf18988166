//! Limits of the channel: what X refuses, what is too large, what is too old. Each is reported, and everything else
//! continues.

use std::{fs, sync::Arc};

use crate::support::owner::OwnerReads as _;
use crate::support::{TestDesk, inside, simulator};
use jiff::Timestamp;
use tokio::sync::broadcast::Receiver;
use twite::{
    app::Notice,
    daemon::{Daemon, LookupOutcome},
    desk::{AccountState, Actor, Author, CommentSource, ConnectedAccount, Delivery, TicketId, Tokens, XId},
    sim::{Cut, Fault, NewPerson, NewPost, SimHandle},
    store::NewComment,
};

const TAG: &str = "trigger \"Tag\" {\n  on created\n  then add tags seen\n}\n";
const ANSWER: &str = "trigger \"Answer\" {\n  on created\n  then reply \"We are on it.\"\n}\n";

/// A daemon with its own simulator, in which @ana can write.
struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    accounts: Vec<XId>,
    told: Receiver<Notice>,
    directory: tempfile::TempDir,
}

impl Desk {
    async fn new(accounts: &[&str], rules: &str) -> Self {
        Self::with(accounts, rules, "").await
    }

    /// A desk with additional declarations.
    async fn with(accounts: &[&str], rules: &str, extra: &str) -> Self {
        let sim = simulator().await;
        sim.make_user(&NewPerson::named("ana")).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (daemon, accounts) = inside::daemon(directory.path(), &sim, accounts, rules, extra).await;
        let told = daemon.notices().listen();
        Self { sim, daemon, accounts, told, directory }
    }

    /// Advances the desk's clock.
    fn later(&self, hours: i64) {
        let clock = self.daemon.clock();
        clock.reached(clock.now().checked_add(jiff::SignedDuration::from_hours(hours)).unwrap());
    }

    fn say(&self, text: &str) -> String {
        self.sim.post(&NewPost { by: "ana".into(), text: text.into(), ..NewPost::default() }).unwrap()
    }

    fn answer(&self, text: &str, to: &str) -> String {
        let post = NewPost { by: "ana".into(), text: text.into(), in_reply_to: Some(to.into()), ..NewPost::default() };
        self.sim.post(&post).unwrap()
    }

    async fn until_idle(&self) -> twite::store::Counts {
        self.daemon.run_until_idle().await.unwrap();
        self.daemon.store().counts().await.unwrap()
    }

    async fn state(&self, account: usize) -> AccountState {
        let accounts = self.daemon.store().accounts().await.unwrap();
        accounts.iter().find(|a| a.id == self.accounts[account]).unwrap().state
    }

    /// Warnings since the last call.
    fn worries(&mut self) -> Vec<String> {
        let mut worries = vec![];
        while let Ok(notice) = self.told.try_recv() {
            if matches!(notice, Notice::Failing { .. } | Notice::Trouble { .. } | Notice::SetAside { .. }) {
                worries.push(notice.to_string());
            }
        }
        worries
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_x_refuses_pauses_alone_and_resumes_with_nothing_lost() {
    let mut desk = Desk::new(&["acme", "bikes"], TAG).await;
    desk.say("@acme one");
    assert_eq!(desk.until_idle().await.tickets, 1);
    assert_eq!(desk.worries(), Vec::<String>::new());

    desk.sim.revoke("acme").unwrap();
    desk.say("@acme two");
    desk.say("@bikes three");
    assert_eq!(desk.until_idle().await.tickets, 2, "the other account goes on");
    assert_eq!((desk.state(0).await, desk.state(1).await), (AccountState::Unauthorised, AccountState::Connected));
    let worries = desk.worries();
    assert_eq!(worries.len(), 1, "told once: {worries:?}");
    assert!(worries[0].contains("@acme") && worries[0].contains("twite accounts reauthorise acme"), "{worries:?}");

    // Another process connects the account again.
    let tokens = desk.sim.connect("acme").unwrap();
    let tokens =
        Tokens { access: tokens.access_token, refresh: Some(tokens.refresh_token), expires: None, scopes: vec![] };
    let account = desk.daemon.store().accounts().await.unwrap().into_iter().find(|a| a.handle == "acme").unwrap();
    desk.daemon.store().save_tokens(desk.daemon.key(), &account.id, &tokens).await.unwrap();
    desk.daemon.store().connect(&ConnectedAccount { state: AccountState::Connected, ..account }).await.unwrap();
    assert_eq!(desk.until_idle().await.tickets, 3, "what was written meanwhile is not lost");
    assert_eq!(desk.worries(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_x_answers_in_trouble_is_told_and_tried_again() {
    let mut desk = Desk::new(&["acme"], TAG).await;
    desk.say("@acme one");
    let mentions = "GET /2/users/:id/mentions";
    for fault in [
        // Without the header that says when the limit ends.
        Fault::on(mentions).answer(429, ""),
        Fault::on(mentions).answer(503, ""),
        Fault::on(mentions).answer(502, "<html>Bad gateway</html>"),
        Fault::on(mentions).answer(200, "<html>All is well</html>"),
        Fault::on(mentions).cut(Cut::Before),
        Fault::on(mentions).cut(Cut::After),
    ] {
        let what = format!("{fault:?}");
        desk.sim.fault(fault).unwrap();
        let before = desk.until_idle().await.tickets;
        let worries = desk.worries();
        assert_eq!(worries.len(), 1, "{what}: {worries:?}");
        assert!(worries[0].contains("@acme") && worries[0].contains("retrying"), "{what}: {worries:?}");
        assert_eq!(desk.state(0).await, AccountState::Connected, "{what}");
        desk.say("@acme again");
        assert!(desk.until_idle().await.tickets > before, "{what}");
        desk.worries();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_set_aside_once_and_the_endpoint_goes_on() {
    let mut desk = Desk::new(&["acme"], TAG).await;
    let post =
        |n: u32, text: &str| format!(r#"{{"id":"199000000000000000{n}","author_id":"71","text":"@acme {text}"}}"#);
    // The post is listed again with other counts of likes; it is the same post.
    for likes in 0..3 {
        let broken = post(2, &format!("caf\\ud83d {likes}"));
        let page = format!(r#"{{"data":[{},{broken},{}]}}"#, post(3, "three"), post(1, "one"));
        desk.sim.fault(Fault::on("GET /2/users/:id/mentions").answer(200, page)).unwrap();
        let counts = desk.until_idle().await;
        assert_eq!((counts.tickets, counts.set_aside), (2, 1));
    }
    let worries = desk.worries();
    assert!(worries.len() == 1 && worries[0].contains("not valid JSON"), "{worries:?}");
    assert!(worries[0].starts_with("@acme: post 1990000000000000002 was set aside"), "{worries:?}");
    desk.say("@acme four");
    assert_eq!(desk.until_idle().await.tickets, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_from_before_an_account_was_captured_make_no_tickets() {
    let desk = Desk::new(&["acme"], TAG).await;
    let old = desk.say("@acme long ago");
    let from = desk.sim.now().checked_add(jiff::SignedDuration::from_secs(30)).unwrap();
    desk.sim.advance(std::time::Duration::from_secs(60));
    let account = desk.daemon.store().accounts().await.unwrap().remove(0);
    desk.daemon.store().connect(&ConnectedAccount { capture_from: Some(from), ..account }).await.unwrap();
    assert_eq!(desk.until_idle().await.tickets, 0);
    desk.answer("@acme and still nothing", &old);
    let counts = desk.until_idle().await;
    assert_eq!(counts.tickets, 1);
    // The person's earlier post in that conversation belongs to the ticket too.
    assert_eq!(counts.comments, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_takes_five_thousand_comments_and_says_what_it_left_out() {
    let mut desk = Desk::with(&["acme"], TAG, ADMIN).await;
    let first = desk.say("@acme one");
    desk.until_idle().await;
    desk.fill().await;
    let last = desk.answer("@acme the last that fits", &first);
    assert_eq!(desk.until_idle().await.comments, 5_000);
    desk.answer("@acme one too many", &last);
    desk.answer("@acme two too many", &last);
    let counts = desk.until_idle().await;
    assert_eq!((counts.tickets, counts.comments), (1, 5_000));
    assert_eq!(desk.daemon.store().left_out(TicketId(1)).await.unwrap(), 2);
    // The admins are told once.
    assert_eq!(desk.worries(), ["ticket 1 has 5000 comments, and takes no further messages"]);
    let mails: Vec<_> = fs::read_dir(desk.directory.path().join("rules/mail")).unwrap().collect();
    assert_eq!(mails.len(), 1);
    let mail = fs::read_to_string(mails[0].as_ref().unwrap().path()).unwrap();
    assert!(mail.contains("Subject: Ticket 1 is full") && mail.contains("when_full"), "{mail}");
    // The next conversation is below the limit.
    desk.say("@acme another thing");
    assert_eq!(desk.until_idle().await.tickets, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ticket_is_followed_up_if_that_is_wanted() {
    let extra = "[[account]]\nhandle = \"acme\"\nwhen_full = \"follow_up\"\n";
    let mut desk = Desk::with(&["acme"], TAG, extra).await;
    let first = desk.say("@acme one");
    desk.until_idle().await;
    desk.fill().await;
    let last = desk.answer("@acme the last that fits", &first);
    desk.until_idle().await;
    let more = desk.answer("@acme one too many", &last);
    desk.answer("@acme two too many", &more);
    let counts = desk.until_idle().await;
    assert_eq!((counts.tickets, counts.comments, counts.linked), (2, 5_002, 2));
    assert_eq!(desk.daemon.store().left_out(TicketId(1)).await.unwrap(), 0);
    assert_eq!(desk.worries(), [""; 0]);
}

/// An admin, and a folder for mails.
const ADMIN: &str = "[[agent]]\nname = \"Maya\"\nemail = \"maya@acme.example\"\nadmin = true\n\
                     [mail]\ndirectory = \"mail\"\nfrom = \"desk@acme.example\"\n";

impl Desk {
    /// Fills the first ticket with comments until there is room for one more.
    async fn fill(&self) {
        let mut tx = self.daemon.store().begin().await.unwrap();
        for n in 0..4_998_u64 {
            let comment = NewComment {
                ticket: TicketId(1),
                source: CommentSource::Post { id: (1000 + n).to_string().parse().unwrap() },
                actor: Actor::Person,
                author: Author::Requester,
                author_id: None,
                text: "again".into(),
                made: Timestamp::UNIX_EPOCH,
                delivery: Delivery::Imported,
                rating: None,
            };
            tx.add_comment(&comment).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_answers_the_version_that_people_see() {
    let desk = Desk::new(&["acme"], ANSWER).await;
    let first = desk.say("@acme teh parcel");
    let newest = desk.sim.edit(&first, "@acme the parcel").unwrap();
    assert_ne!(newest, first);
    assert_eq!(desk.until_idle().await.sent, 1);
    assert_eq!(desk.sim.sent()[0].in_reply_to.as_deref(), Some(newest.as_str()));
    // The echo of the reply is recognised, and the person's answer to it joins the ticket.
    let reply = desk.sim.sent()[0].id.clone();
    desk.answer("@acme thanks!", &reply);
    let counts = desk.until_idle().await;
    assert_eq!((counts.tickets, counts.sent), (1, 1));
    let comments = desk.daemon.store().comments(TicketId(1)).await.unwrap();
    let texts: Vec<_> = comments.iter().map(|comment| comment.text.as_str()).collect();
    assert_eq!(texts, ["@acme the parcel", "We are on it.", "@acme thanks!"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_x_refuses_is_not_sent_again_and_shows_why() {
    let desk = Desk::new(&["acme"], ANSWER).await;
    let refusal = r#"{"title":"Forbidden","detail":"You are not allowed to reply to this post.","type":"about:blank","status":403}"#;
    desk.sim.fault(Fault::on("POST /2/tweets").answer(403, refusal)).unwrap();
    desk.say("@acme one");
    let counts = desk.until_idle().await;
    assert_eq!((counts.sent, counts.refused), (0, 1));
    let left = desk.daemon.store().outgoing(TicketId(1)).await.unwrap();
    assert!(left[0].reason.as_ref().unwrap().contains("not allowed to reply"), "{left:?}");
    // A deleted post cannot be answered.
    let gone = desk.say("@acme two");
    desk.sim.fault(Fault::on("POST /2/tweets").answer(503, "")).unwrap();
    desk.sim.delete(&gone).unwrap();
    desk.until_idle().await;
    assert_eq!(desk.sim.sent().len(), 0);
    // The desk continues.
    desk.say("@acme three");
    assert_eq!(desk.until_idle().await.sent, 1);
}

const TELLS_EVERYBODY: &str = r#"
trigger "Tells everybody" {
  on created, updated
  when comment.by_requester
  then
    add tags told
    note "seen"
    notify group "Social" {
      subject "{{ticket.subject}}"
      body "{{comment.text}}"
    }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_post_keeps_its_place_and_loses_its_text_everywhere() {
    let mail = tempfile::tempdir().unwrap();
    let extra = format!(
        "[[group]]\nname = \"Social\"\nemail = \"social@acme.example\"\n[mail]\ndirectory = {:?}\nfrom = \"desk@acme.example\"\n",
        mail.path()
    );
    let desk = Desk::with(&["acme"], TELLS_EVERYBODY, &extra).await;
    let first = desk.say("@acme quokkas ate my order");
    let second = desk.answer("@acme and wombats the receipt", &first);
    let counts = desk.until_idle().await;
    assert_eq!((counts.tickets, counts.comments, counts.fired["Tells everybody"]), (1, 2, 2));
    let store = desk.daemon.store();
    // A server's files are not accessible to the test.
    let path = desk.directory.path().join("twite.db");
    let is_file = path.exists();
    let kept = |text: &str| {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let log = std::fs::read(path.with_extension("db-wal")).unwrap_or_default();
        [bytes, log].concat().windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
    };
    assert!(!is_file || kept("quokkas") && kept("wombats"));

    // Nothing is rechecked before it is due, and a post that still exists stays unchanged.
    assert_eq!(desk.daemon.lookup().recheck().await.unwrap(), LookupOutcome::Nothing);
    desk.later(13);
    assert_eq!(desk.daemon.lookup().recheck().await.unwrap(), LookupOutcome::Answered);
    assert_eq!(desk.daemon.lookup().recheck().await.unwrap(), LookupOutcome::Nothing);
    assert!(store.comments(TicketId(1)).await.unwrap().iter().all(|comment| !comment.deleted));

    desk.sim.delete(&first).unwrap();
    desk.later(13);
    // An error of X does not mean that the post was deleted.
    desk.sim.fault(Fault::on("GET /2/tweets").answer(503, "")).unwrap();
    assert!(matches!(desk.daemon.lookup().recheck().await.unwrap(), LookupOutcome::Later(_)));
    assert_eq!(desk.daemon.lookup().recheck().await.unwrap(), LookupOutcome::Answered);
    while desk.daemon.take_next().await.unwrap() {}
    let comments = store.comments(TicketId(1)).await.unwrap();
    let posts: Vec<_> = comments.iter().filter(|c| c.source.x_id().is_some()).map(|c| (c.deleted, &*c.text)).collect();
    assert_eq!(posts, [(true, ""), (false, "@acme and wombats the receipt")]);
    let ticket = store.ticket(TicketId(1)).await.unwrap().unwrap();
    assert_eq!((ticket.comments, ticket.description.as_str(), ticket.subject.as_str()), (4, "", ""));
    let runs = store.decisions(TicketId(1)).await.unwrap();
    assert!(runs.iter().all(|run| run.run.is_none() && run.fired == ["Tells everybody"]), "{runs:?}");
    assert!(!is_file || !kept("quokkas"), "the text of the deleted post is kept somewhere");
    assert!(!is_file || kept("wombats"));

    // The text does not come back in any way, and the ticket continues.
    let hello = serde_json::json!({"data": {
        "id": (second.parse::<u64>().unwrap() + 1).to_string(), "author_id": desk.sim.connect("ana").unwrap().user_id,
        "text": "@acme hello?", "conversation_id": first, "referenced_tweets": [{"type": "replied_to", "id": first}],
    }});
    desk.sim.load_lines(hello.to_string().as_bytes()).unwrap();
    assert_eq!(desk.sim.release(1, false).unwrap(), 1);
    let counts = desk.until_idle().await;
    assert_eq!((counts.tickets, counts.comments), (1, 3));
    assert!(!kept("quokkas"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_cannot_be_looked_up_is_asked_for_with_patience() {
    let mut desk = Desk::new(&["acme"], TAG).await;
    desk.sim.make_user(&NewPerson::named("kim")).unwrap();
    let above = desk.sim.post(&NewPost { by: "kim".into(), text: "look".into(), ..NewPost::default() }).unwrap();
    desk.answer("@acme did you see that?", &above);
    desk.sim.fault(Fault::on("GET /2/tweets").times(3).answer(429, "")).unwrap();
    // `run_until_idle` does not wait for X; the ticket is opened without the parent post.
    assert_eq!(desk.until_idle().await.tickets, 1);
    let worries = desk.worries();
    assert_eq!(worries.len(), 1, "{worries:?}");
    let mut lookup = desk.daemon.lookup();
    for told in [1, 0] {
        let looked = lookup.parents().await.unwrap();
        assert!(matches!(looked, LookupOutcome::Later(wait) if wait.as_secs() >= 15), "{looked:?}");
        assert_eq!(desk.worries().len(), told, "told once");
    }
    desk.until_idle().await;
    let context = desk.daemon.store().context(TicketId(1)).await.unwrap();
    assert_eq!(
        context.iter().map(|(post, handle)| (&*post.text, handle.as_deref())).collect::<Vec<_>>(),
        [("look", Some("kim"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_set_is_reported_once_and_not_at_every_poll() {
    let desk = TestDesk::new(&["acme"], TAG, "").await;
    let toml = desk.rules().join("twite.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    let secret = "[x]\nclient_secret_env = \"TWITE_TEST_NO_SECRET\"";
    std::fs::write(&toml, text.replacen("[x]", secret, 1)).unwrap();
    let _served = desk.serve();
    desk.logged("TWITE_TEST_NO_SECRET").await;
    // Meanwhile, each endpoint is polled every second.
    std::fs::write(desk.rules().join("rules.twite"), TAG.replace("seen", "noticed")).unwrap();
    let log = desk.logged_times("are live", 2).await;
    let said: Vec<_> = log.lines().filter(|line| line.contains("TWITE_TEST_NO_SECRET")).collect();
    assert!(said.len() == 1 && said[0].contains("@acme"), "{log}");
}
